//! Runs a failure again: whether it fails in the same way, and the story of the messages that it is about.
//!
//! Nothing is printed here, and nothing is judged but by the checks of the run itself.

use crate::cli::RunOptions;
use crate::contacts::Contacts;
use crate::levels::{self, Refusal};
use crate::model::run::START;
use crate::outcome::{Check, Outcome};
use crate::progress::Progress;
use crate::scenario::faults::kind_name;
use crate::scenario::{Level, Scenario};
use crate::story::Story;
use crate::swarm::failure::Broken;
use crate::swarm::trial::{at_level, caught};
use crate::swarm::{Failure, Trial, checkpoints};

/// Messages whose story is told.
const TOLD_MOST: usize = 4;
/// Of one check.
const TOLD_OF_CHECK: usize = 2;

/// A failure that was run again.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// What it came to now.
    pub trial: Trial,
    /// How it differs from what the file says, in sentences; empty if it does not.
    pub differences: Vec<String>,
    /// What happened to the messages that the failed checks name, and to the engine; empty where the level tells no stories.
    pub story: String,
    /// Who those messages go to, a sentence each.
    pub about: Vec<String>,
}

/// Runs a failure again, twice where there is a story to tell: of the messages that the failed checks name, and of `others`.
///
/// # Errors
/// If this build cannot carry the scenario out any more.
pub fn replay(
    failure: &Failure,
    scenario: &Scenario,
    level: Level,
    others: &[u32],
    progress: &Progress,
) -> Result<Replayed, Refusal> {
    let options = options(failure);
    let trial = caught(|| at_level(scenario, level, &options, progress))?;
    let mut replayed =
        Replayed { differences: differences(failure, &trial), trial, story: String::new(), about: vec![] };
    let mut messages = messages_of(&replayed.trial.failed);
    if messages.is_empty() {
        messages = named(&failure.checks);
    }
    messages.retain(|message| !others.contains(message));
    messages.extend(others);
    if level == Level::Model && replayed.trial.outcome.is_some() {
        let (_, story) = told(scenario, &options, progress, &messages)?;
        replayed.story = story.told(START);
        replayed.about = messages.iter().filter_map(|message| about(scenario, &options, *message)).collect();
    }
    Ok(replayed)
}

/// How a failure was run.
pub fn options(failure: &Failure) -> RunOptions {
    let usual = RunOptions::default();
    RunOptions {
        seed: Some(failure.seed),
        contacts: failure.contacts,
        time_scale: failure.time_scale.unwrap_or(usual.time_scale),
    }
}

/// Runs a scenario at level model with the story of some messages.
pub(crate) fn told(
    scenario: &Scenario,
    options: &RunOptions,
    progress: &Progress,
    messages: &[u32],
) -> Result<(Outcome, Story), Refusal> {
    levels::model::run_told(scenario, options, progress, messages)
}

/// The first messages that failed checks name, without repetition.
pub(crate) fn messages_of(failed: &[Check]) -> Vec<u32> {
    let broken: Vec<Broken> = failed.iter().map(Broken::of).collect();
    named(&broken)
}

fn named(broken: &[Broken]) -> Vec<u32> {
    let mut messages = Vec::new();
    for message in broken.iter().flat_map(|check| check.messages.iter().take(TOLD_OF_CHECK)) {
        if messages.len() < TOLD_MOST && !messages.contains(message) {
            messages.push(*message);
        }
    }
    messages
}

/// What is other than the file says.
fn differences(failure: &Failure, trial: &Trial) -> Vec<String> {
    let mut all = Vec::new();
    let now: Vec<&str> = trial.failed.iter().map(|check| check.name.as_str()).collect();
    for check in failure.checks.iter().filter(|check| !now.contains(&check.name.as_str())) {
        all.push(format!("{} failed then and does not fail now", check.name));
    }
    for name in now.iter().filter(|name| failure.checks.iter().all(|check| check.name != **name)) {
        all.push(format!("{name} fails now and did not fail then"));
    }
    let then = failure.fingerprint.as_deref();
    if then != trial.fingerprint() {
        let none = "none";
        let (then, now) = (then.unwrap_or(none), trial.fingerprint().unwrap_or(none));
        all.push(format!("the fingerprint was {then} and is {now}: this is not the run that failed"));
        let kept = checkpoints::kept(trial.outcome.as_ref());
        if !failure.checkpoints.is_empty()
            && let Some(minute) = checkpoints::first_difference(&failure.checkpoints, &kept)
        {
            all.push(format!("the runs are the same before minute {minute} of their own time, and differ in it"));
        }
        let (wrote, reads) = (&failure.program, env!("CARGO_PKG_VERSION"));
        if wrote != reads {
            all.push(format!("version {wrote} wrote the file, and this is version {reads}"));
        }
    }
    all
}

/// Which message that is. Where a campaign has several senders, its messages are dealt out among them: then nothing is said.
fn about(scenario: &Scenario, options: &RunOptions, message: u32) -> Option<String> {
    if scenario.campaigns.iter().any(|campaign| campaign.senders.len() > 1) {
        return None;
    }
    let contacts = Contacts::new(scenario, options.seed.unwrap_or(scenario.seed), options.contacts);
    let mut place = message;
    for (campaign, of) in scenario.campaigns.iter().enumerate() {
        let audience = contacts.audience(campaign);
        if place < audience.len() {
            let contact = audience.contact(place);
            let (phone, kind) = (contacts.phone(contact), kind_name(contacts.kind(contact)));
            return Some(format!(
                "message {message} is number {place} of campaign `{}`, to +{phone}, a telephone of kind `{kind}`",
                of.name
            ));
        }
        place -= audience.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::trial::trial;
    use std::path::Path;

    fn failure() -> (Scenario, Failure) {
        let text = "name = \"t\"\nseed = 5\n[[campaign]]\nname = \"a\"\ncontacts = 3\n[[campaign]]\nname = \"b\"\ncontacts = 4\n\
                    [expect]\nmessages.Failed = 7\n";
        let scenario = Scenario::parse(text, "t.toml", Path::new("")).unwrap();
        let run = RunOptions { seed: Some(5), ..RunOptions::default() };
        let trial = trial(&scenario, Level::Model, &run).unwrap();
        let failure = Failure::of(&scenario, Level::Model, 5, None, &trial);
        (failure.scenario().unwrap(), failure)
    }

    #[test]
    fn a_failure_fails_again_in_the_same_way() {
        let (scenario, failure) = failure();
        let replayed = replay(&failure, &scenario, Level::Model, &[1], &Progress::hidden()).unwrap();
        assert_eq!(replayed.differences, [""; 0]);
        assert!(replayed.trial.fails_any(&failure.names()));
    }

    #[test]
    fn a_run_that_is_not_the_one_that_failed_is_told_apart() {
        let (scenario, failure) = failure();
        let fingerprint = Some("0000000000000000".to_owned());
        let checks = vec![Broken { name: "no-duplicates".to_owned(), detail: String::new(), messages: vec![] }];
        let other = Failure { fingerprint, checks, ..failure };
        let replayed = replay(&other, &scenario, Level::Model, &[], &Progress::hidden()).unwrap();
        let said = replayed.differences.join("; ");
        assert!(said.contains("no-duplicates failed then and does not fail now"), "{said}");
        assert!(said.contains("expect.messages.Failed fails now"), "{said}");
        assert!(said.contains("the fingerprint was 0000000000000000 and is "), "{said}");
    }

    #[test]
    fn the_first_messages_of_each_check_are_told_without_repetition() {
        let check = |messages: &[u32]| Check { messages: messages.to_vec(), ..Check::fail("a", "") };
        assert_eq!(messages_of(&[check(&[9, 1, 4]), check(&[1, 7, 8]), check(&[5, 6])]), [9, 1, 7, 5]);
        let (scenario, _) = failure();
        let said = about(&scenario, &RunOptions::default(), 4).unwrap();
        assert!(said.starts_with("message 4 is number 1 of campaign `b`, to +"), "{said}");
        assert_eq!(about(&scenario, &RunOptions::default(), 7), None);
    }
}
