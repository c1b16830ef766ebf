//! A hold: sending waits until a time, then one probe goes, and what becomes of the probe decides.
//!
//! Halts (of a template, a number, an account) and the wait after a messaging limit are holds. What a hold stops is not
//! failed, only late: the messages stay Queued and no attempt is spent.

use cloud_api::catalogue::CodeIndex;
use cloud_api::time::{Span, Timestamp};

/// Why and until when nothing is sent. The default holds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    code: Option<CodeIndex>,
    until: Timestamp,
    every: Span,
    probing: bool,
}

impl Hold {
    /// Holds from now on, and probes after `every`. A hold that stands takes the later of the two times.
    pub fn start(&mut self, now: Timestamp, every: Span, code: CodeIndex) {
        let until = now + every;
        *self = Self { code: Some(code), until: until.max(self.until), every, probing: false };
    }

    /// Whether a message may be claimed now: yes if nothing holds, or as the one probe.
    pub fn admits(&self, now: Timestamp) -> bool {
        self.code.is_none() || (now >= self.until && !self.probing)
    }

    /// A message was claimed: while the hold stands it is the probe.
    pub fn claimed(&mut self) {
        self.probing = self.code.is_some();
    }

    /// An attempt passed: sending goes on.
    pub fn passed(&mut self) {
        *self = Self::default();
    }

    /// The probe came to nothing that says anything: another one may go after the interval.
    pub fn undecided(&mut self, now: Timestamp) {
        if self.probing {
            self.probing = false;
            self.until = self.until.max(now + self.every);
        }
    }

    /// What holds, if anything does.
    pub fn code(&self) -> Option<CodeIndex> {
        self.code
    }

    /// When a probe may go; `None` where nothing holds or the probe is under way.
    pub fn wakes(&self) -> Option<Timestamp> {
        (self.code.is_some() && !self.probing).then_some(self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_lets_one_probe_through_and_ends_when_it_passes() {
        let code = cloud_api::catalogue::find(190, None);
        let t = |s| Timestamp::from_unix_seconds(s);
        let mut hold = Hold::default();
        assert!(hold.admits(t(0)));
        hold.start(t(0), Span::mins(5), code);
        assert!(!hold.admits(t(299)));
        assert!(hold.admits(t(300)));
        hold.claimed();
        assert!(!hold.admits(t(301)), "one probe at a time");
        hold.start(t(301), Span::mins(5), code);
        assert_eq!(hold.wakes(), Some(t(601)), "the probe failed the same way");
        hold.claimed();
        hold.undecided(t(601));
        assert_eq!(hold.wakes(), Some(t(901)), "the probe said nothing");
        hold.passed();
        assert!(hold.admits(t(602)) && hold.code().is_none());
    }
}
