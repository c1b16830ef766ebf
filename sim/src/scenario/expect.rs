//! `[expect]`: what must hold at the end of a run.
//!
//! Reading it is here, judging it is in `outcome`.

use super::Campaign;
use super::count::Count;
use super::diagnostic::{Diagnostic, suggestion};
use super::reader::{Section, form};
use cloud_api::time::Span;
use engine_core::campaign::State as CampaignState;
use engine_core::message::State as MessageState;
use toml::Spanned;
use toml::de::DeValue;

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The name of its check: `expect.messages.Read`, `expect.sale.messages.Read`.
    pub name: String,
    /// The campaign's place; `None` for all of them.
    pub campaign: Option<usize>,
    /// What is wanted.
    pub wanted: Wanted,
}

/// What can be expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// The campaign's final state.
    Campaign(CampaignState),
    /// From its start to the last change of a state of a message in progress.
    FinishedWithin(Span),
    /// Messages that a handset got more than once.
    Duplicates(Count),
    /// Messages that ended in a state.
    Messages(MessageState, Count),
    /// A percentile of a latency, at most.
    Latency(Stretch, Percentile, Span),
    /// Campaign messages a second, at least.
    ThroughputMin(f64),
    /// The most memory that the engine's process ever held, in bytes, at most.
    EngineMemoryMax(u64),
    /// From sending a webhook to its 200, a percentile, at most.
    WebhookLag(Percentile, Span),
}

/// From when a message was due until …
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// WhatsApp accepted it.
    Accepted,
    /// It was delivered.
    Delivered,
}

/// Of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Percentile {
    /// The median.
    P50,
    /// Nine of ten.
    P90,
    /// 99 of 100.
    P99,
    /// 999 of 1,000.
    P999,
    /// All.
    Max,
}

impl Percentile {
    /// Every percentile, as files write it.
    pub const ALL: [(&'static str, Self); 5] =
        [("p50", Self::P50), ("p90", Self::P90), ("p99", Self::P99), ("p999", Self::P999), ("max", Self::Max)];
}

const CAMPAIGN_STATES: [(&str, CampaignState); 4] = [
    ("Queued", CampaignState::Queued),
    ("Sending", CampaignState::Sending),
    ("Completed", CampaignState::Completed),
    ("Failed", CampaignState::Failed),
];
/// What can be expected of one campaign and of all together.
pub(crate) const OF_CAMPAIGNS: [&str; 4] = ["campaign", "finished_within", "duplicates", "messages"];
/// What is measured over the whole run.
pub(crate) const OF_RUN: [&str; 4] = ["latency", "throughput_min", "memory", "webhook_lag"];
const A_COUNT: &str = "a count (20_000), a range (\"19_000..21_000\") or shares of the campaign (\"60%..80%\")";

/// Whether a campaign of this name could not be told from a key of `[expect]`.
pub(crate) fn is_key(name: &str) -> bool {
    OF_CAMPAIGNS.contains(&name) || OF_RUN.contains(&name)
}

/// Reads `[expect]` and every `[expect.NAME]` below it.
pub(crate) fn read(top: &Section<'_>, campaigns: &[Campaign]) -> Result<Vec<Expectation>, Diagnostic> {
    let Some((table, span)) = top.table("expect")? else { return Ok(Vec::new()) };
    let names: Vec<&str> = campaigns.iter().map(|campaign| campaign.name.as_str()).collect();
    let known: Vec<&str> = OF_CAMPAIGNS.into_iter().chain(OF_RUN).chain(names.iter().copied()).collect();
    let section = Section::open(top.source, "[expect]", table, span, &known)?;
    let mut all = Vec::new();
    for (key, _) in section.keys() {
        match campaigns.iter().position(|campaign| campaign.name == key) {
            None => one(&section, key, None, "expect", campaigns, &mut all)?,
            Some(place) => {
                let Some((table, span)) = section.table(key)? else { continue };
                let path = format!("expect.{key}");
                let name = format!("[{path}]");
                if let Some(shared) = OF_RUN.iter().find(|shared| table.contains_key(**shared)) {
                    let section = Section::open_any(top.source, name, table, span);
                    let what = format!("`{shared}` is measured over the whole run, not of one campaign");
                    return Err(section.wrong_key(shared, what, format!("move `{shared}` into [expect]")));
                }
                let section = Section::open(top.source, name, table, span, &OF_CAMPAIGNS)?;
                for (key, _) in section.keys() {
                    one(&section, key, Some(place), &path, campaigns, &mut all)?;
                }
            }
        }
    }
    Ok(all)
}

fn one(
    section: &Section<'_>,
    key: &str,
    campaign: Option<usize>,
    path: &str,
    campaigns: &[Campaign],
    all: &mut Vec<Expectation>,
) -> Result<(), Diagnostic> {
    let mut add =
        |name: String, wanted: Wanted| all.push(Expectation { name: format!("{path}.{name}"), campaign, wanted });
    match key {
        "campaign" => {
            if let Some(state) = section.one_of(key, "state of campaigns", &CAMPAIGN_STATES)? {
                add(key.to_owned(), Wanted::Campaign(state));
            }
        }
        "finished_within" => {
            if let Some(span) = section.span(key, "\"72h\"")? {
                add(key.to_owned(), Wanted::FinishedWithin(span));
            }
        }
        "duplicates" => add(key.to_owned(), Wanted::Duplicates(count(section, key)?)),
        "messages" => {
            let size = match campaign {
                Some(place) => u64::from(campaigns[place].people.size()),
                None => campaigns.iter().map(|campaign| u64::from(campaign.people.size())).sum(),
            };
            let states = MessageState::ALL.map(|state| (state.name(), state));
            let messages = below(section, key, path, &states.map(|(name, _)| name))?;
            for (name, state) in states.iter().filter(|(name, _)| messages.has(name)) {
                let count = count(&messages, name)?;
                if let Some(number) = count.largest_number().filter(|number| *number > size) {
                    let what = format!("{number} messages are expected to end as {name}, and there are only {size}");
                    return Err(messages.wrong(name, what, format!("write at most {size}")));
                }
                add(format!("messages.{name}"), Wanted::Messages(*state, count));
            }
        }
        "latency" => {
            let latency = below(section, key, path, &["accepted", "delivered"])?;
            for (name, stretch) in [("accepted", Stretch::Accepted), ("delivered", Stretch::Delivered)] {
                for (percentile, at, span) in percentiles(&latency, name, &format!("{path}.{key}"))? {
                    add(format!("latency.{name}.{at}"), Wanted::Latency(stretch, percentile, span));
                }
            }
        }
        "throughput_min" => {
            let rate = section.whole(key, 1..=10_000_000)?.unwrap_or(1);
            add(key.to_owned(), Wanted::ThroughputMin(rate as f64));
        }
        "memory" => {
            let memory = below(section, key, path, &["engine_max"])?;
            if memory.has("engine_max") {
                add("memory.engine_max".to_owned(), Wanted::EngineMemoryMax(bytes(&memory, "engine_max")?));
            }
        }
        _ => {
            for (percentile, at, span) in percentiles(section, key, path)? {
                add(format!("{key}.{at}"), Wanted::WebhookLag(percentile, span));
            }
        }
    }
    Ok(())
}

/// The table under a key, written as `[expect.key]` or with dots.
fn below<'s>(section: &Section<'s>, key: &str, path: &str, known: &[&str]) -> Result<Section<'s>, Diagnostic> {
    match section.table(key) {
        Ok(Some((table, span))) => Section::open(section.source, format!("{path}.{key}"), table, span, known),
        Ok(None) | Err(_) => Err(section.wrong(
            key,
            format!("`{key}` is no expectation by itself"),
            suggestion("", &format!("write `{key}.…` with one of"), known.iter().copied()),
        )),
    }
}

fn percentiles(
    section: &Section<'_>,
    key: &str,
    path: &str,
) -> Result<Vec<(Percentile, &'static str, Span)>, Diagnostic> {
    if !section.has(key) {
        return Ok(Vec::new());
    }
    let measured = below(section, key, path, &Percentile::ALL.map(|(name, _)| name))?;
    let mut all = Vec::new();
    for (name, percentile) in Percentile::ALL {
        if let Some(span) = measured.span(name, "\"250ms\"")? {
            all.push((percentile, name, span));
        }
    }
    Ok(all)
}

fn count(section: &Section<'_>, key: &str) -> Result<Count, Diagnostic> {
    match section.get(key).map(Spanned::get_ref) {
        Some(DeValue::Integer(_)) => Ok(Count::exactly(section.whole(key, 0..=u64::from(u32::MAX))?.unwrap_or(0))),
        Some(DeValue::String(text)) => text.parse().map_err(|why: super::count::NotACount| {
            section.wrong(key, format!("\"{text}\" is no count: {}", why.0), format!("write {A_COUNT}"))
        }),
        Some(other) => Err(section.wrong(key, format!("`{key}` is {}", form(other)), format!("write {A_COUNT}"))),
        None => Err(section.missing(key, A_COUNT)),
    }
}

/// `536_870_912` or "512MiB".
fn bytes(section: &Section<'_>, key: &str) -> Result<u64, Diagnostic> {
    const WANTED: &str = "a number of bytes, or a size in quotes: \"512MB\", \"1GiB\"";
    if let Some(DeValue::Integer(_)) = section.get(key).map(Spanned::get_ref) {
        return Ok(section.whole(key, 1..=1 << 50)?.unwrap_or(1));
    }
    let text = section.text(key, WANTED)?.unwrap_or("");
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let unit = match text[split..].trim() {
        "B" | "" => Some(1),
        "kB" | "KB" => Some(1_000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let number: Option<u64> = text[..split].trim().replace('_', "").parse().ok();
    match (number, unit) {
        (Some(number), Some(unit)) if number > 0 => Ok(number.saturating_mul(unit)),
        _ => Err(section.wrong(key, format!("\"{text}\" is not a size"), format!("write {WANTED}"))),
    }
}
