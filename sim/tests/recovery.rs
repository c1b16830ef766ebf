//! Crashes of the engine change nothing that a user sees, where nothing of an outcome is lost for good.
//!
//! A scenario is run with crashes and without, under the same seed: every message ends in the same state, no handset gets two
//! copies, and every check is green.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use campaign_sim::cli::RunOptions;
use campaign_sim::levels::model::{final_states, run};
use campaign_sim::outcome::Verdict;
use campaign_sim::progress::Progress;
use campaign_sim::scenario::Scenario;
use engine_core::State;
use engine_core::planted::{Bug, plant};
use std::path::Path;

const SEEDS: u64 = 30;

/// People of many kinds, a transient error now and then, answers that come late, and no fault that keeps an outcome secret.
const PEOPLE: &str = r#"
[[contacts]]
share = 0.03
kind = "not_on_whatsapp"
[[contacts]]
share = 0.10
kind = "replies"
[[contacts]]
share = 0.05
kind = "receipts_off"
[[contacts]]
share = 0.05
kind = "blocked"
[[contacts]]
share = 0.02
kind = "marketing_capped"
[[contacts]]
share = 0.10
kind = "offline"
for = "5h"
[[fault]]
kind = "error"
code = 131000
share = 0.03
[[fault]]
kind = "error"
code = 131016
asynchronous = true
share = 0.03
[[fault]]
kind = "webhook_delay"
delay = { median = "2s", p99 = "1m" }
[[fault]]
kind = "webhook_duplicate"
copies = 1
share = 0.2
"#;

const ONE_NUMBER: &str = r#"
name = "crashes"
story = "The engine dies again and again, and nobody notices."
[[sender]]
name = "main"
throughput = 20
[[campaign]]
name = "sale"
contacts = 2_000
"#;

const TWO_NUMBERS: &str = r#"
name = "crashes"
story = "Two numbers, three campaigns, and an engine that dies again and again."
[[sender]]
name = "fast"
throughput = 20
[[sender]]
name = "slow"
throughput = 5
[[campaign]]
name = "both"
senders = ["fast", "slow"]
contacts = 1_000
[[campaign]]
name = "later"
sender = "fast"
contacts = 500
start = "30s"
overlap = 0.5
[[campaign]]
name = "urgent"
sender = "fast"
contacts = 300
start = "40s"
priority = 9
"#;

fn crashes(times: u32, until: &str, down_for: &str) -> String {
    format!(
        "[[fault]]\nkind = \"engine_crash\"\ntimes = {times}\nfrom = \"0s\"\nuntil = \"{until}\"\ndown_for = \"{down_for}\"\n"
    )
}

fn scenario(parts: &[&str]) -> Scenario {
    Scenario::parse(&parts.concat(), "recovery.toml", Path::new("")).unwrap()
}

fn ends(scenario: &Scenario, seed: u64) -> Vec<State> {
    let options = RunOptions { seed: Some(seed), ..RunOptions::default() };
    final_states(scenario, &options).unwrap()
}

fn every_check_is_green(scenario: &Scenario, seed: u64) {
    let options = RunOptions { seed: Some(seed), ..RunOptions::default() };
    let outcome = run(scenario, &options, &Progress::hidden()).unwrap();
    let red: Vec<_> = outcome.checks.iter().filter(|check| check.verdict == Verdict::Fail).collect();
    assert!(red.is_empty() && outcome.duplicates == 0, "seed {seed}: {red:?}, {} duplicates", outcome.duplicates);
}

/// Under every seed each message ends with the crashes as it ends without.
fn ends_alike(calm: &str, storm: &str) {
    let (without, with) = (scenario(&[calm, PEOPLE]), scenario(&[calm, PEOPLE, storm]));
    for seed in 0..SEEDS {
        let (without, crashed) = (ends(&without, seed), ends(&with, seed));
        let differ = without.iter().zip(&crashed).enumerate().filter(|(_, (one, other))| one != other);
        let differ: Vec<_> = differ.collect();
        assert!(differ.is_empty(), "seed {seed}: {differ:?}");
        assert!(crashed.iter().all(|state| !state.is_in_progress()));
        every_check_is_green(&with, seed);
    }
}

#[test]
fn a_dozen_crashes_while_a_campaign_is_sent_change_the_end_of_no_message() {
    ends_alike(ONE_NUMBER, &crashes(12, "2m", "3s"));
}

#[test]
fn crashes_that_follow_each_other_within_the_start_change_the_end_of_no_message() {
    ends_alike(ONE_NUMBER, &crashes(12, "20s", "0s"));
}

#[test]
fn minutes_of_being_down_change_the_end_of_no_message() {
    ends_alike(ONE_NUMBER, &crashes(3, "2m", "4m"));
}

#[test]
fn crashes_over_the_three_days_change_the_end_of_no_message() {
    ends_alike(ONE_NUMBER, &crashes(20, "60h", "30s"));
}

#[test]
fn crashes_of_an_engine_with_two_numbers_and_three_campaigns_change_the_end_of_no_message() {
    ends_alike(TWO_NUMBERS, &crashes(10, "90s", "3s"));
}

#[test]
fn an_engine_that_does_not_look_for_its_intents_ends_otherwise() {
    let storm = crashes(12, "2m", "3s");
    let (without, with) = (scenario(&[ONE_NUMBER, PEOPLE]), scenario(&[ONE_NUMBER, PEOPLE, &storm]));
    plant(Some(Bug::RecoveryForgets));
    let (without, crashed) = (ends(&without, 1), ends(&with, 1));
    plant(None);
    assert_ne!(without, crashed);
}

#[test]
fn without_crashes_the_scenarios_are_what_they_are_meant_to_be() {
    for calm in [ONE_NUMBER, TWO_NUMBERS] {
        let states = ends(&scenario(&[calm, PEOPLE]), 1);
        use State::*;
        for state in [Sent, Delivered, Read, Responded, InvalidContact, BlockedOrSpam] {
            assert!(states.contains(&state), "no message ends {state:?}");
        }
    }
}
