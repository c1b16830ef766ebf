//! Promise: a message that ended says why: the error's class and code, the deadline, what held it back, a cancellation, an
//! opt-out, an outcome that stayed unknown.

use super::belief::{Over, is_final, known, last_error};
use super::findings::Findings;
use super::seen::{ATTEMPTS, Known, Seen, flag};
use engine_core::State;
use engine_core::message::{Reason, Row};

/// Whether the reason is right for a message that the belief is right about.
fn is_right(reason: Reason, state: State, seen: &Seen, over: Over<'_>) -> bool {
    let is = |name: &str| reason.name == name;
    match state {
        State::Queued | State::Sending | State::Retrying => return !reason.name.is_empty(),
        State::Sent => return is("sent"),
        State::Delivered => return is("delivered"),
        State::Read => return is("read"),
        State::Responded => return is("responded"),
        State::Failed | State::InvalidContact | State::BlockedOrSpam => {}
    }
    let spent = usize::from(seen.spent()) == ATTEMPTS;
    if let Some(code) = last_error(seen)
        && (is_final(code) || spent)
        && is(code.class().name())
    {
        return reason.code == Some(code);
    }
    // The probe that was under way at the deadline hears the hold's own error: that says as much.
    let told_hold = reason.code.is_some_and(|code| over.held.codes.contains(&code));
    let decided = [
        (seen.has(flag::OPTED_OUT), "opted_out"),
        (over.cancelled, "cancelled"),
        (seen.newest().is_some_and(|slot| slot.known == Known::GivenUp) && (over.never || spent), "outcome_unknown"),
        (over.deadline && (told_hold || !over.held.certain || seen.spent() > 0), "deadline"),
        (seen.intents >= 250, "refused_too_often"),
    ];
    if decided.iter().any(|(is_so, name)| *is_so && is(name)) {
        return last_error(seen).is_none_or(|code| !is_final(code));
    }
    over.deadline && is("held_back") && (told_hold || over.held.ledger)
}

/// Judges one message; where the belief is wrong, that is another check's finding.
#[inline]
pub fn judge(message: u32, row: &Row, seen: &Seen, over: Over<'_>, findings: &mut Findings) {
    let state = row.state();
    let believed = super::belief::states(seen, over).has(state);
    if !believed || seen.has(flag::STALE | flag::CONTRADICTED) || is_right(row.reason(), state, seen, over) {
        return;
    }
    findings.add(Some(message), || {
        let reason = row.reason();
        let code = reason.code.map_or(String::new(), |code| format!(" ({})", code.code()));
        format!("message {message} is {} by {}{code}, with {}", state.name(), reason.name, known(seen))
    });
}

#[cfg(test)]
mod tests {
    use super::super::held::Held;
    use super::super::seen::{Word, by_class};
    use super::*;
    use cloud_api::catalogue::{CodeIndex, find};

    fn right(name: &'static str, code: Option<u32>, state: State, error: Option<u32>, over: Over<'_>) -> bool {
        let index = |code: Option<u32>| code.map(|code| find(code, None));
        let mut seen = Seen::default();
        if let Some(code) = index(error) {
            seen.intend(0, 1);
            seen.learn(0, 1, Word::Is(by_class(code), Some(code)));
        }
        is_right(Reason { name, code: index(code) }, state, &seen, over)
    }

    #[test]
    fn a_failure_must_be_told_by_its_own_name_and_code() {
        let (none, halt) =
            (Held::default(), |code: CodeIndex| Held { codes: vec![code], certain: true, ledger: false });
        let open = Over { deadline: false, cancelled: false, never: false, held: &none };
        let past = Over { deadline: true, ..open };
        let invalid = State::InvalidContact;
        assert!(right("invalid_contact", Some(131_026), invalid, Some(131_026), open));
        assert!(!right("invalid_contact", Some(131_021), invalid, Some(131_026), open));
        assert!(!right("deadline", None, invalid, Some(131_026), past));
        assert!(right("deadline", None, State::Failed, None, past));
        assert!(!right("cancelled", None, State::Failed, None, past));
        assert!(!right("deadline", None, State::Failed, None, open));
        let halted = halt(find(190, None));
        let held = Over { held: &halted, ..past };
        assert!(right("held_back", Some(190), State::Failed, None, held));
        assert!(!right("held_back", Some(131_031), State::Failed, None, held));
        assert!(!right("deadline", None, State::Failed, None, held), "the halt wins");
        assert!(right("sent", None, State::Sent, None, open) && !right("read", None, State::Sent, None, open));
    }
}
