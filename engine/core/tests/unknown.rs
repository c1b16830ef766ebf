//! Outcomes that nobody knows: how long evidence is waited for, what ends the wait, and what the breaker makes of it.

mod bench;

use bench::{Bench, START, Store, refused};
use cloud_api::catalogue::find;
use cloud_api::time::{Span, Timestamp};
use engine_core::campaign;
use engine_core::engine::OnUnknown;
use engine_core::event::{Answer, Event, Status};
use engine_core::id::MessageId;
use engine_core::limits::{BREAKER_PROBE, SILENCE_FACTOR, UNKNOWN_WAIT};
use engine_core::message::State;

fn accepted(_: u32, _: u8) -> Answer {
    Answer::Accepted
}

/// Two messages, accepted and unknown a second after the start.
fn accepted_and_unknown(on_unknown: OnUnknown) -> Bench {
    let mut store = Store::with(&[10]);
    store.on_unknown = on_unknown;
    store.campaign(0, 0..2);
    let mut bench = Bench::on(store);
    bench.pass(Span::secs(1));
    bench.answer(0, 1, Answer::Accepted);
    bench.answer(1, 1, Answer::Unknown);
    assert_eq!((bench.state(1), bench.reason(1)), (State::Sending, "outcome_unknown"));
    bench
}

/// A webhook about the first message of something that happened then.
fn heard(bench: &mut Bench, at: Timestamp) {
    bench.tell(Event::Status { message: MessageId(0), number: 1, status: Status::Sent, at });
}

/// Webhooks every two minutes, the last of them at the end: the channel lives.
fn alive(bench: &mut Bench, to: Timestamp) {
    while bench.now < to {
        let now = bench.now;
        bench.until((now + Span::mins(2)).min(to));
        let at = bench.now;
        heard(bench, at);
    }
}

#[test]
fn it_is_given_up_after_the_wait_when_a_webhook_as_young_as_that_proves_the_channel() {
    let mut bench = accepted_and_unknown(OnUnknown::Resend);
    let over = bench.now + UNKNOWN_WAIT;
    alive(&mut bench, over - Span::secs(1));
    bench.until(over + Span::secs(30));
    heard(&mut bench, over - Span::micros(1));
    bench.pass(Span::secs(30));
    assert_eq!((bench.state(1), bench.posts.len()), (State::Sending, 2), "it came later, and happened too early");
    heard(&mut bench, over);
    assert_eq!((bench.state(1), bench.reason(1)), (State::Retrying, "outcome_unknown"));
    bench.pass(Span::secs(3));
    assert_eq!(bench.posts.last().map(|post| (post.1, post.2)), Some((1, 2)));
    assert!(bench.store.rows[1].was_given_up(), "it is in the report");
    assert!(!bench.store.rows[0].was_given_up());
}

#[test]
fn proof_that_is_there_already_ends_the_wait_at_its_very_end() {
    let mut bench = accepted_and_unknown(OnUnknown::Resend);
    let over = bench.now + UNKNOWN_WAIT;
    alive(&mut bench, over);
    assert_eq!((bench.now, bench.state(1)), (over, State::Retrying));
}

#[test]
fn while_another_message_could_still_cause_a_webhook_silence_gives_nothing_up() {
    let mut bench = accepted_and_unknown(OnUnknown::Resend);
    bench.pass(Span::hours(24));
    assert_eq!((bench.state(0), bench.state(1)), (State::Sending, State::Sending));
    assert_eq!(bench.posts.len(), 2);
}

#[test]
fn where_nothing_is_left_that_could_cause_a_webhook_twice_the_wait_will_do() {
    let mut bench = accepted_and_unknown(OnUnknown::Resend);
    let since = bench.now;
    bench.pass(Span::secs(1));
    heard(&mut bench, since);
    bench.until(since + UNKNOWN_WAIT * 2 - Span::micros(1));
    assert_eq!(bench.state(1), State::Sending);
    bench.pass(Span::micros(1));
    assert_eq!(bench.state(1), State::Retrying);
}

#[test]
fn a_silence_of_the_channel_prolongs_the_wait_to_four_times_itself_and_twice_that_without_proof() {
    for is_proven in [true, false] {
        let mut store = Store::with(&[10]);
        store.campaign(0, 0..3);
        let mut bench = Bench::on(store);
        bench.pass(Span::secs(1));
        bench.answer(0, 1, Answer::Accepted);
        bench.answer(2, 1, Answer::Accepted);
        bench.answer(1, 1, Answer::Unknown);
        let since = bench.now;
        heard(&mut bench, since);
        let silence = Span::mins(19);
        bench.pass(silence);
        // What WhatsApp could have said all the time, and did not.
        let at = bench.now;
        bench.tell(Event::Status { message: MessageId(2), number: 1, status: Status::Sent, at });
        let wait = silence * SILENCE_FACTOR;
        let over = if is_proven { since + wait } else { since + wait * 2 };
        if is_proven {
            alive(&mut bench, over - Span::secs(1));
        }
        bench.until(over - Span::micros(1));
        assert_eq!((bench.state(1), bench.posts.len()), (State::Sending, 3), "{is_proven}");
        bench.until(over);
        if is_proven {
            heard(&mut bench, over);
        }
        assert_eq!(bench.state(1), State::Retrying, "{is_proven}");
    }
}

#[test]
fn the_webhook_of_what_was_given_up_where_nothing_was_left_prolongs_nobodys_wait() {
    let mut store = Store::with(&[10]);
    store.campaign(0, 0..2);
    let mut bench = Bench::on(store);
    bench.pass(Span::secs(1));
    bench.answer(0, 1, Answer::Unknown);
    bench.pass(Span::secs(3));
    bench.answer(1, 1, Answer::Unknown);
    bench.pass(UNKNOWN_WAIT * 2);
    assert_eq!((bench.state(0), bench.state(1)), (State::Sending, State::Sending));
    assert_eq!(bench.posts.last().map(|post| (post.1, post.2)), Some((0, 2)), "the first is sent again");
    bench.answer(0, 2, Answer::Accepted);
    let at = bench.now;
    bench.tell(Event::Status { message: MessageId(0), number: 2, status: Status::Sent, at });
    assert_eq!(bench.state(1), State::Retrying, "twenty minutes in which nothing could come were no silence");
}

#[test]
fn where_nothing_may_be_sent_again_it_ends_as_failed_and_a_late_arrival_still_lifts_it() {
    let mut bench = accepted_and_unknown(OnUnknown::Never);
    let over = bench.now + UNKNOWN_WAIT;
    alive(&mut bench, over);
    assert_eq!((bench.state(1), bench.reason(1)), (State::Failed, "outcome_unknown"));
    bench.pass(Span::hours(48));
    assert_eq!(bench.posts.len(), 2, "nobody gets two copies");
    assert!(bench.store.rows[1].was_given_up());
    bench.status(1, 1, Status::Delivered);
    assert_eq!(bench.campaign(), (campaign::State::Completed, vec![(State::Sent, 1), (State::Delivered, 1)]));
}

#[test]
fn where_nothing_may_be_sent_again_a_crash_costs_the_message_and_not_the_contact() {
    let mut store = Store::with(&[10]);
    store.on_unknown = OnUnknown::Never;
    store.campaign(0, 0..3);
    let bench = Bench::on(store);
    assert_eq!(bench.sends, [(0, 1)]);
    let mut after = bench.restart(Span::secs(5));
    after.serve(Span::mins(1), accepted);
    assert_eq!(after.posted(0), [1, 2]);
    for message in [1, 2] {
        after.status(message, 1, Status::Sent);
    }
    after.serve(UNKNOWN_WAIT * 2, accepted);
    assert_eq!((after.state(0), after.reason(0), after.posts.len()), (State::Failed, "outcome_unknown", 2));
}

#[test]
fn evidence_ends_the_wait_whichever_it_is() {
    for (status, state, posts) in [
        (Status::Sent, State::Sent, 2),
        (Status::Read, State::Read, 2),
        (Status::Failed(find(131_026, None)), State::InvalidContact, 2),
        (Status::Failed(find(131_000, None)), State::Sending, 3),
    ] {
        let mut bench = accepted_and_unknown(OnUnknown::Resend);
        bench.pass(Span::mins(1));
        bench.status(1, 1, status);
        bench.pass(Span::secs(3));
        assert_eq!((bench.state(1), bench.posts.len()), (state, posts), "{status:?}");
        bench.status(0, 1, Status::Sent);
        bench.pass(Span::hours(2));
        assert_eq!(bench.posts.len(), posts, "{status:?}");
        assert!(!bench.store.rows[1].was_given_up(), "{status:?}");
    }
}

#[test]
fn evidence_for_an_attempt_that_was_given_up_cancels_the_retry_and_stays_in_the_report() {
    let mut bench = accepted_and_unknown(OnUnknown::Resend);
    let over = bench.now + UNKNOWN_WAIT;
    alive(&mut bench, over);
    bench.status(1, 1, Status::Sent);
    bench.pass(Span::hours(1));
    assert_eq!((bench.state(1), bench.posts.len()), (State::Sent, 2));
    assert!(bench.store.rows[1].was_given_up());
}

#[test]
fn four_unknown_outcomes_end_a_message() {
    let mut store = Store::with(&[10]);
    store.campaign(0, 0..1);
    let mut bench = Bench::on(store);
    for number in 1..=4 {
        assert_eq!(bench.sends, [(0, number)]);
        bench.answer_all(Answer::Unknown);
        bench.pass(UNKNOWN_WAIT * 2 + Span::mins(2));
    }
    assert_eq!((bench.posts.len(), bench.state(0), bench.reason(0)), (4, State::Failed, "outcome_unknown"));
}

#[test]
fn a_webhook_that_proves_acceptance_closes_the_breaker() {
    let mut bench = Bench::new(1_000, 10);
    bench.pass(Span::millis(500));
    let under_way = bench.sends.len();
    bench.answer_all(Answer::Unknown);
    assert!(under_way >= 5 && bench.sender(0).breaker_open);
    bench.pass(BREAKER_PROBE - Span::secs(1));
    assert_eq!(bench.posts.len(), under_way, "nothing is claimed while it is open");
    bench.status(2, 1, Status::Sent);
    assert!(!bench.sender(0).breaker_open);
    bench.serve(Span::secs(10), accepted);
    assert!(bench.posts.len() > under_way + 90);
}

#[test]
fn a_webhook_of_what_was_accepted_long_ago_does_not_close_the_breaker() {
    let mut bench = Bench::new(1_000, 10);
    bench.answer_all(Answer::Accepted);
    bench.pass(Span::secs(1));
    bench.answer_all(Answer::NeverWritten);
    assert!(bench.sender(0).breaker_open);
    bench.status(0, 1, Status::Delivered);
    assert!(bench.sender(0).breaker_open, "it proves nothing of the way to WhatsApp now");
}

#[test]
fn an_open_breaker_closes_with_its_probe_whatever_the_answer_is() {
    for answer in [Answer::Accepted, refused(131_026), refused(131_000)] {
        let mut bench = Bench::new(1_000, 10);
        bench.pass(Span::secs(1));
        let under_way = bench.sends.len();
        bench.answer_all(Answer::NeverWritten);
        bench.pass(BREAKER_PROBE);
        assert_eq!(bench.sends.len(), 1, "{answer:?}");
        bench.answer_all(answer);
        bench.serve(Span::secs(10), accepted);
        assert!(bench.posts.len() > under_way + 90, "{answer:?}");
        assert_eq!(
            bench.store.rows.iter().map(|row| row.spent()).max(),
            Some(if answer == refused(131_000) { 2 } else { 1 })
        );
    }
}

#[test]
fn the_silence_in_which_the_engine_was_down_prolongs_the_wait_of_what_the_crash_left() {
    let mut bench = Bench::new(2, 10);
    bench.pass(Span::secs(1));
    bench.answer(0, 1, Answer::Accepted);
    bench.status(0, 1, Status::Sent);
    let down_for = Span::mins(20);
    let mut after = bench.restart(down_for);
    let since = after.now;
    assert_eq!(since, START + Span::secs(1) + down_for);
    after.until(since + down_for * SILENCE_FACTOR * 2 - Span::micros(1));
    assert_eq!((after.state(1), after.posts.len()), (State::Sending, 0));
    // The store knows to the minute when a webhook last came.
    after.pass(Span::mins(1) * SILENCE_FACTOR * 2);
    assert_eq!(after.posts.len(), 1, "nothing is left that could cause a webhook: twice the wait");
}
