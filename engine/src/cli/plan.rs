//! `plan`: what `send` would do with the same list beside what is under way already. Nothing is sent and nothing is written.

use super::{Format, Problem, list, screen};
use crate::clock::time_name;
use crate::config::{Layers, Rules};
use crate::contacts::{Digest, List};
use crate::import::{Ask, Given};
use crate::store::{Campaign, Line, Store, Which};
use clap::Args;
use cloud_api::limits::MESSAGING_LIMIT_WINDOW;
use engine_core::limits::DEADLINE;
use engine_core::message::State;
use engine_core::plan::{self, Binds, Forecast, Plan};
use engine_core::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Rows read at once.
const PAGE: u32 = 10_000;

/// A range of UTC offsets, in minutes.
type Offsets = (i16, i16);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    list: list::Arguments,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A campaign before it is planned.
struct Work {
    sender: u16,
    start: Timestamp,
    priority: u8,
    quiet: Option<engine_core::quiet::Quiet>,
    contacts: Vec<(Offsets, u32)>,
}

/// What the lines of a list are.
#[derive(Default)]
struct Rows {
    contacts: u32,
    duplicates: u32,
    bad: u32,
    suppressed: u32,
    by_zone: BTreeMap<Offsets, u32>,
}

#[derive(Serialize)]
struct Outcome<'a> {
    campaign: &'a str,
    contacts: u32,
    duplicates: u32,
    bad: u32,
    /// Contacts that want nothing more.
    suppressed: u32,
    /// The first and the last message; null where there is none before the deadline.
    first: Option<String>,
    last: Option<String>,
    fits: u32,
    does_not_fit: u32,
    /// What it waits for most of the time.
    binds: &'static str,
    /// False: too much happens to plan all of it; what lies behind counts as not fitting.
    whole: bool,
}

pub(super) fn run(layers: &Layers<'_>, arguments: &Arguments) -> Result<ExitCode, Problem> {
    let rules = layers.rules()?;
    let now = layers.clock()?.now();
    let ask = arguments.list.ask(&rules, now)?;
    let path = layers.store();
    let store = if path.exists() { Some(Store::read_sqlite(&path)?) } else { None };
    let known = store.as_ref().map_or_else(|| Ok(Vec::new()), Store::campaigns)?;
    let same = list::same(known.clone(), &ask)?;
    if same.is_none() {
        crate::import::in_time(ask.start, now).map_err(|why| Problem::Usage(format!("--start: {why}")))?;
    }

    let mut senders = store.as_ref().map_or_else(|| Ok(Vec::new()), Store::senders)?;
    if !senders.contains(&ask.phone_number_id) {
        senders.push(ask.phone_number_id.clone());
    }
    let mut works = Vec::new();
    let rows = match (&same, &store) {
        (Some(campaign), Some(store)) => {
            works.push(rest_of(store, campaign, &rules)?);
            Rows { contacts: campaign.size(), duplicates: campaign.duplicates, bad: campaign.bad, ..Rows::default() }
        }
        (Some(_), None) | (None, _) => {
            let mut rows = read(&ask, &rules, store.as_ref())?;
            let sender = senders.iter().position(|id| *id == ask.phone_number_id).unwrap_or_default() as u16;
            let contacts = std::mem::take(&mut rows.by_zone).into_iter().collect();
            works.push(Work { sender, start: ask.start, priority: ask.priority, quiet: ask.quiet, contacts });
            rows
        }
    };
    if let Some(store) = &store {
        let others = known.iter().filter(|other| same.as_ref().is_none_or(|same| same.id != other.id));
        let goes = |other: &&Campaign| !other.paused && !other.cancelled && !other.importing;
        for other in others.filter(goes).filter(|other| now < other.start + DEADLINE) {
            works.push(rest_of(store, other, &rules)?);
        }
    }
    let (forecast, whole) = forecast(now, &rules, store.as_ref(), &senders, &works)?;
    say(arguments, &ask, &rows, &forecast, whole)
}

/// Plans the first of the campaigns beside the others.
fn forecast(
    now: Timestamp,
    rules: &Rules,
    store: Option<&Store>,
    senders: &[String],
    works: &[Work],
) -> Result<(Forecast, bool), Problem> {
    let names = store.map_or_else(|| Ok(Vec::new()), Store::portfolios)?;
    let ledger = store.map_or_else(|| Ok(Vec::new()), Store::ledger)?;
    let limits: Vec<_> = rules.limits().collect();
    let ends: Vec<Vec<(Timestamp, u32)>> = limits
        .iter()
        .map(|(name, _)| {
            let own = names.iter().position(|known| known == name);
            let own = ledger.iter().filter(|entry| Some(usize::from(entry.portfolio.0)) == own);
            own.map(|entry| (entry.until.min(now + MESSAGING_LIMIT_WINDOW), 1)).collect()
        })
        .collect();
    let portfolios = limits.iter().zip(&ends).map(|((_, limit), ends)| plan::Portfolio { limit: *limit, ends });
    let senders = senders.iter().map(|id| {
        let name = rules.portfolio_of(id);
        let portfolio = limits.iter().position(|(known, _)| *known == name).unwrap_or_default() as u16;
        plan::Sender { throughput: rules.throughput_of(id), portfolio }
    });
    let campaigns = works.iter().map(|work| plan::Campaign {
        senders: std::slice::from_ref(&work.sender),
        start: work.start,
        priority: work.priority,
        quiet: work.quiet,
        contacts: &work.contacts,
    });
    let (portfolios, senders): (Vec<_>, Vec<_>) = (portfolios.collect(), senders.collect());
    let campaigns: Vec<_> = campaigns.collect();
    let plan = Plan::of(&plan::Ask { now, portfolios: &portfolios, senders: &senders, campaigns: &campaigns });
    Ok((plan.campaigns[0], plan.is_whole))
}

/// What is left to send of a campaign that is in the store.
fn rest_of(store: &Store, campaign: &Campaign, rules: &Rules) -> Result<Work, Problem> {
    let mut by_zone = BTreeMap::<Offsets, u32>::new();
    for state in [State::Queued, State::Retrying] {
        if campaign.quiet.is_none() {
            *by_zone.entry((0, 0)).or_default() += store.counts(campaign)?.of(state);
            continue;
        }
        let mut after = None;
        loop {
            let page = store.messages(campaign, after, PAGE, Which { state: Some(state), ..Which::default() })?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for message in &page {
                *by_zone.entry(rules.zones.offsets(rules.zones.of(message.phone))).or_default() += 1;
            }
        }
    }
    let Campaign { sender, start, priority, quiet, .. } = campaign;
    let contacts = by_zone.into_iter().collect();
    Ok(Work { sender: sender.0, start: *start, priority: *priority, quiet: *quiet, contacts })
}

fn read(ask: &Ask, rules: &Rules, store: Option<&Store>) -> Result<Rows, Problem> {
    let Given::File(path) = &ask.contacts else { return Ok(Rows::default()) };
    let digest = Digest::of_file(path).map_err(Problem::usage)?;
    let mut list = List::open(path, rules.default_region, digest).map_err(Problem::usage)?;
    let mut rows = Rows::default();
    let mut phones = Vec::new();
    while let Some(line) = list.next_line().map_err(Problem::usage)? {
        match line {
            Line::Contact { phone, .. } => phones.push(phone),
            Line::Bad { .. } => rows.bad += 1,
        }
    }
    let all = phones.len();
    phones.sort_unstable();
    phones.dedup();
    rows.contacts = u32::try_from(phones.len()).unwrap_or(u32::MAX);
    rows.duplicates = u32::try_from(all - phones.len()).unwrap_or(u32::MAX);
    let suppressed = store.map_or_else(|| Ok(Vec::new()), suppressed)?;
    for phone in phones {
        if suppressed.binary_search(&phone).is_ok() {
            rows.suppressed += 1;
            continue;
        }
        let offsets = ask.quiet.map_or((0, 0), |_| rules.zones.offsets(rules.zones.of(phone)));
        *rows.by_zone.entry(offsets).or_default() += 1;
    }
    Ok(rows)
}

/// Who wants nothing more, in order.
fn suppressed(store: &Store) -> Result<Vec<u64>, Problem> {
    let (mut phones, mut after) = (Vec::new(), 0);
    loop {
        let page = store.suppressions(after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.contact.0;
        phones.extend(page.iter().map(|suppression| suppression.phone));
    }
    phones.sort_unstable();
    Ok(phones)
}

fn say(arguments: &Arguments, ask: &Ask, rows: &Rows, forecast: &Forecast, whole: bool) -> Result<ExitCode, Problem> {
    let Rows { contacts, duplicates, bad, suppressed, .. } = *rows;
    let Forecast { first, last, fits, does_not_fit, binds, .. } = *forecast;
    let (first, last) = (first.map(time_name), last.map(time_name));
    match arguments.format {
        Format::Json => {
            let (campaign, binds) = (ask.name.as_str(), name_of(binds).0);
            let outcome = Outcome {
                campaign,
                contacts,
                duplicates,
                bad,
                suppressed,
                first,
                last,
                fits,
                does_not_fit,
                binds,
                whole,
            };
            screen::line(&serde_json::to_string(&outcome).map_err(Problem::broken)?);
        }
        Format::Text => {
            let never = || "never".to_owned();
            screen::line(&format!(
                "campaign {}: {contacts} contacts ({duplicates} duplicates, {bad} bad lines, {suppressed} suppressed)",
                ask.name
            ));
            screen::line(&format!("  first message  {}", first.unwrap_or_else(never)));
            screen::line(&format!("  last message   {}", last.unwrap_or_else(never)));
            screen::line(&format!("  {fits} fit into 72 h, {does_not_fit} do not"));
            screen::line(&format!("  it waits most for {}", name_of(binds).1));
            if !whole {
                screen::line("  too much happens to plan all of it: what lies behind counts as not fitting");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// For programs and for people.
fn name_of(binds: Binds) -> (&'static str, &'static str) {
    match binds {
        Binds::Throughput => ("throughput", "the throughput of its number"),
        Binds::MessagingLimit => ("messaging_limit", "room in the messaging limit"),
        Binds::QuietHours => ("quiet_hours", "the end of the quiet hours"),
    }
}
