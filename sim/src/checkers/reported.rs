//! Promise: every message of which a second copy could exist stands in the report of unknown outcomes.

use super::findings::Findings;
use super::seen::{Seen, flag};
use super::truth::Truth;
use engine_core::message::Row;

/// Judges one message. One whose row the store forgot cannot be reported, and one that was POSTed twice on one intent is a
/// duplicate, whatever the report says.
#[inline]
pub fn judge(message: u32, row: &Row, seen: &Seen, truth: &Truth, findings: &mut Findings) {
    let could = truth.alive > 1 || seen.has(flag::BLIND);
    if could && !row.was_given_up() && !seen.has(flag::STALE) {
        findings.add(Some(message), || {
            let why = if seen.has(flag::BLIND) { "was sent again without proof" } else { "was accepted twice" };
            format!("message {message} {why} and does not stand in the report of unknown outcomes")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::attempt::Fact;
    use engine_core::command::Merge;
    use engine_core::id::MessageId;
    use engine_core::time::Timestamp;
    use mock_whatsapp_model::world::Stage;

    #[test]
    fn a_possible_second_copy_that_is_not_reported_is_found() {
        let mut row = Row::default();
        let found = |row: &Row, flags, stages: &[Stage]| {
            let mut truth = Truth::default();
            stages.iter().for_each(|stage| truth.add_attempt(*stage));
            let mut findings = Findings::default();
            judge(4, row, &Seen { flags, ..Seen::default() }, &truth, &mut findings);
            findings.count()
        };
        assert_eq!(found(&row, 0, &[Stage::Sent]), 0);
        assert_eq!(found(&row, 0, &[Stage::Failed, Stage::Sent]), 0, "the first failed");
        assert_eq!(found(&row, 0, &[Stage::Sent, Stage::Delivered]), 1);
        assert_eq!(found(&row, flag::BLIND, &[Stage::Sent]), 1);
        assert_eq!(found(&row, flag::BLIND | flag::STALE, &[Stage::Sent]), 0);
        for fact in [Fact::Intended, Fact::Unknown, Fact::GivenUp] {
            let number = u8::from(fact != Fact::Intended);
            let merge = Merge { message: MessageId(0), number, fact, code: None, retry_after_seconds: 0 };
            row.learn(Timestamp(1), 0, &merge);
        }
        assert_eq!(found(&row, flag::BLIND, &[Stage::Sent, Stage::Sent]), 0);
    }
}
