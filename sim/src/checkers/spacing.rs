//! Promise: a retry comes no sooner than its error's class allows, and never before a Retry-After; none comes after an error
//! that is final.

use super::findings::Findings;
use super::scene::Scene;
use super::seen::{Known, Seen, flag, moment};
use cloud_api::catalogue::Class;
use cloud_api::time::{Span, Timestamp};

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

/// An intent became durable that is not the message's first; `seen` is as of before it. `not_before` is what a Retry-After
/// asked for.
pub(super) fn judge(
    scene: &Scene,
    now: Timestamp,
    message: u32,
    seen: &Seen,
    not_before: Option<Timestamp>,
    findings: &mut Findings,
) {
    let Some((slot, code)) = seen.newest().and_then(|slot| Some((slot, slot.code()?))) else { return };
    // What an old store forgot cannot be waited for.
    if slot.known != Known::Failed || seen.has(flag::STALE) {
        return;
    }
    let failed = moment(scene.start, seen.since);
    // An engine whose clock is put forward cannot know better.
    let waited = now.since(failed);
    let fair = waited + scene.arms.clock;
    if seen.has(flag::UNKNOWN) && scene.arms.disk > Span::ZERO && scene.crosses(now, failed) {
        // Claimed after an unknown outcome was given up, and durable after the error came.
        return;
    }
    match least(code.class(), seen.spent()) {
        None if waited <= scene.slack() => {}
        None => findings.add(Some(message), || {
            format!("message {message} was intended again after {}, which is final", code.code())
        }),
        Some(least) if fair < least => findings.add(Some(message), || {
            format!("message {message} was intended again {waited} after {}, which asks for {least}", code.code())
        }),
        Some(_) if not_before.is_some_and(|at| now + scene.arms.clock < at) => findings.add(Some(message), || {
            format!("message {message} was intended again {waited} after {}, before its Retry-After", code.code())
        }),
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::plain;
    use super::super::seen::{Word, by_class, hundredths};
    use super::*;
    use cloud_api::catalogue::find;

    fn retry(code: u32, after: Span, not_before: Option<Span>) -> String {
        let scene = plain();
        let failed = Span::secs(7);
        let mut seen = Seen::default();
        seen.intend(0, 1);
        seen.learn(hundredths(failed), 1, Word::Is(by_class(find(code, None)), Some(find(code, None))));
        let mut findings = Findings::default();
        let not_before = not_before.map(|span| scene.start + failed + span);
        judge(&scene, scene.start + failed + after, 0, &seen, not_before, &mut findings);
        findings.detail()
    }

    #[test]
    fn a_retry_that_comes_too_early_is_found() {
        assert_eq!(retry(131_000, Span::secs(1), None), "");
        let early = retry(131_000, Span::millis(900), None);
        assert_eq!(early, "message 0 was intended again 900ms after 131000, which asks for 1s");
        assert_eq!(retry(131_048, Span::hours(12), None), "");
        assert!(retry(131_048, Span::hours(11), None).contains("which asks for 12h"));
        assert!(retry(131_049, Span::hours(23), None).contains("which asks for 1d"));
        assert!(retry(131_056, Span::secs(3), None).contains("which asks for 4s"));
        assert!(retry(131_026, Span::hours(60), None).ends_with("which is final"));
        assert_eq!(retry(130_429, Span::millis(1), None), "", "the sender's own pace sees to it");
        assert!(retry(131_000, Span::secs(20), Some(Span::secs(30))).contains("Retry-After"));
        assert_eq!(retry(131_000, Span::secs(30), Some(Span::secs(30))), "");
    }
}
