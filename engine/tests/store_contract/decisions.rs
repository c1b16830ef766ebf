//! What people and contacts decide, and what an engine that starts must know of it.

use super::*;
use campaign_engine::store::{Choice, Chooser, Entry};
use engine_core::command::{Held, Who};
use engine_core::hold::Memo;
use engine_core::id::{CampaignId, PortfolioId, SenderId};
use engine_core::message::Row;
use engine_core::quiet::{Quiet, Zones};
use engine_core::unknown::Channel;

const OTHER: u64 = 14_155_559_000;

/// A campaign to these phone numbers.
fn campaign_to(store: &mut Store, new: &NewCampaign, phones: &[u64]) -> Campaign {
    let id = store.begin(new).unwrap().id;
    let lines: Vec<Line> = phones.iter().zip(2..).map(|(phone, line)| contact(line, *phone)).collect();
    store.append(id, &lines).unwrap();
    store.finish(id).unwrap()
}

fn load(store: &mut Store, campaign: &Campaign, lane: Lane, now: Timestamp) -> Vec<Event> {
    let (message, due) = (MessageId(0), Timestamp(0));
    let message = if lane == Lane::Fresh { campaign.first } else { message };
    commit(store, now, &[Command::Load { campaign: campaign.id, lane, limit: 100, message, due }]).events
}

/// The runs of a page: first message, first contact, how many, which zone.
fn runs(events: &[Event]) -> Vec<(u32, u32, u32, Zone)> {
    let runs = events.iter().filter_map(|event| match event {
        Event::Loaded { first, contact, count, zone, .. } => Some((first.0, contact.0, *count, *zone)),
        _ => None,
    });
    runs.collect()
}

fn row(store: &Store, campaign: &Campaign, message: u32) -> Row {
    let messages = store.messages(campaign, None, 1_000, Which::default()).unwrap();
    messages.into_iter().find(|found| found.id.0 == message).unwrap().row
}

fn chose(store: &mut Store, chooser: Chooser, choice: Choice, at: Timestamp) -> Vec<Event> {
    let queries = vec![ask(About::Choice { chooser, choice }, at)];
    let outcome = store.commit(&Batch { now: at, queries, ..Batch::default() }).unwrap();
    assert_eq!(outcome.asked.len(), 1);
    outcome.found.into_iter().map(|found| found.event).collect()
}

const STOP: Choice = Choice::Stop { why: "word" };

/// The contact chose, and the core had it suppressed.
fn stop(store: &mut Store, phone: u64, at: Timestamp) -> Vec<Merged> {
    let events = chose(store, Chooser::Phone(phone), STOP, at);
    let commands: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::OptedOut { who } => Command::Suppress { who: *who },
            other => panic!("{other:?}"),
        })
        .collect();
    merged(&commit(store, at, &commands))
}

#[test]
fn a_contact_has_one_number_in_every_campaign_and_those_of_new_ones_run_on() {
    each(|open| {
        let mut store = open();
        let one = campaign_to(&mut store, &new_campaign("one"), &[PHONE, PHONE + 1, PHONE + 2]);
        assert_eq!(runs(&load(&mut store, &one, Lane::Fresh, START)), [(1, 1, 3, Zone::default())]);
        drop(store);
        let mut store = open();
        let half = store.begin(&new_campaign("half")).unwrap().id;
        store.append(half, &[contact(2, PHONE), contact(3, OTHER + 7)]).unwrap();
        store.abandon().unwrap();
        let two = campaign_to(&mut store, &new_campaign("two"), &[PHONE + 1, PHONE + 2, OTHER, OTHER + 1, PHONE]);
        let zone = Zone::default();
        let expected = [(4, 2, 4, zone), (8, 1, 1, zone)];
        assert_eq!(runs(&load(&mut store, &two, Lane::Fresh, START)), expected, "a half list's number is free again");
        let intent = merged(&commit(&mut store, START, &[merge(8, 0, Fact::Intended, None)]))[0];
        assert_eq!(intent.contact, ContactId(1));
    });
}

#[test]
fn a_deferred_message_leaves_the_fresh_lane_for_the_due_one() {
    each(|open| {
        let mut store = open();
        let campaign = campaign(&mut store, "one", 3);
        let until = START + Span::hours(1);
        let defer = Command::Defer { message: MessageId(2), until };
        let told = merged(&commit(&mut store, START, &[defer]))[0];
        assert_eq!((told.changed, told.after, told.due, told.contact), (true, State::Queued, until, ContactId(2)));
        drop(store);

        let mut store = open();
        let zone = Zone::default();
        assert_eq!(runs(&load(&mut store, &campaign, Lane::Fresh, START)), [(1, 1, 1, zone), (3, 3, 1, zone)]);
        let waits = load(&mut store, &campaign, Lane::Due, START);
        assert!(matches!(waits[..], [Event::PageEnd { next, more: false, .. }] if next == until), "{waits:?}");
        assert!(!merged(&commit(&mut store, START, &[merge(2, 0, Fact::Intended, None)]))[0].changed, "too early");
        assert_eq!(runs(&load(&mut store, &campaign, Lane::Due, until)), [(2, 2, 1, zone)]);
        assert!(merged(&commit(&mut store, until, &[merge(2, 0, Fact::Intended, None)]))[0].changed);
    });
}

#[test]
fn an_opt_out_ends_what_waits_for_the_contact_in_every_campaign_and_in_those_that_come() {
    each(|open| {
        let mut store = open();
        let campaigns: Vec<_> = (0..5).map(|nth| campaign(&mut store, &format!("c{nth}"), 2)).collect();
        let message = |nth: usize| campaigns[nth].first.0;
        let transient = catalogue::find(131_000, None);
        commit(&mut store, START, &[merge(message(1), 0, Fact::Intended, None)]);
        intend_and(&mut store, message(2), Fact::Failed, Some(transient));
        intend_and(&mut store, message(3), Fact::Sent, None);
        intend_and(&mut store, message(4), Fact::Read, None);

        // A crash between the finding and the deciding: the webhook comes again, and finds the same.
        let found = chose(&mut store, Chooser::Phone(PHONE), STOP, START);
        assert_eq!(found, [Event::OptedOut { who: Who::Contact(ContactId(1)) }]);
        drop(store);
        let mut store = open();
        assert!(store.suppressions(0, 9).unwrap().is_empty());
        let ended = stop(&mut store, PHONE, START);
        let told: Vec<_> = ended.iter().map(|merged| (merged.message.0, merged.after)).collect();
        let blocked = State::BlockedOrSpam;
        let expected =
            [(message(0), blocked), (message(1), State::Sending), (message(2), blocked), (message(3), State::Sent)];
        assert_eq!(told, expected, "what is in flight is followed, what was read stays");
        assert!(ended.iter().all(|merged| merged.contact == ContactId(1)));
        drop(store);

        let mut store = open();
        assert!(!merged(&commit(&mut store, START, &[merge(message(0), 0, Fact::Intended, None)]))[0].changed);
        let failed = commit(&mut store, START, &[merge(message(3), 1, Fact::Failed, Some(transient))]);
        assert_eq!(merged(&failed)[0].after, blocked, "what fails later is not tried again");
        let suppressed = store.suppressions(0, 9).unwrap();
        assert_eq!((suppressed.len(), suppressed[0].phone, suppressed[0].why.as_str()), (1, PHONE, "word"));
        assert!(stop(&mut store, PHONE, START).iter().all(|merged| !merged.changed), "a second time changes nothing");

        let next = campaign(&mut store, "next", 2);
        assert_eq!(store.recount(&next).unwrap().of(blocked), 1);
        assert_eq!(row(&store, &next, next.first.0).reason().name, "opted_out");
        assert_eq!(runs(&load(&mut store, &next, Lane::Fresh, START)), [(next.first.0 + 1, 2, 1, Zone::default())]);
    });
}

#[test]
fn of_two_choices_the_later_one_counts_in_whichever_order_they_come() {
    each(|open| {
        let mut store = open();
        campaign(&mut store, "one", 1);
        let at = |seconds| START + Span::secs(seconds);
        stop(&mut store, PHONE, at(10));
        assert!(chose(&mut store, Chooser::Phone(PHONE), Choice::Resume, at(5)).is_empty());
        assert_eq!(store.suppressions(0, 9).unwrap().len(), 1, "an older resume");
        chose(&mut store, Chooser::Phone(PHONE), Choice::Resume, at(20));
        assert!(store.suppressions(0, 9).unwrap().is_empty());
        assert!(stop(&mut store, PHONE, at(15)).is_empty(), "an older stop");
        let two = campaign(&mut store, "two", 1);
        assert_eq!(store.recount(&two).unwrap(), Counts::all_queued(1), "lifted for what comes");

        stop(&mut store, PHONE, at(30));
        assert!(store.lift(PHONE, at(40)).unwrap() && !store.lift(PHONE, at(40)).unwrap());
        assert!(stop(&mut store, PHONE, at(30)).is_empty(), "the webhook of before comes again");
    });
}

#[test]
fn a_contact_is_found_by_its_digits_by_whatsapps_or_by_what_it_answers() {
    each(|open| {
        let mut store = open();
        let one = campaign(&mut store, "one", 2);
        let message = one.first.0;
        commit(&mut store, START, &[merge(message, 0, Fact::Intended, None), merge(message, 1, Fact::Accepted, None)]);
        let known = Learned { wa_id: Some(5_511_912_345_678), ..learned("wamid.1", message, 1, START) };
        store.commit(&Batch { now: START, learned: vec![known], ..Batch::default() }).unwrap();
        let first = [Event::OptedOut { who: Who::Contact(ContactId(1)) }];
        assert_eq!(chose(&mut store, Chooser::Phone(5_511_912_345_678), STOP, START), first);
        assert_eq!(chose(&mut store, Chooser::Answering("wamid.1".into()), STOP, START), first);
        assert!(chose(&mut store, Chooser::Answering("wamid.2".into()), STOP, START).is_empty());

        let by_message = Command::Suppress { who: Who::ContactOf(MessageId(message)) };
        commit(&mut store, START, &[by_message]);
        assert_eq!(store.suppressions(0, 9).unwrap()[0].phone, PHONE);

        // Somebody whom no list has named yet.
        stop(&mut store, OTHER, START);
        let two = campaign_to(&mut store, &new_campaign("two"), &[OTHER, OTHER + 1]);
        assert_eq!(store.counts(&two).unwrap().of(State::BlockedOrSpam), 1);
        assert_eq!(store.suppressions(1, 1).unwrap()[0].phone, OTHER);
    });
}

#[test]
fn flags_holds_and_ledgers_are_there_after_a_restart_and_a_commit_that_fails_leaves_none_of_them() {
    each(|open| {
        let mut store = open();
        let one = campaign(&mut store, "one", 2);
        assert_eq!((store.senders().unwrap(), one.sender), (vec!["111".to_owned()], SenderId(0)));
        let memo = Memo {
            code: catalogue::find(190, None),
            came_late: true,
            until: START + Span::mins(5),
            every_seconds: 300,
        };
        let held = [Held::Sender(SenderId(0)), Held::Portfolio(PortfolioId(1)), Held::Campaign(CampaignId(0))];
        let count = |contact, until| Command::Count { portfolio: PortfolioId(0), contact: ContactId(contact), until };
        let day = START + Span::hours(24);
        let mut commands = vec![Command::Flag { campaign: one.id, paused: true, cancelled: false }];
        commands.extend(held.map(|held| Command::Remember { held, hold: Some(memo) }));
        let channel = Channel { heard: START, silence: Span::mins(20) };
        commands.push(Command::RememberChannel { sender: SenderId(0), channel });
        commands.extend([count(2, Timestamp::NEVER), count(1, day), count(3, START)]);
        commands.extend([Command::Defer { message: one.first, until: day }]);
        commands.extend([Command::Suppress { who: Who::Contact(ContactId(2)) }]);

        let mut failing = commands.clone();
        failing.push(merge(99, 0, Fact::Intended, None));
        assert!(store.commit(&Batch { now: START, commands: failing, ..Batch::default() }).is_err());
        drop(store);
        let mut store = open();
        let is_new = |store: &Store| {
            let flags = &store.campaigns().unwrap()[0];
            let nothing = store.holds().unwrap().is_empty() && store.ledger().unwrap().is_empty();
            let silent = store.channels().unwrap() == [Channel::default()];
            nothing && silent && !flags.paused && store.suppressions(0, 9).unwrap().is_empty()
        };
        assert!(is_new(&store) && store.recount(&one).unwrap() == Counts::all_queued(2));

        commit(&mut store, START, &commands);
        drop(store);
        let mut store = open();
        assert!(store.campaigns().unwrap()[0].paused && !store.campaigns().unwrap()[0].cancelled);
        assert_eq!(store.holds().unwrap(), held.map(|held| (held, memo)));
        assert_eq!(store.channels().unwrap(), [channel]);
        let entry = |contact, until| Entry { portfolio: PortfolioId(0), contact: ContactId(contact), until };
        let expected = [entry(3, START), entry(1, day), entry(2, Timestamp::NEVER)];
        assert_eq!(store.ledger().unwrap(), expected, "in the order of their ends");

        store.purge_ledger(START).unwrap();
        store.close_ledger(day).unwrap();
        let mut ends = vec![count(1, Timestamp(0)), Command::Flag { campaign: one.id, paused: false, cancelled: true }];
        ends.extend(held.map(|held| Command::Remember { held, hold: None }));
        commit(&mut store, START, &ends);
        drop(store);
        let store = open();
        assert_eq!(store.ledger().unwrap(), [entry(2, day)], "what a crash left under way has an end now");
        assert!(store.holds().unwrap().is_empty());
        assert!(!store.campaigns().unwrap()[0].paused && store.campaigns().unwrap()[0].cancelled);
    });
}

#[test]
fn zones_part_the_runs_of_a_campaign_with_quiet_hours_and_of_no_other() {
    each(|open| {
        let (vienna, berlin, tokyo) = (431_588_580, 4_930_123_456, 81_312_345_678);
        let phones = [vienna, vienna + 1, tokyo, tokyo + 1, berlin];
        let mut store = open();
        let loud = campaign_to(&mut store, &new_campaign("loud"), &phones);
        let night = Quiet { from: 1_260, until: 480 };
        let quiet = NewCampaign { quiet: Some(night), priority: 9, ..new_campaign("quiet") };
        let quiet = campaign_to(&mut store, &quiet, &phones);
        assert_eq!((quiet.quiet, quiet.priority), (Some(night), 9));
        drop(store);

        let mut store = open();
        let zones = Zones::default();
        store.set_zones(zones.clone());
        assert_eq!(runs(&load(&mut store, &loud, Lane::Fresh, START)), [(1, 1, 5, Zone::default())]);
        let (europe, japan) = (zones.of(vienna), zones.of(tokyo));
        assert_eq!(zones.of(berlin), europe);
        let expected = [(6, 1, 2, europe), (8, 3, 2, japan), (10, 5, 1, europe)];
        assert_eq!(runs(&load(&mut store, &quiet, Lane::Fresh, START)), expected);
        let told = merged(&commit(&mut store, START, &[merge(8, 0, Fact::Intended, None)]))[0];
        assert_eq!((told.contact, told.zone), (ContactId(3), japan));
    });
}

#[test]
fn attempts_that_were_given_up_are_listed_whatever_became_of_their_messages() {
    each(|open| {
        let mut store = open();
        let one = campaign(&mut store, "one", 4);
        for (message, fact) in [(1, Fact::GivenUp), (2, Fact::Abandoned), (3, Fact::Unknown)] {
            intend_and(&mut store, message, Fact::Unknown, None);
            commit(&mut store, START, &[merge(message, 1, fact, None)]);
        }
        commit(&mut store, START, &[merge(1, 1, Fact::Read, None)]);
        let listed = |after, state| {
            let which = Which { state, given_up: true };
            let messages = store.messages(&one, after, 10, which).unwrap();
            messages.iter().map(|message| message.id.0).collect::<Vec<_>>()
        };
        assert_eq!(listed(None, None), [1, 2]);
        assert_eq!(listed(Some(MessageId(1)), None), [2]);
        assert_eq!(listed(None, Some(State::Read)), [1]);
    });
}

#[test]
fn a_campaign_is_counted_at_the_end_of_the_commit_that_takes_it_on() {
    each(|open| {
        let mut store = open();
        let one = campaign(&mut store, "one", 2);
        let suppress = Command::Suppress { who: Who::Contact(ContactId(1)) };
        let batch = Batch { now: START, commands: vec![suppress], added: vec![one.clone()], ..Batch::default() };
        let added = store.commit(&batch).unwrap().added;
        assert_eq!((added.len(), &added[0].campaign), (1, &one));
        assert_eq!((added[0].counts.of(State::BlockedOrSpam), added[0].counts.of(State::Queued)), (1, 1));
    });
}

#[test]
fn portfolios_and_senders_keep_their_numbers() {
    each(|open| {
        let mut store = open();
        let name = |store: &mut Store, name| store.name_portfolio(name).unwrap().0;
        assert_eq!((name(&mut store, ""), name(&mut store, "b"), name(&mut store, "")), (0, 1, 0));
        let of = |name: &str, number: &str| NewCampaign { phone_number_id: number.into(), ..new_campaign(name) };
        store.begin(&of("half", "999")).unwrap();
        store.abandon().unwrap();
        for (nth, number) in ["111", "222", "111"].into_iter().enumerate() {
            campaign_to(&mut store, &of(&nth.to_string(), number), &[PHONE]);
        }
        drop(store);
        let store = open();
        assert_eq!(store.portfolios().unwrap(), ["", "b"]);
        assert_eq!(store.senders().unwrap(), ["111", "222"], "nothing is left of a sender whose list was not finished");
        assert_eq!(store.campaigns().unwrap()[2].sender, SenderId(0));
    });
}
