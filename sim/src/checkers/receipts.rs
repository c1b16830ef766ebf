//! Promise: nobody who has read receipts off is said to have read.

use super::findings::Findings;
use engine_core::State;
use engine_core::message::Row;

/// Judges the message of a contact who has read receipts off.
pub fn judge_one(message: u32, row: &Row, findings: &mut Findings) {
    if row.state() == State::Read {
        findings.add(Some(message), || format!("message {message} is Read, and its contact has read receipts off"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::attempt::Fact;
    use engine_core::command::Merge;
    use engine_core::id::MessageId;
    use engine_core::time::Timestamp;

    #[test]
    fn a_read_of_a_contact_with_receipts_off_is_found() {
        let mut row = Row::default();
        let learn = |row: &mut Row, number, fact| {
            let merge = Merge { message: MessageId(0), number, fact, code: None, retry_after_seconds: 0 };
            row.learn(Timestamp(1), 0, &merge)
        };
        learn(&mut row, 0, Fact::Intended);
        learn(&mut row, 1, Fact::Delivered);
        let mut findings = Findings::default();
        judge_one(0, &row, &mut findings);
        assert!(findings.is_clean());
        learn(&mut row, 1, Fact::Read);
        judge_one(0, &row, &mut findings);
        assert_eq!(findings.detail(), "message 0 is Read, and its contact has read receipts off");
    }
}
