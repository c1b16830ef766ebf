//! The model level beside the floor: a million messages over three virtual days, in pairs, as a ratio; the memory of a
//! message; and how many runs of ten thousand messages a swarm makes in a minute of one core.
//!
//! `cargo bench --bench sim_speed` prints all of it; with `-- ten-million` also what ten million messages take beside one
//! million. With `--test` it runs small sizes once, so that it cannot rot. Memory is the peak that Linux names of a process
//! made for each size; elsewhere it is left out.

use campaign_sim::cli::RunOptions;
use campaign_sim::levels::model;
use campaign_sim::progress::Progress;
use campaign_sim::scenario::Scenario;
use campaign_sim::swarm::{Options, vary};
use criterion::{Criterion, criterion_group};
use std::path::Path;
use std::process::Command;
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

/// What the command line of a process says that measures its own memory.
const MEMORY: &str = "--memory-of";

/// Messages of a process whose memory is that of everything else.
const NEXT_TO_NONE: u32 = 1_000;

/// Messages of a swarm's run.
const SWARM_RUN: u32 = 10_000;

/// What something gave, and how long it took.
#[expect(clippy::disallowed_methods, reason = "a benchmark is what a clock is for")]
fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let given = std::hint::black_box(what());
    (given, start.elapsed())
}

/// One run at level model: its events, and how long it took.
fn run(messages: u32, seed: u64) -> (u64, Duration) {
    let scenario = Scenario::parse(SCENARIO, "speed.toml", Path::new("")).expect("the scenario above is right");
    let options = RunOptions { seed: Some(seed), contacts: Some(messages), ..RunOptions::default() };
    let (outcome, took) = timed(|| model::run(&scenario, &options, &Progress::hidden()));
    let outcome = outcome.expect("the model level carries it out");
    assert!(!outcome.failed(), "{:?}", outcome.checks);
    (outcome.events, took)
}

/// One run of each, timed.
fn pair(messages: u32, seed: u64) -> (Duration, u64, Duration, u64) {
    let (floor, floor_took) = timed(|| benches::floor(messages, seed));
    let (events, took) = run(messages, seed);
    (floor_took, floor.events, took, events)
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

/// The peak of this process's memory in bytes, where the system says it.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}

/// The peak of a process of its own that runs so many messages.
fn peak_of(messages: u32) -> Option<u64> {
    let own = std::env::current_exe().ok()?;
    let output = Command::new(own).args([MEMORY, &messages.to_string()]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// What a message takes at the peak: what the whole takes less what a run of next to no messages does.
#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn memory(messages: u32) {
    let Some((most, least)) = peak_of(messages).zip(peak_of(NEXT_TO_NONE)) else {
        println!("  memory not measured: this system does not name a process's peak");
        return;
    };
    let each = most.saturating_sub(least) as f64 / f64::from(messages - NEXT_TO_NONE);
    println!("  memory {each:.0} bytes a message at the peak, with {messages} messages");
}

/// Runs of a swarm over the repository's scenarios, drawn as a swarm draws them but for their size.
#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn swarm(seeds: u64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let entries = std::fs::read_dir(&folder).expect("the repository has scenarios");
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let files = paths.iter().map(|path| Scenario::load(path).expect("the repository's scenarios are right"));
    // A list of contacts cannot be made longer.
    let files: Vec<Scenario> = files.filter(|file| file.messages() >= u64::from(SWARM_RUN) / 2).collect();
    let (mut runs, mut messages, mut took) = (0u64, 0, Duration::ZERO);
    for seed in 0..seeds {
        let drawn = Options::from_seed(seed, files.len(), SWARM_RUN);
        let options = Options { varied: 1, messages: SWARM_RUN, ..drawn };
        let (scenario, _) = vary::vary(&files[options.file as usize], seed, &options, SWARM_RUN);
        let (outcome, lasted) = timed(|| model::run(&scenario, &RunOptions::default(), &Progress::hidden()));
        // What a check finds is the swarm's business; what the level refuses is no run.
        if outcome.is_ok() {
            runs += 1;
            messages += scenario.messages();
            took += lasted;
        }
    }
    let minute = runs as f64 * 60.0 / took.as_secs_f64();
    println!("  swarm  {minute:.0} seeds of {} messages a CPU-minute", messages / runs.max(1));
}

/// What ten times as many messages take: ten times the time, if nothing grows faster than they do.
#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn ten_million() {
    let (_, one) = run(1_000_000, 0);
    let (_, ten) = run(10_000_000, 0);
    let ratio = ten.as_secs_f64() / one.as_secs_f64();
    println!("  ten million messages take {ratio:.1} times the time of one million ({:.2} s)", ten.as_secs_f64());
}

fn small(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sim_speed");
    group.sample_size(10);
    group.bench_function("floor/20k", |bencher| bencher.iter(|| benches::floor(20_000, 1)));
    group.bench_function("model/20k", |bencher| bencher.iter(|| pair(20_000, 1)));
    group.finish();
}

criterion_group!(speed, small);

#[expect(clippy::print_stdout, reason = "whoever started this process reads its memory there")]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, first, messages] = &arguments[..]
        && first == MEMORY
    {
        run(messages.parse().expect("a number of messages"), 0);
        println!("{}", peak().map_or_else(String::new, |bytes| bytes.to_string()));
        return;
    }
    let asked = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    let once = asked("--test");
    let messages = if once { 20_000 } else { 1_000_000 };
    ratio(messages, if once { 1 } else { 5 });
    memory(messages);
    swarm(if once { 3 } else { 200 });
    if asked("ten-million") && !once {
        ten_million();
    }
    speed();
    Criterion::default().configure_from_args().final_summary();
}
