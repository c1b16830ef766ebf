//! Promise: at most four POSTs of a message count: one, and three retries; and each has its own intent.

use super::findings::Findings;
use super::seen::{Known, Seen, flag};
use engine_core::attempt::Phase;
use engine_core::event::Merged;

/// An intent became durable; `fits` says whether fewer than four attempts counted before it.
#[inline]
pub(super) fn intended(fits: bool, message: u32, findings: &mut Findings) {
    if !fits {
        findings.add(Some(message), || format!("message {message} was POSTed again after four attempts that count"));
    }
}

/// A POST arrived and is counted in `seen`.
#[inline]
pub(super) fn arrived(seen: &Seen, message: u32, findings: &mut Findings) {
    if seen.posts > seen.intents {
        findings.add(Some(message), || {
            format!("message {message} was POSTed {} times on {} intents", seen.posts, seen.intents)
        });
    }
}

/// The end of an attempt is durable: it counts if its error counts, by what the engine was told, and not otherwise. On an old
/// store an attempt may also end by what became of one of the same number, which the store forgot.
pub(super) fn ended(seen: &Seen, merged: &Merged, findings: &mut Findings) {
    let Some(slot) = seen.slots.iter().find(|slot| slot.number == merged.number) else { return };
    let (counts, should) = (merged.phase == Phase::Failed, slot.known == Known::Failed);
    let ended = matches!(slot.known, Known::Failed | Known::Unspent) && !seen.has(flag::STALE);
    if ended && matches!(merged.phase, Phase::Failed | Phase::Unspent) && counts != should {
        let message = merged.message.0;
        findings.add(Some(message), || {
            let (code, verb) =
                (slot.code().map_or(0, |code| code.code()), if counts { "counts" } else { "does not count" });
            format!("attempt {} of message {message} {verb} after error {code}", merged.number)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::seen::Word;
    use super::*;
    use cloud_api::catalogue::find;
    use engine_core::attempt::Fact;
    use engine_core::command::Merge;
    use engine_core::id::MessageId;
    use engine_core::message::Row;
    use engine_core::time::Timestamp;

    #[test]
    fn a_fifth_attempt_that_counts_is_found_and_throttled_ones_do_not_count() {
        let mut findings = Findings::default();
        for (known, found) in [(Known::Unspent, 0), (Known::Failed, 2), (Known::GivenUp, 2)] {
            let mut seen = Seen::default();
            for number in 1..=6 {
                intended(seen.intend(0, number), 7, &mut findings);
                seen.learn(0, number, Word::Is(known, None));
            }
            assert_eq!(std::mem::take(&mut findings).count(), found, "{known:?}");
        }
    }

    #[test]
    fn a_second_post_of_one_intent_is_found() {
        let mut findings = Findings::default();
        let mut seen = Seen::default();
        seen.intend(0, 1);
        seen.posts = 1;
        arrived(&seen, 3, &mut findings);
        assert!(findings.is_clean());
        seen.posts = 2;
        arrived(&seen, 3, &mut findings);
        assert_eq!(findings.detail(), "message 3 was POSTed 2 times on 1 intents");
    }
    #[test]
    fn an_error_of_the_account_that_counts_against_the_message_is_found() {
        let mut findings = Findings::default();
        for (fact, code, found) in [(Fact::Unspent, 190, 0), (Fact::Failed, 190, 1), (Fact::Unspent, 131_000, 1)] {
            let (mut row, mut seen) = (Row::default(), Seen::default());
            let code = find(code, None);
            let mut learn = |number, fact, code| {
                let merge = Merge { message: MessageId(3), number, fact, code, retry_after_seconds: 0 };
                row.learn(Timestamp(1), 0, &merge)
            };
            learn(0, Fact::Intended, None);
            let merged = learn(1, fact, Some(code));
            seen.intend(0, 1);
            seen.learn(0, 1, Word::Is(super::super::seen::by_class(code), Some(code)));
            ended(&seen, &merged, &mut findings);
            assert_eq!(std::mem::take(&mut findings).count(), found, "{fact:?}");
        }
    }
}
