//! `campaign-sim run`: each scenario at each of its levels, in order.

use super::{Error, Format, Progress, RunArgs, RunOptions, Status, say};
use crate::levels::Refusal;
use crate::model::run::START;
use crate::outcome::Outcome;
use crate::replay;
use crate::report::{json, junit, text};
use crate::scenario::{CONTACTS_MOST, Level, People, Scenario};
use crate::swarm::{Failure, Trial, trial};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Runs what is asked for. Every file is read before the first is run.
pub(super) fn run(args: &RunArgs, colours: bool, out: &mut dyn Write) -> Result<Status, Error> {
    let scenarios = args.files.iter().map(|file| Scenario::load(file)).collect::<Result<Vec<_>, _>>()?;
    let options = RunOptions { seed: args.seed, contacts: args.contacts, time_scale: args.time_scale };
    for scenario in &scenarios {
        fits(scenario, &options)?;
    }
    let mut results = args.out.as_deref().map(Results::create).transpose()?;
    let mut outcomes = Vec::new();
    let mut refused = false;
    for scenario in &scenarios {
        let levels = if args.levels.is_empty() { &scenario.levels } else { &args.levels };
        for level in levels {
            match at_level(scenario, *level, &options) {
                Err(refusal) => {
                    refused = true;
                    say(&format_args!("error: {} cannot be run at level {level}: {refusal}", scenario.file));
                }
                Ok(outcome) => {
                    match args.format {
                        Format::Text => text::write(out, scenario, &options, &outcome, colours)?,
                        Format::Json => json::write(out, &outcome)?,
                    }
                    if let Some(results) = &mut results {
                        results.add(&outcome)?;
                    }
                    if outcome.failed() {
                        let trial = Trial::of(outcome.clone());
                        if args.format == Format::Text && *level == Level::Model {
                            story(scenario, &options, &trial, out)?;
                        }
                        let kept = results.as_mut().map(|kept| kept.add_failure(scenario, &options, *level, &trial));
                        let kept = kept.transpose()?;
                        if args.format == Format::Text && *level == Level::Model {
                            writeln!(out, "{}\n", what_next(kept.as_deref()))?;
                        }
                    }
                    outcomes.push(outcome);
                }
            }
        }
    }
    if let Some(path) = &args.junit {
        let unwritten = |error| Error::Unwritten(path.clone(), error);
        File::create(path).and_then(|mut file| junit::write(&mut file, &outcomes)).map_err(unwritten)?;
    }
    Ok(match (outcomes.iter().any(Outcome::failed), refused) {
        (true, _) => Status::Broken,
        (false, true) => Status::Wrong,
        (false, false) => Status::Holds,
    })
}

fn at_level(scenario: &Scenario, level: Level, options: &RunOptions) -> Result<Outcome, Refusal> {
    let progress = Progress::on_terminal(&format!("{} at level {level}", scenario.name));
    let outcome = trial::at_level(scenario, level, options, &progress);
    progress.end();
    outcome
}

/// How to make a failure smaller.
fn what_next(kept: Option<&Path>) -> String {
    match kept {
        Some(path) => format!("smaller      campaign-sim shrink {}", text::quoted(&path.display().to_string())),
        None => "smaller      run it with `--out DIR`: campaign-sim shrink DIR/failure.json".to_owned(),
    }
}

/// What happened to the messages that the failed checks name: the run once more, with its story.
fn story(scenario: &Scenario, options: &RunOptions, trial: &Trial, out: &mut dyn Write) -> Result<(), Error> {
    let messages = replay::messages_of(&trial.failed);
    if messages.is_empty() {
        return Ok(());
    }
    let progress = Progress::on_terminal(&format!("{} once more, for its story", scenario.name));
    let told = replay::told(scenario, options, &progress, &messages);
    progress.end();
    if let Ok((_, story)) = told
        && !story.is_empty()
    {
        let named: Vec<String> = story.messages().map(|message| message.to_string()).collect();
        writeln!(out, "story of message {}\n{}", named.join(", "), story.told(START))?;
    }
    Ok(())
}

/// Whether the campaigns are within bounds with the number of contacts that the command line gives.
fn fits(scenario: &Scenario, options: &RunOptions) -> Result<(), Error> {
    let Some(contacts) = options.contacts else { return Ok(()) };
    let size = |people: &People| match people {
        People::Generated(_) => u64::from(contacts),
        People::Listed(_) => u64::from(people.size()),
    };
    let total: u64 = scenario.campaigns.iter().map(|campaign| size(&campaign.people)).sum();
    if total > u64::from(CONTACTS_MOST) {
        let campaigns = scenario.campaigns.len();
        return Err(Error::Usage(format!(
            "--contacts {contacts} makes {total} contacts for the {campaigns} campaigns of {}, and there can be {CONTACTS_MOST} at most",
            scenario.file
        )));
    }
    Ok(())
}

/// `result.json` and `failure.json`, written as results come, so that what is done stays if a later run dies.
struct Results {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    failures: u32,
}

impl Results {
    fn create(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("result.json");
        match std::fs::create_dir_all(folder).and_then(|()| File::create(&path)) {
            Ok(file) => Ok(Self { folder: folder.to_owned(), path, file, failures: 0 }),
            Err(error) => Err(Error::Unwritten(path, error)),
        }
    }

    fn add(&mut self, outcome: &Outcome) -> Result<(), Error> {
        json::write(&mut self.file, outcome).map_err(|error| Error::Unwritten(self.path.clone(), error))
    }

    /// Writes `failure.json`, and `failure-2.json` … for what fails after it; says which.
    fn add_failure(
        &mut self,
        scenario: &Scenario,
        options: &RunOptions,
        level: Level,
        trial: &Trial,
    ) -> Result<PathBuf, Error> {
        self.failures += 1;
        let name =
            if self.failures == 1 { "failure.json".to_owned() } else { format!("failure-{}.json", self.failures) };
        let path = self.folder.join(name);
        let seed = options.seed.unwrap_or(scenario.seed);
        let time_scale = (level == Level::Live).then_some(options.time_scale);
        let failure =
            Failure { contacts: options.contacts, time_scale, ..Failure::of(scenario, level, seed, None, trial) };
        failure.save(&path).map_err(|error| Error::Unwritten(path.clone(), error))?;
        Ok(path)
    }
}
