//! Promise: nobody who has read receipts off is said to have read.

use super::Findings;
use engine_core::State;
use engine_core::message::Row;
use mock_whatsapp_model::spec::Kind;

/// `kinds` gives the kind of each message's contact.
pub fn judge(rows: &[Row], kinds: impl Iterator<Item = Kind>) -> Findings {
    let mut findings = Findings::default();
    for (id, (row, kind)) in rows.iter().zip(kinds).enumerate() {
        if kind == Kind::ReceiptsOff && row.state() == State::Read {
            findings.add(|| format!("message {id} is Read, and its contact has read receipts off"));
        }
    }
    findings
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
        assert!(judge(&[row], [Kind::ReceiptsOff].into_iter()).is_clean());
        learn(&mut row, 1, Fact::Read);
        assert!(judge(&[row], [Kind::Plain].into_iter()).is_clean());
        assert!(!judge(&[row], [Kind::ReceiptsOff].into_iter()).is_clean());
    }
}
