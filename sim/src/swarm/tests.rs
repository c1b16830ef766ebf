//! What a swarm draws can be written down and read back, and its result does not hang on threads.

use super::*;
use std::path::Path;
use std::sync::Mutex;

const BASE: &str = r#"
name = "base"
[[sender]]
name = "a"
throughput = 80
[[sender]]
name = "b"
portfolio = "other"
[[campaign]]
name = "sale"
sender = "a"
contacts = 1_000_000
[[campaign]]
name = "news"
sender = "b"
contacts = 500
overlap = 0.5
[[contacts]]
share = 0.4
kind = "replies"
[[fault]]
kind = "error"
code = 131000
share = 0.01
sender = "b"
[[fault]]
kind = "template_paused"
template = "sale"
until = "1m"
[[operator]]
at = "1m"
do = "resume_sender"
sender = "b"
[expect]
duplicates = 0
"#;

fn base() -> Scenario {
    Scenario::parse(BASE, "base.toml", Path::new("")).unwrap()
}

fn request(seeds: u64, jobs: usize) -> Request {
    Request {
        from: 0,
        seeds,
        shard: (0, 1),
        jobs,
        time_most: None,
        level: Level::Model,
        messages_most: 60,
        crashes: None,
    }
}

#[test]
fn every_scenario_that_is_drawn_is_one_that_a_file_could_say() {
    let files = [base()];
    for seed in 0..1_500 {
        let drawn = drawn(&files, seed, &request(1, 1));
        let text = drawn.scenario.written().text;
        let back = Scenario::parse(&text, "back.toml", Path::new("")).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
        assert_eq!(back.written().text, text, "seed {seed}");
        assert_eq!(back.faults, drawn.scenario.faults, "seed {seed}");
        let campaigns = drawn.scenario.campaigns.len() as u64;
        assert!(
            drawn.scenario.messages() <= 60.max(campaigns) + campaigns,
            "seed {seed}: {} messages",
            drawn.scenario.messages()
        );
        assert_eq!(drawn.scenario.seed, seed);
    }
}

#[test]
fn expectations_are_judged_only_where_nothing_was_varied() {
    let small = Scenario::parse(&BASE.replace("1_000_000", "50"), "base.toml", Path::new(""));
    let files = [small.unwrap_or_else(|_| base()), base()];
    let all: Vec<Drawn> = (0..400).map(|seed| drawn(&files, seed, &request(1, 1))).collect();
    assert!(all.iter().all(|drawn| !drawn.varied || drawn.scenario.expectations.is_empty()));
    assert!(all.iter().all(|drawn| drawn.options.varied == 1 || drawn.varied), "both are larger than 60 messages");
}

#[test]
fn the_result_is_the_same_for_any_number_of_threads() {
    let files = [base()];
    let seen = |jobs| {
        let told = Mutex::new(0u64);
        let report = run(&files, &request(60, jobs), &|_| *told.lock().unwrap() += 1);
        assert_eq!(*told.lock().unwrap(), 60);
        let failing: Vec<Failure> = report.failing.iter().map(|failing| failing.failure.clone()).collect();
        (report.seeds, report.messages, report.failed_seeds, failing, report.left_out, report.coverage)
    };
    let alone = seen(1);
    assert_eq!(alone.0, 60);
    assert!(alone == seen(3));
}

#[test]
fn shards_share_the_seeds_out_and_no_seed_is_begun_when_the_time_is_over() {
    let files = [base()];
    let seeds = |shard| run(&files, &Request { shard, ..request(31, 2) }, &|_| {}).seeds;
    assert_eq!(seeds((0, 2)) + seeds((1, 2)), 31);
    let report = run(&files, &Request { time_most: Some(Duration::ZERO), ..request(31, 2) }, &|_| {});
    assert!(report.seeds == 0 && report.out_of_time);
}
