//! `failure.json` and `campaign-sim replay` from outside.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const BROKEN: &str = "name = \"broken\"\nseed = 3\n[[campaign]]\nname = \"a\"\ncontacts_file = \"people.csv\"\n[[fault]]\nkind = \"error\"\n\
                      code = 131026\n[expect]\nmessages.InvalidContact = 0\n";
const PEOPLE: &str = "phone,name\n+49 151 23456789,Ana\n+34 612 34 56 78,Di\n";

fn campaign_sim(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_campaign-sim")).current_dir(folder).args(arguments).output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A folder with the failure of a run, and without what it was a run of.
fn failed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.toml"), BROKEN).unwrap();
    std::fs::write(folder.path().join("people.csv"), PEOPLE).unwrap();
    let output = campaign_sim(folder.path(), &["run", "broken.toml", "broken.toml", "--out", "results", "--seed", "9"]);
    assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
    std::fs::remove_file(folder.path().join("broken.toml")).unwrap();
    std::fs::remove_file(folder.path().join("people.csv")).unwrap();
    folder
}

fn edit(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("results/failure.json");
    let mut failure: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut failure);
    std::fs::write(&path, failure.to_string()).unwrap();
}

#[test]
fn a_failed_run_leaves_a_file_that_replays_by_itself() {
    let folder = failed();
    assert!(folder.path().join("results/failure-2.json").exists(), "the second failure does not overwrite the first");
    let output = campaign_sim(folder.path(), &["replay", "results/failure.json"]);
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.starts_with("seed 9 · broken.toml · level model\n"), "{printed}");
    assert!(printed.contains("✗ expect.messages.InvalidContact: 2 of 2, wanted 0"), "{printed}");
    assert!(printed.ends_with("FAIL: the same run, and the same checks fail\n"), "{printed}");
    // Both are in the state of which there were to be none.
    assert!(printed.contains("message 0: has attempt 1: refuses it with error 131026"), "{printed}");
}

#[test]
fn another_fingerprint_is_said_aloud() {
    let folder = failed();
    edit(folder.path(), |failure| failure["fingerprint"] = "0123456789abcdef".into());
    let output = campaign_sim(folder.path(), &["replay", "results/failure.json"]);
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(printed.contains("DIFFERENT") && printed.contains("was 0123456789abcdef and is "), "{printed}");
    assert!(printed.ends_with("FAIL: it fails, and not as then\n"), "{printed}");
}

#[test]
fn what_does_not_fail_any_more_exits_with_0_and_says_so() {
    let folder = failed();
    edit(folder.path(), |failure| {
        failure["scenario"] =
            failure["scenario"].as_str().unwrap().replace("InvalidContact = \"0\"", "InvalidContact = \"2\"").into();
    });
    let output = campaign_sim(folder.path(), &["replay", "results/failure.json"]);
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.contains("expect.messages.InvalidContact failed then and does not fail now"), "{printed}");
    assert!(printed.ends_with("PASS: it does not fail any more\n"), "{printed}");
}

#[test]
fn what_is_no_failure_exits_with_2_and_a_sentence() {
    let folder = failed();
    std::fs::write(folder.path().join("x.json"), "{\"format\":1}").unwrap();
    edit(folder.path(), |failure| failure["scenario"] = "name = 5".into());
    for (file, sentence) in [
        ("nowhere.json", "cannot be read"),
        ("x.json", "no failure of a run"),
        ("results/failure.json", "the scenario in it cannot be read"),
    ] {
        let output = campaign_sim(folder.path(), &["replay", file]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{file}: {said}");
        assert!(said.contains(sentence), "{file}: {said}");
    }
}
