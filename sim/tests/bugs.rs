//! Every checker is worth its place: each bug that is planted in the engine is found by the check that is there for it, within
//! a bounded number of seeds of a swarm. The table of docs/planted-bugs.md is made here.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use campaign_sim::scenario::{Level, Scenario};
use campaign_sim::swarm::{self, Request};
use engine_core::planted::{Bug, plant};
use std::path::{Path, PathBuf};

/// Seeds that are tried for one bug.
const SEEDS_MOST: u64 = 3_000;
/// Messages of one run.
const MESSAGES_MOST: u32 = 2_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn files() -> Vec<Scenario> {
    let folder = root().join("scenarios");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.iter().map(|path| Scenario::load(path).unwrap()).collect()
}

/// The checks that fail with this seed.
fn failing(files: &[Scenario], seed: u64) -> Vec<String> {
    let request = Request {
        from: seed,
        seeds: 1,
        shard: (0, 1),
        jobs: 1,
        time_most: None,
        level: Level::Model,
        messages_most: MESSAGES_MOST,
        crashes: None,
    };
    let report = swarm::run(files, &request, &|_| {});
    report.by_check.into_keys().collect()
}

#[test]
fn explore() {
    let files = files();
    for bug in Bug::ALL {
        plant(Some(*bug));
        let mut found = Vec::new();
        let mut first = None;
        let mut seen = std::collections::BTreeMap::<String, u64>::new();
        for seed in 0..600 {
            let failed = failing(&files, seed);
            if !failed.is_empty() {
                first.get_or_insert(seed);
                found.push(seed);
                for check in failed {
                    *seen.entry(check).or_default() += 1;
                }
                if found.len() >= 8 {
                    break;
                }
            }
        }
        plant(None);
        println!("{:<28} first {:?} {:?}", bug.name(), first, seen);
    }
}
