//! `campaign-sim shrink`: the smallest scenario that still fails the same way, as a file that can be kept.

use super::{Error, Status, quoted};
use crate::scenario::Scenario;
use crate::shrink::{self, Shrunk};
use crate::swarm::Failure;
use indicatif::ProgressBar;
use std::fmt::Write as _;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Characters of a check's detail in the file's head.
const DETAIL_MOST: usize = 300;

/// Shrinks a failure and writes the scenario.
pub(super) fn shrink(file: &Path, to: Option<&Path>, out: &mut dyn Write) -> Result<Status, Error> {
    let (failure, scenario, _) = super::failure_of(file)?;
    let to = to.map_or_else(|| PathBuf::from(format!("shrunk-{}.toml", failure.seed)), Path::to_owned);
    // Said before the search, which may take a minute.
    if to.exists() {
        return Err(taken(&to));
    }
    let is_seen = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
    let spinner = if is_seen { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let shrunk = shrink::shrink(&failure, &scenario, &|smaller| {
        spinner.set_message(format!("{}, {}", messages(smaller), faults(smaller)));
        spinner.tick();
    });
    spinner.finish_and_clear();
    let mut shrunk = shrunk.map_err(|error| Error::Usage(format!("{}: {error}", file.display())))?;
    name(&mut shrunk.scenario, &failure, &to, &shrunk.failed[0].name);
    write(&shrunk, &failure, &to)?;
    let small = &shrunk.scenario;
    writeln!(
        out,
        "{} and {} became {} and {}, after {} runs",
        messages(&scenario),
        faults(&scenario),
        messages(small),
        faults(small),
        shrunk.runs
    )?;
    if shrunk.broke_off {
        writeln!(out, "the search was broken off at its bound: it may be smaller still; shrink what this one writes")?;
    }
    for check in &shrunk.failed {
        let detail: String = check.detail.chars().take(DETAIL_MOST).collect();
        writeln!(out, "  ✗ {}: {}", check.name, detail.replace('\n', "\n      "))?;
    }
    writeln!(out, "  run      campaign-sim run {}", quoted(&to))?;
    Ok(Status::Holds)
}

/// Names the scenario after its file, and says where it is from.
fn name(scenario: &mut Scenario, failure: &Failure, to: &Path, check: &str) {
    let stem = to.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let fits = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let stem: String = stem.chars().filter(fits).take(64).collect();
    if !stem.is_empty() {
        scenario.name = stem;
    }
    scenario.story = format!("Seed {} of {}, shrunk: it broke `{check}`.", failure.seed, failure.file);
    scenario.levels = vec![crate::scenario::Level::Model];
}

fn write(shrunk: &Shrunk, failure: &Failure, to: &Path) -> Result<(), Error> {
    let written = shrunk.scenario.written();
    let mut text = String::new();
    for check in &shrunk.failed {
        let what = if check.name.starts_with("expect.") { "expectation" } else { "promise" };
        let detail: String = check.detail.chars().take(DETAIL_MOST).collect();
        let detail = detail.replace(char::is_control, " ");
        writeln!(text, "# It broke the {what} `{}`: {detail}", check.name).unwrap_or_default();
    }
    writeln!(text, "# Found with version {} at level {}.", failure.program, failure.level).unwrap_or_default();
    text.push_str(&written.text);
    let folder = to.parent().unwrap_or(Path::new(""));
    let mut files = vec![(to.to_owned(), &text)];
    files.extend(written.contacts_files.iter().map(|(name, content)| (folder.join(name), content)));
    for (path, content) in files {
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(content.as_bytes()));
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => taken(&path),
            _ => Error::Unwritten(path, error),
        })?;
    }
    Ok(())
}

fn taken(path: &Path) -> Error {
    let path = path.display();
    Error::Usage(format!("{path} is there already, and is kept: give the result another name with `--out`"))
}

fn messages(scenario: &Scenario) -> String {
    several(scenario.messages(), "message")
}

fn faults(scenario: &Scenario) -> String {
    several(scenario.faults.len() as u64, "fault")
}

fn several(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
