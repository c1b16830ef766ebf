//! Reads the sections of a scenario file in the order in which they need each other.

use super::diagnostic::{Diagnostic, Source};
use super::reader::{Section, Value, form};
use super::{
    Act, Engine, FAULTS_MOST, GROUPS_MOST, Group, Level, OnUnknown, Operator, QuietHours, SENDERS_MOST, Scenario,
    Sender, campaigns, expect, faults,
};
use campaign_engine::config::Rules;
use mock_whatsapp_model::spec::{MessagingLimit, Timing};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

pub(crate) const TOP: [&str; 13] = [
    "name",
    "story",
    "seed",
    "levels",
    "magic_numbers",
    "engine",
    "sender",
    "campaign",
    "contacts",
    "handset",
    "fault",
    "operator",
    "expect",
];
pub(crate) const SENDER: [&str; 4] = ["name", "portfolio", "throughput", "messaging_limit"];
pub(crate) const OPERATOR: [&str; 4] = ["at", "do", "campaign", "sender"];
pub(crate) const CONTACTS: [&str; 3] = ["share", "kind", "for"];

/// The whole file.
pub(super) fn scenario(text: &str, file: &str, base: &Path) -> Result<Scenario, Diagnostic> {
    let source = Source { file: file.to_owned(), text: text.to_owned() };
    let tree = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        source.wrong(span, format!("this is not TOML: {}", error.message()), remedy(error.message()))
    })?;
    let top = Section::open(&source, "the file", tree.get_ref(), tree.span(), &TOP)?;
    let scenario_name = identifier(&top, "name", "scenario")?.ok_or_else(|| {
        source.wrong(0..0, "the scenario has no name", "write `name = \"black-friday\"` in the first line")
    })?;
    let senders = senders(&top)?;
    let engine = engine(&top)?;
    let mut campaigns = campaigns::read(&top, &senders, base)?;
    for campaign in &mut campaigns {
        campaign.quiet_hours = campaign.quiet_hours.or(engine.quiet_hours);
    }
    let sender_names: Vec<String> = senders.iter().map(|sender| sender.name.clone()).collect();
    let campaign_names: Vec<String> = campaigns.iter().map(|campaign| campaign.name.clone()).collect();
    let mut templates: Vec<String> = campaigns.iter().map(|campaign| campaign.template.clone()).collect();
    templates.sort();
    templates.dedup();
    let fault = |section: &Section<'_>| faults::fault(section, &sender_names, &templates);
    Ok(Scenario {
        file: file.to_owned(),
        name: scenario_name,
        story: top.text("story", "a sentence in quotes")?.unwrap_or_default().trim().to_owned(),
        seed: top.whole("seed", 0..=u64::MAX)?.unwrap_or(1),
        levels: levels(&top)?,
        magic_numbers: top.boolean("magic_numbers")?.unwrap_or(false),
        engine,
        groups: groups(&top)?,
        timing: timing(&top)?,
        faults: each(&top, "fault", FAULTS_MOST, None, fault)?,
        operators: operators(&top, &campaign_names, &sender_names)?,
        expectations: expect::read(&top, &campaigns)?,
        senders,
        campaigns,
    })
}

/// What to do about text that is not TOML.
fn remedy(message: &str) -> &'static str {
    // A word without quotes is taken for a number or a boolean by its first letter.
    if ["quoted", "string", "invalid float", "invalid boolean"].iter().any(|word| message.contains(word)) {
        "put text and lengths of time into quotes, as in `from = \"10m\"`"
    } else if message.contains("duplicate") {
        "name each key once; a further fault or campaign is a section of its own, [[fault]]"
    } else {
        "write `key = value`, `[section]` or `[[list of sections]]`, one a line"
    }
}

/// Every `[[key]]`, read by `read`; at most `most`.
pub(super) fn each<'s, T>(
    top: &Section<'s>,
    key: &str,
    most: usize,
    known: Option<&[&str]>,
    mut read: impl FnMut(&Section<'s>) -> Result<T, Diagnostic>,
) -> Result<Vec<T>, Diagnostic> {
    let tables = top.tables(key)?;
    if let Some((_, span)) = tables.get(most) {
        let what = format!("there are {} [[{key}]] sections", tables.len());
        return Err(top.source.wrong(span.clone(), what, format!("write at most {most}")));
    }
    let open = |(table, span): (&'s DeTable<'s>, Range<usize>)| match known {
        Some(known) => Section::open(top.source, format!("[[{key}]]"), table, span, known),
        None => Ok(Section::open_any(top.source, format!("[[{key}]]"), table, span)),
    };
    tables.into_iter().map(|found| read(&open(found)?)).collect()
}

/// A name, which reports, files and other sections use.
pub(super) fn identifier(section: &Section<'_>, key: &str, noun: &str) -> Result<Option<String>, Diagnostic> {
    let Some(text) = section.text(key, "a name in quotes")? else { return Ok(None) };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || text.len() > 64 || !text.bytes().all(fits) {
        let what = format!("\"{text}\" cannot be the name of a {noun}");
        return Err(section.wrong(key, what, "write 1 to 64 letters, digits, `-`, `_` or `.`"));
    }
    Ok(Some(text.to_owned()))
}

pub(super) fn unique(section: &Section<'_>, noun: &str, name: &str, taken: &[String]) -> Result<(), Diagnostic> {
    if taken.iter().any(|other| other == name) {
        let what = format!("there are two {noun}s named `{name}`");
        return Err(section.wrong("name", what, format!("give each {noun} a name of its own")));
    }
    Ok(())
}

fn levels(top: &Section<'_>) -> Result<Vec<Level>, Diagnostic> {
    const WANTED: &str = "a list: levels = [\"model\", \"live\"]";
    let Some(values) = top.list("levels", WANTED)? else { return Ok(vec![Level::Model]) };
    let mut levels = Vec::new();
    for value in &values {
        let level = element(top, value, "level", &Level::ALL)?;
        if levels.contains(&level) {
            return Err(top.source.wrong(
                value.span(),
                format!("level `{level}` stands here twice"),
                "name each level once",
            ));
        }
        levels.push(level);
    }
    if levels.is_empty() {
        return Err(top.wrong(
            "levels",
            "a scenario runs at one level at least",
            format!("write {WANTED}, or leave the key out"),
        ));
    }
    Ok(levels)
}

/// An element of a list that is one of some words.
pub(super) fn element<T: Copy>(
    top: &Section<'_>,
    value: &Value<'_>,
    noun: &str,
    all: &[(&str, T)],
) -> Result<T, Diagnostic> {
    let names = || all.iter().map(|(name, _)| *name);
    let DeValue::String(text) = value.get_ref() else {
        let what = format!("this {noun} is {}", form(value.get_ref()));
        return Err(top.source.wrong(
            value.span(),
            what,
            format!("write one of \"{}\"", names().collect::<Vec<_>>().join("\", \"")),
        ));
    };
    all.iter().find(|(name, _)| *name == text.as_ref()).map(|(_, found)| *found).ok_or_else(|| {
        let help = super::diagnostic::suggestion(text, &format!("the {}", super::diagnostic::plural(noun)), names());
        top.source.wrong(value.span(), format!("there is no {noun} `{text}`"), help)
    })
}

fn engine(top: &Section<'_>) -> Result<Engine, Diagnostic> {
    let Some((table, span)) = top.table("engine")? else { return Ok(Engine::default()) };
    let section = Section::open_any(top.source, "[engine]", table, span.clone());
    let all = [("resend", OnUnknown::Resend), ("never", OnUnknown::Never)];
    let on_unknown = section.one_of("on_unknown", "rule", &all)?.unwrap_or_default();
    for key in ["throughput", "messaging_limit", "sender", "portfolio"] {
        if table.contains_key(key) {
            let what = format!("the engine is configured with what WhatsApp allows, and `{key}` says that twice");
            return Err(section.wrong(key, what, "write it in [[sender]]"));
        }
    }
    let whole = ValueDeserializer::from(Spanned::new(span.clone(), DeValue::Table(table.clone())));
    let settings: toml::Table = serde::Deserialize::deserialize(whole).map_err(|error: toml::de::Error| {
        top.source.wrong(error.span().unwrap_or(span.clone()), error.message(), "write a value that TOML knows")
    })?;
    let rules = Rules::of_table(settings.clone()).map_err(|error| {
        let help =
            "write settings of the engine's configuration file, such as on_unknown, quiet_hours, zones, opt_out_words";
        // The key that is wrong even alone; or the whole, if none is.
        let is_wrong = |key: &&String| {
            let alone = settings.get(*key).map(|value| ((*key).clone(), value.clone()));
            Rules::of_table(alone.into_iter().collect()).is_err()
        };
        match settings.keys().find(is_wrong) {
            Some(key) => section.wrong(key, error.to_string().trim(), help),
            None => top.source.wrong(span.clone(), error.to_string().trim(), help),
        }
    })?;
    let quiet_hours = rules.quiet_hours.map(|quiet| QuietHours { from: quiet.from, until: quiet.until });
    if quiet_hours.is_some_and(|hours| hours.length() > QuietHours::LONGEST) {
        return Err(section.wrong("quiet_hours", "more than sixteen quiet hours a day", "leave eight hours"));
    }
    let stop_is_an_opt_out = rules.is_opt_out("STOP");
    let offsets = offsets(&settings);
    Ok(Engine { on_unknown, quiet_hours, zones: rules.zones, offsets, stop_is_an_opt_out, settings })
}

/// What the setting `zones`, which the engine has accepted, says in minutes.
fn offsets(settings: &toml::Table) -> Vec<(String, i32, i32)> {
    let minutes = |value: Option<&toml::Value>| {
        let (sign, clock) = value?.as_str()?.split_at_checked(1)?;
        let (hours, minutes) = clock.split_once(':')?;
        let minutes = hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?;
        Some(if sign == "-" { -minutes } else { minutes })
    };
    let zones = settings.get("zones").and_then(toml::Value::as_table).into_iter().flatten();
    zones.filter_map(|(prefix, range)| Some((prefix.clone(), minutes(range.get(0))?, minutes(range.get(1))?))).collect()
}

fn senders(top: &Section<'_>) -> Result<Vec<Sender>, Diagnostic> {
    let mut names = Vec::new();
    let mut limits: Vec<(String, MessagingLimit)> = Vec::new();
    let mut senders = each(top, "sender", SENDERS_MOST, Some(&SENDER), |section| {
        let name =
            identifier(section, "name", "sender")?.ok_or_else(|| section.missing("name", "`name = \"main\"`"))?;
        unique(section, "sender", &name, &names)?;
        names.push(name.clone());
        let portfolio = identifier(section, "portfolio", "portfolio")?.unwrap_or_else(|| "default".to_owned());
        let throughput =
            section.whole("throughput", 1..=100_000)?.unwrap_or(u64::from(cloud_api::limits::DEFAULT_THROUGHPUT));
        if let Some(limit) = faults::messaging_limit(section)? {
            if limit == MessagingLimit::Contacts(0) {
                let help = "write a number of contacts from 1 on, or \"unlimited\"";
                return Err(section.wrong("messaging_limit", "with a messaging limit of 0 nothing is ever sent", help));
            }
            if limits.iter().any(|(other, known)| *other == portfolio && *known != limit) {
                let what = format!("the portfolio `{portfolio}` has another messaging limit already");
                let help = "a messaging limit is the portfolio's: write the same for all its senders, or only once";
                return Err(section.wrong("messaging_limit", what, help));
            }
            limits.push((portfolio.clone(), limit));
        }
        Ok(Sender { name, portfolio, throughput: throughput as u32, messaging_limit: MessagingLimit::Unlimited })
    })?;
    if senders.is_empty() {
        let throughput = cloud_api::limits::DEFAULT_THROUGHPUT;
        senders.push(Sender {
            name: "main".into(),
            portfolio: "default".into(),
            throughput,
            messaging_limit: MessagingLimit::Unlimited,
        });
    }
    for sender in &mut senders {
        let limit = limits.iter().find(|(portfolio, _)| *portfolio == sender.portfolio);
        sender.messaging_limit = limit.map_or(MessagingLimit::Unlimited, |(_, limit)| *limit);
    }
    Ok(senders)
}

fn groups(top: &Section<'_>) -> Result<Vec<Group>, Diagnostic> {
    let mut sum = 0u32;
    each(top, "contacts", GROUPS_MOST, Some(&CONTACTS), |section| {
        let group = faults::group(section)?;
        sum += group.share;
        if sum > 1_000_000 {
            let what = format!("the shares of all [[contacts]] add up to {}", f64::from(sum) / 1e6);
            return Err(section.wrong("share", what, "write shares that add up to 1 at most: kinds are disjoint"));
        }
        Ok(group)
    })
}

fn timing(top: &Section<'_>) -> Result<Timing, Diagnostic> {
    match top.table("handset")? {
        None => Ok(Timing::default()),
        Some((table, span)) => faults::timing(&Section::open(top.source, "[handset]", table, span, &faults::TIMING)?),
    }
}

fn operators(top: &Section<'_>, campaigns: &[String], senders: &[String]) -> Result<Vec<Operator>, Diagnostic> {
    let mut all = each(top, "operator", FAULTS_MOST, Some(&OPERATOR), |section| {
        let at = section.span("at", "\"2h\"")?.ok_or_else(|| section.missing("at", "`at = \"2h\"`"))?;
        let acts: [(&str, &str); 4] =
            [("pause", "campaign"), ("resume", "campaign"), ("cancel", "campaign"), ("resume_sender", "sender")];
        let named = acts.map(|act| (act.0, act));
        let Some((act, about)) = section.one_of("do", "act", &named)? else {
            return Err(section.missing("do", "`do = \"pause\"`, or resume, cancel, resume_sender"));
        };
        let (names, other) = if about == "campaign" { (campaigns, "sender") } else { (senders, "campaign") };
        if section.has(other) {
            return Err(section.wrong_key(
                other,
                format!("`{act}` is done to a {about}, not to a {other}"),
                format!("write `{about} = …`"),
            ));
        }
        let place = match (section.name_in(about, about, names)?, names) {
            (Some(place), _) => place,
            (None, [_]) => 0,
            (None, _) => return Err(section.missing(about, &format!("which {about}: {}", names.join(", ")))),
        };
        let act = match act {
            "pause" => Act::Pause(place),
            "resume" => Act::Resume(place),
            "cancel" => Act::Cancel(place),
            _ => Act::ResumeSender(place),
        };
        Ok(Operator { at, act })
    })?;
    all.sort_by_key(|operator| operator.at);
    Ok(all)
}
