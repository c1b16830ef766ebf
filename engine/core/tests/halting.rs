//! Halts and waits that are no message's fault: what stops, what probes, what ends them, what a crash and the deadline make of them.

mod bench;

use bench::{Bench, START, Store, refused};
use cloud_api::catalogue::find;
use cloud_api::time::{Span, Timestamp};
use engine_core::command::{Command, Held};
use engine_core::engine::PortfolioSpec;
use engine_core::event::{Answer, Event, Status};
use engine_core::hold::Memo;
use engine_core::id::{CampaignId, GroupId, PortfolioId, SenderId};
use engine_core::limits::{DEADLINE, HALT_PROBE, LIMIT_JITTER, LIMIT_WAIT};
use engine_core::message::State;

fn accepted(_: u32, _: u8) -> Answer {
    Answer::Accepted
}

/// Two numbers of one portfolio and a third of another, a campaign of 400 each, a second under way.
fn three_numbers() -> Bench {
    let mut store = Store::with(&[10, 10, 10]);
    store.portfolios.push(PortfolioSpec::default());
    store.senders[2].portfolio = PortfolioId(1);
    for sender in 0..3 {
        store.campaign(sender, u32::from(sender) * 400..u32::from(sender) * 400 + 400);
    }
    let mut bench = Bench::on(store);
    bench.pass(Span::secs(1));
    assert_eq!(bench.sends.len(), 33);
    bench
}

/// What was POSTed of the held portfolio since: the third number's messages are from 800 on.
fn of_the_held(bench: &Bench, from: usize) -> Vec<u32> {
    bench.posted(from).into_iter().filter(|message| *message < 800).collect()
}

#[test]
fn the_messaging_limits_error_holds_every_number_of_its_portfolio_and_no_other() {
    let mut bench = three_numbers();
    bench.answer(3, 1, refused(131_048));
    let held_at = bench.now;
    assert_eq!((bench.state(3), bench.portfolio().held_by.map(|code| code.code())), (State::Retrying, Some(131_048)));
    let before = bench.posts.len();
    bench.answer_all(Answer::Accepted);
    assert!(bench.portfolio().held_by.is_some(), "what was under way when the hold began says nothing");
    bench.serve(LIMIT_WAIT - Span::micros(1), accepted);
    assert_eq!(of_the_held(&bench, before), [0; 0]);
    assert_eq!(bench.counts(2), [(State::Sending, 400)]);
    bench.until(held_at + LIMIT_WAIT);
    assert_eq!(of_the_held(&bench, before).len(), 1, "one probe for both numbers");
    bench.pass(HALT_PROBE);
    assert_eq!(of_the_held(&bench, before).len(), 1, "and no other while it is under way");
}

#[test]
fn a_probe_of_the_messaging_limit_that_is_refused_holds_for_another_twelve_hours_and_one_that_passes_ends_it() {
    let mut bench = three_numbers();
    bench.answer(3, 1, refused(131_048));
    bench.answer_all(Answer::Accepted);
    bench.serve(LIMIT_WAIT - Span::micros(1), accepted);
    let before = bench.posts.len();
    for nth in 1..=2 {
        bench.pass(Span::micros(1));
        assert_eq!(of_the_held(&bench, before).len(), nth);
        bench.refuse_all(131_048);
        bench.pass(LIMIT_WAIT - Span::micros(1));
        assert_eq!(of_the_held(&bench, before).len(), nth, "nothing for twelve hours");
    }
    bench.pass(Span::micros(1));
    bench.answer_all(Answer::Accepted);
    assert_eq!(bench.portfolio().held_by, None);
    bench.serve(Span::mins(1) + LIMIT_JITTER, accepted);
    let in_progress = |place: usize| bench.status_of(place).counts.of(State::Queued);
    assert_eq!((in_progress(0), in_progress(1)), (0, 0), "both numbers go on");
}

#[test]
fn a_probe_of_the_messaging_limit_that_is_refused_for_a_reason_of_its_own_says_nothing_of_the_limit() {
    for code in [131_026, 131_049, 131_056, 132_001] {
        let mut bench = Bench::new(100, 10);
        bench.refuse_all(131_048);
        bench.until(START + LIMIT_WAIT + LIMIT_JITTER);
        bench.refuse_all(code);
        bench.pass(Span::secs(10));
        assert_eq!(bench.portfolio().held_by.map(|code| code.code()), Some(131_048), "{code}");
    }
}

#[test]
fn where_the_messaging_limits_error_came_by_webhook_only_a_status_ends_the_hold() {
    let mut bench = three_numbers();
    bench.answer_all(Answer::Accepted);
    bench.status(3, 1, Status::Failed(find(131_048, None)));
    bench.serve(LIMIT_WAIT - Span::micros(1), accepted);
    let before = bench.posts.len();
    bench.pass(Span::micros(1));
    let probe = of_the_held(&bench, before)[0];
    bench.answer_all(Answer::Accepted);
    bench.pass(Span::secs(30));
    assert_eq!(of_the_held(&bench, before).len(), 1, "acceptance proves nothing where the error comes later");
    bench.status(probe, 1, Status::Sent);
    bench.serve(Span::secs(10), accepted);
    assert!(of_the_held(&bench, before).len() > 100);
}

#[test]
fn where_only_a_status_ends_a_hold_the_next_probe_goes_after_its_interval_whatever_else_happens() {
    for (code, _, every) in halts() {
        let mut bench = Bench::new(1_000, 10);
        bench.answer_all(Answer::Accepted);
        bench.status(0, 1, Status::Failed(find(code, None)));
        bench.answer_all(Answer::Accepted);
        let before = bench.posts.len();
        bench.until(START + every + LIMIT_JITTER);
        assert_eq!(bench.posts.len(), before + 1, "{code}");
        bench.answer_all(Answer::Accepted);
        bench.pass(HALT_PROBE);
        assert_eq!(bench.posts.len(), before + 2, "{code}: no webhook and no answer came meanwhile");
    }
}

#[test]
fn the_status_of_a_probe_whose_answer_was_lost_ends_a_hold() {
    for (code, held, every) in halts() {
        let mut bench = Bench::new(1_000, 10);
        bench.refuse_all(code);
        bench.until(START + every + LIMIT_JITTER);
        let (_, probe, attempt) = *bench.posts.last().unwrap();
        bench.answer_all(Answer::Unknown);
        bench.pass(HALT_PROBE);
        assert_ne!(bench.posts.last().unwrap().1, probe, "{code}: another one probes by now");
        assert_eq!(remembered(&bench).len(), 1, "{code}");
        bench.status(probe, attempt, Status::Sent);
        bench.pass(Span::secs(1));
        assert_eq!(remembered(&bench)[1..], [(held, None)], "{code}");
    }
}

/// Errors of a template, a number, an account and a portfolio: who is held, and for how long.
fn halts() -> [(u32, Held, Span); 4] {
    [
        (132_015, Held::Campaign(CampaignId(0)), HALT_PROBE),
        (131_031, Held::Sender(SenderId(0)), HALT_PROBE),
        (190, Held::Sender(SenderId(0)), HALT_PROBE),
        (131_048, Held::Portfolio(PortfolioId(0)), LIMIT_WAIT),
    ]
}

fn remembered(bench: &Bench) -> Vec<(Held, Option<Memo>)> {
    let of = |command: &Command| match command {
        Command::Remember { held, hold } => Some((*held, *hold)),
        _ => None,
    };
    bench.kept.iter().filter_map(of).collect()
}

#[test]
fn a_hold_is_remembered_when_it_begins_and_forgotten_when_its_probe_passes() {
    for (code, held, every) in halts() {
        let mut bench = Bench::new(1_000, 10);
        bench.refuse_all(code);
        let until = START + every;
        let every_seconds = every.as_secs() as u32;
        let memo = Memo { code: find(code, None), came_late: false, until, every_seconds };
        assert_eq!(remembered(&bench), [(held, Some(memo))], "{code}");
        bench.until(until + LIMIT_JITTER);
        bench.answer_all(Answer::Accepted);
        bench.pass(Span::secs(1));
        assert_eq!(remembered(&bench)[1..], [(held, None)], "{code}");
    }
}

#[test]
fn a_hold_stands_after_a_crash_until_the_time_that_was_remembered_and_then_one_probe_goes() {
    for (code, held, every) in halts() {
        let mut bench = Bench::new(1_000, 10);
        bench.refuse_all(code);
        let until = START + every;
        let mut after = bench.restart(Span::secs(30));
        after.until(until - Span::micros(1));
        assert_eq!(after.posts, [], "{code}");
        after.pass(Span::mins(1));
        assert_eq!((after.posts.len(), after.posts[0].0), (1, until), "{code}: one probe");
        let mut third = after.restart(Span::secs(30));
        // A new life is silent for an interval of the pace, since nobody knows when the one before POSTed last.
        third.pass(Span::secs(1));
        assert_eq!(third.posts.len(), 1, "{code}: its answer was lost, and the next probe goes");
        third.answer_all(Answer::Accepted);
        third.serve(Span::secs(10), accepted);
        assert!(third.posts.len() > 90, "{code}: it goes on");
        assert_eq!(remembered(&third), [(held, None)], "{code}");
    }
}

#[test]
fn a_hold_that_came_by_webhook_is_restored_as_one() {
    let mut bench = Bench::new(1_000, 10);
    bench.answer_all(Answer::Accepted);
    bench.status(0, 1, Status::Failed(find(132_015, None)));
    let mut after = bench.restart(HALT_PROBE);
    after.pass(Span::secs(1));
    assert_eq!(after.posts.len(), 1);
    let (_, probe, number) = after.posts[0];
    assert_eq!((probe, number), (0, 2), "the message that was put back is the first to go");
    after.answer_all(Answer::Accepted);
    after.pass(Span::secs(30));
    assert_eq!(after.posts.len(), 1, "acceptance is not enough in this life either");
    after.status(probe, 1, Status::Sent);
    after.pass(Span::secs(1));
    assert_eq!(after.posts.len(), 1, "that the attempt before it was sent, too, proves nothing");
    after.status(probe, number, Status::Sent);
    after.pass(Span::secs(1));
    assert!(after.posts.len() > 5);
}

#[test]
fn a_resumed_sender_is_lifted_of_whatever_halts_it_its_portfolio_or_its_templates() {
    for (code, held, _) in halts() {
        let mut bench = Bench::new(1_000, 10);
        bench.refuse_all(code);
        bench.serve(Span::mins(1), accepted);
        let before = bench.posts.len();
        bench.tell(Event::ResumeSender { sender: SenderId(0) });
        bench.serve(Span::secs(10), accepted);
        assert!(bench.posts.len() - before > 90, "{code}");
        assert_eq!(remembered(&bench).last(), Some(&(held, None)), "{code}: after a crash too");
    }
}

#[test]
fn resuming_one_sender_leaves_the_others_halted() {
    let mut bench = three_numbers();
    for message in [1, 401] {
        bench.answer(message, 1, refused(190));
    }
    bench.answer_all(Answer::Accepted);
    let before = bench.posts.len();
    bench.tell(Event::ResumeSender { sender: SenderId(1) });
    bench.serve(Span::mins(1), accepted);
    let posted = of_the_held(&bench, before);
    assert!(posted.len() > 300 && posted.iter().all(|message| *message >= 400));
}

#[test]
fn a_halt_that_is_lifted_too_early_begins_again_with_the_next_refusal() {
    let mut bench = Bench::new(1_000, 10);
    bench.refuse_all(190);
    bench.tell(Event::ResumeSender { sender: SenderId(0) });
    bench.pass(Span::millis(100));
    assert!(!bench.sends.is_empty());
    bench.refuse_all(190);
    let before = bench.posts.len();
    bench.pass(HALT_PROBE - Span::secs(1));
    assert_eq!(bench.posts.len(), before);
    assert!(bench.store.rows.iter().all(|row| row.spent() == 0));
}

#[test]
fn a_template_that_may_be_used_again_is_used_again_at_once() {
    let mut store = Store::with(&[10]);
    store.campaign(0, 0..200);
    store.campaign(0, 200..220);
    let mut bench = Bench::on(store);
    bench.refuse_all(132_015);
    bench.serve(Span::mins(1), accepted);
    assert!(
        bench.posts.len() < 30 && bench.counts(1) == [(State::Sending, 20)],
        "the other template's campaign is sent"
    );
    bench.tell(Event::TemplateBack { campaign: CampaignId(0) });
    bench.serve(Span::mins(1), accepted);
    assert_eq!(bench.counts(0), [(State::Sending, 200)]);
    bench.tell(Event::TemplateBack { campaign: CampaignId(0) });
    assert_eq!(remembered(&bench).len(), 2, "the second delivery changes nothing");
}

/// A campaign that waited for its first second until shortly before the deadline.
fn at_the_last_minute(limit: Option<u32>) -> Bench {
    let mut store = Store::with(&[10]);
    if let Some(limit) = limit {
        store = store.limited_to(limit);
    }
    store.campaign(0, 0..200).paused = true;
    let mut bench = Bench::on(store);
    bench.until(START + DEADLINE - Span::mins(1));
    bench.tell(Event::Resume { group: GroupId(0) });
    bench.pass(Span::secs(1));
    bench
}

/// How the last message ends, which was never POSTed.
fn end(mut bench: Bench) -> (State, &'static str, Option<u32>) {
    bench.until(START + DEADLINE);
    let row = bench.store.rows[199];
    assert_eq!(row.posts(), 0);
    (row.state(), row.reason().name, row.reason().code.map(|code| code.code()))
}

#[test]
fn what_held_a_message_back_at_the_deadline_is_its_reason() {
    for (code, state) in [
        (132_015, State::Failed),
        (131_031, State::Failed),
        (190, State::Failed),
        (131_048, State::BlockedOrSpam),
        (131_064, State::BlockedOrSpam),
    ] {
        let mut bench = at_the_last_minute(None);
        bench.refuse_all(code);
        assert_eq!(end(bench), (state, "held_back", Some(code)));
    }
    let mut outage = at_the_last_minute(None);
    for _ in 0..10 {
        outage.pass(Span::millis(100));
        outage.answer_all(Answer::NeverWritten);
    }
    assert!(outage.sender(0).breaker_open);
    assert_eq!(end(outage), (State::Failed, "deadline", None), "a breaker is no halt");
    assert_eq!(end(at_the_last_minute(Some(5))), (State::BlockedOrSpam, "held_back", Some(131_048)), "the ledger");
    let mut paused = at_the_last_minute(Some(5));
    paused.tell(Event::Pause { group: GroupId(0) });
    assert_eq!(
        end(paused),
        (State::Failed, "deadline", None),
        "what is paused is held back by that, and not by the ledger"
    );
}

#[test]
fn where_a_halt_and_the_limit_held_a_message_back_the_halt_is_its_reason() {
    for code in [132_015, 190] {
        let mut full = at_the_last_minute(Some(5));
        full.answer(0, 1, refused(code));
        assert_eq!(end(full), (State::Failed, "held_back", Some(code)), "with a full ledger");
        let mut held = at_the_last_minute(None);
        held.answer(0, 1, refused(131_048));
        held.answer(1, 1, refused(code));
        assert_eq!(end(held), (State::Failed, "held_back", Some(code)), "with the limit's own error");
    }
}

#[test]
fn a_retry_that_waits_at_the_deadline_ends_by_its_own_error_unless_a_halt_held_it_back() {
    let refused_at_last = |code, halted: bool| {
        let mut bench = at_the_last_minute(None);
        bench.answer(0, 1, refused(code));
        if halted {
            bench.answer(1, 1, refused(190));
        }
        bench.until(START + DEADLINE);
        (bench.state(0), bench.reason(0))
    };
    assert_eq!(refused_at_last(131_049, false), (State::BlockedOrSpam, "deadline"));
    assert_eq!(refused_at_last(131_049, true), (State::Failed, "held_back"));
    assert_eq!(refused_at_last(131_048, true), (State::Failed, "held_back"));
    assert_eq!(refused_at_last(131_048, false).0, State::BlockedOrSpam);
}

#[test]
fn a_maintenance_of_the_number_holds_it_a_minute() {
    let mut bench = Bench::new(1_000, 10);
    bench.refuse_all(131_057);
    bench.until(START + Span::secs(59));
    assert_eq!(bench.posts.len(), 1);
    bench.pass(Span::secs(1));
    assert_eq!(bench.posts.len(), 2);
    bench.answer_all(Answer::Accepted);
    bench.serve(Span::secs(10), accepted);
    assert!(bench.posts.len() > 90);
    assert_eq!(bench.store.rows.iter().map(|row| row.spent()).max(), Some(1));
}

#[test]
fn a_campaign_that_is_scheduled_later_waits_for_its_start_and_its_deadline_counts_from_there() {
    let mut store = Store::with(&[10]);
    let start = START + Span::hours(24);
    store.campaign(0, 0..5).start = start;
    let mut bench = Bench::on(store);
    assert_eq!(bench.campaign().0, engine_core::campaign::State::Queued);
    bench.serve(Span::hours(24) - Span::micros(1), accepted);
    assert_eq!(bench.posts, []);
    bench.pass(Span::secs(1));
    assert_eq!(bench.posts.first(), Some(&(start, 0, 1)));
    bench.until(start + DEADLINE - Span::micros(1));
    assert_eq!(bench.counts(0), [(State::Sending, 5)]);
    bench.pass(Span::micros(1));
    assert_eq!(bench.counts(0), [(State::Failed, 5)]);
    assert_eq!(bench.now, Timestamp(start.0) + DEADLINE);
}
