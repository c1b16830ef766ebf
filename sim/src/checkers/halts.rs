//! Promise: while a template, a number or an account is halted, one probe goes every five minutes and nothing else.
//!
//! Judged where every request of a stretch of time meets the error: from when the engine was first told until the end.

use super::findings::Findings;
use super::scene::{Scene, Window};
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};

/// Between two probes.
const PROBE: Span = Span::mins(5);

/// Maintenance of a number (131057) takes at most a minute, and so does waiting for it.
const MAINTENANCE: Span = Span::secs(60);

/// What an engine that starts anew, or whose halt a person lifts, sends before it is told again: what may be under way, and
/// a second of pace.
const AFRESH: u64 = 256;

#[derive(Clone, Debug)]
struct Watch {
    window: Window,
    sender: u16,
    /// Of a template: the campaign.
    campaign: Option<u16>,
    every: Span,
    told: Option<Timestamp>,
    intents: u64,
    more: u64,
    found: bool,
}

/// The halts that can be judged.
#[derive(Clone, Debug, Default)]
pub struct Halts {
    watches: Vec<Watch>,
    /// What was found.
    pub findings: Findings,
}

impl Halts {
    /// Those of a scenario.
    pub fn new(scene: &Scene) -> Self {
        let mut watches = Vec::new();
        for (place, window) in scene.windows.iter().enumerate() {
            let Some(code) = window.code else { continue };
            let every = match code.class() {
                Class::TemplateWide | Class::NumberWide | Class::AccountWide => PROBE,
                Class::Throttled if code.code() == 131_057 => MAINTENANCE,
                Class::Throttled
                | Class::Transient
                | Class::Pair
                | Class::MessagingLimit
                | Class::MarketingCap
                | Class::InvalidContact
                | Class::Blocked
                | Class::Refused
                | Class::Generic => continue,
            };
            let first = !scene.windows[..place].iter().any(|other| other.ends_requests() && other.meets(window));
            if !first || window.share < 1_000_000 {
                continue;
            }
            for sender in (0..scene.senders.len() as u16).filter(|own| window.sender.is_none_or(|only| only == *own)) {
                let (told, intents, more, found) = (None, 0, 0, false);
                let watch = Watch { window: *window, sender, campaign: None, every, told, intents, more, found };
                if code.class() != Class::TemplateWide {
                    // An account's error that meets one template only does not stop the others.
                    watches.extend(window.template.is_none().then_some(watch));
                    continue;
                }
                for (place, campaign) in scene.campaigns.iter().enumerate() {
                    let is_its = window.template.is_none_or(|template| template == campaign.template);
                    if is_its && campaign.senders.contains(&sender) {
                        watches.push(Watch { campaign: Some(place as u16), ..watch.clone() });
                    }
                }
            }
        }
        Self { watches, findings: Findings::default() }
    }

    /// Whether there is anything to judge.
    pub fn is_armed(&self) -> bool {
        !self.watches.is_empty()
    }

    /// The engine was told of an error.
    pub fn refused(&mut self, now: Timestamp, (sender, campaign): (u16, u16), code: CodeIndex) {
        // What holds is the last one told, with probes of its own.
        let holds = matches!(code.class(), Class::NumberWide | Class::AccountWide) || code.code() == 131_057;
        for watch in self.watches.iter_mut().filter(|watch| holds && watch.sender == sender) {
            if watch.window.code != Some(code) {
                (watch.told, watch.intents) = (None, 0);
            }
        }
        for watch in self.watches.iter_mut().filter(|watch| watch.sender == sender && watch.window.code == Some(code)) {
            if now >= watch.window.from && watch.campaign.is_none_or(|only| only == campaign) {
                watch.told = watch.told.or(Some(now));
            }
        }
    }

    /// A new life, or a person who lifts halts.
    pub fn reset(&mut self, scene: &Scene) {
        for watch in &mut self.watches {
            if watch.window.late {
                // Until it is told again, which may take minutes, it sends.
                (watch.told, watch.intents) = (None, 0);
            }
            watch.more += AFRESH + u64::from(scene.senders[usize::from(watch.sender)].throughput);
        }
    }

    /// An intent became durable.
    pub fn intended(&mut self, scene: &Scene, now: Timestamp, message: u32, (sender, campaign): (u16, u16)) {
        for watch in self.watches.iter_mut().filter(|watch| watch.sender == sender && watch.window.holds(now)) {
            let Some(told) = watch.told.filter(|told| now > *told + scene.slack()) else { continue };
            if watch.campaign.is_some_and(|only| only != campaign) || watch.found {
                continue;
            }
            watch.intents += 1;
            let after = now.since(told);
            // The first after a whole interval; a commit may be quicker than the one before.
            let most = (after + scene.slack() + scene.arms.clock).0 / watch.every.0 + watch.more;
            if watch.intents > most {
                watch.found = true;
                let (intents, code) = (watch.intents, watch.window.code.map_or(0, CodeIndex::code));
                self.findings.add(Some(message), || {
                    format!("sender {sender} tried {intents} times in the {after} since {code} was told, and {most} would be probes")
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::{plain, window};
    use super::*;
    use cloud_api::catalogue::find;
    use mock_whatsapp_model::spec::FaultKind;

    fn halted(code: u32, every: Span, restarts: u64) -> String {
        let start = plain().start;
        let code = find(code, None);
        let fault = Window { code: Some(code), ..window(FaultKind::Error, start, start + Span::mins(30)) };
        let scene = Scene { windows: vec![fault], ..plain() };
        let mut halts = Halts::new(&scene);
        halts.refused(start + Span::secs(1), (0, 0), code);
        (0..restarts).for_each(|_| halts.reset(&scene));
        let mut now = start + Span::secs(1);
        halts.intended(&scene, now + Span::millis(200), 1, (0, 0));
        while now < start + Span::mins(60) {
            now += every;
            halts.intended(&scene, now, 1, (0, 0));
        }
        halts.findings.detail()
    }

    #[test]
    fn a_sender_that_does_not_stop_is_found_and_one_that_probes_every_five_minutes_is_not() {
        assert_eq!(halted(190, Span::mins(5), 0), "");
        assert!(halted(190, Span::mins(1), 0).contains("would be probes"));
        assert_eq!(halted(131_057, Span::mins(1), 0), "");
        assert!(halted(131_057, Span::secs(1), 0).contains("since 131057 was told"));
        assert!(halted(132_015, Span::secs(1), 0).contains("since 132015 was told"));
        assert_eq!(halted(190, Span::secs(10), 1), "", "an engine that starts anew has to be told again");
        assert_eq!(halted(131_000, Span::secs(1), 0), "", "nothing is halted by it");
    }
}
