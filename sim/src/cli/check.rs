//! `campaign-sim check`: what is in a file, what is odd about it, and how far its levels must agree.

use super::{Error, Status};
use crate::scenario::{Agreement, Level, Scenario, lint};
use std::io::Write;
use std::path::PathBuf;

/// Checks every file, also behind one that is wrong.
pub(super) fn check(files: &[PathBuf], out: &mut dyn Write) -> Result<Status, Error> {
    let mut status = Status::Holds;
    for file in files {
        match Scenario::load(file) {
            Ok(scenario) => describe(&scenario, out)?,
            Err(diagnostic) => {
                status = Status::Wrong;
                writeln!(out, "{diagnostic}")?;
            }
        }
    }
    Ok(status)
}

fn describe(scenario: &Scenario, out: &mut dyn Write) -> Result<(), Error> {
    let levels: Vec<&str> = scenario.levels.iter().copied().map(Level::name).collect();
    writeln!(out, "{}: ok", scenario.file)?;
    writeln!(
        out,
        "  {}: {}, {}, {}, {}; levels: {}",
        scenario.name,
        several(scenario.campaigns.len() as u64, "campaign"),
        several(scenario.messages(), "message"),
        several(scenario.faults.len() as u64, "fault"),
        several(scenario.expectations.len() as u64, "expectation"),
        levels.join(", ")
    )?;
    match Agreement::of(scenario) {
        Agreement::Exact => {
            writeln!(out, "  agreement: exact, since nothing hangs on time: every message ends equal at all levels")?
        }
        Agreement::Promises(reasons) => {
            writeln!(out, "  agreement: promises, and not message by message, since")?;
            for reason in reasons {
                writeln!(out, "    - {reason}")?;
            }
        }
    }
    for note in lint::notes(scenario) {
        writeln!(out, "  note: {note}")?;
    }
    Ok(())
}

fn several(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
