//! Promise: what the engine holds in memory does not grow with a campaign; and its counts always sum to the campaign's size.

use super::findings::Findings;
use super::scene::Scene;
use cloud_api::time::Timestamp;
use engine_core::engine::Status;
use engine_core::limits::{BATCH, IN_FLIGHT, PAGE, PUT_BACK, READY_LOW};
use mock_whatsapp_model::spec::FaultKind;

/// Fresh messages and due ones are each asked for below a mark, a page at a time; what came back has a mark of its own.
const LOADED: u32 = 2 * (READY_LOW + PAGE as u32) + PUT_BACK;

/// Commits of a healthy disk that may wait: webhooks come at three times the pace, and a commit takes milliseconds.
const BACKLOG: usize = 10 * BATCH;

/// What was found at the looks of a run.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    /// Of what the engine holds.
    pub bounded: Findings,
    /// Of its counts.
    pub counts: Findings,
}

impl Looks {
    /// Once in a minute: what the engine says, and how many writes wait for a commit.
    pub fn looked(&mut self, scene: &Scene, now: Timestamp, status: &Status, backlog: usize) {
        let at = now.since(scene.start);
        let mut most = |what: &str, of: usize, is: u64, bound: u64| {
            if is > bound {
                self.bounded.add(None, || format!("{what} of {of} is {is} after {at}, and its bound is {bound}"));
            }
        };
        for (place, part) in status.campaigns.iter().enumerate() {
            most("messages in memory", place, u64::from(part.loaded), u64::from(LOADED));
            let size = scene.parts.get(place).map_or(0, |part| part.end - part.first);
            if part.counts.total() != size {
                let total = part.counts.total();
                self.counts
                    .add(None, || format!("the counts of part {place} sum to {total} after {at}, not to {size}"));
            }
        }
        for (place, sender) in status.senders.iter().enumerate() {
            let rate = u64::from(scene.senders.get(place).map_or(0, |sender| sender.throughput));
            most("POSTs under way", place, u64::from(sender.in_flight), u64::from(IN_FLIGHT));
            most("claims on their way to the disk", place, u64::from(sender.intending), (rate / 4).max(1));
            // A pair is kept for 270 s after its last message; twice that until it is tidied away.
            most("pairs", place, sender.pairs as u64, 2 * 270 * rate + 1_024);
        }
        let disk = [FaultKind::DiskFull, FaultKind::DiskSlow].iter().any(|kind| scene.has(*kind));
        if !disk {
            most("the backlog", 0, backlog as u64, BACKLOG as u64);
        }
    }

    /// The engine counts so many POSTs of a sender as under way, and so many are: a place that leaks is missed one day.
    pub fn under_way(&mut self, sender: usize, says: u32, are: u32) {
        if says > are {
            self.bounded.add(None, || format!("sender {sender} counts {says} POSTs as under way, and {are} are"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::plain;
    use super::*;
    use engine_core::engine::{Engine, SenderSpec};

    #[test]
    fn what_exceeds_its_bound_is_found() {
        let scene = plain();
        let mut engine = Engine::new();
        engine.add_sender(SenderSpec::default());
        let mut status = engine.snapshot();
        let mut looks = Looks::default();
        looks.looked(&scene, scene.start, &status, 10);
        assert!(looks.bounded.is_clean() && looks.counts.is_clean());
        status.senders[0].in_flight = 257;
        status.senders[0].intending = 21;
        looks.looked(&scene, scene.start, &status, 10_001);
        looks.under_way(0, 3, 3);
        assert_eq!(looks.bounded.count(), 3, "{}", looks.bounded.detail());
        looks.under_way(0, 4, 3);
        assert_eq!(looks.bounded.count(), 4);
    }
}
