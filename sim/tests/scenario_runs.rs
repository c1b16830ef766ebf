//! The program from outside: what it prints, what it writes, and its exit status.

use std::path::Path;
use std::process::{Command, Output};

const SMALL: &str = "name = \"small\"\nstory = \"Ten people.\"\nseed = 3\n[[campaign]]\nname = \"a\"\ncontacts = 10\n\
                     [[contacts]]\nkind = \"receipts_off\"\nshare = 0.5\n[handset]\nread_share = 1.0\n[expect]\n";

fn campaign_sim(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_campaign-sim"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn scenario(expect: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("small.toml"), format!("{SMALL}{expect}")).expect("a file");
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn a_scenario_that_holds_exits_with_0_and_says_how_to_see_it_again() {
    let folder = scenario("messages.Delivered = 5\nmessages.Read = 5\n");
    let output = campaign_sim(folder.path(), &["run", "small.toml"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}{}", text(&output.stderr));
    assert!(printed.contains("PASS"), "{printed}");
    assert!(printed.contains("replay       campaign-sim run small.toml --level model --seed 3\n"), "{printed}");
    assert!(output.stderr.is_empty() && !printed.contains('\u{1b}'), "nothing but the report where it is piped");
}

#[test]
fn a_broken_expectation_exits_with_1_and_is_shown() {
    let folder = scenario("messages.Delivered = 6\n");
    let output = campaign_sim(folder.path(), &["run", "small.toml"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("FAIL") && printed.contains("expect.messages.Delivered: 5 of 10, wanted 6"), "{printed}");
}

#[test]
fn json_is_one_object_a_line_and_the_same_on_disk() {
    let folder = scenario("messages.Read = 5\n");
    let arguments =
        ["run", "small.toml", "small.toml", "--format", "json", "--out", "results", "--seed", "9", "--contacts", "20"];
    let output = campaign_sim(folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert_eq!(std::fs::read_to_string(folder.path().join("results/result.json")).unwrap(), printed);
    let results: Vec<serde_json::Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(results.len(), 2);
    assert_eq!((&results[0]["seed"], &results[0]["campaigns"][0]["size"]), (&9.into(), &20.into()));
    assert_eq!(results[0]["fingerprint"], results[1]["fingerprint"], "the second run in a process is as the first");
    let expectation =
        results[0]["checks"].as_array().unwrap().iter().find(|check| check["name"] == "expect.messages.Read").unwrap();
    assert_eq!(expectation["verdict"], "skipped", "a count of the file means nothing for another size");
}

#[test]
fn junit_has_a_case_for_every_check() {
    let folder = scenario("messages.Read = 4\n");
    let output = campaign_sim(folder.path(), &["run", "small.toml", "--junit", "junit.xml"]);
    assert_eq!(output.status.code(), Some(1));
    let xml = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(xml.contains("<testsuite name=\"small at level model\"") && xml.contains("failures=\"1\""), "{xml}");
    assert!(xml.contains("name=\"expect.messages.Read\"><failure message=\"5 of 10, wanted 4\"/>"), "{xml}");
}

#[test]
fn a_bad_file_exits_with_2_before_anything_is_run() {
    let folder = scenario("");
    std::fs::write(folder.path().join("bad.toml"), "name = \"bad\"\nsed = 1\n").unwrap();
    let output = campaign_sim(folder.path(), &["run", "small.toml", "bad.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "{}", text(&output.stdout));
    let said = text(&output.stderr);
    assert!(said.contains("bad.toml:2:1") && said.contains("did you mean `seed`?"), "{said}");
}

#[test]
fn what_cannot_be_asked_for_exits_with_2() {
    let folder = scenario("");
    let asked: [&[&str]; 6] = [
        &["run"],
        &["run", "small.toml", "--level", "modle"],
        &["run", "small.toml", "--contacts", "0"],
        &["run", "small.toml", "--time-scale", "0"],
        &["run", "small.toml", "--level", "stack"],
        &["run", "nowhere.toml"],
    ];
    for arguments in asked {
        let output = campaign_sim(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn check_tells_the_class_of_agreement_and_goes_on_behind_a_bad_file() {
    let folder = scenario("");
    std::fs::write(folder.path().join("bad.toml"), "name = 5\n").unwrap();
    let output = campaign_sim(folder.path(), &["check", "bad.toml", "small.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let printed = text(&output.stdout);
    assert!(printed.contains("bad.toml:1:8") && printed.contains("small.toml: ok"), "{printed}");
    assert!(printed.contains("agreement: exact"), "{printed}");
}
