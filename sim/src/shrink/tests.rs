//! Shrinking ends small, and what it ends with fails.

use super::*;
use cloud_api::time::Span;
use std::cell::Cell;
use std::path::Path;

const LARGE: &str = r#"
name = "large"
seed = 7
[[sender]]
name = "a"
[[sender]]
name = "b"
throughput = 200
messaging_limit = 1_000_000
[[campaign]]
name = "x"
sender = "a"
contacts = 300
[[campaign]]
name = "y"
sender = "b"
contacts = 100
start = "1h"
overlap = 0.5
[[contacts]]
share = 0.2
kind = "replies"
[[fault]]
kind = "webhook_duplicate"
share = 0.5
[[fault]]
kind = "error"
code = 131026
from = "1s"
until = "59m"
share = 0.9
[[fault]]
kind = "latency"
delay = { median = "1s", p99 = "2s" }
[expect.x]
messages.InvalidContact = 0
"#;

fn failure(text: &str) -> (Scenario, Failure) {
    let mut scenario = Scenario::parse(text, "large.toml", Path::new("")).unwrap();
    if levels::beyond(&scenario, Level::Model).is_some() {
        scenario.senders.iter_mut().for_each(|sender| sender.messaging_limit = Default::default());
    }
    let trial = trial(&scenario, Level::Model, &RunOptions::default()).unwrap();
    let failure = Failure::of(&scenario, Level::Model, scenario.seed, None, &trial);
    (scenario, failure)
}

#[test]
fn a_broken_expectation_of_a_count_keeps_its_contacts_and_loses_what_it_does_not_need() {
    let (scenario, failure) = failure(&LARGE.replace("InvalidContact = 0", "InvalidContact = \"..10\""));
    assert_eq!(failure.names(), ["expect.x.messages.InvalidContact"]);
    let smaller = Cell::new(0);
    let shrunk = shrink(&failure, &scenario, &|_| smaller.set(smaller.get() + 1)).unwrap();
    assert_eq!(shrunk.scenario.messages(), 400);
    assert_eq!(shrunk.scenario.faults.len(), 1, "{:?}", shrunk.scenario.faults);
    assert_eq!((shrunk.scenario.senders.len(), shrunk.scenario.faults[0].until), (1, None));
    assert!(smaller.get() > 3 && !shrunk.broke_off && shrunk.failed.len() == 1);
}

#[test]
fn what_one_message_can_break_ends_with_one_message_and_one_fault_where_these_are_enough() {
    // Whether all are delivered, a contact who reads decides without any fault.
    let wanted =
        [("messages.InvalidContact = 0", 1), ("messages.InvalidContact = \"0%\"", 1), ("messages.Delivered = 300", 0)];
    for (wanted, faults) in wanted {
        let (scenario, failure) = failure(&LARGE.replace("messages.InvalidContact = 0", wanted));
        let shrunk = shrink(&failure, &scenario, &|_| {}).unwrap();
        let best = &shrunk.scenario;
        let sizes = (best.messages(), best.faults.len(), best.campaigns.len(), best.senders.len());
        assert_eq!(sizes, (1, faults, 1, 1), "{wanted}: {best:#?}");
        assert!(best.groups.is_empty(), "{wanted}: {best:#?}");
        assert!(best.faults.iter().all(|fault| fault.share == 1_000_000 && fault.from == Span::ZERO), "{best:#?}");
        let text = best.written().text;
        let back = Scenario::parse(&text, "back.toml", Path::new("")).unwrap();
        let trial = trial(&back, Level::Model, &RunOptions::default()).unwrap();
        assert!(trial.fails_any(&failure.names()), "{text}");
    }
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let (scenario, failure) = failure(LARGE);
    let other = Failure { checks: Vec::new(), ..failure.clone() };
    assert_eq!(shrink(&other, &scenario, &|_| {}).unwrap_err(), Error::Holds);
    let live = Failure { level: "live".to_owned(), ..failure };
    assert_eq!(shrink(&live, &scenario, &|_| {}).unwrap_err(), Error::Level(Level::Live));
}
