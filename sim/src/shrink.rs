//! Shrinking: from a failed run to the smallest scenario that still fails the same way.
//!
//! "The same way" means that one of the same checks fails. First tiny sizes are tried directly, with many seeds, since what
//! breaks a million messages mostly breaks twenty; then every part is taken out that the failure does not need. What it costs
//! is bounded in events and not in time, so that the result is the same everywhere.

mod reduce;
mod tiny;

use crate::cli::RunOptions;
use crate::levels::{self, Refusal};
use crate::outcome::Check;
use crate::scenario::{Level, People, Scenario, Wanted};
use crate::swarm::draw::Draw;
use crate::swarm::trial::trial;
use crate::swarm::vary::settled;
use crate::swarm::{Failure, Trial};
use std::fmt;

/// Events of all runs together: at some ten million a second, half a minute.
const EVENTS_MOST: u64 = 300_000_000;
/// What a run costs beside its events, in events: setting the scene.
const EVENTS_OF_A_RUN: u64 = 2_000;
/// What a message costs whose run panicked, in events.
const EVENTS_OF_A_MESSAGE: u64 = 10;
/// Rounds over all reductions. Each round that helps makes the scenario smaller; more than a few never help.
const ROUNDS_MOST: u32 = 20;

/// A scenario that fails, and is as small as could be found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The scenario; its seed is the one that fails.
    pub scenario: Scenario,
    /// The checks that fail with it, among those that failed first.
    pub failed: Vec<Check>,
    /// Runs that it took.
    pub runs: u64,
    /// Whether the bound on events ended the search.
    pub broke_off: bool,
}

/// Why nothing was shrunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The run does not fail in that way any more.
    Holds,
    /// It is a run of this level, and only model is fast enough.
    Level(Level),
    /// This build cannot carry the scenario out.
    Refused(Refusal),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => f.write_str("it does not fail any more, so there is nothing to shrink"),
            Self::Level(level) => {
                write!(f, "it failed at level {level}, and only failures of level model can be shrunk")
            }
            Self::Refused(refusal) => write!(f, "this build cannot run it: {refusal}"),
        }
    }
}

impl std::error::Error for Error {}

/// A search under way.
struct Search<'a> {
    /// The checks one of which must fail.
    names: Vec<String>,
    /// The smallest scenario so far that fails.
    best: Scenario,
    failed: Vec<Check>,
    /// What fails are expectations of a count, which are about the file's own contacts, so those stay as they are.
    contacts_stay: bool,
    draw: Draw,
    runs: u64,
    events: u64,
    told: &'a dyn Fn(&Scenario),
}

/// Shrinks a failure. `told` is shown every scenario that is smaller than all before and still fails.
///
/// # Errors
/// If it does not fail any more, or cannot be run.
pub fn shrink(failure: &Failure, scenario: &Scenario, told: &dyn Fn(&Scenario)) -> Result<Shrunk, Error> {
    let level = failure.level().unwrap_or(Level::Model);
    if level != Level::Model {
        return Err(Error::Level(level));
    }
    let mut whole = Scenario { seed: failure.seed, ..scenario.clone() };
    if let Some(contacts) = failure.contacts {
        for campaign in whole.campaigns.iter_mut().filter(|its| matches!(its.people, People::Generated(_))) {
            campaign.people = People::Generated(contacts);
        }
        settled(&mut whole);
    }
    let names = failure.names();
    whole.expectations.retain(|wanted| names.contains(&wanted.name) && !is_of_live(&wanted.wanted));
    say_all(&mut whole);
    let promises = names.iter().filter(|name| !name.starts_with("expect.")).cloned();
    let of_each =
        whole.expectations.iter().filter(|wanted| is_of_each(&wanted.wanted)).map(|wanted| wanted.name.clone());
    // What a single message can break shrinks furthest.
    let by_reach: [Vec<String>; 2] = [promises.collect(), of_each.collect()];
    let shrinking = by_reach.into_iter().find(|names| !names.is_empty());
    let contacts_stay = shrinking.is_none();
    let names = shrinking.unwrap_or(names);
    whole.expectations.retain(|wanted| names.contains(&wanted.name));
    let mut search = Search {
        names,
        best: whole.clone(),
        failed: Vec::new(),
        contacts_stay,
        draw: Draw::new(failure.seed, 2),
        runs: 0,
        events: 0,
        told,
    };
    let first = search.run(&whole).map_err(Error::Refused)?;
    if !search.is_same(&first) {
        return Err(Error::Holds);
    }
    search.accept(whole, &first);
    if !contacts_stay {
        search.tiny();
    }
    search.reduce();
    let Search { best, failed, runs, .. } = search;
    Ok(Shrunk { scenario: best, failed, runs, broke_off: search.events >= EVENTS_MOST })
}

/// An expectation of as many messages as there are becomes one of all of them.
fn say_all(scenario: &mut Scenario) {
    let sizes: Vec<u64> = scenario.campaigns.iter().map(|campaign| u64::from(campaign.people.size())).collect();
    for expectation in &mut scenario.expectations {
        if let Wanted::Messages(_, count) = &mut expectation.wanted {
            let size = expectation.campaign.map_or(sizes.iter().sum(), |place| sizes[place]);
            *count = count.of_all(size);
        }
    }
}

/// Whether it means the same with fewer contacts.
fn is_of_each(wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Messages(_, count) | Wanted::Duplicates(count) => count.is_of_each(),
        wanted => !is_of_live(wanted),
    }
}

/// What is measured at level live can only be skipped here.
fn is_of_live(wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Latency(..) | Wanted::ThroughputMin(_) | Wanted::EngineMemoryMax(_) | Wanted::WebhookLag(..) => true,
        Wanted::Campaign(_) | Wanted::FinishedWithin(_) | Wanted::Duplicates(_) | Wanted::Messages(..) => false,
    }
}

impl Search<'_> {
    fn run(&mut self, scenario: &Scenario) -> Result<Trial, Refusal> {
        let trial = trial(scenario, Level::Model, &RunOptions::default())?;
        let events = trial.outcome.as_ref().map_or(scenario.messages() * EVENTS_OF_A_MESSAGE, |outcome| outcome.events);
        self.runs += 1;
        self.events += events + EVENTS_OF_A_RUN;
        Ok(trial)
    }

    fn is_same(&self, trial: &Trial) -> bool {
        trial.fails_any(&self.names)
    }

    fn is_over(&self) -> bool {
        self.events >= EVENTS_MOST
    }

    /// Takes a scenario that fails as the best so far.
    fn accept(&mut self, scenario: Scenario, trial: &Trial) {
        self.failed = trial.failed.iter().filter(|check| self.names.contains(&check.name)).cloned().collect();
        self.best = scenario;
        (self.told)(&self.best);
    }

    /// Tries a scenario with its own seed and then with others; it becomes the best if it fails.
    fn attempt(&mut self, mut candidate: Scenario, other_seeds: u32) -> bool {
        settled(&mut candidate);
        if levels::beyond(&candidate, Level::Model).is_some() {
            return false;
        }
        for number in 0..=other_seeds {
            if self.is_over() {
                return false;
            }
            if number > 0 {
                // A small seed is easier on the eye.
                candidate.seed = self.draw.below(1_000_000);
            }
            let Ok(trial) = self.run(&candidate) else { return false };
            if self.is_same(&trial) {
                self.accept(candidate, &trial);
                return true;
            }
        }
        false
    }

    /// Seeds that are worth trying beside the one that failed: quotas are dealt out anew at each size, so a smaller run may
    /// need another deal.
    fn other_seeds(&self, scenario: &Scenario) -> u32 {
        match scenario.messages() {
            0..=100 => 12,
            101..=2_000 => 3,
            2_001..=20_000 => 1,
            _ => 0,
        }
    }

    /// Takes out, part after part, whatever the failure does not need, until nothing more can go.
    fn reduce(&mut self) {
        for _ in 0..ROUNDS_MOST {
            let mut helped = false;
            for reduction in reduce::all(self.contacts_stay) {
                while let Some(smaller) = self.smaller(*reduction) {
                    helped |= smaller;
                    if !smaller {
                        break;
                    }
                }
            }
            if !helped || self.is_over() {
                return;
            }
        }
    }

    /// Tries what one reduction offers. `None` where it offers nothing.
    fn smaller(&mut self, reduction: reduce::Reduction) -> Option<bool> {
        let offers = reduction(&self.best);
        if offers.is_empty() {
            return None;
        }
        for offer in offers {
            let seeds = self.other_seeds(&offer);
            if self.attempt(offer, seeds) {
                return Some(true);
            }
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests;
