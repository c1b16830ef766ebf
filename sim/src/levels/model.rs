//! Level `model`: a scenario on the two pure cores, in virtual time, judged by every checker.

use super::Refusal;
use crate::checkers::truth::Truth;
use crate::checkers::verdict::Ending;
use crate::checkers::{conservation, duplicates};
use crate::cli::RunOptions;
use crate::model::run::{End, Run, START};
use crate::model::setup::{Plant, Setup};
use crate::outcome::{Check, Latencies, Measured, MeasuredCampaign, Messages, Outcome, Quantiles, Verdict};
use crate::progress::Progress;
use crate::scenario::{Count, Level, Scenario, Wanted};
use crate::stopwatch::Stopwatch;
use crate::story::Story;
use engine_core::State;
use engine_core::campaign::State as CampaignState;
use engine_core::message::Row;

/// Messages of a failed expectation whose story is told.
const TOLD: usize = 2;

/// Runs a scenario.
///
/// # Errors
/// If something in it is beyond this level.
pub fn run(scenario: &Scenario, options: &RunOptions, progress: &Progress) -> Result<Outcome, Refusal> {
    run_with(scenario, options, progress, None)
}

/// Runs a scenario with a bug put in on purpose: only to show that the checks see it.
///
/// # Errors
/// If something in it is beyond this level.
pub fn run_with(
    scenario: &Scenario,
    options: &RunOptions,
    progress: &Progress,
    plant: Option<Plant>,
) -> Result<Outcome, Refusal> {
    tell(scenario, options, progress, plant, Story::untold()).map(|(outcome, _)| outcome)
}

/// Runs a scenario, and tells the story of some of its messages.
///
/// # Errors
/// If something in it is beyond this level.
pub fn run_told(
    scenario: &Scenario,
    options: &RunOptions,
    progress: &Progress,
    messages: &[u32],
) -> Result<(Outcome, Story), Refusal> {
    tell(scenario, options, progress, None, Story::about(messages))
}

fn tell(
    scenario: &Scenario,
    options: &RunOptions,
    progress: &Progress,
    plant: Option<Plant>,
    story: Story,
) -> Result<(Outcome, Story), Refusal> {
    if let Some(refusal) = super::beyond(scenario, Level::Model) {
        return Err(refusal);
    }
    let watch = Stopwatch::start();
    let seed = options.seed.unwrap_or(scenario.seed);
    let setup = Setup { plant, ..Setup::new(scenario, seed, options.contacts) };
    let mut run = Run::new(&setup, story).map_err(Refusal)?;
    let total = u64::from(setup.messages());
    let end = run.finish(|elapsed, open| progress.at(elapsed, total - u64::from(open), total));
    let truths = run.truths();
    let (checks, duplicates) = judge(&setup, &run, &truths, end);
    let latency = run.latency();
    let measured = Measured {
        level: Level::Model,
        seed,
        resized: options.contacts.is_some(),
        fingerprint: Some(run.trace().hash()),
        campaigns: campaigns(&setup, &run, &truths),
        duplicates,
        attempts: run.attempts(),
        events: run.trace().events(),
        virtual_time: run.now().since(START),
        wall: watch.elapsed(),
        latency: Latencies { accepted: Quantiles::of(&latency.accepted), delivered: Quantiles::of(&latency.delivered) },
        engine_memory_max: None,
        webhook_lag: None,
    };
    let mut outcome = Outcome::new(scenario, &measured, checks);
    name_messages(&mut outcome, scenario, &setup, run.disk().rows(), &truths);
    outcome.marks = Some(run.marks());
    outcome.checkpoints = run.trace().checkpoints().to_vec();
    Ok((outcome, run.into_story()))
}

/// Names some messages of which a story may tell why an expectation does not hold.
fn name_messages(outcome: &mut Outcome, scenario: &Scenario, setup: &Setup, rows: &[Row], truths: &[Truth]) {
    let is_success = |state: State| matches!(state, State::Sent | State::Delivered | State::Read | State::Responded);
    for expectation in &scenario.expectations {
        let is_its = |check: &&mut Check| check.name == expectation.name && check.verdict == Verdict::Fail;
        let Some(check) = outcome.checks.iter_mut().find(is_its) else { continue };
        let own = setup.campaigns.iter().enumerate();
        let own = own.filter(|(place, _)| expectation.campaign.is_none_or(|only| only == *place));
        let ids = own.flat_map(|(_, campaign)| campaign.first..campaign.first + campaign.size);
        let state = |id: &u32| rows[*id as usize].state();
        let told = |is_told: &dyn Fn(&u32) -> bool| ids.clone().filter(is_told).take(TOLD).collect();
        check.messages = match expectation.wanted {
            Wanted::Messages(wanted, count) => {
                let (size, found) = (ids.clone().count(), ids.clone().filter(|id| state(id) == wanted).count());
                let too_many = !Count { low: None, ..count }.holds(found as u64, size as u64);
                told(&|id| (state(id) == wanted) == too_many)
            }
            Wanted::Duplicates(_) => told(&|id| truths[*id as usize].copies > 1),
            Wanted::Campaign(_) => told(&|id| !is_success(state(id))),
            Wanted::FinishedWithin(_) => told(&|id| state(id).is_in_progress()),
            Wanted::Latency(..) | Wanted::ThroughputMin(_) | Wanted::EngineMemoryMax(_) | Wanted::WebhookLag(..) => {
                continue;
            }
        };
    }
}

/// The first thing in a scenario that this level cannot carry out.
pub(super) fn beyond(scenario: &Scenario) -> Option<String> {
    if !scenario.engine.stop_is_an_opt_out {
        return Some("opt_out_words without STOP, which is what its people press".to_owned());
    }
    let known = ["on_unknown", "quiet_hours", "zones", "opt_out_words"];
    let key = scenario.engine.settings.keys().find(|key| !known.contains(&key.as_str()))?;
    Some(format!("the engine's setting `{key}`"))
}

fn campaigns(setup: &Setup, run: &Run<'_>, truths: &[Truth]) -> Vec<MeasuredCampaign> {
    let each = (0..setup.campaigns.len()).map(|place| {
        let range = run.disk().range(place);
        let counts = conservation::recount(&run.disk().rows()[range.start as usize..range.end as usize]);
        MeasuredCampaign {
            state: run.campaign(place).map_or(CampaignState::Sending, |(state, _)| state),
            messages: Messages(counts.0.map(u64::from)),
            finished_after: run.finished_after(place),
            duplicates: Some(duplicates::judge(&truths[range.start as usize..range.end as usize], |_| false).copies),
        }
    });
    each.collect()
}

/// Every promise, judged; and the copies that handsets got beyond the first.
fn judge(setup: &Setup, run: &Run<'_>, truths: &[Truth], end: End) -> (Vec<Check>, u64) {
    let places = 0..setup.campaigns.len();
    let campaigns: Vec<_> = places.clone().map(|place| run.campaign(place)).collect();
    let finished: Vec<_> = places.map(|place| run.finished_after(place)).collect();
    let ending = Ending {
        now: run.now(),
        rows: run.disk().rows(),
        truths,
        campaigns: &campaigns,
        finished: &finished,
        timed_out: end == End::TimedOut,
        contacts: &setup.contacts,
        timing: &setup.timing,
    };
    run.checkers().verdict(&ending)
}

/// How each message of a scenario ends, by its id.
///
/// # Errors
/// If something in it is beyond this level.
pub fn final_states(scenario: &Scenario, options: &RunOptions) -> Result<Vec<State>, Refusal> {
    if let Some(refusal) = super::beyond(scenario, Level::Model) {
        return Err(refusal);
    }
    let setup = Setup::new(scenario, options.seed.unwrap_or(scenario.seed), options.contacts);
    let mut run = Run::new(&setup, Story::untold()).map_err(Refusal)?;
    run.finish(|_, _| {});
    Ok(run.disk().rows().iter().map(Row::state).collect())
}
