//! `campaign-sim replay`: the same run again, whether it is the same, and what happened in it.

use super::{Error, Progress, Status};
use crate::replay;
use crate::swarm::Failure;
use std::io::Write;
use std::path::Path;

/// Replays a failure, and tells the story of some messages beside those that the failed checks name.
pub(super) fn replay(file: &Path, others: &[u32], out: &mut dyn Write) -> Result<Status, Error> {
    let (failure, scenario, level) = super::failure_of(file)?;
    let count = scenario.messages();
    if let Some(unknown) = others.iter().find(|message| u64::from(**message) >= count) {
        return Err(Error::Usage(format!(
            "there is no message {unknown}: the run has messages 0 to {}",
            count.saturating_sub(1)
        )));
    }
    let progress = Progress::on_terminal(&format!("replay of {} at level {level}", scenario.name));
    let replayed = replay::replay(&failure, &scenario, level, others, &progress);
    progress.end();
    let replayed = replayed.map_err(|refusal| {
        Error::Usage(format!("{} cannot be run at level {level} by this build: {refusal}", file.display()))
    })?;
    heading(&failure, out)?;
    for check in &replayed.trial.failed {
        writeln!(out, "  ✗ {}: {}", check.name, check.detail.replace('\n', "\n      "))?;
    }
    if !replayed.differences.is_empty() {
        writeln!(out, "\nDIFFERENT from what {} says:", file.display())?;
        for difference in &replayed.differences {
            writeln!(out, "  {difference}")?;
        }
    }
    if !replayed.story.is_empty() {
        writeln!(out, "\nstory")?;
        for sentence in &replayed.about {
            writeln!(out, "  {sentence}")?;
        }
        write!(out, "{}", replayed.story)?;
    }
    writeln!(out)?;
    if replayed.trial.failed.is_empty() {
        writeln!(out, "PASS: it does not fail any more")?;
        return Ok(Status::Holds);
    }
    let same = if replayed.differences.is_empty() {
        "the same run, and the same checks fail"
    } else {
        "it fails, and not as then"
    };
    writeln!(out, "FAIL: {same}")?;
    Ok(Status::Broken)
}

fn heading(failure: &Failure, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(out, "seed {} · {} · level {}", failure.seed, failure.file, failure.level)?;
    if let Some(options) = &failure.options {
        writeln!(out, "  options  {options}")?;
    }
    Ok(())
}
