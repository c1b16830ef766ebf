//! Promise: a retry comes no sooner than its error's class allows, and none comes after an error that is final.

use super::{Findings, Seen};
use cloud_api::catalogue::Class;
use cloud_api::time::Span;
use engine_core::id::MessageId;

/// The least wait after the `nth` (from 1) spent attempt failed with `class`; `None` where no retry is allowed.
pub(crate) fn least(class: Class, nth: u8) -> Option<Span> {
    let nth = usize::from(nth.clamp(1, 3)) - 1;
    match class {
        Class::InvalidContact | Class::Blocked | Class::Refused => None,
        Class::Transient | Class::Generic => Some([Span::secs(1), Span::secs(5), Span::secs(30)][nth]),
        Class::Pair => Some([Span::secs(4), Span::secs(16), Span::secs(64)][nth]),
        Class::MessagingLimit => Some(Span::hours(12)),
        Class::MarketingCap => Some(Span::hours(24)),
        Class::Throttled | Class::TemplateWide | Class::NumberWide | Class::AccountWide => Some(Span::ZERO),
    }
}

/// A POST arrived that is not the message's first; `seen` is as of before it.
pub(super) fn judge(seen: &Seen, elapsed: Span, message: MessageId, findings: &mut Findings) {
    let (true, Some(code), Some(waited)) = (seen.failed_since, seen.code(), seen.since_failure(elapsed)) else {
        return;
    };
    match least(code.class(), seen.spent) {
        None => {
            findings.add(|| format!("message {} was POSTed again after {}, which is final", message.0, code.code()))
        }
        Some(least) if waited < least => {
            findings.add(|| {
                format!("message {} was POSTed again {waited} after {}, which asks for {least}", message.0, code.code())
            });
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;

    fn retry(code: u32, after: Span) -> String {
        let start = Timestamp::from_unix_seconds(1_000);
        let mut checkers = Checkers::new(1, start);
        let failed = start + Span::secs(7);
        checkers.posted(start, MessageId(0));
        checkers.failed(failed, MessageId(0), 1, cloud_api::catalogue::find(code, None));
        checkers.posted(failed + after, MessageId(0));
        checkers.spacing.detail()
    }

    #[test]
    fn a_retry_that_comes_too_early_is_found() {
        assert_eq!(retry(131_000, Span::secs(1)), "");
        assert_eq!(
            retry(131_000, Span::millis(900)),
            "message 0 was POSTed again 900ms after 131000, which asks for 1s"
        );
        assert_eq!(retry(131_048, Span::hours(12)), "");
        assert!(retry(131_048, Span::hours(11)).contains("which asks for 12h"));
        assert!(retry(131_049, Span::hours(23)).contains("which asks for 1d"));
        assert!(retry(131_026, Span::hours(60)).ends_with("which is final"));
        assert_eq!(retry(130_429, Span::millis(1)), "", "the sender's own pace sees to it");
    }
}
