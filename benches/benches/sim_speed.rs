//! The model level beside the floor: a million messages over three virtual days, in pairs, as a ratio.
//!
//! `cargo bench --bench sim_speed` prints seconds, events per second and the ratio of medians; with `--test` it runs a
//! small size once, so that it cannot rot.

use campaign_sim::cli::RunOptions;
use campaign_sim::levels::model;
use campaign_sim::progress::Progress;
use campaign_sim::scenario::Scenario;
use criterion::{Criterion, criterion_group};
use std::path::Path;
use std::time::{Duration, Instant};

const SCENARIO: &str = r#"
name = "speed"
[[campaign]]
name = "sale"
contacts = 1_000_000
[[contacts]]
share = 0.02
kind = "not_on_whatsapp"
[[contacts]]
share = 0.05
kind = "offline"
for = "20h"
[[contacts]]
share = 0.05
kind = "replies"
[[fault]]
kind = "error"
code = 131000
share = 0.01
"#;

/// One run of each, timed.
#[expect(clippy::disallowed_methods, reason = "a benchmark is what a clock is for")]
fn pair(messages: u32, seed: u64) -> (Duration, u64, Duration, u64) {
    let start = Instant::now();
    let floor = std::hint::black_box(benches::floor(messages, seed));
    let floor_took = start.elapsed();
    let scenario = Scenario::parse(SCENARIO, "speed.toml", Path::new("")).expect("the scenario above is right");
    let options = RunOptions { seed: Some(seed), contacts: Some(messages), ..RunOptions::default() };
    let start = Instant::now();
    let outcome = model::run(&scenario, &options, &Progress::hidden()).expect("the model level carries it out");
    let took = start.elapsed();
    assert!(!outcome.failed(), "{:?}", outcome.checks);
    (floor_took, floor.events, took, outcome.events)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn ratio(messages: u32, pairs: usize) {
    let mut floors = Vec::new();
    let mut runs = Vec::new();
    let (mut floor_events, mut run_events) = (0, 0);
    for seed in 0..pairs as u64 {
        let (floor, events, run, events_too) = pair(messages, seed);
        floors.push(floor);
        runs.push(run);
        (floor_events, run_events) = (events, events_too);
    }
    let (floor, run) = (median(floors), median(runs));
    println!("sim_speed: {messages} messages, median of {pairs} pairs");
    println!("  floor  {floor:.3} s, {floor_events} events, {:.1} ns an event", floor * 1e9 / floor_events as f64);
    println!("  model  {run:.3} s, {run_events} events, {:.1} ns an event", run * 1e9 / run_events as f64);
    println!("  ratio  {:.2} times the floor's time for the same messages", run / floor);
}

fn small(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sim_speed");
    group.sample_size(10);
    group.bench_function("floor/20k", |bencher| bencher.iter(|| benches::floor(20_000, 1)));
    group.bench_function("model/20k", |bencher| bencher.iter(|| pair(20_000, 1)));
    group.finish();
}

criterion_group!(speed, small);

fn main() {
    let once = std::env::args().any(|argument| argument == "--test");
    ratio(if once { 20_000 } else { 1_000_000 }, if once { 1 } else { 5 });
    speed();
    Criterion::default().configure_from_args().final_summary();
}
