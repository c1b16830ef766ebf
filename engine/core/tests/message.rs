//! A message's state, as the promise defines it: by rule, in any order, through any number of repetitions.

use cloud_api::catalogue::find;
use cloud_api::time::{Span, Timestamp};
use engine_core::State;
use engine_core::attempt::Fact;
use engine_core::command::Merge;
use engine_core::event::Merged;
use engine_core::id::MessageId;
use engine_core::message::{Decision, Row};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_000_000);

fn learn_at(row: &mut Row, now: Timestamp, number: u8, fact: Fact, code: Option<u32>) -> Merged {
    let code = code.map(|code| find(code, None));
    row.learn(now, 1, &Merge { message: MessageId(9), number, fact, code, retry_after_seconds: 0 })
}

fn learn(row: &mut Row, number: u8, fact: Fact, code: Option<u32>) -> Merged {
    learn_at(row, NOW, number, fact, code)
}

/// Plays a story like `post accept sent failed:131026 | post sent`: attempts are divided by `|`.
fn play(story: &str) -> Row {
    let mut row = Row::default();
    let mut number = 0;
    for word in story.split_whitespace() {
        let (word, code) = word.split_once(':').map_or((word, None), |(word, code)| (word, code.parse().ok()));
        let fact = match word {
            "|" => continue,
            "post" => {
                let now = row.due().unwrap_or(NOW);
                number = learn_at(&mut row, now, 0, Fact::Intended, None).number;
                continue;
            }
            "unknown" => Fact::Unknown,
            "given_up" => Fact::GivenUp,
            "accept" => Fact::Accepted,
            "sent" => Fact::Sent,
            "unspent" => Fact::Unspent,
            "failed" => Fact::Failed,
            "delivered" => Fact::Delivered,
            "read" => Fact::Read,
            "replied" => Fact::Replied,
            "deadline" => {
                row.decide(MessageId(9), Decision::DeadlinePassed, code.map(|code| find(code, None)));
                continue;
            }
            "cancel" => {
                row.decide(MessageId(9), Decision::Cancelled, None);
                continue;
            }
            "opt_out" => {
                row.decide(MessageId(9), Decision::OptedOut, None);
                continue;
            }
            other => panic!("no such word: {other}"),
        };
        learn(&mut row, number, fact, code);
    }
    row
}

#[test]
fn stories_end_in_the_state_that_the_promise_names() {
    let four = "post failed:131000 | post failed:131000 | post failed:131000 | post failed";
    for (story, state, reason) in [
        ("", State::Queued, "waiting_for_its_turn"),
        ("post", State::Sending, "in_flight"),
        ("post accept", State::Sending, "accepted"),
        ("post unknown", State::Sending, "outcome_unknown"),
        ("post unspent:130429", State::Queued, "put_back"),
        ("post unspent", State::Queued, "put_back"),
        ("post failed:131000", State::Retrying, "will_retry"),
        ("post accept failed:131049", State::Retrying, "will_retry"),
        ("post failed:131000 | post unspent:130429", State::Retrying, "will_retry"),
        ("post unknown given_up", State::Retrying, "outcome_unknown"),
        ("post accept sent", State::Sent, "sent"),
        ("post sent", State::Sent, "sent"),
        ("post read", State::Read, "read"),
        ("post accept sent delivered failed:131026", State::Delivered, "delivered"),
        ("post accept failed:131026 delivered", State::Delivered, "delivered"),
        ("post accept sent delivered replied read", State::Responded, "responded"),
        ("post failed:131026", State::InvalidContact, "invalid_contact"),
        ("post accept sent failed:131026", State::InvalidContact, "invalid_contact"),
        ("post failed:131050", State::BlockedOrSpam, "blocked"),
        ("post failed:132000", State::Failed, "refused"),
        ("post unknown given_up | post failed:131026 sent", State::InvalidContact, "invalid_contact"),
        (&format!("{four}:131000"), State::Failed, "transient"),
        (&format!("{four}:131048"), State::BlockedOrSpam, "messaging_limit"),
        ("deadline", State::Failed, "deadline"),
        ("deadline:190", State::Failed, "held_back"),
        ("deadline:131048", State::BlockedOrSpam, "held_back"),
        ("post accept deadline", State::Failed, "deadline"),
        ("post deadline accept", State::Failed, "deadline"),
        ("post accept deadline sent", State::Sent, "sent"),
        ("post accept deadline failed:131026", State::InvalidContact, "invalid_contact"),
        ("post failed:131049 deadline", State::BlockedOrSpam, "deadline"),
        ("post failed:131049 deadline:190", State::Failed, "held_back"),
        ("post failed:131000 deadline", State::Failed, "deadline"),
        ("cancel", State::Failed, "cancelled"),
        ("post accept cancel", State::Sending, "accepted"),
        ("post failed:131000 cancel", State::Failed, "cancelled"),
        ("post failed:131026 cancel", State::InvalidContact, "invalid_contact"),
        ("opt_out", State::BlockedOrSpam, "opted_out"),
        ("post accept opt_out", State::Sending, "accepted"),
        ("post accept opt_out failed:131000", State::BlockedOrSpam, "opted_out"),
    ] {
        let row = play(story);
        assert_eq!((row.state(), row.reason().name), (state, reason), "{story:?}");
    }
}

#[test]
fn an_intent_is_refused_unless_the_message_waits_for_one() {
    for story in ["post", "post accept", "post accept sent", "post read", "post failed:131026", "deadline", "cancel"] {
        let mut row = play(story);
        let merged = learn(&mut row, 0, Fact::Intended, None);
        assert!(!merged.changed, "{story:?}");
        assert_eq!(row, play(story));
    }
}

#[test]
fn a_retry_is_refused_before_it_is_due_and_granted_when_it_is() {
    let mut row = play("post failed:131000");
    let due = row.due().unwrap();
    assert!(!learn_at(&mut row, due - Span::micros(1), 0, Fact::Intended, None).changed);
    assert_eq!(learn_at(&mut row, due, 0, Fact::Intended, None).number, 2);
}

#[test]
fn attempts_that_do_not_count_are_made_again_and_spend_nothing() {
    let mut row = Row::default();
    for n in 1..=50 {
        assert_eq!(learn(&mut row, 0, Fact::Intended, None).number, n);
        learn(&mut row, n, Fact::Unspent, Some(130_429));
        assert_eq!((row.spent(), row.posts(), row.state()), (0, n, State::Queued));
    }
    // A word about an attempt whose place was given away: only an arrival counts.
    learn(&mut row, 3, Fact::Sent, None);
    assert_eq!(row.state(), State::Queued);
    learn(&mut row, 3, Fact::Delivered, None);
    assert_eq!(row.state(), State::Delivered);
}

#[test]
fn a_final_error_of_an_attempt_before_the_one_that_was_given_up_leaves_a_time_for_the_retry() {
    for code in [131_026, 131_049, 131_000] {
        let mut row = play("post unknown given_up post unknown");
        learn(&mut row, 1, Fact::Sent, None);
        learn(&mut row, 2, Fact::GivenUp, None);
        assert_eq!((row.state(), row.due()), (State::Sent, None));
        learn(&mut row, 1, Fact::Failed, Some(code));
        let due = row.due().unwrap();
        assert_eq!(row.state(), State::Retrying, "{code}");
        assert!(due > NOW && due != Timestamp::NEVER, "{code}: it would wait until its deadline");
    }
}

#[test]
fn the_last_attempt_is_the_one_made_last_wherever_it_is_kept() {
    let mut row = play("post unknown given_up | post accept");
    learn(&mut row, 1, Fact::Unspent, Some(131_042));
    learn(&mut row, 2, Fact::Unspent, Some(131_042));
    assert_eq!(learn(&mut row, 0, Fact::Intended, None).number, 3, "in the place of the first");
    learn(&mut row, 3, Fact::Failed, Some(131_021));
    assert_eq!((row.state(), row.reason().name), (State::InvalidContact, "invalid_contact"));
}

#[test]
fn a_message_that_was_refused_255_times_for_no_fault_of_its_own_ends_and_says_so() {
    let mut row = Row::default();
    for number in 1..=255 {
        assert_eq!(learn(&mut row, 0, Fact::Intended, None).number, number);
        assert_eq!(row.state(), State::Sending);
        learn(&mut row, number, Fact::Unspent, Some(130_429));
    }
    assert_eq!((row.state(), row.reason().name), (State::Failed, "refused_too_often"));
    assert!(!learn(&mut row, 0, Fact::Intended, None).changed);
    learn(&mut row, 255, Fact::Delivered, None);
    assert_eq!(row.state(), State::Delivered);
}

#[test]
fn a_due_time_is_set_by_the_failure_and_by_nothing_that_comes_after() {
    let mut row = play("post");
    let merged = learn(&mut row, 1, Fact::Failed, Some(131_049));
    assert_eq!((merged.after, merged.due), (State::Retrying, NOW + Span::hours(24)));
    let again = learn_at(&mut row, NOW + Span::hours(1), 1, Fact::Failed, Some(131_049));
    assert!(!again.changed && again.due == merged.due, "the second delivery");
    let evidence = learn(&mut row, 1, Fact::Delivered, None);
    assert_eq!((evidence.due, row.due()), (Timestamp::NEVER, None), "evidence cancels a waiting retry");
}

#[test]
fn a_retry_after_prolongs_the_wait_and_never_shortens_it() {
    for (header, least) in [(0, Span::secs(1)), (1, Span::secs(1)), (600, Span::secs(600))] {
        let mut row = play("post");
        let code = Some(find(131_000, None));
        let merge = Merge { message: MessageId(9), number: 1, fact: Fact::Failed, code, retry_after_seconds: header };
        let due = row.learn(NOW, 1, &merge).due;
        assert!(due >= NOW + least && due <= NOW + least.max(Span::secs(2)), "{header}: {due:?}");
    }
}

#[test]
fn an_old_copy_of_the_store_learns_of_attempts_that_it_never_made() {
    let mut row = Row::default();
    learn(&mut row, 2, Fact::Sent, None);
    assert_eq!((row.state(), row.posts()), (State::Sent, 2));
}

fn fact() -> impl Strategy<Value = (u8, Fact, Option<u32>)> {
    let codes = prop_oneof![Just(131_000), Just(131_026), Just(131_048), Just(131_049)];
    let facts = prop_oneof![
        Just((Fact::Unknown, None)),
        Just((Fact::GivenUp, None)),
        Just((Fact::Accepted, None)),
        Just((Fact::Sent, None)),
        Just((Fact::Delivered, None)),
        Just((Fact::Read, None)),
        Just((Fact::Replied, None)),
        codes.prop_map(|code| (Fact::Failed, Some(code))),
    ];
    (1u8..=2, facts).prop_map(|(number, (fact, code))| (number, fact, code))
}

proptest! {
    /// Two attempts are made; what is learned of them comes shuffled and doubled.
    #[test]
    fn neither_order_nor_repetition_of_what_is_learned_can_matter(
        facts in prop::collection::vec(fact(), 0..8),
        order in any::<prop::sample::Index>(),
        doubled in any::<prop::sample::Index>(),
    ) {
        let made = play("post unknown given_up | post");
        let mut straight = made;
        for (number, fact, code) in &facts {
            learn(&mut straight, *number, *fact, *code);
        }
        let mut other = facts.clone();
        if !facts.is_empty() {
            other.push(facts[doubled.index(facts.len())]);
            let by = order.index(other.len());
            other.rotate_left(by);
            other.reverse();
        }
        let mut shuffled = made;
        for (number, fact, code) in &other {
            learn(&mut shuffled, *number, *fact, *code);
        }
        prop_assert_eq!(straight.state(), shuffled.state());
        prop_assert_eq!(straight.columns().facts, shuffled.columns().facts);
    }

    #[test]
    fn a_row_survives_its_columns(facts in prop::collection::vec(fact(), 0..8)) {
        let mut row = play("post unknown given_up | post");
        for (number, fact, code) in facts {
            learn(&mut row, number, fact, code);
        }
        prop_assert_eq!(Row::from_columns(row.columns()), Some(row));
    }
}
