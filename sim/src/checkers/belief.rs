//! Promise: each message's state follows from the facts that the engine was told and the decisions that were taken: replies,
//! webhooks that it answered with 200, the deadline, a cancellation, an opt-out. After a crash nothing of it is forgotten
//! that was acknowledged.
//!
//! The function is the states page's, written anew. Where the page leaves two answers, both are right.

use super::findings::Findings;
use super::held::Held;
use super::seen::{Arrival, Known, Seen, flag};
use cloud_api::catalogue::{Class, CodeIndex};
use engine_core::State;
use engine_core::message::Row;
use std::fmt;

/// A set of states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct States(u16);

impl States {
    /// One state.
    pub fn one(state: State) -> Self {
        Self(1 << state as u16)
    }

    /// These, and one more.
    #[must_use]
    pub fn and(self, state: State) -> Self {
        Self(self.0 | 1 << state as u16)
    }

    /// Whether a state is in it.
    pub fn has(self, state: State) -> bool {
        self.0 & 1 << state as u16 != 0
    }
}

impl fmt::Display for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = State::ALL.iter().filter(|state| self.has(**state)).map(|state| state.name()).collect();
        f.write_str(&names.join(" or "))
    }
}

/// What was decided of a message, beside what its own flags say.
#[derive(Clone, Copy, Debug)]
pub struct Over<'a> {
    /// The deadline has passed.
    pub deadline: bool,
    /// Its campaign was cancelled.
    pub cancelled: bool,
    /// Nothing is sent again whose outcome is unknown.
    pub never: bool,
    /// What may have held it back at the deadline.
    pub held: &'a Held,
}

/// A message's failure by the class of an error.
pub(crate) fn by_class(class: Class) -> State {
    match class {
        Class::InvalidContact => State::InvalidContact,
        Class::Blocked | Class::MessagingLimit | Class::MarketingCap => State::BlockedOrSpam,
        Class::Transient
        | Class::Throttled
        | Class::Pair
        | Class::Refused
        | Class::TemplateWide
        | Class::NumberWide
        | Class::AccountWide
        | Class::Generic => State::Failed,
    }
}

/// The error of the newest attempt, if that failed.
pub(crate) fn last_error(seen: &Seen) -> Option<CodeIndex> {
    seen.newest().filter(|slot| slot.known == Known::Failed).and_then(|slot| slot.code())
}

/// Whether no retry can help.
pub(crate) fn is_final(code: CodeIndex) -> bool {
    super::spacing::least(code.class(), 1).is_none()
}

/// How often a message may be put back before it is ended; above this either is right.
const OFTEN: u8 = 250;

/// The states that follow.
pub fn states(seen: &Seen, over: Over<'_>) -> States {
    match seen.arrival {
        Arrival::Replied => return States::one(State::Responded),
        Arrival::Read => return States::one(State::Read),
        Arrival::Delivered => return States::one(State::Delivered),
        Arrival::None => {}
    }
    let any = |wanted: &[Known]| seen.slots.iter().any(|slot| wanted.contains(&slot.known));
    if any(&[Known::Sent]) {
        return States::one(State::Sent);
    }
    if any(&[Known::UnderWay, Known::Unknown, Known::Accepted]) && !over.deadline {
        return States::one(State::Sending);
    }
    let error = last_error(seen);
    let own = error.map_or(State::Failed, |code| by_class(code.class()));
    if error.is_some_and(is_final) {
        return States::one(own);
    }
    let given_up = seen.newest().is_some_and(|slot| slot.known == Known::GivenUp);
    if over.never && given_up {
        // Its waiting is over for a reason of its own: it was in flight when the contact wanted no more, and followed.
        return States::one(own);
    }
    let spent = usize::from(seen.spent());
    let is_spent = spent == super::seen::ATTEMPTS;
    if seen.has(flag::OPTED_OUT) {
        let mut states = States::one(State::BlockedOrSpam);
        if is_spent {
            states = states.and(own);
        }
        if seen.intents >= OFTEN {
            states = states.and(State::Failed);
        }
        // Of the two the first one ended it.
        return if over.cancelled { states.and(State::Failed) } else { states };
    }
    if is_spent && !over.deadline {
        return States::one(own);
    }
    if over.cancelled {
        let states = States::one(State::Failed);
        return if is_spent { states.and(own) } else { states };
    }
    if over.deadline {
        return at_deadline(seen, over.held, error, own);
    }
    let waiting = States::one(if spent > 0 { State::Retrying } else { State::Queued });
    if seen.intents >= OFTEN { waiting.and(State::Failed) } else { waiting }
}

fn at_deadline(seen: &Seen, held: &Held, error: Option<CodeIndex>, own: State) -> States {
    let of_codes = held.codes.iter().fold(States::default(), |all, code| all.and(by_class(code.class())));
    if held.certain && error.is_none() {
        return of_codes;
    }
    let mut states = States(of_codes.0).and(own);
    // A retry after a limit or a cap that was then put back: either is what held it.
    let capped = |code: CodeIndex| by_class(code.class()) == State::BlockedOrSpam;
    if held.ledger || seen.slots.iter().any(|slot| slot.known == Known::Failed && slot.code().is_some_and(capped)) {
        states = states.and(State::BlockedOrSpam);
    }
    states
}

/// Compares one message.
#[inline]
pub fn judge(message: u32, row: &Row, seen: &Seen, over: Over<'_>, findings: &mut Findings) {
    let (believed, right) = (row.state(), states(seen, over));
    if !right.has(believed) && !seen.has(flag::STALE) {
        findings.add(Some(message), || {
            let error = last_error(seen).map_or(String::new(), |code| format!(", last error {}", code.code()));
            format!(
                "message {message} is {} and what was told makes it {right} ({}{error})",
                believed.name(),
                known(seen)
            )
        });
    }
}

/// What is known of each attempt, in words.
pub(crate) fn known(seen: &Seen) -> String {
    let mut slots: Vec<_> = seen.slots.iter().filter(|slot| slot.known != Known::Nothing).collect();
    slots.sort_by_key(|slot| slot.number);
    let each: Vec<String> = slots.iter().map(|slot| format!("attempt {} {:?}", slot.number, slot.known)).collect();
    if each.is_empty() { "no attempt".to_owned() } else { each.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::super::seen::Word;
    use super::*;
    use cloud_api::catalogue::find;

    fn after(words: &[(u8, Word)], flags: u8, over: Over<'_>) -> String {
        let mut seen = Seen { flags, ..Seen::default() };
        for number in 1..=words.iter().map(|(number, _)| *number).max().unwrap_or(0) {
            seen.intend(0, number);
            words.iter().filter(|(its, _)| *its == number).for_each(|(_, word)| {
                seen.learn(0, number, *word);
            });
        }
        states(&seen, over).to_string()
    }

    fn failed(code: u32) -> Word {
        Word::Is(Known::Failed, Some(find(code, None)))
    }

    const NOTHING: &Held = &Held { codes: Vec::new(), certain: false, ledger: false };
    const OPEN: Over<'static> = Over { deadline: false, cancelled: false, never: false, held: NOTHING };
    const PAST: Over<'static> = Over { deadline: true, ..OPEN };
    const SENT: Word = Word::Is(Known::Sent, None);
    const GIVEN_UP: Word = Word::Is(Known::GivenUp, None);

    #[test]
    fn the_state_follows_the_states_page_rule_by_rule() {
        assert_eq!(after(&[], 0, OPEN), "Queued");
        assert_eq!(after(&[(1, failed(131_000)), (1, Word::Came(Arrival::Delivered))], 0, OPEN), "Delivered");
        assert_eq!(after(&[(1, GIVEN_UP), (1, SENT), (2, failed(131_000))], 0, OPEN), "Sent");
        assert_eq!(after(&[(1, SENT), (1, failed(131_000))], 0, OPEN), "Retrying");
        assert_eq!(after(&[(1, Word::Is(Known::Unknown, None))], 0, OPEN), "Sending");
        assert_eq!(after(&[(1, GIVEN_UP)], 0, OPEN), "Retrying");
        assert_eq!(after(&[(1, GIVEN_UP)], 0, Over { never: true, ..OPEN }), "Failed");
        let never = Over { never: true, ..OPEN };
        assert_eq!(after(&[(1, GIVEN_UP)], flag::OPTED_OUT, never), "Failed", "it was in flight, and is not retried");
        assert_eq!(after(&[(1, Word::Is(Known::Unspent, None))], 0, OPEN), "Queued");
        assert_eq!(after(&[(1, failed(131_026))], flag::OPTED_OUT, OPEN), "InvalidContact");
        assert_eq!(after(&[(1, failed(131_000))], flag::OPTED_OUT, OPEN), "BlockedOrSpam");
        let four: Vec<(u8, Word)> = (1..=4).map(|number| (number, failed(131_048))).collect();
        assert_eq!(after(&four, 0, OPEN), "BlockedOrSpam");
        assert_eq!(after(&[(1, failed(131_000))], 0, Over { cancelled: true, ..OPEN }), "Failed");
        assert_eq!(after(&[(1, Word::Is(Known::Accepted, None))], 0, PAST), "Failed");
        assert_eq!(after(&[(1, failed(131_049))], 0, PAST), "BlockedOrSpam");
        let limit = Held { codes: vec![find(131_048, None)], certain: false, ledger: false };
        assert_eq!(after(&[], 0, Over { held: &limit, ..PAST }), "Failed or BlockedOrSpam");
        let halt = Held { codes: vec![find(190, None)], certain: true, ledger: false };
        assert_eq!(after(&[], 0, Over { held: &halt, ..PAST }), "Failed");
    }

    #[test]
    fn a_belief_that_does_not_follow_is_found() {
        let mut findings = Findings::default();
        judge(3, &Row::default(), &Seen::default(), OPEN, &mut findings);
        assert!(findings.is_clean());
        let mut seen = Seen::default();
        seen.intend(0, 1);
        judge(3, &Row::default(), &seen, OPEN, &mut findings);
        assert_eq!(findings.detail(), "message 3 is Queued and what was told makes it Sending (attempt 1 UnderWay)");
        let stale = Seen { flags: flag::STALE, ..seen };
        let mut findings = Findings::default();
        judge(3, &Row::default(), &stale, OPEN, &mut findings);
        assert!(findings.is_clean());
    }
}
