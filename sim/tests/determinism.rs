//! The same seed gives the same run: in another process, another folder, another environment, and in any build on any machine,
//! since what it is stands in `fingerprints.txt`.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seeds of each scenario, and contacts of each campaign that is not of a list.
const SEEDS: [&str; 3] = ["1", "2", "18446744073709551615"];
const CONTACTS: &str = "1500";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn scenarios() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("scenarios")).unwrap();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    all.sort();
    all
}

/// Everything that a run says of itself but how long it took.
fn run(program: &Path, folder: &Path, environment: &[(&str, &str)], scenario: &Path, seed: &str) -> Value {
    let output = Command::new(program)
        .current_dir(folder)
        .env_clear()
        .envs(environment.iter().copied())
        .args(["run", scenario.to_str().unwrap(), "--level", "model", "--format", "json"])
        .args(["--seed", seed, "--contacts", CONTACTS])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let mut outcome: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    for measured in ["wall_seconds", "messages_per_second"] {
        outcome[measured] = Value::Null;
    }
    assert!(outcome["fingerprint"].is_string());
    outcome
}

const HOME: [(&str, &str); 3] = [("HOME", "/"), ("LANG", "C"), ("TZ", "UTC")];
const ELSEWHERE: [(&str, &str); 6] = [
    ("HOME", "/nowhere"),
    ("LANG", "tr_TR.UTF-8"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("TZ", "Pacific/Chatham"),
    ("RUST_LOG", "trace"),
    ("CAMPAIGN_ENGINE_ON_UNKNOWN", "never"),
];

#[test]
fn a_seed_is_the_run_that_is_written_down_in_any_process_folder_environment_and_build() {
    let program = Path::new(env!("CARGO_BIN_EXE_campaign-sim"));
    let folder = tempfile::tempdir().unwrap();
    let mut seen = String::new();
    for scenario in scenarios() {
        let name = scenario.file_stem().unwrap().to_str().unwrap();
        for seed in SEEDS {
            let here = run(program, &root(), &HOME, &scenario, seed);
            let there = run(program, folder.path(), &ELSEWHERE, &scenario, seed);
            assert_eq!(here, there, "{name} with seed {seed}");
            let [fingerprint, events] = ["fingerprint", "events"].map(|key| here[key].to_string());
            writeln!(seen, "{name} {seed} {} {events}", fingerprint.trim_matches('"')).unwrap();
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fingerprints.txt");
    #[expect(clippy::disallowed_methods, reason = "whoever wants the file written again says so there")]
    if std::env::var_os("UPDATE_FINGERPRINTS").is_some() {
        std::fs::write(&file, &seen).unwrap();
    }
    let known = std::fs::read_to_string(&file).unwrap();
    let others: Vec<&str> = seen.lines().filter(|line| !known.lines().any(|known| known == *line)).collect();
    assert!(
        others.is_empty() && known.lines().count() == seen.lines().count(),
        "these runs are not those that are written down: {others:#?}\nIf scenarios, the engine, the mock's model or the simulator \
         were changed so that they should be, UPDATE_FINGERPRINTS=1 cargo test -p campaign-sim --test determinism writes them \
         down; if nothing was, the builds differ"
    );
}
