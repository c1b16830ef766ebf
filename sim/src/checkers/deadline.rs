//! Promise: nothing is sent after a campaign's deadline, and then nothing of it is in progress any more.

use super::findings::Findings;
use super::scene::Scene;
use cloud_api::time::{Span, Timestamp};
use engine_core::message::Row;

/// An intent became durable.
#[inline]
pub(super) fn intended(scene: &Scene, now: Timestamp, message: u32, campaign: usize, findings: &mut Findings) {
    let deadline = scene.campaigns[campaign].deadline;
    if now > deadline && now > deadline + scene.slack() {
        findings.add(Some(message), || {
            format!("message {message} was intended {} after the deadline", now.since(deadline))
        });
    }
}

/// Sweeps a full disk holds up, and a campaign that ended while the engine was down, end some moments later.
const SWEPT: Span = Span::mins(5);

/// The run is over, or the engine is looked at: `rows` are a campaign's.
pub(super) fn judge(scene: &Scene, now: Timestamp, campaign: usize, rows: &[Row], findings: &mut Findings) {
    let own = &scene.campaigns[campaign];
    if now < own.deadline + SWEPT + scene.slack() {
        return;
    }
    for (message, row) in (own.first..).zip(rows) {
        let state = row.state();
        if state.is_in_progress() {
            findings.add(Some(message), || {
                let name = state.name();
                format!("message {message} is {name} {} after the deadline of {}", now.since(own.deadline), own.name)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::plain;
    use super::*;

    #[test]
    fn an_intent_after_the_deadline_is_found_and_so_is_what_is_left_in_progress() {
        let scene = plain();
        let deadline = scene.campaigns[0].deadline;
        let mut findings = Findings::default();
        intended(&scene, deadline, 0, 0, &mut findings);
        judge(&scene, deadline, 0, &[Row::default()], &mut findings);
        assert!(findings.is_clean());
        intended(&scene, deadline + Span::secs(5), 0, 0, &mut findings);
        assert_eq!(findings.detail(), "message 0 was intended 5s after the deadline");
        judge(&scene, deadline + Span::hours(1), 0, &[Row::default()], &mut findings);
        assert!(findings.detail().ends_with("message 0 is Queued 1h after the deadline of sale"));
    }
}
