//! Promise: at most four POSTs of a message count: one, and three retries.

use super::{Findings, Seen};
use cloud_api::catalogue::Class;
use engine_core::id::MessageId;

/// POSTs that may count.
const MOST: u8 = 4;

/// Whether an error of this class lets the POST count.
pub(super) fn spends(class: Class) -> bool {
    !matches!(class, Class::Throttled | Class::TemplateWide | Class::NumberWide | Class::AccountWide)
}

/// A POST arrived.
#[inline]
pub(super) fn judge(seen: &Seen, message: MessageId, findings: &mut Findings) {
    if seen.spent > MOST {
        findings.add(|| format!("message {} was POSTed {} times that count", message.0, seen.spent));
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;

    #[test]
    fn a_fifth_post_that_counts_is_found_and_throttled_ones_do_not_count() {
        let start = Timestamp::from_unix_seconds(1_000);
        let mut checkers = Checkers::new(2, start);
        for n in 0..6u64 {
            checkers.posted(start + Span::hours(n), MessageId(0));
            checkers.failed(
                start + Span::hours(n),
                MessageId(0),
                n as u8 + 1,
                cloud_api::catalogue::find(130_429, None),
            );
        }
        assert!(checkers.attempts.is_clean());
        for n in 0..5u64 {
            checkers.posted(start + Span::hours(n), MessageId(1));
            checkers.failed(
                start + Span::hours(n),
                MessageId(1),
                n as u8 + 1,
                cloud_api::catalogue::find(131_000, None),
            );
        }
        assert_eq!(checkers.attempts.detail(), "message 1 was POSTed 5 times that count");
    }
}
