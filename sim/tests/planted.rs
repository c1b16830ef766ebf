//! Every checker of the model level sees the bug that it is there for; without a bug all are green.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use campaign_sim::cli::RunOptions;
use campaign_sim::levels::model::run_with;
use campaign_sim::model::setup::Plant;
use campaign_sim::outcome::{Outcome, Verdict};
use campaign_sim::progress::Progress;
use campaign_sim::scenario::Scenario;
use std::path::Path;

const SCENARIO: &str = r#"
name = "planted"
seed = 7
[[campaign]]
name = "sale"
contacts = 2_000
[[contacts]]
share = 0.02
kind = "not_on_whatsapp"
[[contacts]]
share = 0.10
kind = "replies"
[[contacts]]
share = 0.05
kind = "receipts_off"
[[fault]]
kind = "error"
code = 131000
share = 0.05
"#;

fn run(seed: Option<u64>, plant: Option<Plant>) -> Outcome {
    let scenario = Scenario::parse(SCENARIO, "planted.toml", Path::new("")).unwrap();
    let options = RunOptions { seed, ..RunOptions::default() };
    run_with(&scenario, &options, &Progress::hidden(), plant).unwrap()
}

fn red(outcome: &Outcome) -> Vec<&str> {
    let failed = outcome.checks.iter().filter(|check| check.verdict == Verdict::Fail);
    failed.map(|check| check.name.as_str()).collect()
}

#[test]
fn without_a_bug_every_check_is_green() {
    let outcome = run(None, None);
    assert_eq!(red(&outcome), [""; 0], "{:?}", outcome.checks);
    let passed = outcome.checks.iter().filter(|check| check.verdict == Verdict::Pass).count();
    assert!(passed >= 18, "what has no occasion here is skipped, and little else: {:?}", outcome.checks);
    assert_eq!(outcome.duplicates, 0);
}

#[test]
fn a_flipped_transition_turns_legal_transitions_red() {
    assert!(red(&run(None, Some(Plant::FlipTransition))).contains(&"legal-transitions"));
}

#[test]
fn a_dropped_merge_turns_states_equal_truth_red() {
    assert!(red(&run(None, Some(Plant::DropMerge))).contains(&"states-equal-truth"));
}

#[test]
fn a_message_sent_twice_turns_no_duplicates_red() {
    let outcome = run(None, Some(Plant::SendTwice));
    assert!(red(&outcome).contains(&"no-duplicates"), "{:?}", outcome.checks);
    assert_eq!(outcome.duplicates, 1);
}

#[test]
fn the_same_seed_gives_the_same_fingerprint_and_another_seed_another() {
    let first = run(Some(1), None);
    assert_eq!(first.fingerprint, run(Some(1), None).fingerprint);
    assert_ne!(first.fingerprint, run(Some(2), None).fingerprint);
}
