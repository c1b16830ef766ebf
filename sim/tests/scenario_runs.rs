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
fn a_cap_on_marketing_that_ends_is_waited_for() {
    let capped = |lasts: &str, expect: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let scenario = format!(
            "name = \"capped\"\nstory = \"Everybody had enough marketing today.\"\nseed = 3\n[[campaign]]\nname = \"a\"\n\
             contacts = 10\n[[contacts]]\nkind = \"marketing_capped\"\nshare = 1.0\n{lasts}[handset]\nread_share = 1.0\n\
             [expect]\n{expect}"
        );
        std::fs::write(folder.path().join("capped.toml"), scenario).expect("a file");
        let output = campaign_sim(folder.path(), &["run", "capped.toml"]);
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    };
    capped("for = \"20h\"\n", "messages.Read = 10\n");
    capped("", "messages.BlockedOrSpam = 10\n");
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

#[test]
fn a_number_ends_as_it_means_where_the_scenario_wants_meanings() {
    let folder = tempfile::tempdir().expect("a folder");
    let endings = ["0200", "0201", "0403", "0404", "0410", "0429", "0451", "0500", "1026", "2012"];
    let rows: String = endings.iter().map(|ending| format!("+1415555{ending},Ann\n")).collect();
    std::fs::write(folder.path().join("people.csv"), format!("phone,name\n{rows}")).expect("a list");
    let text_of = |meanings: bool, expect: &str| {
        format!(
            "name = \"meant\"\nmagic_numbers = {meanings}\n[[campaign]]\nname = \"a\"\ncontacts_file = \"people.csv\"\n\
             [handset]\nread_share = 1.0\n[expect]\n{expect}"
        )
    };
    let meant = "messages.Read = 3\nmessages.Responded = 2\nmessages.Sent = 1\nmessages.Delivered = 1\n\
                 messages.InvalidContact = 2\nmessages.Failed = 1\n";
    for (meanings, expect) in [(true, meant), (false, "messages.Read = 10\n")] {
        std::fs::write(folder.path().join("meant.toml"), text_of(meanings, expect)).expect("a file");
        let output = campaign_sim(folder.path(), &["run", "meant.toml"]);
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    }
}

#[test]
fn settings_of_the_engine_that_a_level_carries_out_are_taken_and_others_refused() {
    let with = |setting: &str| {
        let folder = scenario("");
        let file = format!("{SMALL}[engine]\n{setting}\n");
        std::fs::write(folder.path().join("small.toml"), file).expect("a file");
        let output = campaign_sim(folder.path(), &["run", "small.toml"]);
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let (code, printed) = with("quiet_hours = \"21:00-08:00\"\nzones = { \"49\" = [\"+01:00\", \"+01:00\"] }");
    assert!(code == Some(0) && printed.contains(" quiet-hours,"), "{printed}");
    for (setting, why) in [
        ("quiet_hours = \"late\"", "are no quiet hours"),
        ("throughput = 40", "write it in [[sender]]"),
        ("quite_hours = \"none\"", "unknown field `quite_hours`"),
        ("opt_out_words = [\"ENDE\"]", "opt_out_words without STOP"),
        ("listen = \"127.0.0.1:1\"", "the engine's setting `listen`"),
    ] {
        let (code, printed) = with(setting);
        assert!(code == Some(2) && printed.contains(why), "{setting}: {printed}");
    }
}
