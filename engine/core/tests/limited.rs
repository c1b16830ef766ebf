//! What keeps messages waiting without an error: the messaging limit, pairs, quiet hours, throughput that is told anew.

mod bench;

use bench::{Bench, START, Store, refused};
use cloud_api::limits::{MESSAGING_LIMIT_WINDOW as DAY, PAIR_BURST, PAIR_REFILL};
use cloud_api::time::{Span, Timestamp};
use engine_core::campaign;
use engine_core::command::Command;
use engine_core::engine::PortfolioSpec;
use engine_core::event::{Answer, Event, Status};
use engine_core::id::{ContactId, GroupId, MessageId, PortfolioId, SenderId};
use engine_core::ledger::Limit;
use engine_core::limits::{DEADLINE, UNKNOWN_WAIT};
use engine_core::message::State;
use engine_core::quiet::Quiet;

/// `size` contacts at a hundred a second, of which `limit` a day may be written to.
fn limited(size: u32, limit: u32) -> Bench {
    let mut store = Store::with(&[100]).limited_to(limit);
    store.campaign(0, 0..size);
    Bench::on(store)
}

fn accepted(_: u32, _: u8) -> Answer {
    Answer::Accepted
}

/// What the store keeps of a contact, in the order in which it was told.
fn counted(bench: &Bench, wanted: u32) -> Vec<Timestamp> {
    let of = |command: &Command| match command {
        Command::Count { portfolio: PortfolioId(0), contact, until } if contact.0 == wanted => Some(*until),
        _ => None,
    };
    bench.kept.iter().filter_map(of).collect()
}

#[test]
fn claims_stop_when_the_ledger_is_full_and_go_on_as_entries_end_a_day_after_their_outcomes() {
    let mut bench = limited(25, 10);
    bench.pass(Span::secs(5));
    assert_eq!((bench.posted(0).len(), bench.portfolio().used), (10, 10));
    for message in 0..10 {
        bench.pass(Span::secs(10));
        bench.answer(message, 1, Answer::Accepted);
    }
    bench.until(START + Span::secs(15) + DAY - Span::micros(1));
    assert_eq!(bench.posts.len(), 10, "no entry has ended yet");
    for message in 10..20 {
        bench.until(START + Span::secs(15 + 10 * u64::from(message - 10)) + DAY);
        assert_eq!(bench.posted(10).len() as u32, message - 9, "one place a time");
        assert_eq!(bench.posts.last(), Some(&(bench.now, message, 1)), "at that very moment");
    }
    bench.serve(DAY, accepted);
    assert_eq!(bench.posts.len(), 25, "all are through on the third day");
    assert_eq!(bench.engine.snapshot().campaigns[0].counts.of(State::Sending), 25);
    assert!(bench.store.rows.iter().all(|row| row.posts() == 1), "and no error was asked for");
}

#[test]
fn an_entry_is_kept_from_the_intent_and_ends_a_day_after_the_outcome_whatever_it_is() {
    let mut bench = limited(5, 5);
    bench.pass(Span::secs(1));
    bench.answer(0, 1, Answer::Accepted);
    bench.pass(Span::secs(1));
    bench.answer(1, 1, Answer::Unknown);
    bench.answer(2, 1, refused(131_026));
    bench.answer(3, 1, refused(130_429));
    let under_way = Timestamp::NEVER;
    assert_eq!(counted(&bench, 0), [under_way, START + Span::secs(1) + DAY]);
    assert_eq!(counted(&bench, 1), [under_way, START + Span::secs(2) + DAY], "it may have been accepted");
    assert_eq!(counted(&bench, 2), [under_way, Timestamp(0)]);
    assert_eq!(counted(&bench, 3)[..2], [under_way, Timestamp(0)]);
    assert_eq!(counted(&bench, 4), [under_way]);
    let kept: Vec<u32> = bench.store.ledger.keys().map(|(_, contact)| *contact).collect();
    assert!(kept.starts_with(&[0, 1]) && kept.ends_with(&[4]) && !kept.contains(&2), "{kept:?}");
}

#[test]
fn a_portfolio_without_a_limit_keeps_nothing() {
    let mut bench = Bench::new(10, 100);
    bench.serve(Span::secs(1), accepted);
    assert!(bench.kept.is_empty() && bench.portfolio().used == 0);
}

#[test]
fn a_post_that_was_refused_or_never_written_frees_its_place_at_once_and_an_unknown_one_does_not() {
    for (answer, frees) in [
        (refused(131_026), true),
        (refused(131_000), true),
        (Answer::NeverWritten, true),
        (Answer::Unknown, false),
        (Answer::Accepted, false),
    ] {
        let mut bench = limited(12, 10);
        bench.pass(Span::secs(1));
        assert_eq!(bench.posts.len(), 10);
        bench.answer(4, 1, answer);
        bench.pass(Span::millis(200));
        assert_eq!(bench.posts.len() > 10, frees, "{answer:?}");
        assert_eq!(bench.portfolio().used, 10, "{answer:?}: somebody else has the place");
    }
}

#[test]
fn a_place_that_a_throttled_post_leaves_is_taken_as_soon_as_the_pace_allows_it() {
    let mut bench = limited(4, 2);
    bench.pass(Span::secs(1));
    assert_eq!(bench.posts.len(), 2);
    bench.answer(0, 1, Answer::Accepted);
    bench.answer(1, 1, refused(130_429));
    bench.pass(Span::secs(30));
    assert_eq!(bench.posts.len(), 3, "and not when the first contact stops counting, a day later");
}

#[test]
fn a_failure_that_comes_after_acceptance_does_not_give_the_place_back() {
    let mut bench = limited(12, 10);
    bench.pass(Span::secs(1));
    bench.answer(4, 1, Answer::Accepted);
    bench.status(4, 1, Status::Failed(cloud_api::catalogue::find(131_026, None)));
    bench.pass(Span::mins(1));
    assert_eq!((bench.state(4), bench.posts.len()), (State::InvalidContact, 10));
}

#[test]
fn a_retry_to_a_contact_that_counts_needs_no_other_place() {
    let mut bench = limited(12, 10);
    bench.pass(Span::secs(1));
    bench.answer_all(Answer::Accepted);
    bench.status(4, 1, Status::Failed(cloud_api::catalogue::find(131_000, None)));
    bench.pass(Span::secs(3));
    assert_eq!(bench.posts.last(), Some(&(bench.posts[10].0, 4, 2)), "although no other contact would be admitted");
    assert_eq!(bench.portfolio().used, 10);
}

#[test]
fn a_contact_of_two_campaigns_and_two_numbers_counts_once() {
    let mut store = Store::with(&[10, 10]).limited_to(10);
    store.campaign(0, 0..10);
    store.campaign(1, 5..20);
    let mut bench = Bench::on(store);
    bench.serve(Span::secs(10), accepted);
    assert_eq!(bench.portfolio().used, 10);
    let reached: std::collections::BTreeSet<u32> =
        bench.posted(0).iter().map(|message| bench.store.contact_of(*message)).collect();
    assert_eq!(reached.len(), 10, "distinct contacts, of both numbers together");
    assert!(bench.posts.len() > 10);
    let mut other = bench.store.clone();
    other.portfolios.push(PortfolioSpec::default());
    other.senders[1].portfolio = PortfolioId(1);
    let mut bench = Bench::on(other);
    bench.serve(Span::mins(1), accepted);
    assert_eq!(bench.counts(1), [(State::Sending, 15)], "another portfolio has its own limit, or none");
}

#[test]
fn a_ledger_survives_a_crash_and_what_was_under_way_counts_a_day_from_then() {
    let mut bench = limited(30, 10);
    bench.pass(Span::secs(1));
    for message in 0..6 {
        bench.answer(message, 1, Answer::Accepted);
    }
    let mut after = bench.restart(Span::mins(10));
    let restarted = after.now;
    assert_eq!(after.portfolio().used, 10);
    after.until(START + Span::secs(1) + DAY - Span::micros(1));
    assert_eq!(after.posts, []);
    after.pass(Span::secs(1));
    assert_eq!(after.posts.len(), 6);
    after.answer_all(Answer::Accepted);
    after.until(restarted + DAY - Span::micros(1));
    assert_eq!(after.posts.len(), 6);
    after.pass(Span::secs(1));
    assert_eq!(after.posts.len(), 10, "those of the crash, whose outcome is the crash");
}

#[test]
fn a_limit_that_is_told_anew_counts_at_once_up_and_down() {
    let mut bench = limited(100, 10);
    bench.serve(Span::secs(5), accepted);
    bench.tell(Event::LimitIs { portfolio: PortfolioId(0), limit: Limit::Contacts(30) });
    bench.serve(Span::secs(5), accepted);
    assert_eq!((bench.posts.len(), bench.portfolio().used), (30, 30));
    bench.tell(Event::LimitIs { portfolio: PortfolioId(0), limit: Limit::Contacts(5) });
    bench.until(START + Span::secs(4) + DAY);
    assert_eq!(bench.posts.len(), 30, "ten entries have ended, and 20 are more than five");
    bench.serve(Span::secs(10), accepted);
    assert_eq!((bench.posts.len(), bench.portfolio().used), (35, 5));
    bench.tell(Event::LimitIs { portfolio: PortfolioId(0), limit: Limit::Unlimited });
    bench.serve(Span::secs(5), accepted);
    assert_eq!(bench.counts(0), [(State::Sending, 100)]);
}

#[test]
fn a_message_that_whatsapp_takes_and_then_throttles_again_and_again_keeps_to_the_pair_limit() {
    let mut bench = Bench::new(1, 100);
    let mut posts = Vec::new();
    while bench.now < START + Span::mins(20) {
        bench.pass(Span::millis(500));
        if let Some((_, message, number)) = bench.posts.get(posts.len()).map(|post| (post.0, post.1, post.2)) {
            posts.push(bench.now);
            bench.answer(message, number, Answer::Accepted);
            let (at, throttled) = (bench.now, cloud_api::catalogue::find(130_429, None));
            bench.tell(Event::Status { message: MessageId(message), number, status: Status::Failed(throttled), at });
        }
    }
    let most = u64::from(PAIR_BURST) + 20 * 60 / PAIR_REFILL.as_secs();
    assert!(posts.len() > PAIR_BURST as usize && posts.len() as u64 <= most, "{} POSTs in 20 minutes", posts.len());
}

#[test]
fn what_whatsapp_throttled_at_once_is_not_owed_to_the_pair_limit() {
    let mut store = Store::with(&[80]);
    for _ in 0..44 {
        store.campaign(0, 0..1);
    }
    let mut bench = Bench::on(store);
    bench.pass(Span::secs(5));
    let burst: Vec<u32> = bench.posts.iter().map(|post| post.1).collect();
    assert_eq!(burst.len(), 44);
    burst.iter().for_each(|message| bench.answer(*message, 1, refused(130_429)));
    bench.serve(Span::secs(100), accepted);
    let accepted = bench.posts.len() - burst.len();
    assert_eq!(accepted, 44, "they would take four minutes if the burst were still owed");
}

#[test]
fn the_rest_of_a_paused_campaign_is_not_blamed_on_a_limit_that_was_full_when_it_was_paused() {
    let mut bench = limited(25, 5);
    bench.serve(Span::mins(1), |_, _| Answer::Accepted);
    bench.tell(Event::Pause { group: GroupId(0) });
    bench.until(START + DEADLINE);
    let reason = bench.store.rows[24].reason();
    assert_eq!((bench.store.rows[24].state(), reason.name), (State::Failed, "deadline"));
}

#[test]
fn what_does_not_fit_into_the_limit_ends_at_the_deadline_as_held_back_by_it() {
    let mut bench = limited(25, 5);
    bench.serve(DEADLINE - Span::secs(1), |_, _| Answer::Accepted);
    assert_eq!(bench.posts.len(), 15, "three days");
    for message in 0..15 {
        bench.status(message, 1, Status::Delivered);
    }
    bench.until(START + DEADLINE);
    let ends = vec![(State::Delivered, 15), (State::BlockedOrSpam, 10)];
    assert_eq!(bench.campaign(), (campaign::State::Completed, ends));
    let reason = bench.store.rows[24].reason();
    assert_eq!((reason.name, reason.code.map(|code| code.code())), ("held_back", Some(131_048)));
}

#[test]
fn forty_six_campaigns_to_one_contact_keep_to_whatsapps_pair_limit() {
    let mut store = Store::with(&[80]);
    for _ in 0..46 {
        store.campaign(0, 0..1);
    }
    let mut bench = Bench::on(store);
    bench.serve(Span::mins(1), accepted);
    assert_eq!(bench.posts.len(), 46, "nobody is left out");
    // WhatsApp's own bucket: 45, and one back in six seconds.
    let mut paid = Timestamp(0);
    for (at, ..) in &bench.posts {
        paid = paid.max(*at) + PAIR_REFILL;
        assert!(paid.since(*at) <= PAIR_REFILL * u64::from(PAIR_BURST), "too fast at {at:?}");
    }
    let last = bench.posts[45].0.since(START);
    assert!(last >= PAIR_REFILL && last <= PAIR_REFILL * 2, "{last}: the burst goes at once");
    let deferred = bench.kept.iter().filter(|command| matches!(command, Command::Defer { .. })).count();
    assert_eq!(deferred, 3, "what waits for the contact's sake waits in the store: one once, the other twice");
    assert!(bench.store.rows.iter().all(|row| row.posts() == 1));
}

#[test]
fn a_contact_that_must_wait_does_not_hold_up_the_others() {
    let mut store = Store::with(&[80]);
    for _ in 0..50 {
        store.campaign(0, 0..1);
    }
    store.campaign(0, 100..200);
    let mut bench = Bench::on(store);
    bench.serve(Span::secs(3), accepted);
    assert_eq!(bench.counts(50), [(State::Sending, 100)]);
    bench.serve(Span::mins(1), accepted);
    assert_eq!(bench.posts.len(), 150);
}

/// START is 13:46:40 by UTC: 22:46 in Tokyo, 14:46 in Vienna.
const TOKYO: u64 = 81_312_345_678;
const VIENNA: u64 = 431_588_580;
const NIGHT: Quiet = Quiet { from: 21 * 60, until: 8 * 60 };

fn quiet(phones: &[u64], size: u32) -> Bench {
    let mut store = Store::with(&[100]);
    store.campaign(0, 0..size).quiet = Some(NIGHT);
    store.phones = phones.to_vec();
    Bench::on(store)
}

#[test]
fn at_night_nobody_is_written_to_and_everybody_when_it_is_over() {
    let mut bench = quiet(&[TOKYO, VIENNA], 40);
    bench.serve(Span::mins(1), accepted);
    assert!(bench.posted(0).iter().all(|message| message % 2 == 1), "those whose day it is");
    assert_eq!(bench.posts.len(), 20);
    let morning = START + (Span::hours(9) + Span::mins(13) + Span::secs(20));
    let deferred = |command: &Command| match command {
        Command::Defer { message, until } => Some((message.0 % 2, *until)),
        _ => None,
    };
    let until: Vec<_> = bench.kept.iter().filter_map(deferred).collect();
    assert_eq!(until, [(0, morning); 20], "8:00 in Tokyo, each once");
    assert_eq!(bench.reason(0), "waiting_for_its_time");
    bench.serve(morning.since(bench.now) - Span::micros(1), accepted);
    assert_eq!(bench.posts.len(), 20);
    bench.serve(Span::secs(1), accepted);
    assert_eq!(bench.posts.len(), 40);
}

#[test]
fn what_waits_for_the_morning_survives_a_crash() {
    let bench = quiet(&[TOKYO], 40);
    let mut after = bench.restart(Span::mins(1));
    after.serve(Span::hours(9), accepted);
    assert_eq!(after.posts, []);
    after.serve(Span::hours(1), accepted);
    assert_eq!(after.counts(0), [(State::Sending, 40)]);
}

#[test]
fn a_retry_that_is_due_at_night_waits_for_the_morning_too() {
    let mut bench = quiet(&[VIENNA], 1);
    assert_eq!(bench.posts.len(), 1);
    bench.answer(0, 1, refused(131_048));
    // Twelve hours later it is three in the morning.
    bench.serve(Span::hours(15), accepted);
    assert_eq!((bench.posts.len(), bench.state(0)), (1, State::Retrying));
    bench.serve(Span::hours(3), accepted);
    assert_eq!(bench.posts.len(), 2);
    let hour = bench.posts[1].0.unix_seconds() % 86_400 / 3_600;
    assert!((6..8).contains(&hour), "{hour} by UTC");
}

#[test]
fn nobody_is_written_to_in_the_night_that_begins_while_a_campaign_is_sent() {
    let mut bench = quiet(&[VIENNA], 40_000);
    bench.serve(Span::secs(1), accepted);
    bench.tell(Event::Pause { group: GroupId(0) });
    // 19:00 by UTC is 21:00 in Vienna's summer and 20:00 in its winter: it is quiet from the earlier on.
    let evening = Timestamp::from_unix_seconds(START.unix_seconds() / 86_400 * 86_400 + 19 * 3_600);
    bench.until(evening - Span::secs(10));
    bench.tell(Event::Resume { group: GroupId(0) });
    bench.serve(Span::hours(2), accepted);
    assert!(bench.posts.iter().all(|(at, ..)| *at < evening), "{:?}", bench.posts.last());
    assert!(bench.posts.len() > 1_000);
    bench.serve(Span::hours(24), accepted);
    assert_eq!(bench.counts(0), [(State::Sending, 40_000)]);
}

#[test]
fn a_throughput_that_is_told_anew_is_the_pace_from_then_on() {
    let mut bench = Bench::new(1_000, 10);
    bench.serve(Span::secs(5), accepted);
    assert!((50..=52).contains(&bench.posts.len()), "{}", bench.posts.len());
    for (throughput, least) in [(80, 400), (20, 100)] {
        let before = bench.posts.len();
        bench.tell(Event::ThroughputIs { sender: SenderId(0), throughput });
        bench.serve(Span::secs(5), accepted);
        let sent = bench.posts.len() - before;
        assert!((least - 5..=least + 5).contains(&sent), "{sent} in five seconds at {throughput}");
        assert_eq!(bench.sender(0).rate_milli, u64::from(throughput) * 1_000);
    }
}

#[test]
fn a_pace_that_was_cut_grows_to_the_throughput_that_was_told_meanwhile() {
    let mut bench = Bench::new(10_000, 80);
    bench.refuse_all(130_429);
    bench.tell(Event::ThroughputIs { sender: SenderId(0), throughput: 200 });
    assert_eq!(bench.sender(0).rate_milli, 40_000, "WhatsApp said that this was too fast");
    bench.serve(Span::mins(1), accepted);
    assert_eq!(bench.sender(0).rate_milli, 200_000);
}

#[test]
fn unknown_outcomes_hold_their_place_in_the_ledger_while_they_are_waited_for_and_their_retry_takes_no_other() {
    let mut bench = limited(12, 2);
    bench.pass(Span::secs(1));
    bench.answer(0, 1, Answer::Unknown);
    bench.answer(1, 1, Answer::Accepted);
    bench.status(1, 1, Status::Delivered);
    bench.hum(UNKNOWN_WAIT + Span::secs(5), 1);
    assert_eq!(bench.posted(0), [0, 1, 0], "sent again, since its contact counts already");
    assert_eq!(counted(&bench, 0).len(), 4);
    assert_eq!(bench.store.ledger[&(0, ContactId(0).0)], bench.posts[2].0 + DAY, "a day from the later outcome");
}
