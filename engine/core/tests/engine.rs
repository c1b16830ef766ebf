//! The core at its plain work, driven by hand: sending, retries, halts, outages, unknown outcomes, the deadline, a crash.

mod bench;

use bench::{Bench, START, refused};
use cloud_api::time::Span;
use engine_core::event::{Answer, Event, Status};
use engine_core::id::AckToken;
use engine_core::limits::{DEADLINE, HALT_PROBE, UNKNOWN_WAIT};
use engine_core::{State, campaign};

#[test]
fn a_message_goes_from_queued_to_read_and_the_webhook_is_acknowledged_after_its_merge() {
    let mut bench = Bench::new(1, 80);
    assert_eq!(bench.sends, [(0, 1)]);
    bench.answer(0, 1, Answer::Accepted);
    assert_eq!(bench.campaign(), (campaign::State::Sending, vec![(State::Sending, 1)]));
    bench.status(0, 1, Status::Read);
    bench.tell(Event::WebhookEnd { token: AckToken(5) });
    assert_eq!(bench.acks, [5]);
    assert_eq!(bench.campaign(), (campaign::State::Completed, vec![(State::Read, 1)]));
}

#[test]
fn claims_keep_the_pace_and_pages_keep_memory_bounded() {
    let mut bench = Bench::new(20_000, 80);
    for _ in 0..100 {
        bench.pass(Span::millis(100));
        bench.answer_all(Answer::Accepted);
        let sent =
            bench.campaign().1.iter().filter(|(state, _)| *state != State::Queued).map(|(_, count)| count).sum::<u32>();
        assert!(bench.loaded - sent as usize <= 1_536, "{} loaded, {sent} sent", bench.loaded);
    }
    let (_, counts) = bench.campaign();
    let sent = counts[1].1;
    assert!((801..=805).contains(&sent), "{sent}: ten seconds at 80 a second, and 50 ms of catching up at most");
}

#[test]
fn posts_under_way_are_bounded_when_no_answer_comes() {
    let mut bench = Bench::new(5_000, 1_000);
    bench.pass(Span::secs(60));
    assert_eq!(bench.sends.len(), 256);
    bench.answer_all(Answer::Accepted);
    bench.pass(Span::secs(1));
    assert_eq!(bench.sends.len(), 256);
}

#[test]
fn a_transient_error_is_retried_when_it_is_due_and_four_end_it() {
    let mut bench = Bench::new(1, 80);
    for number in 1..=4 {
        assert_eq!(bench.sends, [(0, number)]);
        bench.refuse_all(131_000);
        bench.pass(Span::millis(900));
        assert_eq!(bench.sends, [], "not before half the wait");
        bench.pass(Span::secs(60));
    }
    assert_eq!(bench.sends, []);
    assert_eq!(bench.campaign(), (campaign::State::Failed, vec![(State::Failed, 1)]));
}

#[test]
fn evidence_that_comes_while_a_retry_waits_cancels_it() {
    let mut bench = Bench::new(1, 80);
    bench.refuse_all(131_000);
    bench.status(0, 1, Status::Delivered);
    bench.pass(Span::hours(1));
    assert_eq!(bench.sends, []);
    assert_eq!(bench.campaign(), (campaign::State::Completed, vec![(State::Delivered, 1)]));
}

#[test]
fn a_throttled_message_goes_back_to_queued_and_the_pace_is_halved() {
    let mut bench = Bench::new(10, 80);
    bench.refuse_all(130_429);
    assert_eq!(bench.engine.snapshot().senders[0].rate_milli, 40_000);
    assert_eq!(bench.campaign().1, [(State::Queued, 10)]);
    for _ in 0..40 {
        bench.pass(Span::millis(50));
        bench.answer_all(Answer::Accepted);
    }
    assert_eq!(bench.campaign().1, [(State::Sending, 10)]);
    assert_eq!(bench.store.rows[0].spent(), 1);
}

#[test]
fn a_halt_costs_no_attempt_and_one_probe_in_five_minutes_until_one_passes() {
    for code in [190, 133_010, 132_015] {
        let mut bench = Bench::new(1_000, 80);
        bench.refuse_all(code);
        bench.pass(HALT_PROBE - Span::secs(1));
        assert_eq!(bench.sends, [], "{code}");
        for _ in 0..3 {
            bench.pass(Span::secs(1));
            assert_eq!(bench.sends.len(), 1, "{code}: one probe");
            bench.pass(Span::secs(20));
            assert_eq!(bench.sends.len(), 1, "{code}: and no other while it is under way");
            bench.refuse_all(code);
            bench.pass(HALT_PROBE - Span::secs(1));
        }
        bench.pass(Span::secs(1));
        bench.answer_all(Answer::Accepted);
        bench.pass(Span::secs(1));
        assert!(bench.sends.len() >= 80, "{code}: it goes on");
        assert!(bench.store.rows.iter().all(|row| row.spent() <= 1), "{code}: nothing was spent on the halt");
    }
}

#[test]
fn one_message_that_always_halts_does_not_hold_up_the_others() {
    let mut bench = Bench::new(500, 80);
    let mut poisoned = 0;
    for _ in 0..4_000 {
        for (message, number) in std::mem::take(&mut bench.sends) {
            if message == 3 {
                poisoned += 1;
                bench.answer(message, number, refused(132_015));
            } else {
                bench.answer(message, number, Answer::Accepted);
            }
        }
        bench.pass(Span::millis(500));
    }
    let (_, counts) = bench.campaign();
    assert_eq!(counts, [(State::Queued, 1), (State::Sending, 499)], "33 minutes: a few probes");
    assert!(poisoned <= 8, "{poisoned}");
}

#[test]
fn an_outage_costs_the_messages_under_way_nothing_and_then_a_probe_at_a_time() {
    let mut bench = Bench::new(1_000, 80);
    bench.pass(Span::millis(100));
    let under_way = bench.sends.len();
    let mut posts = 0;
    for _ in 0..600 {
        posts += bench.sends.len();
        bench.answer_all(Answer::NeverWritten);
        bench.pass(Span::secs(1));
    }
    assert!(posts <= under_way + 20, "{posts} POSTs in ten minutes of outage, {under_way} were under way");
    assert!(bench.store.rows.iter().all(|row| row.spent() == 0 || row.state() == State::Sending));
}

#[test]
fn an_unknown_outcome_waits_for_evidence_and_is_given_up_after_the_wait() {
    let mut bench = Bench::new(2, 80);
    bench.pass(Span::secs(1));
    bench.answer_all(Answer::Unknown);
    bench.status(0, 1, Status::Sent);
    bench.pass(UNKNOWN_WAIT * 2 - Span::secs(2));
    assert_eq!(bench.sends, []);
    assert_eq!(bench.campaign().1, [(State::Sending, 1), (State::Sent, 1)]);
    bench.pass(Span::secs(5));
    assert_eq!(bench.sends, [(1, 2)], "only the one without evidence is sent again");
}

#[test]
fn the_deadline_ends_what_is_in_progress_and_a_later_arrival_lifts_it() {
    let mut bench = Bench::new(3, 80);
    bench.pass(Span::secs(1));
    let sends = std::mem::take(&mut bench.sends);
    bench.answer(sends[0].0, 1, Answer::Accepted);
    bench.status(0, 1, Status::Sent);
    bench.answer(1, 1, Answer::Accepted);
    bench.answer(2, 1, refused(131_049));
    bench.until(START + DEADLINE - Span::secs(1));
    let retries = std::mem::take(&mut bench.sends);
    assert_eq!(retries, [(2, 2)], "the cap asks for a day, so one retry is under way");
    bench.until(START + DEADLINE);
    let (state, counts) = bench.campaign();
    assert_eq!(state, campaign::State::Failed);
    assert_eq!(counts, [(State::Sent, 1), (State::Failed, 2)]);
    bench.status(1, 1, Status::Delivered);
    assert_eq!(bench.campaign().0, campaign::State::Completed);
    assert_eq!(bench.engine.next_deadline(), None, "nothing is left to do");
}

#[test]
fn after_the_deadline_nothing_waits_for_evidence_any_more() {
    let mut bench = Bench::new(2, 80);
    bench.pass(Span::secs(1));
    bench.answer(0, 1, Answer::Unknown);
    bench.answer(1, 1, Answer::Accepted);
    bench.until(START + DEADLINE);
    assert_eq!(bench.campaign().1, [(State::Failed, 2)]);
    assert_eq!(bench.engine.snapshot().senders[0].unknown, 0);
    assert_eq!(bench.engine.next_deadline(), None);
}

#[test]
fn after_a_crash_intents_are_unknown_and_everything_queued_goes_out() {
    let mut before = Bench::new(10, 80);
    before.pass(Span::millis(30));
    let under_way = before.sends.clone();
    before.answer(under_way[0].0, 1, Answer::Accepted);
    // The process dies here: what is durable is the rows.
    let mut after = before.restart(Span::ZERO);
    after.pass(Span::secs(10));
    let sent_now: Vec<u32> = after.sends.iter().map(|(message, _)| *message).collect();
    for (message, _) in &under_way {
        assert!(!sent_now.contains(message), "message {message} was under way and is not sent blindly");
    }
    assert_eq!(sent_now.len() + under_way.len(), 10, "nothing queued is lost");
    for message in sent_now.iter().chain([&under_way[0].0]) {
        after.status(*message, 1, Status::Sent);
    }
    after.pass(UNKNOWN_WAIT * 2);
    let unknown = under_way.len() - 1;
    assert_eq!(after.sends.len(), sent_now.len() + unknown, "what stayed unknown is given up and sent again");
}
