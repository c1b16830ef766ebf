//! What a seed draws of a run before any detail: one struct, every field a number.
//!
//! How much of each thing there is, is drawn, and from how many kinds: so some runs have no crash and some nothing else. What
//! becomes of these numbers is in `vary`.

use super::draw::Draw;
use crate::scenario::faults::KINDS;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Faults that a swarm adds to one run at most.
const FAULTS_DRAWN: u64 = 12;

macro_rules! options {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// The options of one run.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Options {
            $($(#[$doc])+ pub $name: u32,)+
        }

        impl Options {
            /// Every option by its name.
            pub fn all(&self) -> Vec<(&'static str, u32)> {
                vec![$((stringify!($name), self.$name),)+]
            }

            fn field(&mut self, name: &str) -> Option<&mut u32> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)+
                    _ => None,
                }
            }
        }
    };
}

options! {
    /// Which of the files, from 0.
    file,
    /// 0: as the file is written, and its expectations are judged; 1: varied.
    varied,
    /// Messages of all campaigns together.
    messages,
    /// Campaigns; 0: those of the file.
    campaigns,
    /// Campaigns that go to the same contacts from one sender at once, in place of all others: enough for the pair limit.
    crowd,
    /// Senders; 0: those of the file.
    senders,
    /// Senders in one campaign at most.
    senders_each,
    /// Messages a second of a sender at most; 0: as in the file.
    throughput,
    /// Of a thousand campaigns: those that share contacts with an earlier one.
    overlaps,
    /// Of a thousand campaigns: those that begin later.
    late_starts,
    /// Of a thousand campaigns: those with a priority.
    priorities,
    /// Of a thousand campaigns: those with quiet hours.
    quiet_hours,
    /// Of a thousand portfolios: those with a messaging limit.
    messaging_limits,
    /// 1: `on_unknown = "never"`.
    never_resend,
    /// 1: the file's groups of contacts stay.
    keep_contacts,
    /// Groups of contacts that are added.
    contact_groups,
    /// 0: the file's handsets; 1: quick ones; 2: the usual ones; 3: drawn delays.
    handsets,
    /// What operators do.
    operators,
    /// 1: the file's faults stay.
    keep_faults,
    /// Of a thousand requests or webhooks: what a fault with a share takes at most.
    share_most,
    /// Of a thousand faults: those that do not begin and end while messages are sent.
    far_windows,
    /// Faults of this kind that are added.
    outage,
    /// Faults of this kind that are added.
    error,
    /// Faults of this kind that are added.
    throttle,
    /// Faults of this kind that are added.
    latency,
    /// Faults of this kind that are added.
    reset,
    /// Faults of this kind that are added.
    lost_reply,
    /// Faults of this kind that are added.
    garbled_reply,
    /// Faults of this kind that are added.
    webhook_delay,
    /// Faults of this kind that are added.
    webhook_duplicate,
    /// Faults of this kind that are added.
    webhook_reorder,
    /// Faults of this kind that are added.
    webhook_loss,
    /// Faults of this kind that are added.
    webhook_outage,
    /// Faults of this kind that are added.
    webhook_forged,
    /// Faults of this kind that are added.
    status_oddity,
    /// Faults of this kind that are added.
    engine_crash,
    /// Faults of this kind that are added.
    engine_zombie,
    /// Faults of this kind that are added.
    stale_store,
    /// Faults of this kind that are added.
    clock_step,
    /// Faults of this kind that are added.
    disk_full,
    /// Faults of this kind that are added.
    disk_slow,
    /// Faults of this kind that are added.
    token_revoked,
    /// Faults of this kind that are added.
    template_paused,
    /// Faults of this kind that are added.
    tier,
}

impl Options {
    /// The options of a seed, for so many files and at most so many messages.
    pub fn from_seed(seed: u64, files: usize, messages_most: u32) -> Self {
        let mut draw = Draw::new(seed, 0);
        let mut options = Self {
            file: draw.below(files as u64) as u32,
            varied: u32::from(!draw.chance(60)),
            messages: draw.mostly_small(1, u64::from(messages_most)) as u32,
            campaigns: often_none(&mut draw, 500, 4),
            crowd: if draw.chance(25) { draw.between(40, 60) as u32 } else { 0 },
            senders: often_none(&mut draw, 500, 4),
            senders_each: draw.one_of(&[1, 1, 2, 4]),
            throughput: draw.one_of(&[0, 0, 1, 10, 80, 80, 500, 1_000]),
            overlaps: draw.one_of(&[0, 0, 300, 1_000]),
            late_starts: draw.one_of(&[0, 0, 500]),
            priorities: draw.one_of(&[0, 0, 0, 700]),
            quiet_hours: draw.one_of(&[0, 0, 0, 0, 300, 1_000]),
            messaging_limits: draw.one_of(&[0, 0, 0, 500, 1_000]),
            never_resend: u32::from(draw.chance(150)),
            keep_contacts: u32::from(draw.chance(600)),
            contact_groups: often_none(&mut draw, 400, 6),
            handsets: draw.below(4) as u32,
            operators: often_none(&mut draw, 700, 6),
            keep_faults: u32::from(draw.chance(700)),
            share_most: draw.one_of(&[1_000, 1_000, 300, 50, 5]),
            far_windows: draw.one_of(&[0, 0, 200, 1_000]),
            ..Self::default()
        };
        options.draw_faults(&mut draw);
        options
    }

    /// How many faults, of which kinds: of all, of some, of one alone.
    fn draw_faults(&mut self, draw: &mut Draw) {
        let count = if draw.chance(120) { 0 } else { draw.mostly_small(1, FAULTS_DRAWN) };
        let mut kinds: Vec<&str> = KINDS.iter().map(|(name, ..)| *name).collect();
        let some = draw.one_of(&[1_000, 1_000, 300, 100, 0]);
        kinds.retain(|_| draw.chance(some));
        if kinds.is_empty() {
            kinds.push(draw.one_of(&KINDS).0);
        }
        for _ in 0..count {
            let kind = draw.one_of(&kinds);
            if let Some(field) = self.field(kind) {
                *field += 1;
            }
        }
    }

    /// How many faults of a kind, by its name in files.
    pub fn faults_of(mut self, kind: &str) -> u32 {
        self.field(kind).copied().unwrap_or(0)
    }
}

/// 0 in so many of a thousand draws, else a number from 1 to `most`, mostly small.
fn often_none(draw: &mut Draw, none: u32, most: u64) -> u32 {
    if draw.chance(none) { 0 } else { draw.mostly_small(1, most) as u32 }
}

impl fmt::Display for Options {
    /// Every option that is not 0: `varied 1, messages 17`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for (name, value) in self.all().into_iter().filter(|(_, value)| *value != 0) {
            write!(f, "{before}{name} {value}")?;
            before = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fault_has_its_option() {
        for (name, ..) in KINDS {
            assert!(Options::default().field(name).is_some(), "{name}");
        }
    }

    #[test]
    fn some_seeds_have_no_fault_some_have_crashes_alone_and_every_kind_comes_up() {
        let all: Vec<Options> = (0..3_000).map(|seed| Options::from_seed(seed, 3, 10_000)).collect();
        let count = |options: &Options| KINDS.iter().map(|(name, ..)| options.faults_of(name)).sum::<u32>();
        assert!(all.iter().any(|options| count(options) == 0));
        assert!(all.iter().any(|options| options.engine_crash > 1 && count(options) == options.engine_crash));
        for (name, ..) in KINDS {
            assert!(all.iter().any(|options| options.faults_of(name) > 0), "{name}");
        }
        assert!(all.iter().any(|options| options.varied == 0) && all.iter().any(|options| options.file == 2));
    }

    #[test]
    fn options_are_a_matter_of_the_seed_alone() {
        assert_eq!(Options::from_seed(5, 1, 100), Options::from_seed(5, 1, 100));
        let options = Options { varied: 1, messages: 17, ..Options::default() };
        assert_eq!(options.to_string(), "varied 1, messages 17");
    }
}
