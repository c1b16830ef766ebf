//! Promise: in a total outage of a sender's way to WhatsApp next to nothing is tried: what is under way when it begins, and then
//! a probe now and then.
//!
//! Judged where an outage is total, says nothing good in between, and comes before the scenario's other faults of requests:
//! only then is it known what every POST meets.

use super::findings::Findings;
use super::scene::{Scene, Window};
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::spec::FaultKind;

/// Bad outcomes in a row after which the breaker is open for sure; half of the last twenty may have opened it before.
const IN_A_ROW: u32 = 5;

/// How much earlier than the fifth in a row it may have opened: those of one timeout, and then as much again.
const EARLIER: Span = Span::secs(60);

/// When probes go, in seconds after it opened; then one a minute.
const PROBES: [u64; 5] = [5, 15, 35, 75, 135];

#[derive(Clone, Debug)]
struct Watch {
    window: Window,
    sender: u16,
    in_a_row: u32,
    opened: Option<Timestamp>,
    probes: u64,
    found: bool,
}

/// The outages that can be judged.
#[derive(Clone, Debug, Default)]
pub struct Breaker {
    watches: Vec<Watch>,
    /// What was found.
    pub findings: Findings,
}

impl Breaker {
    /// The total outages of a scenario.
    pub fn new(scene: &Scene) -> Self {
        let mut watches = Vec::new();
        for (place, window) in scene.windows.iter().enumerate() {
            let kind = window.kind == FaultKind::Outage
                || (matches!(window.kind, FaultKind::Reset | FaultKind::GarbledReply) && !window.late);
            let first = !scene.windows[..place].iter().any(|other| other.ends_requests() && other.meets(window));
            if !kind || !first || window.share < 1_000_000 {
                continue;
            }
            for sender in (0..scene.senders.len() as u16).filter(|own| window.sender.is_none_or(|only| only == *own)) {
                let (in_a_row, opened, probes, found) = (0, None, 0, false);
                watches.push(Watch { window: *window, sender, in_a_row, opened, probes, found });
            }
        }
        Self { watches, findings: Findings::default() }
    }

    /// Whether there is anything to judge.
    pub fn is_armed(&self) -> bool {
        !self.watches.is_empty()
    }

    /// The engine was told how a POST ended, or (`good`) that an unknown one was taken.
    pub fn told(&mut self, now: Timestamp, sender: u16, good: bool) {
        for watch in self.watches.iter_mut().filter(|watch| watch.sender == sender) {
            if good {
                (watch.in_a_row, watch.opened, watch.probes) = (0, None, 0);
            } else if watch.window.holds(now) {
                watch.in_a_row += 1;
                if watch.in_a_row >= IN_A_ROW && watch.opened.is_none() {
                    (watch.opened, watch.probes) = (Some(now), 0);
                }
            }
        }
    }

    /// A new life, or a person, closes it.
    pub fn reset(&mut self) {
        for watch in &mut self.watches {
            (watch.in_a_row, watch.opened, watch.probes) = (0, None, 0);
        }
    }

    /// An intent became durable.
    pub fn intended(&mut self, scene: &Scene, now: Timestamp, message: u32, sender: u16) {
        for watch in self.watches.iter_mut().filter(|watch| watch.sender == sender && watch.window.holds(now)) {
            let Some(opened) = watch.opened.filter(|opened| now > *opened + scene.slack()) else { continue };
            watch.probes += 1;
            let (probes, most) = (watch.probes, probes_in(now.since(opened) + EARLIER + scene.arms.clock) + 1);
            if probes > most && !watch.found {
                watch.found = true;
                let after = now.since(opened);
                self.findings.add(Some(message), || {
                    format!("sender {sender} tried {probes} times in {after} of an outage, and {most} would be probes")
                });
            }
        }
    }
}

/// Probes that the schedule has in so long a time.
fn probes_in(span: Span) -> u64 {
    let seconds = span.as_secs();
    let first = PROBES.iter().filter(|at| **at <= seconds).count() as u64;
    first + seconds.saturating_sub(PROBES[4]) / 60
}

#[cfg(test)]
mod tests {
    use super::super::scene::{plain, window};
    use super::*;

    fn outage(every: Span, fails: bool) -> String {
        let start = plain().start;
        let scene = Scene { windows: vec![window(FaultKind::Outage, start, start + Span::mins(30))], ..plain() };
        let mut breaker = Breaker::new(&scene);
        for n in 0..5 {
            breaker.told(start + Span::millis(n), 0, !fails);
        }
        let mut now = start + every;
        while now < start + Span::mins(40) {
            breaker.intended(&scene, now, 1, 0);
            breaker.told(now, 0, !fails);
            now += every;
        }
        breaker.findings.detail()
    }

    #[test]
    fn a_sender_that_goes_on_trying_is_found_and_one_that_probes_is_not() {
        assert!(outage(Span::millis(12), true).contains("would be probes"));
        assert!(outage(Span::secs(30), true).contains("would be probes"));
        assert_eq!(outage(Span::secs(60), true), "");
        assert_eq!(outage(Span::millis(12), false), "", "its POSTs get through");
    }

    #[test]
    fn an_outage_that_is_not_total_or_hidden_by_another_fault_is_not_judged() {
        let start = plain().start;
        let total = window(FaultKind::Outage, start, start + Span::mins(30));
        let error = window(FaultKind::Error, start, start + Span::mins(1));
        for windows in [vec![Window { share: 999_999, ..total }], vec![error, total], vec![error]] {
            assert!(!Breaker::new(&Scene { windows, ..plain() }).is_armed());
        }
        assert!(Breaker::new(&Scene { windows: vec![total, error], ..plain() }).is_armed());
    }
}
