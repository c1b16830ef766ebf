//! Level `model`: a scenario on the two pure cores, in virtual time, judged by every checker.

use super::Refusal;
use crate::checkers::campaign::When;
use crate::checkers::truth::Truth;
use crate::checkers::{Findings, campaign, conservation, duplicates, receipts, truth};
use crate::cli::RunOptions;
use crate::model::run::{End, Run, START};
use crate::model::setup::{Plant, Setup};
use crate::outcome::{Check, Latencies, Measured, MeasuredCampaign, Messages, Outcome, Quantiles};
use crate::progress::Progress;
use crate::scenario::{Level, OnUnknown, Scenario};
use crate::stopwatch::Stopwatch;
use cloud_api::time::Span;
use engine_core::limits::{DEADLINE, UNKNOWN_WAIT};
use mock_whatsapp_model::distribution::Distribution;
use mock_whatsapp_model::faults::Fault;
use mock_whatsapp_model::spec::{FaultKind, FaultSpec, MessagingLimit};

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
    if let Some(refusal) = super::beyond(scenario, Level::Model) {
        return Err(refusal);
    }
    let watch = Stopwatch::start();
    let seed = options.seed.unwrap_or(scenario.seed);
    let setup = Setup { plant, ..Setup::new(scenario, seed, options.contacts) };
    let mut run = Run::new(&setup).map_err(Refusal)?;
    let total: u64 = setup.campaigns.iter().map(|campaign| u64::from(campaign.size)).sum();
    let end = run.finish(|elapsed, engine| {
        let open: u32 = engine.snapshot().campaigns.iter().map(|campaign| campaign.counts.in_progress()).sum();
        progress.at(elapsed, total - u64::from(open), total);
    });
    let truths = run.truths();
    let (checks, duplicates) = judge(&setup, &run, &truths, end);
    let latency = run.latency();
    let measured = Measured {
        level: Level::Model,
        seed,
        resized: options.contacts.is_some(),
        fingerprint: Some(run.trace().hash()),
        campaigns: campaigns(&run, &truths),
        duplicates,
        attempts: run.attempts(),
        events: run.trace().events(),
        virtual_time: run.now().since(START),
        wall: watch.elapsed(),
        latency: Latencies { accepted: Quantiles::of(&latency.accepted), delivered: Quantiles::of(&latency.delivered) },
        engine_memory_max: None,
        webhook_lag: None,
    };
    Ok(Outcome::new(scenario, &measured, checks))
}

/// The first thing in a scenario that this level cannot carry out.
pub(super) fn beyond(scenario: &Scenario) -> Option<String> {
    let fault = scenario.faults.iter().find(|fault| !Fault::is_whatsapps(fault.kind));
    if let Some(fault) = fault {
        return Some(format!("a fault of kind {:?}", fault.kind));
    }
    if !scenario.operators.is_empty() {
        return Some("an [[operator]]".to_owned());
    }
    if scenario.engine.on_unknown == OnUnknown::Never {
        return Some("on_unknown = \"never\"".to_owned());
    }
    if let Some(key) = scenario.engine.settings.keys().find(|key| *key != "on_unknown") {
        return Some(format!("the engine's setting `{key}`"));
    }
    if scenario.senders.iter().any(|sender| sender.messaging_limit != MessagingLimit::Unlimited) {
        return Some("a messaging_limit".to_owned());
    }
    scenario.campaigns.iter().find_map(|campaign| {
        let name = &campaign.name;
        if campaign.priority != 0 {
            Some(format!("a priority ({name})"))
        } else if campaign.senders.len() > 1 {
            Some(format!("several senders in one campaign ({name})"))
        } else if campaign.quiet_hours.is_some() {
            Some(format!("quiet_hours ({name})"))
        } else {
            None
        }
    })
}

/// The longest that a fault holds webhooks back.
fn webhooks_late(fault: &FaultSpec) -> Option<Span> {
    let delays = fault.kind == FaultKind::WebhookDelay;
    fault.delay.as_ref().filter(|_| delays).map(Distribution::longest)
}

fn campaigns(run: &Run<'_>, truths: &[Truth]) -> Vec<MeasuredCampaign> {
    let status = run.engine().snapshot();
    let each = status.campaigns.iter().enumerate().map(|(place, campaign)| {
        let range = run.disk().range(place);
        let counts = conservation::recount(&run.disk().rows()[range.start as usize..range.end as usize]);
        MeasuredCampaign {
            state: campaign.state,
            messages: Messages(counts.0.map(u64::from)),
            finished_after: run.finished_after(place),
            duplicates: Some(duplicates::judge(&truths[range.start as usize..range.end as usize], |_| false).copies),
        }
    });
    each.collect()
}

/// Every promise, judged; and the copies that handsets got beyond the first.
fn judge(setup: &Setup, run: &Run<'_>, truths: &[Truth], end: End) -> (Vec<Check>, u64) {
    let rows = run.disk().rows();
    let status = run.engine().snapshot();
    let mut conserved = Findings::default();
    let mut by_definition = Findings::default();
    for (place, (campaign, status)) in setup.campaigns.iter().zip(&status.campaigns).enumerate() {
        let range = run.disk().range(place);
        let rows = &rows[range.start as usize..range.end as usize];
        conserved.extend(conservation::judge(&campaign.name, campaign.size, rows, &status.counts));
        let (start, now) = (START + campaign.start, run.now());
        let when = match now {
            now if now < start => When::Before,
            now if now < start + DEADLINE => When::Within,
            _ => When::After,
        };
        by_definition.extend(campaign::judge(&campaign.name, &conservation::recount(rows), when, status.state));
    }
    let kinds = (0..setup.campaigns.len()).flat_map(|place| {
        let audience = setup.contacts.audience(place);
        (0..audience.len()).map(move |message| setup.contacts.kind(audience.contact(message)))
    });
    let late: Span = setup.faults.iter().filter_map(webhooks_late).fold(Span::ZERO, |sum, delay| sum + delay);
    let lossy = late >= UNKNOWN_WAIT || setup.faults.iter().any(|fault| fault.kind == FaultKind::WebhookLoss);
    let duplicates = duplicates::judge(truths, |id| lossy && run.checkers().seen(id as u32).had_unknown_outcome());
    let held_by_limit = |id: u32| {
        let place = (0..setup.campaigns.len()).find(|place| run.disk().range(*place).contains(&id));
        let start = place.map_or(START, |place| START + setup.campaigns[place].start);
        run.checkers().held_by_limit(start + DEADLINE)
    };
    let mut checks = vec![duplicates.check(), conserved.check("conservation")];
    checks.extend(run.checkers().along_the_way().iter().map(|(name, findings)| findings.check(name)));
    checks.push(receipts::judge(rows, kinds).check("receipts-off"));
    checks.push(by_definition.check("campaign-state"));
    checks.push(if setup.faults.iter().any(|fault| fault.kind == FaultKind::WebhookLoss) {
        Check::skipped("states-equal-truth", "webhooks are lost in this scenario, so the truth cannot be known")
    } else {
        truth::judge(rows, truths, run.checkers(), held_by_limit).check("states-equal-truth")
    });
    checks.push(match end {
        End::Quiet => Check::pass("comes-to-rest", ""),
        End::TimedOut => Check::fail("comes-to-rest", "something is still due seven days after the last deadline"),
    });
    (checks, duplicates.copies)
}
