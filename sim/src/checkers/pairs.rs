//! Promise: no contact gets more from one number than the pair limit allows, so WhatsApp never says so.

use super::findings::Findings;
use super::scene::Scene;
use cloud_api::limits::PAIR_REFILL;
use cloud_api::time::{Span, Timestamp};

/// Messages of one number to one contact that may come at once.
pub(super) const BURST: usize = 45;

/// How far back the engine's ledger of pairs reaches. It does not outlive the engine: what is sent again and again to one contact
/// goes at the limit's own pace then, on top of what went before, and comes down to it in some such times.
const LEDGER: Span = Span::secs(4 * 270);

/// What the engine keeps in reserve for commits and the network: one message. Over a disk that takes longer than this for a
/// commit, messages that were claimed apart arrive together all the same, and WhatsApp's answer is what slows the engine down.
const RESERVE: Span = PAIR_REFILL;

/// WhatsApp refused a POST since the number wrote to the contact too often. `started` is when the engine last started anew.
pub(super) fn refused(
    scene: &Scene,
    now: Timestamp,
    message: u32,
    started: Option<Timestamp>,
    findings: &mut Findings,
) {
    if scene.arms.disk >= RESERVE || started.is_some_and(|started| now <= started + LEDGER + scene.slack()) {
        return;
    }
    findings.add(Some(message), || format!("message {message} came too soon after the others to its contact"));
}

#[cfg(test)]
mod tests {
    use super::super::scene::plain;
    use super::*;

    #[test]
    fn a_refusal_is_found_unless_the_engine_has_just_started_anew() {
        let scene = plain();
        let mut findings = Findings::default();
        refused(&scene, scene.start + Span::mins(17), 1, Some(scene.start), &mut findings);
        assert!(findings.is_clean());
        refused(&scene, scene.start + Span::mins(19), 1, Some(scene.start), &mut findings);
        refused(&scene, scene.start, 1, None, &mut findings);
        assert_eq!(findings.count(), 2);
    }

    #[test]
    fn a_disk_slower_than_the_reserve_is_excused_and_a_quicker_one_is_not() {
        let slow = |disk| {
            let mut scene = plain();
            scene.arms.disk = disk;
            let mut findings = Findings::default();
            refused(&scene, scene.start, 1, None, &mut findings);
            findings.count()
        };
        assert_eq!((slow(Span::secs(5)), slow(Span::secs(6))), (1, 0));
    }
}
