//! `campaign-sim swarm`: what failed, with its seed and its options first; then what was run, and what was not reached.

use super::{Error, Status, SwarmArgs, quoted};
use crate::scenario::{Level, Scenario};
use crate::swarm::{self, Coverage, Failing, Report, Request};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Characters of a check's detail that are printed; the failure file has all of it.
const DETAIL_MOST: usize = 600;
/// Failed seeds that are named.
const SEEDS_PRINTED: usize = 60;

/// Runs a swarm and tells what came of it.
pub(super) fn swarm(args: &SwarmArgs, out: &mut dyn Write) -> Result<Status, Error> {
    let files = args.files.iter().map(|file| Scenario::load(file)).collect::<Result<Vec<_>, _>>()?;
    let request = request(args)?;
    possible(&files, &request)?;
    let bar = bar(request.seeds.div_ceil(request.shard.1));
    let failed = AtomicU64::new(0);
    let report = swarm::run(&files, &request, &|is_failure| {
        if is_failure {
            failed.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(bar) = &bar {
            bar.inc(1);
            bar.set_message(format!("{} failed", failed.load(Ordering::Relaxed)));
        }
    });
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    for failing in &report.failing {
        tell(failing, &args.out, out)?;
    }
    rest(&report, args, out)?;
    summary(&report, out)?;
    Ok(match (report.failed, report.refused.is_empty() && report.seeds > 0) {
        (1.., _) => Status::Broken,
        (0, true) => Status::Holds,
        (0, false) => Status::Wrong,
    })
}

fn request(args: &SwarmArgs) -> Result<Request, Error> {
    if args.from.checked_add(args.seeds - 1).is_none() {
        let (from, seeds) = (args.from, args.seeds);
        return Err(Error::Usage(format!(
            "{seeds} seeds from {from} on are more than there are: the last is {}",
            u64::MAX
        )));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Request {
        from: args.from,
        seeds: args.seeds,
        shard: args.shard,
        jobs: args.jobs.map_or(cores, usize::from),
        time_most: args.minutes.map(|minutes| Duration::from_secs(minutes * 60)),
        level: args.level,
        messages_most: args.messages,
        crashes: args.times,
    })
}

/// Whether a swarm can run there at all.
fn possible(files: &[Scenario], request: &Request) -> Result<(), Error> {
    let level = request.level;
    if level != Level::Model {
        return Err(Error::Usage(format!("swarms run at level model, and not at level {level}")));
    }
    if let (Some(crashes), Some(file)) = (request.crashes, files.first()) {
        swarm::can_crash(file, level).map_err(|refusal| Error::Usage(format!("--times {crashes}: {refusal}")))?;
    }
    Ok(())
}

fn bar(seeds: u64) -> Option<ProgressBar> {
    if !(std::io::stdout().is_terminal() && std::io::stderr().is_terminal()) {
        return None;
    }
    let bar = ProgressBar::new(seeds);
    if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos} of {len} seeds, {msg}, {eta} left") {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    Some(bar)
}

/// One seed that failed: what was drawn, what is broken, how to see it again. Its file is written first.
fn tell(failing: &Failing, folder: &Path, out: &mut dyn Write) -> Result<(), Error> {
    let failure = &failing.failure;
    let path = path_of(folder, failure.seed);
    failure.save(&path).map_err(|error| Error::Unwritten(path.clone(), error))?;
    let how = if failing.varied { "varied" } else { "as it is written" };
    writeln!(out, "seed {} · {}, {how}", failure.seed, failure.file)?;
    if let Some(options) = &failure.options {
        writeln!(out, "  options  {options}")?;
    }
    for check in &failure.checks {
        let detail: String = check.detail.chars().take(DETAIL_MOST).collect();
        writeln!(out, "  ✗ {}: {}", check.name, detail.replace('\n', "\n      "))?;
    }
    let path = quoted(&path);
    writeln!(out, "  replay   campaign-sim replay {path}")?;
    writeln!(out, "  shrink   campaign-sim shrink {path}\n")?;
    Ok(())
}

fn path_of(folder: &Path, seed: u64) -> PathBuf {
    folder.join(format!("failure-{seed}.json"))
}

/// The seeds that failed beside those that were told in full.
fn rest(report: &Report, args: &SwarmArgs, out: &mut dyn Write) -> Result<(), Error> {
    let told = report.failing.len();
    let more = report.failed - told as u64;
    if more == 0 {
        return Ok(());
    }
    let seeds: Vec<String> =
        report.failed_seeds.iter().skip(told).take(SEEDS_PRINTED).map(ToString::to_string).collect();
    let all = if more > seeds.len() as u64 { ", and later ones" } else { "" };
    let files: Vec<String> = args.files.iter().map(|file| quoted(file)).collect();
    writeln!(out, "{more} more seeds failed: {}{all}", seeds.join(", "))?;
    writeln!(
        out,
        "  one of them  campaign-sim swarm {} --messages {} --seeds 1 --from SEED\n",
        files.join(" "),
        args.messages
    )?;
    Ok(())
}

fn summary(report: &Report, out: &mut dyn Write) -> Result<(), Error> {
    let seconds = report.wall.as_secs_f64();
    let rate = report.seeds_per_minute();
    writeln!(
        out,
        "seeds      {} run, {} failed; {} messages in {seconds:.1} s: {rate:.0} seeds per CPU-minute",
        report.seeds, report.failed, report.messages
    )?;
    if report.failed > 0 {
        let each: Vec<String> = report.by_check.iter().map(|(check, count)| format!("{check} {count}")).collect();
        writeln!(out, "broken     {}", each.join(", "))?;
    }
    if report.out_of_time {
        writeln!(out, "time       was over before the last seed was begun")?;
    }
    let (kinds, rules) = Coverage::all();
    match &report.coverage.missing_kinds()[..] {
        [] => writeln!(out, "faults     all {kinds} kinds were tried")?,
        missing => {
            writeln!(
                out,
                "faults     {} of {kinds} kinds were tried; not {}",
                kinds - missing.len(),
                missing.join(", ")
            )?;
        }
    }
    match report.coverage.missing_rules() {
        None => writeln!(out, "coverage   not known: runs of this build do not tell which rules they reach")?,
        Some(missing) => {
            writeln!(out, "coverage   {} of {rules} rules were reached", rules - missing.len())?;
            for sentence in missing {
                writeln!(out, "  not reached: {sentence}")?;
            }
        }
    }
    let pieces: u64 = report.left_out.values().sum();
    if pieces > 0 {
        let each: Vec<String> = report.left_out.iter().map(|(piece, count)| format!("{piece} {count}")).collect();
        writeln!(out, "left out   {pieces} pieces of scenarios that this build cannot carry out: {}", each.join(", "))?;
    }
    let refused: u64 = report.refused.values().sum();
    if refused > 0 {
        writeln!(out, "refused    {refused} seeds were NOT run")?;
        for (why, count) in &report.refused {
            writeln!(out, "  {count}: {why}")?;
        }
    }
    let verdict = match (report.failed, refused, report.seeds) {
        (1.., ..) => "FAIL",
        (0, 0, 1..) => "PASS",
        (0, ..) => "INCOMPLETE",
    };
    writeln!(out, "{verdict}")?;
    Ok(())
}
