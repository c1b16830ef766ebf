//! `campaign-sim check`: what is in a file, what is odd about it, and how far its levels must agree.

use super::{Error, Status};
use crate::levels;
use crate::scenario::{Agreement, Level, Scenario, lint};
use std::io::Write;
use std::path::PathBuf;

/// Checks every file, also behind one that is wrong.
pub(super) fn check(files: &[PathBuf], out: &mut dyn Write) -> Result<Status, Error> {
    let mut status = Status::Holds;
    for file in files {
        match Scenario::load(file) {
            Ok(scenario) => {
                if !describe(&scenario, out)? {
                    status = Status::Wrong;
                }
            }
            Err(diagnostic) => {
                status = Status::Wrong;
                writeln!(out, "{diagnostic}")?;
            }
        }
    }
    Ok(status)
}

/// Describes a file; gives whether every level that it declares can carry it out.
fn describe(scenario: &Scenario, out: &mut dyn Write) -> Result<bool, Error> {
    let names: Vec<&str> = scenario.levels.iter().copied().map(Level::name).collect();
    let refusals: Vec<_> = scenario.levels.iter().filter_map(|level| levels::beyond(scenario, *level)).collect();
    let verdict = if refusals.is_empty() { "ok" } else { "right, and yet it cannot be run" };
    writeln!(out, "{}: {verdict}", scenario.file)?;
    for refusal in &refusals {
        writeln!(out, "  refused: {refusal}")?;
    }
    writeln!(
        out,
        "  {}: {}, {}, {}, {}; levels: {}",
        scenario.name,
        several(scenario.campaigns.len() as u64, "campaign"),
        several(scenario.messages(), "message"),
        several(scenario.faults.len() as u64, "fault"),
        several(scenario.expectations.len() as u64, "expectation"),
        names.join(", ")
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
    Ok(refusals.is_empty())
}

fn several(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
