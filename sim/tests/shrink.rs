//! `campaign-sim shrink` from outside: what it writes runs, and fails as it should.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::path::Path;
use std::process::{Command, Output};

const BROKEN: &str = r#"
name = "broken"
seed = 3
[[sender]]
name = "m"
throughput = 40
[[campaign]]
name = "a"
contacts_file = "people.csv"
start = "90s"
[[contacts]]
kind = "replies"
share = 0.5
[[fault]]
kind = "webhook_duplicate"
share = 0.2
[[fault]]
kind = "error"
code = 131026
from = "1s"
until = "2h"
[[fault]]
kind = "latency"
delay = "1s"
[expect]
messages.InvalidContact = "..1"
duplicates = 0
"#;

fn campaign_sim(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_campaign-sim")).current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn failed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.toml"), BROKEN).unwrap();
    std::fs::write(folder.path().join("people.csv"), "phone,name\n+49 151 23456789,Ana\n+34 612 34 56 78,Di\n")
        .unwrap();
    let output = campaign_sim(folder.path(), &["run", "broken.toml", "--out", "."]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    folder
}

#[test]
fn the_smallest_scenario_is_a_file_that_fails_in_the_same_way() {
    let folder = failed();
    std::fs::create_dir(folder.path().join("small")).unwrap();
    let output = campaign_sim(folder.path(), &["shrink", "failure.json", "--out", "small/invalid.toml"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}{}", text(&output.stderr));
    assert!(printed.starts_with("2 messages and 3 faults became 2 messages and 1 fault"), "{printed}");
    let small = std::fs::read_to_string(folder.path().join("small/invalid.toml")).unwrap();
    assert!(
        small.starts_with("# It broke the expectation `expect.messages.InvalidContact`: 2 of 2, wanted ..1\n"),
        "{small}"
    );
    assert!(
        small.contains("name = \"invalid\"") && small.contains("story = ") && !small.contains("latency"),
        "{small}"
    );
    let output = campaign_sim(folder.path(), &["run", "small/invalid.toml"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}{}", text(&output.stderr));
    assert!(printed.contains("expect.messages.InvalidContact: 2 of 2, wanted ..1"), "{printed}");
}

#[test]
fn the_file_is_named_after_the_seed_unless_it_has_a_name() {
    let folder = failed();
    assert_eq!(campaign_sim(folder.path(), &["shrink", "failure.json"]).status.code(), Some(0));
    assert_eq!(campaign_sim(folder.path(), &["check", "shrunk-3.toml"]).status.code(), Some(0));
}

#[test]
fn what_is_there_already_is_kept() {
    let folder = failed();
    let mine = folder.path().join("mine.toml");
    std::fs::write(&mine, "precious").unwrap();
    let output = campaign_sim(folder.path(), &["shrink", "failure.json", "--out", "mine.toml"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("mine.toml is there already"), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "precious");
}

#[test]
fn what_does_not_fail_any_more_is_not_shrunk() {
    let folder = failed();
    let path = folder.path().join("failure.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, whole.replace("InvalidContact = \\\"..1\\\"", "InvalidContact = \\\"2\\\"")).unwrap();
    let output = campaign_sim(folder.path(), &["shrink", "failure.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("does not fail any more"), "{}", text(&output.stderr));
}

#[test]
fn a_run_says_how_to_make_its_failure_smaller_and_one_broken_message_is_all_that_is_left() {
    let folder = failed();
    let many = BROKEN.replace("contacts_file = \"people.csv\"", "contacts = 5_000").replace("\"..1\"", "0");
    std::fs::write(folder.path().join("many.toml"), many).unwrap();
    let output = campaign_sim(folder.path(), &["run", "many.toml", "--out", "of many"]);
    let printed = text(&output.stdout);
    assert!(printed.contains("\nstory of message 0, 1\n"), "{printed}");
    assert!(printed.ends_with("smaller      campaign-sim shrink 'of many/failure.json'\n\n"), "{printed}");
    let output = campaign_sim(folder.path(), &["shrink", "of many/failure.json"]);
    let printed = text(&output.stdout);
    assert!(printed.starts_with("5000 messages and 3 faults became 1 message and 1 fault"), "{printed}");
}

#[test]
fn the_message_that_arrived_twice_is_the_one_whose_story_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let twice = "name = \"twice\"\nseed = 1\n[[campaign]]\nname = \"a\"\ncontacts = 200\n[[fault]]\nkind = \"lost_reply\"\n\
                 share = 0.1\n[[fault]]\nkind = \"webhook_loss\"\nshare = 0.5\n[expect]\nduplicates = 0\n";
    std::fs::write(folder.path().join("twice.toml"), twice).unwrap();
    let printed = text(&campaign_sim(folder.path(), &["run", "twice.toml"]).stdout);
    let story = printed.split("story of message ").nth(1).unwrap_or_else(|| panic!("{printed}"));
    assert!(story.contains("+ Unknown = Unknown") && story.contains("POSTs attempt 2"), "{story}");
}
