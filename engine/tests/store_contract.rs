//! What every store promises, whichever database it is: group commits, pages, sweeps, matching, lists.
#![expect(clippy::unwrap_used, reason = "a test stops where its surroundings fail")]

#[path = "store_contract/decisions.rs"]
mod decisions;

use campaign_engine::store::{
    About, Batch, Campaign, Learned, Line, NewCampaign, Outcome, Query, Store, Trouble, Which,
};
use cloud_api::catalogue::{self, CodeIndex};
use engine_core::attempt::{Fact, Phase};
use engine_core::campaign::Counts;
use engine_core::command::Merge;
use engine_core::event::{Lane, Merged, Status};
use engine_core::id::{AckToken, ContactId, MessageId};
use engine_core::message::{Decision, State};
use engine_core::quiet::Zone;
use engine_core::time::{Span, Timestamp};
use engine_core::{Command, Event};
use std::path::Path;

const START: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const PHONE: u64 = 14_155_550_000;

/// Every store there is, each in a file of its own.
fn each(test: impl Fn(&mut dyn FnMut() -> Store)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    test(&mut || sqlite(&path));
}

fn sqlite(path: &Path) -> Store {
    Store::open_sqlite(path, Some(7)).unwrap()
}

fn new_campaign(name: &str) -> NewCampaign {
    NewCampaign {
        name: name.into(),
        template: "sale".into(),
        language: "en_US".into(),
        phone_number_id: "111".into(),
        start: START,
        columns: vec!["name".into()],
        source: "list.csv".into(),
        digest: "d".into(),
        priority: 0,
        quiet: None,
    }
}

fn contact(line: u32, phone: u64) -> Line {
    Line::Contact { line, phone, variables: vec![format!("Name {line}")] }
}

/// A campaign of `size` contacts with consecutive phone numbers.
fn campaign(store: &mut Store, name: &str, size: u32) -> Campaign {
    let id = store.begin(&new_campaign(name)).unwrap().id;
    let lines: Vec<Line> = (0..size).map(|nth| contact(nth + 2, PHONE + u64::from(nth))).collect();
    store.append(id, &lines).unwrap();
    store.finish(id).unwrap()
}

fn merge(message: u32, number: u8, fact: Fact, code: Option<CodeIndex>) -> Command {
    Command::Merge(Merge { message: MessageId(message), number, fact, code, retry_after_seconds: 0 })
}

fn commit(store: &mut Store, now: Timestamp, commands: &[Command]) -> Outcome {
    store.commit(&Batch { now, commands: commands.to_vec(), ..Batch::default() }).unwrap()
}

fn merged(outcome: &Outcome) -> Vec<Merged> {
    let merged = outcome.events.iter().filter_map(|event| match event {
        Event::Merged(merged) => Some(*merged),
        _ => None,
    });
    merged.collect()
}

fn intend_and(store: &mut Store, message: u32, fact: Fact, code: Option<CodeIndex>) {
    let outcome = commit(store, START, &[merge(message, 0, Fact::Intended, None)]);
    let number = merged(&outcome)[0].number;
    commit(store, START, &[merge(message, number, fact, code)]);
}

#[test]
fn a_merge_gives_what_the_row_gives_and_is_there_after_a_restart() {
    each(|open| {
        let mut store = open();
        let campaign = campaign(&mut store, "one", 3);
        let first = campaign.first.0;
        let outcome = commit(&mut store, START, &[merge(first, 0, Fact::Intended, None)]);
        let intent = merged(&outcome)[0];
        assert_eq!((intent.number, intent.phase, intent.after), (1, Phase::Intended, State::Sending));
        assert_eq!(outcome.letters.len(), 1);
        assert_eq!(
            (outcome.letters[0].phone, outcome.letters[0].variables.as_slice()),
            (PHONE, ["Name 2".into()].as_slice())
        );
        drop(store);

        let mut store = open();
        let again = commit(&mut store, START, &[merge(first, 0, Fact::Intended, None)]);
        assert!(!merged(&again)[0].changed, "the intent stands: a second one is refused");
        assert!(again.letters.is_empty(), "and sends nothing");
        commit(&mut store, START, &[merge(first, 1, Fact::Delivered, None)]);
        let twice = commit(&mut store, START, &[merge(first, 1, Fact::Delivered, None)]);
        assert!(!merged(&twice)[0].changed, "a second delivery changes nothing");
        let counts = store.recount(&campaign).unwrap();
        assert_eq!((counts.of(State::Delivered), counts.of(State::Queued)), (1, 2));
        assert_eq!(counts, store.counts(&campaign).unwrap());
    });
}

#[test]
fn fresh_pages_go_through_the_queued_in_runs_of_consecutive_ids() {
    each(|open| {
        let mut store = open();
        let campaign = campaign(&mut store, "one", 10);
        let first = campaign.first.0;
        intend_and(&mut store, first + 2, Fact::Accepted, None);
        let load = |message, limit| Command::Load {
            campaign: campaign.id,
            lane: Lane::Fresh,
            limit,
            message: MessageId(message),
            due: Timestamp(0),
        };
        let loaded = |first, count| Event::Loaded {
            campaign: campaign.id,
            lane: Lane::Fresh,
            first: MessageId(first),
            count,
            // The first campaign's contacts are all new: their numbers run along with the messages'.
            contact: ContactId(first),
            zone: Zone::default(),
        };
        let end = |message, more| Event::PageEnd {
            campaign: campaign.id,
            lane: Lane::Fresh,
            message: MessageId(message),
            due: Timestamp(0),
            next: Timestamp::NEVER,
            more,
        };
        let page = commit(&mut store, START, &[load(first, 4)]).events;
        assert_eq!(page, [loaded(first, 2), loaded(first + 3, 2), end(first + 5, true)]);
        let page = commit(&mut store, START, &[load(first + 5, 8)]).events;
        assert_eq!(page, [loaded(first + 5, 5), end(first + 10, false)]);
        let page = commit(&mut store, START, &[load(first + 10, 8)]).events;
        assert_eq!(page, [end(first + 10, false)]);
    });
}

#[test]
fn due_pages_go_forward_in_time_and_say_what_waits_next() {
    each(|open| {
        let mut store = open();
        let campaign = campaign(&mut store, "one", 4);
        let transient = catalogue::find(131_000, None);
        let mut dues = Vec::new();
        for nth in 0..3 {
            let message = campaign.first.0 + nth;
            commit(&mut store, START, &[merge(message, 0, Fact::Intended, None)]);
            let at = START + Span::secs(u64::from(nth) * 60);
            let failed = commit(&mut store, at, &[merge(message, 1, Fact::Failed, Some(transient))]);
            dues.push((merged(&failed)[0].due, MessageId(message)));
        }
        let mut page = |now, cursor: (Timestamp, MessageId), limit| {
            let (due, message) = cursor;
            let load = Command::Load { campaign: campaign.id, lane: Lane::Due, limit, message, due };
            commit(&mut store, now, &[load]).events
        };
        let start = (Timestamp(0), MessageId(0));
        let end = |(due, message), next, more| Event::PageEnd {
            campaign: campaign.id,
            lane: Lane::Due,
            message,
            due,
            next,
            more,
        };
        let never = Timestamp::NEVER;
        let loaded = |first: MessageId, count| {
            let (campaign, lane, contact) = (campaign.id, Lane::Due, ContactId(first.0));
            Event::Loaded { campaign, lane, first, count, contact, zone: Zone::default() }
        };
        assert_eq!(page(START, start, 9), [end(start, dues[0].0, false)], "nothing is due");
        let now = dues[1].0;
        assert_eq!(page(now, start, 9), [loaded(dues[0].1, 2), end(dues[1], dues[2].0, false)]);
        assert_eq!(page(now, start, 1), [loaded(dues[0].1, 1), end(dues[0], dues[1].0, true)]);
        assert_eq!(page(now, dues[0], 9), [loaded(dues[1].1, 1), end(dues[1], dues[2].0, false)]);
        let late = now + Span::hours(1);
        assert_eq!(page(late, dues[2], 9), [end(dues[2], never, false)]);
    });
}

#[test]
fn sweeps_touch_the_rows_that_the_decision_concerns_and_no_others() {
    each(|open| {
        let mut store = open();
        let campaign = campaign(&mut store, "one", 6);
        let first = campaign.first.0;
        commit(&mut store, START, &[merge(first, 0, Fact::Intended, None)]);
        intend_and(&mut store, first + 1, Fact::Unknown, None);
        intend_and(&mut store, first + 2, Fact::Accepted, None);
        intend_and(&mut store, first + 3, Fact::Read, None);
        let sweep = |decision, limit| Command::Sweep {
            campaign: campaign.id,
            from: campaign.first,
            limit,
            decision,
            held: None,
        };

        let swept = commit(&mut store, START, &[sweep(Decision::Recovered, 1_024)]);
        let told: Vec<_> = merged(&swept).iter().map(|merged| (merged.message.0 - first, merged.phase)).collect();
        assert_eq!(told[..2], [(0, Phase::Unknown), (1, Phase::Unknown)], "an unknown one is told of again");
        assert!(told.iter().all(|(nth, _)| *nth < 3));
        let next = MessageId(first + 1_024);
        assert_eq!(swept.events.last(), Some(&Event::SweepEnd { campaign: campaign.id, next }));

        let swept = commit(&mut store, START, &[sweep(Decision::DeadlinePassed, 5)]);
        let told: Vec<_> = merged(&swept).iter().map(|merged| (merged.message.0 - first, merged.after)).collect();
        assert_eq!(
            told,
            [0, 1, 2, 4].map(|nth| (nth, State::Failed)),
            "not the read one, not the one outside the range"
        );
        assert_eq!(store.recount(&campaign).unwrap().of(State::Queued), 1);

        intend_and(&mut store, first + 5, Fact::Sent, None);
        let swept = commit(&mut store, START, &[sweep(Decision::Cancelled, 1_024)]);
        let told: Vec<_> = merged(&swept).iter().map(|merged| (merged.message.0 - first, merged.after)).collect();
        assert_eq!(told, [(5, State::Sent)]);
        let transient = Some(catalogue::find(131_000, None));
        let failed = commit(&mut store, START, &[merge(first + 5, 1, Fact::Failed, transient)]);
        assert_eq!(merged(&failed)[0].after, State::Failed, "what was cancelled is not tried again, sent or not");
    });
}

fn ask(about: About, at: Timestamp) -> Query {
    Query { token: AckToken(0), about, at }
}

fn learned(wamid: &str, message: u32, number: u8, at: Timestamp) -> Learned {
    Learned { wamid: wamid.into(), message: MessageId(message), number, at, wa_id: None }
}

#[test]
fn a_status_for_an_unknown_id_is_parked_and_comes_back_when_the_id_is_learned() {
    each(|open| {
        let mut store = open();
        let campaign = campaign(&mut store, "one", 2);
        let first = campaign.first.0;
        commit(&mut store, START, &[merge(first, 0, Fact::Intended, None)]);
        let code = catalogue::find(131_026, None);
        let failed = About::Status {
            wamid: "wamid.A".into(),
            status: Status::Failed(code),
            error: Some((131_026, "Message undeliverable".into())),
        };
        let batch = Batch { now: START, queries: vec![ask(failed, START)], ..Batch::default() };
        let outcome = store.commit(&batch).unwrap();
        assert_eq!((outcome.found.len(), outcome.asked.as_slice()), (0, [AckToken(0)].as_slice()));
        drop(store);

        let mut store = open();
        assert!(store.released().unwrap().is_empty());
        let batch = Batch { now: START, learned: vec![learned("wamid.A", first, 1, START)], ..Batch::default() };
        let found = store.commit(&batch).unwrap().found;
        let event =
            Event::Status { message: MessageId(first), number: 1, status: Status::Failed(code), at: Timestamp(0) };
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].event, event);
        let trouble = Trouble { message: MessageId(first), code: 131_026, text: "Message undeliverable".into() };
        assert_eq!(found[0].trouble, Some(trouble));
        assert_eq!(store.released().unwrap(), found, "a crash before the merge loses nothing");

        store.purge_parked(START + Span::hours(1)).unwrap();
        assert!(store.released().unwrap().is_empty());
    });
}

#[test]
fn an_update_is_matched_by_what_the_same_batch_taught() {
    each(|open| {
        let mut store = open();
        let campaign = campaign(&mut store, "one", 1);
        let first = campaign.first.0;
        commit(&mut store, START, &[merge(first, 0, Fact::Intended, None)]);
        let batch = Batch {
            now: START,
            commands: vec![merge(first, 1, Fact::Accepted, None)],
            learned: vec![learned("wamid.A", first, 1, START)],
            queries: vec![ask(About::Reply { wamid: "wamid.A".into() }, START)],
            ..Batch::default()
        };
        let outcome = store.commit(&batch).unwrap();
        assert_eq!(outcome.found[0].event, Event::Replied { message: MessageId(first), number: 1, at: START });
    });
}

#[test]
fn an_inbound_without_context_answers_the_message_accepted_last_that_did_not_fail() {
    each(|open| {
        let mut store = open();
        let one = campaign(&mut store, "one", 1);
        let two = campaign(&mut store, "two", 1);
        let three = campaign(&mut store, "three", 1);
        let accept = |store: &mut Store, campaign: &Campaign, wamid: &str, at| {
            let message = campaign.first.0;
            commit(store, at, &[merge(message, 0, Fact::Intended, None), merge(message, 1, Fact::Accepted, None)]);
            let batch = Batch { now: at, learned: vec![learned(wamid, message, 1, at)], ..Batch::default() };
            store.commit(&batch).unwrap();
        };
        let hour = |n| START + Span::hours(n);
        accept(&mut store, &one, "wamid.1", hour(0));
        accept(&mut store, &two, "wamid.2", hour(10));
        accept(&mut store, &three, "wamid.3", hour(20));
        let refused = catalogue::find(131_026, None);
        commit(&mut store, hour(20), &[merge(three.first.0, 1, Fact::Failed, Some(refused))]);
        let mut answers = |phone, number: &str, at| {
            let about = About::Inbound { phone, phone_number_id: number.into() };
            let batch = Batch { now: at, queries: vec![ask(about, at)], ..Batch::default() };
            let found = store.commit(&batch).unwrap().found;
            found.first().map(|found| match found.event {
                Event::Replied { message, .. } => message,
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(answers(PHONE, "111", hour(9)), Some(one.first));
        assert_eq!(answers(PHONE, "111", hour(11)), Some(two.first));
        assert_eq!(answers(PHONE, "111", hour(21)), Some(two.first), "the third failed");
        assert_eq!(answers(PHONE, "111", hour(83)), None, "after the reply window");
        assert_eq!(answers(PHONE, "999", hour(11)), None, "to another number of ours");
        assert_eq!(answers(PHONE + 1, "111", hour(11)), None, "from somebody else");
    });
}

#[test]
fn the_reply_window_runs_from_the_attempt_that_was_accepted_last() {
    each(|open| {
        let mut store = open();
        let message = campaign(&mut store, "one", 1).first.0;
        let hour = |n| START + Span::hours(n);
        let capped = catalogue::find(131_049, None);
        for (number, at) in [(1, hour(0)), (2, hour(30))] {
            let accepted = [merge(message, 0, Fact::Intended, None), merge(message, number, Fact::Accepted, None)];
            commit(&mut store, at, &accepted);
            let learned = vec![learned(&format!("wamid.{number}"), message, number, at)];
            store.commit(&Batch { now: at, learned, ..Batch::default() }).unwrap();
            if number == 1 {
                commit(&mut store, at, &[merge(message, 1, Fact::Failed, Some(capped))]);
            }
        }
        let about = About::Inbound { phone: PHONE, phone_number_id: "111".into() };
        let batch = Batch { now: hour(80), queries: vec![ask(about, hour(80))], ..Batch::default() };
        let found = store.commit(&batch).unwrap().found;
        let event = Event::Replied { message: MessageId(message), number: 2, at: hour(80) };
        assert_eq!(found.iter().map(|found| found.event).collect::<Vec<_>>(), [event]);
    });
}

#[test]
fn a_contact_whose_whatsapp_digits_are_others_is_known_by_both() {
    each(|open| {
        let mut store = open();
        let campaign = campaign(&mut store, "one", 1);
        let message = campaign.first.0;
        commit(&mut store, START, &[merge(message, 0, Fact::Intended, None), merge(message, 1, Fact::Accepted, None)]);
        let known = Learned { wa_id: Some(5_511_912_345_678), ..learned("wamid.1", message, 1, START) };
        store.commit(&Batch { now: START, learned: vec![known], ..Batch::default() }).unwrap();
        for phone in [PHONE, 5_511_912_345_678] {
            let about = About::Inbound { phone, phone_number_id: "111".into() };
            let batch = Batch { now: START, queries: vec![ask(about, START)], ..Batch::default() };
            assert_eq!(store.commit(&batch).unwrap().found.len(), 1, "{phone}");
        }
    });
}

#[test]
fn a_list_keeps_duplicates_and_bad_lines_apart_and_ids_dense() {
    each(|open| {
        let mut store = open();
        let before = campaign(&mut store, "before", 5);
        let id = store.begin(&new_campaign("list")).unwrap().id;
        let bad = Line::Bad { line: 4, text: "hello".into(), reason: "`hello` is not a phone number".into() };
        store.append(id, &[contact(2, 1), contact(3, 2), bad]).unwrap();
        store.append(id, &[contact(5, 1), contact(6, 3)]).unwrap();
        let campaign = store.finish(id).unwrap();
        assert_eq!((campaign.size(), campaign.bad, campaign.duplicates), (3, 1, 1));
        assert_eq!(campaign.first, before.end);
        let rejects = store.rejects(id, 0, 10).unwrap();
        assert_eq!((rejects[0].line, rejects[0].duplicate), (4, false));
        assert_eq!(
            (rejects[1].line, rejects[1].duplicate, rejects[1].reason.as_str()),
            (5, true, "the same contact as line 2")
        );
        let messages = store.messages(&campaign, None, 10, Which::default()).unwrap();
        assert_eq!(messages.iter().map(|message| message.phone).collect::<Vec<_>>(), [1, 2, 3]);
        let queued = Which { state: Some(State::Queued), ..Which::default() };
        let rest = store.messages(&campaign, Some(messages[0].id), 1, queued).unwrap();
        assert_eq!(rest.iter().map(|message| message.phone).collect::<Vec<_>>(), [2]);
        assert_eq!(store.recount(&campaign).unwrap(), Counts::all_queued(3));
    });
}

#[test]
fn half_a_list_leaves_nothing_and_its_numbers_are_given_out_again() {
    each(|open| {
        let mut store = open();
        let before = campaign(&mut store, "before", 5);
        let half = store.begin(&new_campaign("list")).unwrap();
        store.append(half.id, &[contact(2, 1), contact(3, 2)]).unwrap();
        drop(store);

        let mut store = open();
        assert!(store.campaigns().unwrap()[1].importing);
        let whole = store.begin(&new_campaign("list")).unwrap();
        assert_eq!((whole.id, whole.first), (half.id, before.end));
        store.append(whole.id, &[contact(2, 1), contact(3, 2), contact(4, 3)]).unwrap();
        let whole = store.finish(whole.id).unwrap();
        assert_eq!((whole.size(), whole.duplicates), (3, 0));
        store.begin(&new_campaign("gone")).unwrap();
        store.abandon().unwrap();
        assert_eq!(store.campaigns().unwrap().len(), 2);
        assert_eq!(store.recount(&before).unwrap(), Counts::all_queued(5));
    });
}

#[test]
fn a_store_keeps_its_id_and_says_what_it_cannot_do() {
    each(|open| {
        assert_eq!(open().id(), 7);
        let mut store = open();
        assert_eq!(store.id(), 7);
        campaign(&mut store, "one", 1);
        assert!(store.begin(&new_campaign("one")).is_err(), "names are unique");
        let nowhere = Batch { now: START, commands: vec![merge(99, 0, Fact::Intended, None)], ..Batch::default() };
        let said = store.commit(&nowhere).unwrap_err().to_string();
        assert!(said.contains("no message 99"), "{said}");
    });
}

#[test]
fn a_file_of_another_version_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(sqlite(&path));
    for (version, advice) in [(1, "CAMPAIGN_ENGINE_STORE"), (99, "use a newer program")] {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
        for opened in [Store::open_sqlite(&path, None), Store::read_sqlite(&path)] {
            let said = opened.unwrap_err().to_string();
            assert!(said.contains(advice), "{said}");
        }
    }
}
