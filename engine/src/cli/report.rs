//! `status`, `export`, `rejects` and `check`: what the store says, beside an engine that may be at work.

use super::{Format, Problem, find_campaign, read_store, screen};
use crate::api::{MessageView, PerState};
use crate::config::Layers;
use crate::store::{Campaign, Store, Which};
use clap::{Args, ValueEnum};
use engine_core::campaign;
use engine_core::command::Held;
use engine_core::id::{MessageId, PortfolioId};
use engine_core::limits::DEADLINE;
use engine_core::message::State;
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;

/// Messages read at once.
const PAGE: u32 = 2_000;

#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// The campaign; without it, all of them.
    campaign: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The campaign.
    campaign: String,
    /// Only messages in this state: Queued, Sending, Retrying, Sent, Delivered, Read, Responded, Failed, InvalidContact
    /// or BlockedOrSpam.
    #[arg(long, value_parser = state_named)]
    state: Option<State>,
    /// Only messages of which an attempt of unknown outcome was given up: their contacts could have got two copies.
    #[arg(long)]
    outcome_unknown: bool,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Rows::Csv)]
    format: Rows,
}

#[derive(Debug, Args)]
pub(super) struct RejectsArguments {
    /// The campaign.
    campaign: String,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// The campaign.
    campaign: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rows {
    /// With a header row.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

fn state_named(name: &str) -> Result<State, String> {
    let named = State::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(name));
    named.ok_or_else(|| format!("one of {}", State::ALL.map(State::name).join(", ")))
}

#[derive(Serialize)]
struct StatusView<'a> {
    name: &'a str,
    state: &'static str,
    template: &'a str,
    size: u32,
    messages: PerState,
    rejected: u32,
    duplicates: u32,
    paused: bool,
    cancelled: bool,
    /// The error because of which its template is halted, its sender, or its portfolio.
    held_by: Option<u32>,
}

pub(super) fn status(layers: &Layers<'_>, arguments: &StatusArguments) -> Result<ExitCode, Problem> {
    let store = read_store(layers)?;
    let campaigns = match &arguments.campaign {
        Some(name) => vec![find_campaign(&store, name)?],
        None => store.campaigns()?,
    };
    let now = layers.clock()?.now();
    let (rules, holds, portfolios) = (layers.rules()?, store.holds()?, store.portfolios()?);
    for campaign in &campaigns {
        let counts = store.counts(campaign)?;
        let state = campaign::State::of(&counts, campaign.start, campaign.start + DEADLINE, now);
        let portfolio = portfolios.iter().position(|name| name == rules.portfolio_of(&campaign.phone_number_id));
        let portfolio = portfolio.map(|place| Held::Portfolio(PortfolioId(place as u16)));
        let by = [Some(Held::Campaign(campaign.id)), Some(Held::Sender(campaign.sender)), portfolio];
        let held = by.into_iter().flatten().find_map(|by| holds.iter().find(|(held, _)| *held == by));
        let held = held.map(|(_, memo)| memo.code).filter(|_| counts.in_progress() > 0);
        let view = StatusView {
            name: &campaign.name,
            state: if campaign.importing { "Importing" } else { state.name() },
            template: &campaign.template,
            size: campaign.size(),
            messages: PerState(counts),
            rejected: campaign.bad,
            duplicates: campaign.duplicates,
            paused: campaign.paused,
            cancelled: campaign.cancelled,
            held_by: held.map(|code| code.code()),
        };
        match arguments.format {
            Format::Json => screen::line(&serde_json::to_string(&view).map_err(Problem::broken)?),
            Format::Text => {
                let flags = [(view.paused, "  paused"), (view.cancelled, "  cancelled")];
                let flags: String = flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag).collect();
                screen::line(&format!("{}  {}{flags}  {} messages", view.name, view.state, view.size));
                if let Some(code) = held {
                    screen::line(&format!("  held by {}: {}", code.code(), code.entry().title));
                }
                for state in State::ALL.into_iter().filter(|state| counts.of(*state) > 0) {
                    screen::line(&format!("  {:<15}{:>10}", state.name(), counts.of(state)));
                }
            }
        }
    }
    if campaigns.is_empty() && arguments.format == Format::Text {
        screen::line("no campaigns");
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn export(layers: &Layers<'_>, arguments: &ExportArguments) -> Result<ExitCode, Problem> {
    let store = read_store(layers)?;
    let campaign = find_campaign(&store, &arguments.campaign)?;
    match written(&store, &campaign, arguments) {
        Err(Stop::Reader) | Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Stop::Problem(problem)) => Err(problem),
    }
}

/// Why writing ends before the end.
enum Stop {
    /// Whoever read it has seen enough (`| head`).
    Reader,
    Problem(Problem),
}

impl From<csv::Error> for Stop {
    fn from(wrong: csv::Error) -> Self {
        match wrong.into_kind() {
            csv::ErrorKind::Io(wrong) => wrong.into(),
            other => Self::Problem(Problem::Broken(format!("cannot write: {other:?}"))),
        }
    }
}

impl From<std::io::Error> for Stop {
    fn from(wrong: std::io::Error) -> Self {
        match wrong.kind() {
            std::io::ErrorKind::BrokenPipe => Self::Reader,
            _ => Self::Problem(Problem::Broken(format!("cannot write: {wrong}"))),
        }
    }
}

fn written(store: &Store, campaign: &Campaign, arguments: &ExportArguments) -> Result<(), Stop> {
    let mut out = screen::output();
    if arguments.format == Rows::Csv {
        csv::Writer::from_writer(&mut out).write_record(MessageView::COLUMNS)?;
    }
    let mut after: Option<MessageId> = None;
    let which = Which { state: arguments.state, given_up: arguments.outcome_unknown };
    loop {
        let page = store.messages(campaign, after, PAGE, which).map_err(|wrong| Stop::Problem(wrong.into()))?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        let views = page.iter().map(MessageView::of);
        match arguments.format {
            Rows::Csv => {
                let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(&mut out);
                for view in views {
                    csv.serialize(&view)?;
                }
                csv.flush()?;
            }
            Rows::Jsonl => {
                for view in views {
                    let line = serde_json::to_string(&view);
                    writeln!(out, "{}", line.map_err(|wrong| Stop::Problem(Problem::broken(wrong)))?)?;
                }
            }
        }
    }
    out.flush()?;
    Ok(())
}

pub(super) fn rejects(layers: &Layers<'_>, arguments: &RejectsArguments) -> Result<ExitCode, Problem> {
    let store = read_store(layers)?;
    let campaign = find_campaign(&store, &arguments.campaign)?;
    let mut after = 0;
    loop {
        let page = store.rejects(campaign.id, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(ExitCode::SUCCESS) };
        after = last.line;
        for reject in &page {
            screen::line(&format!("line {}: {} ({})", reject.line, reject.reason, reject.text));
        }
    }
}

pub(super) fn check(layers: &Layers<'_>, arguments: &CheckArguments) -> Result<ExitCode, Problem> {
    let store = read_store(layers)?;
    let campaign = find_campaign(&store, &arguments.campaign)?;
    let (kept, derived) = (store.counts(&campaign)?, store.recount(&campaign)?);
    if kept != derived {
        return Err(Problem::Broken(format!("the counts differ: kept {kept:?}, derived {derived:?}")));
    }
    screen::line(&format!("{}: {} messages, every state follows from its facts", campaign.name, derived.total()));
    Ok(ExitCode::SUCCESS)
}
