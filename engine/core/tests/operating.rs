//! What people decide while a campaign is sent: pauses, cancellations, opt-outs, priorities, campaigns of several numbers.

mod bench;

use bench::{Bench, START, Store, refused};
use cloud_api::time::Span;
use engine_core::command::{Command, Who};
use engine_core::event::{Answer, Event, Status};
use engine_core::id::{AckToken, CampaignId, ContactId, GroupId};
use engine_core::limits::{DEADLINE, UNKNOWN_WAIT};
use engine_core::{State, campaign};

const GROUP: GroupId = GroupId(0);

/// A hundred messages at ten a second, of which the first eleven are under way.
fn a_second_into_it() -> Bench {
    let mut bench = Bench::new(100, 10);
    bench.pass(Span::secs(1));
    assert_eq!(bench.sends.len(), 11);
    bench
}

#[test]
fn a_paused_campaign_claims_nothing_and_follows_what_is_in_flight() {
    let mut bench = a_second_into_it();
    bench.tell(Event::Pause { group: GROUP });
    assert_eq!(bench.kept, [Command::Flag { campaign: CampaignId(0), paused: true, cancelled: false }]);
    assert!(bench.status_of(0).paused);
    bench.status(0, 1, Status::Delivered);
    bench.answer(1, 1, refused(131_000));
    bench.answer(2, 1, refused(131_026));
    bench.answer(3, 1, refused(130_429));
    bench.pass(Span::hours(1));
    assert_eq!(bench.posts.len(), 11, "neither what is fresh, nor what came back, nor the retry that is long due");
    let states = [0, 1, 2, 3, 4].map(|message| bench.state(message));
    assert_eq!(states, [State::Delivered, State::Retrying, State::InvalidContact, State::Queued, State::Sending]);
    assert_eq!(bench.campaign().0, campaign::State::Sending, "paused is a flag beside the state");
}

#[test]
fn a_campaign_that_is_resumed_goes_on_at_its_pace_with_what_is_due_first() {
    let mut bench = a_second_into_it();
    bench.answer(1, 1, refused(131_000));
    bench.tell(Event::Pause { group: GROUP });
    bench.pass(Span::hours(1));
    bench.tell(Event::Resume { group: GROUP });
    assert_eq!(bench.kept.last(), Some(&Command::Flag { campaign: CampaignId(0), paused: false, cancelled: false }));
    assert_eq!(bench.posted(11)[0], 1, "the retry");
    bench.serve(Span::secs(1), |_, _| Answer::Accepted);
    assert!((10..=12).contains(&(bench.posts.len() - 11)), "the hour is not made up for");
    bench.serve(Span::mins(1), |_, _| Answer::Accepted);
    assert_eq!(bench.counts(0), [(State::Sending, 100)]);
}

#[test]
fn a_pause_survives_a_crash_and_ends_when_the_campaign_is_resumed() {
    let mut bench = a_second_into_it();
    bench.answer_all(Answer::Accepted);
    bench.tell(Event::Pause { group: GROUP });
    let mut after = bench.restart(Span::secs(5));
    after.pass(Span::hours(1));
    assert_eq!(after.posts, []);
    assert!(after.status_of(0).paused);
    after.tell(Event::Resume { group: GROUP });
    after.serve(Span::mins(1), |_, _| Answer::Accepted);
    assert_eq!(after.posts.len(), 89);
}

#[test]
fn the_deadline_passes_over_a_pause() {
    let mut bench = a_second_into_it();
    bench.tell(Event::Pause { group: GROUP });
    bench.until(START + DEADLINE);
    assert_eq!(bench.campaign(), (campaign::State::Failed, vec![(State::Failed, 100)]));
    assert_eq!(bench.reason(99), "deadline");
}

#[test]
fn a_cancelled_campaign_ends_what_waits_and_follows_what_is_in_flight_without_retries() {
    let mut bench = a_second_into_it();
    bench.answer(1, 1, refused(131_000));
    bench.answer(2, 1, Answer::Accepted);
    bench.tell(Event::Cancel { group: GROUP });
    assert_eq!(bench.kept, [Command::Flag { campaign: CampaignId(0), paused: false, cancelled: true }]);
    assert_eq!(bench.counts(0), [(State::Sending, 10), (State::Failed, 90)]);
    assert_eq!((bench.reason(1), bench.reason(50)), ("cancelled", "cancelled"));
    bench.status(2, 1, Status::Delivered);
    bench.answer(3, 1, refused(131_000));
    bench.answer(4, 1, refused(131_026));
    bench.answer(5, 1, refused(130_429));
    bench.answer(6, 1, refused(190));
    bench.answer(7, 1, Answer::NeverWritten);
    bench.answer(8, 1, Answer::Unknown);
    bench.pass(Span::mins(2));
    let states = [2, 3, 4, 5, 6, 7, 8].map(|message| bench.state(message));
    let failed = State::Failed;
    assert_eq!(states, [State::Delivered, failed, State::InvalidContact, failed, failed, failed, State::Sending]);
    let reasons = [3, 5, 6, 7].map(|message| bench.reason(message));
    assert_eq!(reasons, ["cancelled"; 4]);
    for message in [0, 9, 10] {
        bench.answer(message, 1, Answer::Accepted);
        bench.status(message, 1, Status::Sent);
    }
    bench.pass(UNKNOWN_WAIT * 2);
    assert_eq!((bench.state(8), bench.reason(8)), (failed, "cancelled"), "given up and not sent again");
    bench.pass(Span::hours(24));
    assert_eq!(bench.posts.len(), 11);
    assert_eq!(bench.campaign().0, campaign::State::Completed);
}

#[test]
fn a_campaign_that_is_cancelled_before_its_start_or_while_it_is_paused_never_sends() {
    let mut store = Store::with(&[10]);
    store.campaign(0, 0..3).start = START + Span::hours(1);
    let mut bench = Bench::on(store);
    bench.tell(Event::Cancel { group: GROUP });
    assert_eq!(bench.campaign(), (campaign::State::Queued, vec![(State::Failed, 3)]), "its start has not come");
    bench.pass(Span::hours(2));
    assert_eq!((bench.campaign().0, bench.posts.len()), (campaign::State::Failed, 0));

    let mut bench = a_second_into_it();
    bench.tell(Event::Pause { group: GROUP });
    bench.tell(Event::Cancel { group: GROUP });
    bench.tell(Event::Resume { group: GROUP });
    bench.pass(Span::hours(1));
    assert_eq!((bench.posts.len(), bench.counts(0)), (11, vec![(State::Sending, 11), (State::Failed, 89)]));
}

#[test]
fn a_second_cancellation_changes_nothing() {
    let mut bench = a_second_into_it();
    bench.tell(Event::Cancel { group: GROUP });
    let before = bench.store.rows.clone();
    bench.tell(Event::Cancel { group: GROUP });
    bench.pass(Span::mins(1));
    assert_eq!((bench.store.rows == before, bench.kept.len()), (true, 1));
}

#[test]
fn a_cancellation_that_a_crash_cut_short_is_finished_by_the_next_life() {
    for under_way in [1, 0] {
        let mut bench = Bench::new(3_000, 10);
        bench.answer_all(Answer::Accepted);
        bench.pass(Span::millis(100 * under_way));
        // The process dies when the first step of the sweep is durable.
        let mut commands = Vec::new();
        bench.engine.handle(bench.now, Event::Cancel { group: GROUP }, &mut commands);
        assert!(matches!(commands[..2], [Command::Flag { .. }, Command::Sweep { .. }]), "{commands:?}");
        for command in &commands[..2] {
            bench.store.write(bench.now, *command);
        }
        let waits = bench.store.recount(0).of(State::Queued);
        assert!(waits > 1_500, "{waits}: the sweep goes step by step");
        let mut after = bench.restart(Span::secs(5));
        let open = 1 + under_way as u32;
        assert_eq!(after.counts(0), [(State::Sending, open), (State::Failed, 3_000 - open)]);
        after.status(0, 1, Status::Delivered);
        after.pass(UNKNOWN_WAIT * 2);
        assert_eq!(after.posts, []);
        assert_eq!(after.counts(0), [(State::Delivered, 1), (State::Failed, 2_999)], "what was unknown is given up");
        assert_eq!(after.store.rows.iter().filter(|row| row.posts() > 0).count() as u32, open);
        let settled: Vec<_> = after.store.rows.iter().map(|row| row.reason().name).skip(open as usize).collect();
        assert!(settled.iter().all(|reason| *reason == "cancelled"), "{settled:?}");
    }
}

#[test]
fn who_opts_out_gets_nothing_that_still_waits_and_no_retry() {
    let mut bench = a_second_into_it();
    bench.answer(1, 1, refused(131_000));
    assert_eq!((bench.state(50), bench.state(1)), (State::Queued, State::Retrying));
    for contact in [50, 1] {
        bench.tell(Event::OptedOut { who: Who::Contact(ContactId(contact)) });
    }
    bench.tell(Event::WebhookEnd { token: AckToken(7) });
    assert_eq!(bench.acks, [7]);
    bench.serve(Span::hours(1), |_, _| Answer::Accepted);
    for message in [50, 1] {
        assert_eq!((bench.state(message), bench.reason(message)), (State::BlockedOrSpam, "opted_out"));
    }
    assert_eq!((bench.store.rows[50].posts(), bench.store.rows[1].posts()), (0, 1));
    assert_eq!(bench.counts(0), [(State::Sending, 98), (State::BlockedOrSpam, 2)], "nobody else is left out");
}

#[test]
fn an_opt_out_does_not_change_what_becomes_of_a_message_in_flight_but_for_its_retry() {
    let mut bench = a_second_into_it();
    for contact in 0..8 {
        bench.tell(Event::OptedOut { who: Who::Contact(ContactId(contact)) });
    }
    bench.answer(0, 1, Answer::Accepted);
    bench.status(0, 1, Status::Read);
    bench.answer(1, 1, refused(131_000));
    bench.answer(2, 1, refused(131_026));
    bench.answer(3, 1, refused(132_000));
    bench.answer(4, 1, refused(130_429));
    bench.answer(5, 1, Answer::Unknown);
    bench.answer(6, 1, refused(131_049));
    bench.answer(7, 1, Answer::Accepted);
    bench.status(7, 1, Status::Sent);
    use State::*;
    bench.hum(UNKNOWN_WAIT + Span::secs(1), 7);
    assert_eq!((bench.state(5), bench.reason(5)), (BlockedOrSpam, "opted_out"), "given up by proof");
    bench.serve(Span::hours(30), |_, _| Answer::Accepted);
    let ends = [0, 1, 2, 3, 4, 6, 7].map(|message| bench.state(message));
    assert_eq!(ends, [Read, BlockedOrSpam, InvalidContact, Failed, BlockedOrSpam, BlockedOrSpam, Sent]);
    let posts: Vec<u8> = bench.store.rows[..8].iter().map(|row| row.posts()).collect();
    assert_eq!(posts, [1; 8]);
}

#[test]
fn a_late_failure_of_a_message_that_was_sent_is_not_retried_once_its_contact_opted_out() {
    let mut bench = a_second_into_it();
    bench.answer(0, 1, Answer::Accepted);
    bench.status(0, 1, Status::Sent);
    bench.tell(Event::OptedOut { who: Who::ContactOf(engine_core::id::MessageId(0)) });
    assert_eq!(bench.state(0), State::Sent);
    bench.status(0, 1, Status::Failed(cloud_api::catalogue::find(131_000, None)));
    bench.serve(Span::mins(5), |_, _| Answer::Accepted);
    assert_eq!((bench.state(0), bench.store.rows[0].posts()), (State::BlockedOrSpam, 1));
}

#[test]
fn an_opt_out_counts_for_every_campaign_and_so_does_the_error_that_says_it() {
    let mut store = Store::with(&[10]);
    store.campaign(0, 0..5);
    store.campaign(0, 0..5).start = START + Span::mins(1);
    let mut bench = Bench::on(store);
    bench.serve(Span::secs(2), |message, _| if message == 3 { refused(131_050) } else { Answer::Accepted });
    bench.tell(Event::OptedOut { who: Who::Contact(ContactId(1)) });
    bench.serve(Span::mins(5), |_, _| Answer::Accepted);
    assert_eq!(bench.posted(5), [5, 7, 9], "the second campaign passes over both");
    assert_eq!((bench.state(3), bench.reason(3)), (State::BlockedOrSpam, "blocked"));
    assert_eq!((bench.state(8), bench.reason(8)), (State::BlockedOrSpam, "opted_out"));
    assert_eq!((bench.state(6), bench.state(1)), (State::BlockedOrSpam, State::Sending));
}

#[test]
fn an_opt_out_that_comes_between_a_claim_and_its_intent_wins_if_it_is_durable_first() {
    let mut bench = Bench::new(100, 10);
    bench.answer_all(Answer::Accepted);
    let mut commands = Vec::new();
    bench.engine.handle(bench.now, Event::OptedOut { who: Who::Contact(ContactId(1)) }, &mut commands);
    bench.engine.handle(START + Span::millis(100), Event::Tick, &mut commands);
    let [Command::Suppress { .. }, Command::Merge(intent)] = commands[..] else { panic!("{commands:?}") };
    assert_eq!(intent.message.0, 1, "it is claimed, since the core does not know of the decision before it is durable");
    bench.now = START + Span::millis(100);
    let mut more = Vec::new();
    for command in commands {
        for event in bench.store.write(bench.now, command) {
            bench.engine.handle(bench.now, event, &mut more);
        }
    }
    assert_eq!((bench.state(1), bench.store.rows[1].posts()), (State::BlockedOrSpam, 0));
    assert!(!more.iter().any(|command| matches!(command, Command::Send { .. })), "{more:?}");
    assert_eq!(bench.sender(0).intending, more.len() as u32, "the place is free again, and the next one has it");
}

#[test]
fn two_campaigns_of_one_number_take_turns() {
    let mut store = Store::with(&[10]);
    store.campaign(0, 0..50);
    store.campaign(0, 50..100);
    let mut bench = Bench::on(store);
    bench.serve(Span::secs(5), |_, _| Answer::Accepted);
    let turns: Vec<bool> = bench.posted(0).iter().map(|message| *message < 50).collect();
    assert!(turns.windows(2).all(|two| two[0] != two[1]), "{turns:?}");
    bench.serve(Span::secs(6), |_, _| Answer::Accepted);
    assert_eq!((bench.counts(0), bench.counts(1)), (vec![(State::Sending, 50)], vec![(State::Sending, 50)]));
}

#[test]
fn a_higher_priority_goes_first_and_pushes_in_when_it_starts_later() {
    let mut store = Store::with(&[10]);
    store.campaign(0, 0..100);
    let urgent = store.campaign(0, 100..130);
    (urgent.priority, urgent.start) = (9, START + Span::secs(2));
    let mut bench = Bench::on(store);
    bench.serve(Span::secs(20), |_, _| Answer::Accepted);
    let posted = bench.posted(0);
    let first = posted.iter().position(|message| *message >= 100).expect("it was sent");
    assert!((20..=22).contains(&first), "{first}");
    assert_eq!(posted[first..first + 30], (100..130).collect::<Vec<_>>());
    assert_eq!(posted.len(), 130);
}

#[test]
fn what_holds_the_higher_priority_does_not_hold_the_lower() {
    type Holds = fn(&mut Bench);
    let by_pause: Holds = |bench| bench.tell(Event::Pause { group: GroupId(1) });
    let by_template: Holds = |bench| {
        let urgent = bench.sends.iter().copied().find(|(message, _)| *message >= 100).expect("one is under way");
        bench.answer(urgent.0, urgent.1, refused(132_015));
    };
    let by_cancellation: Holds = |bench| bench.tell(Event::Cancel { group: GroupId(1) });
    for holds in [by_pause, by_template, by_cancellation] {
        let mut store = Store::with(&[10]);
        store.campaign(0, 0..100);
        store.campaign(0, 100..200).priority = 1;
        let mut bench = Bench::on(store);
        bench.pass(Span::millis(300));
        // The first of all goes when only the first campaign's page is there.
        assert!(bench.posted(1).iter().all(|message| *message >= 100));
        holds(&mut bench);
        let before = bench.posts.len();
        bench.serve(Span::secs(3), |_, _| Answer::Accepted);
        let posted = bench.posted(before);
        assert!(posted.len() >= 28 && posted.iter().all(|message| *message < 100), "{posted:?}");
    }
}

#[test]
fn a_campaign_of_two_numbers_is_one_to_its_user() {
    let mut store = Store::with(&[10, 20]);
    store.campaign(0, 0..10).group = GroupId(4);
    store.campaign(1, 10..30).group = GroupId(4);
    store.campaign(1, 30..31).group = GroupId(5);
    let mut bench = Bench::on(store);
    assert!(bench.posted(0).contains(&0) && bench.posted(0).contains(&10), "both numbers are at work");
    bench.serve(Span::secs(3), |_, _| Answer::Accepted);
    assert_eq!(bench.group(4), (campaign::State::Sending, vec![(State::Sending, 30)]));
    for message in 0..10 {
        bench.status(message, 1, Status::Failed(cloud_api::catalogue::find(131_026, None)));
    }
    assert_eq!(bench.status_of(0).state, campaign::State::Failed, "a part is not the whole");
    assert_eq!(bench.group(4), (campaign::State::Sending, vec![(State::Sending, 20), (State::InvalidContact, 10)]));
    for message in 10..30 {
        bench.status(message, 1, Status::Delivered);
    }
    let counts = vec![(State::Delivered, 20), (State::InvalidContact, 10)];
    assert_eq!(bench.group(4), (campaign::State::Completed, counts));
    assert_eq!(bench.group(5).0, campaign::State::Sending);
    assert_eq!(bench.engine.group(GroupId(9)), None);
}

#[test]
fn a_decision_about_a_campaign_of_two_numbers_is_about_both() {
    let mut store = Store::with(&[10, 10]);
    store.campaign(0, 0..100);
    store.campaign(1, 100..200).group = GROUP;
    store.campaign(1, 200..300);
    let mut bench = Bench::on(store);
    bench.tell(Event::Pause { group: GROUP });
    let before = bench.posts.len();
    bench.serve(Span::secs(5), |_, _| Answer::Accepted);
    assert!(bench.posted(before).iter().all(|message| *message >= 200), "the other campaign goes on");
    bench.tell(Event::Cancel { group: GROUP });
    let ended = |bench: &Bench, place| bench.counts(place).last().map(|(state, count)| (*state, *count >= 99));
    assert_eq!([ended(&bench, 0), ended(&bench, 1)], [Some((State::Failed, true)); 2]);
    assert_ne!(ended(&bench, 2), Some((State::Failed, true)));
    let flags: Vec<CampaignId> = bench.kept.iter().filter_map(flagged).collect();
    assert_eq!(flags, [0, 1, 0, 1].map(CampaignId));
}

fn flagged(command: &Command) -> Option<CampaignId> {
    if let Command::Flag { campaign, .. } = command { Some(*campaign) } else { None }
}
