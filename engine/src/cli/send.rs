//! `send`: a list, a template, and an engine inside the process that goes on until all is settled.
//!
//! Doing it again is safe: the same list and template is the same campaign, which is gone on with and never begun anew.

use super::serve::{end, start, stopped_by_hand, tell_progress};
use super::{Format, OwnStore, Problem, list, screen, start_log};
use crate::api::PerState;
use crate::clock::monotonic;
use crate::config::Layers;
use crate::driver::Look;
use crate::import;
use crate::service::{Handle, Progress};
use crate::store::{Campaign, Keeper, Reject};
use clap::Args;
use engine_core::campaign::{Counts, State as CampaignState};
use engine_core::engine::CampaignStatus;
use engine_core::limits::{DEADLINE, UNKNOWN_WAIT};
use engine_core::message::State;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

/// Rejected lines that are shown; `rejects` shows them all.
const REJECTS_SHOWN: u32 = 1_000;

/// Between two looks at the campaign.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Between two lines of progress where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// When all is settled, later webhooks (`read`) are waited for until none came for so long,
const QUIET: Duration = Duration::from_millis(1_000);

/// and no longer than this.
const LINGER_MOST: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    list: list::Arguments,
    /// Wait until every message is settled, and say what became of them.
    #[arg(long)]
    wait: bool,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) async fn run(layers: &Layers<'_>, arguments: Arguments) -> Result<ExitCode, Problem> {
    start_log();
    let settings = layers.settings()?;
    let clock = layers.clock()?;
    let ask = arguments.list.ask(&settings.rules, clock.now())?;
    let store = OwnStore::open(&layers.store())?;
    store.keeper.run(|store| store.abandon()).await?;

    let (campaign, is_new) = match list::same(store.keeper.run(|store| store.campaigns()).await?, &ask)? {
        Some(known) => (known, false),
        None => {
            import::in_time(ask.start, clock.now()).map_err(|why| Problem::Usage(format!("--start: {why}")))?;
            let imported = import::import(&store.keeper, ask, settings.rules.default_region).await;
            (
                imported.map_err(|wrong| match wrong {
                    import::Error::Store(wrong) => Problem::broken(wrong),
                    other => Problem::usage(other),
                })?,
                true,
            )
        }
    };
    let counts = counts(&store.keeper, &campaign).await?;
    let state = CampaignState::of(&counts, campaign.start, campaign.start + DEADLINE, clock.now());
    let rejects = store.keeper.run({
        let id = campaign.id;
        move |store| store.rejects(id, 0, REJECTS_SHOWN)
    });
    let rejects = rejects.await?;
    let report = Report { arguments: &arguments, campaign: &campaign, rejects: &rejects };
    if matches!(state, CampaignState::Completed | CampaignState::Failed) {
        report.say(&format!("campaign {} is finished already; nothing is sent", campaign.name));
        return report.end(state, &counts);
    }
    report.begin(is_new);
    if !arguments.wait && state == CampaignState::Queued {
        report.say("it has not started: run `campaign-engine serve`, or this command with --wait, to have it sent");
        return Ok(ExitCode::SUCCESS);
    }

    if campaign.paused && !campaign.cancelled {
        let name = &campaign.name;
        return Err(Problem::Usage(format!("campaign {name} is paused: campaign-engine resume {name}")));
    }

    // The operator API is for `pause` and `cancel` from this machine. Where the world reaches the webhook it is closed
    // without a token.
    let with_api = settings.webhook_url.is_none() || settings.api_token.is_some();
    let (service, handle) = start(layers, settings, &store, &layers.listen(), with_api).await?;
    let mut running = std::pin::pin!(service.run());
    let stopped = tokio::select! {
        biased;
        ended = &mut running => return ended.map_err(Problem::from).map(|()| ExitCode::FAILURE),
        watched = watch(&handle, &campaign, arguments.wait) => { watched?; false }
        () = stopped_by_hand() => true,
        () = tell_progress(handle.clone()) => false,
    };
    if stopped {
        screen::note("stopping: waiting for what is under way");
    }
    end(&handle, running).await?;
    let counts = self::counts(&store.keeper, &campaign).await?;
    if stopped {
        let sending = counts.of(State::Sending);
        return Err(Problem::Stopped(format!(
            "stopped; {} of {} messages are not settled ({} wait, {sending} with WhatsApp). The same command goes on \
             where this one stopped",
            counts.in_progress(),
            campaign.size(),
            counts.in_progress() - sending,
        )));
    }
    let state = CampaignState::of(&counts, campaign.start, campaign.start + DEADLINE, clock.now());
    report.end(state, &counts)
}

async fn counts(keeper: &Keeper, campaign: &Campaign) -> Result<Counts, Problem> {
    let campaign = campaign.clone();
    Ok(keeper.run(move |store| store.counts(&campaign)).await?)
}

/// Follows the campaign until it needs this program no more.
async fn watch(handle: &Handle, campaign: &Campaign, to_the_end: bool) -> Result<(), Problem> {
    let bar = Bar::new(campaign.size());
    let mut settled = None;
    let mut heard = (0, monotonic());
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if handle.progress() != Progress::Running {
            continue;
        }
        let look = handle.look().await.map_err(Problem::broken)?;
        let Some(status) = look.status.campaigns.get(usize::from(campaign.id.0)) else { continue };
        bar.show(status, &look);
        let now = monotonic();
        if look.webhooks != heard.0 {
            heard = (look.webhooks, now);
        }
        if !to_the_end {
            let in_flight: u32 = look.status.senders.iter().map(|sender| sender.in_flight).sum();
            if status.counts.of(State::Queued) + status.counts.of(State::Retrying) + in_flight == 0 {
                return Ok(());
            }
        }
        let is_settled = matches!(status.state, CampaignState::Completed | CampaignState::Failed);
        let Some(since) = settled.filter(|_| is_settled) else {
            settled = is_settled.then_some(now);
            continue;
        };
        let quiet = now.duration_since(heard.1) >= QUIET && now.duration_since(since) >= QUIET;
        if quiet || now.duration_since(since) >= LINGER_MOST {
            return Ok(());
        }
    }
}

/// Progress: a bar on a terminal, a line now and then elsewhere.
struct Bar {
    bar: ProgressBar,
    is_terminal: bool,
    last: std::cell::Cell<tokio::time::Instant>,
}

impl Bar {
    fn new(size: u32) -> Self {
        let bar = ProgressBar::new(u64::from(size));
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} settled, {msg} [{elapsed}]") {
            bar.set_style(style);
        }
        Self { bar, is_terminal: std::io::stderr().is_terminal(), last: std::cell::Cell::new(monotonic()) }
    }

    fn show(&self, status: &CampaignStatus, look: &Look) {
        let counts = &status.counts;
        let settled = counts.total() - counts.in_progress();
        let mut text = format!(
            "{} queued, {} sending, {} retrying, {} delivered, {} failed",
            counts.of(State::Queued),
            counts.of(State::Sending),
            counts.of(State::Retrying),
            counts.delivered(),
            counts.failed()
        );
        let of_senders = look.status.senders.iter().find_map(|sender| sender.held_by);
        let of_portfolios = look.status.portfolios.iter().find_map(|portfolio| portfolio.held_by);
        let held = status.held_by.or(of_senders).or(of_portfolios);
        if status.paused {
            text += "; paused";
        }
        if let Some(code) = held {
            text += &format!("; held by {}: {}", code.code(), code.entry().title);
        }
        let unknown: usize = look.status.senders.iter().map(|sender| sender.unknown).sum();
        if unknown > 0 {
            text += &format!("; {unknown} of unknown outcome wait for evidence, at most {}", UNKNOWN_WAIT * 2);
        }
        if look.status.senders.iter().any(|sender| sender.breaker_open) {
            text += "; the API cannot be reached";
        }
        if self.is_terminal {
            self.bar.set_message(text);
            self.bar.set_position(u64::from(settled));
        } else if monotonic().duration_since(self.last.get()) >= LINE_EVERY {
            self.last.set(monotonic());
            screen::note(&format!("{settled} of {} settled: {text}", counts.total()));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What the command says.
struct Report<'a> {
    arguments: &'a Arguments,
    campaign: &'a Campaign,
    rejects: &'a [Reject],
}

#[derive(Serialize)]
struct Outcome<'a> {
    campaign: &'a str,
    state: &'static str,
    rows: u32,
    accepted: u32,
    duplicates: u32,
    bad: u32,
    messages: PerState,
    rejects: Vec<RejectView<'a>>,
}

#[derive(Serialize)]
struct RejectView<'a> {
    line: u32,
    duplicate: bool,
    reason: &'a str,
    text: &'a str,
}

impl Report<'_> {
    fn say(&self, text: &str) {
        match self.arguments.format {
            Format::Text => screen::line(text),
            Format::Json => screen::note(text),
        }
    }

    fn begin(&self, is_new: bool) {
        let Campaign { name, bad, duplicates, .. } = self.campaign;
        let size = self.campaign.size();
        let rows = size + bad + duplicates;
        let word = if is_new { "new" } else { "continuing" };
        self.say(&format!(
            "{word} campaign {name}: {rows} rows = {size} accepted + {duplicates} duplicates + {bad} bad"
        ));
        for Reject { line, reason, text, duplicate } in self.rejects {
            let kind = if *duplicate { "duplicate" } else { "bad" };
            self.say(&format!("line {line}: {kind}: {reason} ({text})"));
        }
        let shown = self.rejects.len() as u32;
        if bad + duplicates > shown {
            self.say(&format!("and {} more: campaign-engine rejects {name}", bad + duplicates - shown));
        }
    }

    fn end(&self, state: CampaignState, counts: &Counts) -> Result<ExitCode, Problem> {
        let Campaign { name, bad, duplicates, .. } = self.campaign;
        let accepted = self.campaign.size();
        match self.arguments.format {
            Format::Text => {
                screen::line(&format!("campaign {name}: {}", state.name()));
                for each in State::ALL {
                    screen::line(&format!("  {:<15}{:>10}", each.name(), counts.of(each)));
                }
                screen::line(&format!("  {:<15}{:>10}", "total", counts.total()));
            }
            Format::Json => {
                let rejects = self.rejects.iter().map(|reject| RejectView {
                    line: reject.line,
                    duplicate: reject.duplicate,
                    reason: &reject.reason,
                    text: &reject.text,
                });
                let result = Outcome {
                    campaign: name,
                    state: state.name(),
                    rows: accepted + bad + duplicates,
                    accepted,
                    duplicates: *duplicates,
                    bad: *bad,
                    messages: PerState(*counts),
                    rejects: rejects.collect(),
                };
                screen::line(&serde_json::to_string(&result).map_err(Problem::broken)?);
            }
        }
        // Without --wait it is enough that everything was handed over.
        let failed = state == CampaignState::Failed;
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
