//! Swarms: many seeds, each a variation of a scenario file, spread over threads, and what failed among them.
//!
//! What a seed does hangs on the seed and the files alone, so neither the number of threads nor the order in which they finish
//! can be seen in the result. Printing is the command line's.

pub mod checkpoints;
pub mod coverage;
pub mod draw;
pub mod failure;
pub mod faults;
pub mod options;
pub mod pieces;
pub mod trial;
pub mod vary;

pub use coverage::Coverage;
pub use failure::Failure;
pub use options::Options;
pub use trial::Trial;

use crate::cli::RunOptions;
use crate::levels::Refusal;
use crate::scenario::{Level, Scenario, Wanted};
use crate::stopwatch::Stopwatch;
use mock_whatsapp_model::spec::FaultKind;
use pieces::LeftOut;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Messages of one run at most, unless the command says otherwise.
pub const MESSAGES_MOST: u32 = 10_000;
/// Failures that are kept in full: those of the lowest seeds.
pub const FAILURES_TOLD: usize = 10;
/// Seeds that failed and are named without more.
pub const SEEDS_NAMED: usize = 1_000;

/// Which seeds, and how.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The first seed.
    pub from: u64,
    /// How many seeds, those of other shards included.
    pub seeds: u64,
    /// Of so many shards (the second number) this one (the first, from 0): its seeds leave that rest.
    pub shard: (u64, u64),
    /// Threads.
    pub jobs: usize,
    /// No seed is begun after this time.
    pub time_most: Option<Duration>,
    /// Where they run.
    pub level: Level,
    /// Messages of one run at most.
    pub messages_most: u32,
    /// Crashes of the engine that every run has, in place of those that are drawn.
    pub crashes: Option<u32>,
}

/// A seed that failed.
#[derive(Clone, Debug)]
pub struct Failing {
    /// What it takes to see it again.
    pub failure: Failure,
    /// Whether it was other than its file.
    pub varied: bool,
}

/// What a swarm came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Seeds that were run.
    pub seeds: u64,
    /// Messages of all of them.
    pub messages: u64,
    /// What failed, the lowest [`FAILURES_TOLD`] seeds, in their order.
    pub failing: Vec<Failing>,
    /// The lowest [`SEEDS_NAMED`] seeds that failed, in their order.
    pub failed_seeds: Vec<u64>,
    /// How many seeds failed.
    pub failed: u64,
    /// How many seeds failed each check, by its name.
    pub by_check: BTreeMap<String, u64>,
    /// What was left out of scenarios, since this build cannot carry it out.
    pub left_out: LeftOut,
    /// Why seeds were not run at all, and how many.
    pub refused: BTreeMap<String, u64>,
    /// What was reached.
    pub coverage: Coverage,
    /// The time that threads worked, together.
    pub busy: Duration,
    /// The time that somebody had to wait.
    pub wall: Duration,
    /// Whether the time was over before the last seed was begun.
    pub out_of_time: bool,
}

/// What was run for one seed.
struct Drawn {
    scenario: Scenario,
    options: Options,
    varied: bool,
}

/// Runs a swarm over some files, at least one. `done` is told of every seed whether it failed.
pub fn run(files: &[Scenario], request: &Request, done: &(dyn Fn(bool) + Sync)) -> Report {
    let watch = Stopwatch::start();
    let next = AtomicU64::new(0);
    let mut report = Report::default();
    if request.jobs <= 1 {
        report = work(files, request, &next, watch, done);
        report.wall = watch.elapsed();
        return report;
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..request.jobs).map(|_| scope.spawn(|| work(files, request, &next, watch, done))).collect();
        for thread in threads {
            // A thread ends by a panic only where this file is wrong: what runs in it is caught.
            match thread.join() {
                Ok(part) => report.join(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    report.wall = watch.elapsed();
    report
}

/// One thread: takes the next seed until there is none.
fn work(
    files: &[Scenario],
    request: &Request,
    next: &AtomicU64,
    watch: Stopwatch,
    done: &(dyn Fn(bool) + Sync),
) -> Report {
    let mut report = Report::default();
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        if place >= request.seeds {
            return report;
        }
        let seed = request.from.wrapping_add(place);
        if seed % request.shard.1.max(1) != request.shard.0 {
            continue;
        }
        if request.time_most.is_some_and(|most| watch.elapsed() >= most) {
            report.out_of_time = true;
            return report;
        }
        let own = Stopwatch::start();
        let failed = one(files, seed, request, &mut report);
        report.busy += own.elapsed();
        done(failed);
    }
}

/// The scenario of a seed.
fn drawn(files: &[Scenario], seed: u64, request: &Request) -> Drawn {
    let options = Options::from_seed(seed, files.len(), request.messages_most);
    let base = &files[options.file as usize];
    let (mut scenario, mut varied) = vary::vary(base, seed, &options, request.messages_most);
    if seed != base.seed {
        // What a file counts out is meant for its own seed; shares hold for all.
        let is_share = |wanted: &Wanted| matches!(wanted, Wanted::Messages(_, count) if !count.is_absolute());
        scenario.expectations.retain(|expectation| is_share(&expectation.wanted));
    }
    if let Some(crashes) = request.crashes {
        faults::crash(&mut scenario, crashes);
        scenario.expectations.clear();
        varied = true;
    }
    Drawn { scenario, options, varied }
}

/// Whether a level can carry out crashes of the engine.
///
/// # Errors
/// If it cannot.
pub fn can_crash(file: &Scenario, level: Level) -> Result<(), Refusal> {
    let mut scenario = file.clone();
    faults::crash(&mut scenario, 1);
    pieces::leave_out(&mut scenario, level, &mut LeftOut::new())?;
    if scenario.faults.iter().any(|fault| fault.kind == FaultKind::EngineCrash) {
        return Ok(());
    }
    Err(Refusal(format!("level {level} does not carry out crashes of the engine yet")))
}

/// Runs a seed; gives whether it failed.
fn one(files: &[Scenario], seed: u64, request: &Request, report: &mut Report) -> bool {
    let Drawn { mut scenario, options, mut varied } = drawn(files, seed, request);
    let left_out_before: u64 = report.left_out.values().sum();
    let refusal = pieces::leave_out(&mut scenario, request.level, &mut report.left_out);
    if report.left_out.values().sum::<u64>() > left_out_before {
        scenario.expectations.clear();
        varied = true;
    }
    let run = RunOptions { seed: Some(seed), ..RunOptions::default() };
    let trial = match refusal.and_then(|()| trial::trial(&scenario, request.level, &run)) {
        Ok(trial) => trial,
        Err(refusal) => {
            *report.refused.entry(refusal.0).or_default() += 1;
            return false;
        }
    };
    report.seeds += 1;
    report.messages += scenario.messages();
    report.coverage.add(&scenario, trial.outcome.as_ref());
    if trial.failed.is_empty() {
        return false;
    }
    report.failed += 1;
    report.failed_seeds.push(seed);
    for check in &trial.failed {
        *report.by_check.entry(check.name.clone()).or_default() += 1;
    }
    // Seeds come in order within a thread, so the first ones are the lowest.
    if report.failing.len() < FAILURES_TOLD {
        let failure = Failure::of(&scenario, request.level, seed, Some(options), &trial);
        report.failing.push(Failing { failure, varied });
    }
    report.failed_seeds.truncate(SEEDS_NAMED);
    true
}

impl Report {
    /// Takes in what another thread found.
    fn join(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.messages += other.messages;
        self.failing.extend(other.failing);
        self.failing.sort_by_key(|failing| failing.failure.seed);
        self.failing.truncate(FAILURES_TOLD);
        self.failed_seeds.extend(other.failed_seeds);
        self.failed_seeds.sort_unstable();
        self.failed_seeds.truncate(SEEDS_NAMED);
        self.failed += other.failed;
        for (check, count) in other.by_check {
            *self.by_check.entry(check).or_default() += count;
        }
        for (piece, count) in other.left_out {
            *self.left_out.entry(piece).or_default() += count;
        }
        for (why, count) in other.refused {
            *self.refused.entry(why).or_default() += count;
        }
        self.coverage.join(other.coverage);
        self.busy += other.busy;
        self.out_of_time |= other.out_of_time;
    }

    /// Seeds in a minute of one thread's work; 0 where no time passed.
    pub fn seeds_per_minute(&self) -> f64 {
        let busy = self.busy.as_secs_f64();
        if busy > 0.0 { self.seeds as f64 * 60.0 / busy } else { 0.0 }
    }
}

#[cfg(test)]
mod tests;
