//! `campaign-sim swarm` from outside: what it prints and writes, its exit status, and that threads cannot be seen in it.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::path::Path;
use std::process::{Command, Output};

/// Its expectation cannot hold, so the seeds that take the file as it is written fail.
const BROKEN: &str =
    "name = \"broken\"\n[[campaign]]\nname = \"a\"\ncontacts = 6\n[expect]\nmessages.Queued = \"100%\"\n";

fn campaign_sim(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_campaign-sim")).current_dir(folder).args(arguments).output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What does not hang on how long it took.
fn lasting(output: &Output) -> Vec<String> {
    printed(output).lines().filter(|line| !line.starts_with("seeds ")).map(str::to_owned).collect()
}

fn broken() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.toml"), BROKEN).unwrap();
    folder
}

#[test]
fn the_shipped_scenarios_hold_for_small_variations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let out = tempfile::tempdir().unwrap();
    let out = out.path().to_str().unwrap();
    let output =
        campaign_sim(&folder, &["swarm", "first-campaign.toml", "--seeds", "40", "--messages", "40", "--out", out]);
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("seeds      40 run, 0 failed") && printed.ends_with("PASS\n"), "{printed}");
    assert!(output.stderr.is_empty(), "no progress where it is piped");
}

#[test]
fn a_failing_seed_is_told_with_its_options_first_and_kept_in_a_file() {
    let folder = broken();
    let output =
        campaign_sim(folder.path(), &["swarm", "broken.toml", "--seeds", "120", "--messages", "8", "--out", "f"]);
    let printed = printed(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let at = printed.find("broken.toml, as it is written\n").unwrap_or_else(|| panic!("{printed}"));
    let head = printed[..at].rfind("seed ").unwrap();
    let lines: Vec<&str> = printed[head..].lines().take(5).collect();
    let seed = lines[0].split(' ').nth(1).unwrap();
    assert!(lines[1].starts_with("  options  messages "), "{lines:?}");
    assert!(lines[2].starts_with("  ✗ expect.messages.Queued: "), "{lines:?}");
    assert_eq!(lines[3], format!("  replay   campaign-sim replay f/failure-{seed}.json"));
    let file = std::fs::read_to_string(folder.path().join(format!("f/failure-{seed}.json"))).unwrap();
    let failure: serde_json::Value = serde_json::from_str(&file).unwrap();
    assert_eq!((&failure["seed"].to_string(), &failure["level"]), (&seed.to_owned(), &"model".into()));
    assert_eq!(failure["checks"][0]["name"], "expect.messages.Queued");
    assert!(printed.ends_with("FAIL\n"), "{printed}");
}

#[test]
fn neither_output_nor_exit_status_hangs_on_the_number_of_threads() {
    let folder = broken();
    let run = |jobs| {
        let arguments =
            ["swarm", "broken.toml", "--seeds", "150", "--from", "7", "--messages", "30", "--jobs", jobs, "--out", "f"];
        let output = campaign_sim(folder.path(), &arguments);
        (lasting(&output), output.status.code())
    };
    let (alone, together) = (run("1"), run("5"));
    assert!(alone.0.iter().any(|line| line.starts_with("seed ")), "{alone:?}");
    assert_eq!(alone, together);
}

#[test]
fn shards_are_parts_of_the_same_seeds() {
    let folder = broken();
    let seeds = |shard| {
        let arguments = ["swarm", "broken.toml", "--seeds", "21", "--messages", "5", "--shard", shard];
        let printed = printed(&campaign_sim(folder.path(), &arguments));
        let line = printed.lines().find(|line| line.starts_with("seeds ")).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().parse::<u32>().unwrap()
    };
    assert_eq!([seeds("1/3"), seeds("2/3"), seeds("3/3")], [7, 7, 7]);
}

#[test]
fn what_cannot_be_asked_for_exits_with_2_and_a_sentence() {
    let folder = broken();
    let asked: [(&[&str], &str); 8] = [
        (&["--seeds", "0"], "--seeds"),
        (&[], "--seeds"),
        (&["--seeds", "5", "--level", "stack"], "level stack"),
        (&["--seeds", "5", "--level", "live"], "level live"),
        (&["--seeds", "5", "--shard", "5/4"], "1/4"),
        (&["--seeds", "5", "--shard", "0/4"], "1/4"),
        (&["--seeds", "5", "--jobs", "0"], "--jobs"),
        (&["--seeds", "5", "--from", "18446744073709551615"], "more than there are"),
    ];
    for (options, sentence) in asked {
        let arguments = [&["swarm", "broken.toml"], options].concat();
        let output = campaign_sim(folder.path(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{options:?}: {said}");
        assert!(said.contains(sentence), "{options:?}: {said}");
    }
}
