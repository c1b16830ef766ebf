//! The same seed gives the same run: in another process, another folder, another environment, another build.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

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
fn a_seed_is_the_same_run_in_another_process_folder_and_environment() {
    let program = Path::new(env!("CARGO_BIN_EXE_campaign-sim"));
    let folder = tempfile::tempdir().unwrap();
    for scenario in scenarios() {
        for seed in SEEDS {
            let here = run(program, &root(), &HOME, &scenario, seed);
            let there = run(program, folder.path(), &ELSEWHERE, &scenario, seed);
            assert_eq!(here, there, "{} with seed {seed}", scenario.display());
        }
    }
}

#[test]
fn a_seed_is_the_same_run_in_another_build() {
    let program = Path::new(env!("CARGO_BIN_EXE_campaign-sim"));
    let profile = program.parent().unwrap();
    let other = if profile.ends_with("release") { "debug" } else { "release" };
    let another = profile.with_file_name(other).join(program.file_name().unwrap());
    if let Err(why) = is_fresh(&another) {
        // Straight to the error output, which the test runner does not swallow: a comparison that was not made is not a pass.
        let path = another.display();
        writeln!(std::io::stderr(), "NOT COMPARED with the {other} build: {path} {why}").unwrap();
        return;
    }
    for scenario in scenarios() {
        for seed in SEEDS {
            let one = run(program, &root(), &HOME, &scenario, seed);
            assert_eq!(one, run(&another, &root(), &HOME, &scenario, seed), "{} with seed {seed}", scenario.display());
        }
    }
}

/// Whether a program is there and younger than every source that goes into it; why not.
fn is_fresh(program: &Path) -> Result<(), String> {
    let age = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified());
    let built = age(program).map_err(|error| format!("is not there: {error}"))?;
    let mut folders: Vec<PathBuf> =
        ["sim/src", "engine", "mock-whatsapp"].iter().map(|folder| root().join(folder)).collect();
    let mut youngest = (SystemTime::UNIX_EPOCH, PathBuf::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_source = path.extension().is_some_and(|extension| extension == "rs" || extension == "toml");
            // Tests are no part of the program.
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if is_source {
                youngest = youngest.max((age(&path).unwrap(), path));
            }
        }
    }
    let (changed, path) = youngest;
    if changed > built { Err(format!("is older than {}", path.display())) } else { Ok(()) }
}
