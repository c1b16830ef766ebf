//! Reads the sections of a scenario file in the order in which they need each other.

use super::diagnostic::{Diagnostic, Source};
use super::reader::{Section, Value, form, grouped};
use super::{
    Act, CAMPAIGNS_MOST, CONTACTS_MOST, Campaign, Category, Engine, FAULTS_MOST, GROUPS_MOST, Level, OnUnknown, Operator,
    Overlap, People, QuietHours, SENDERS_MOST, Scenario, Sender, TIME_MOST, expect, faults,
};
use crate::contacts::ContactList;
use cloud_api::time::Span;
use mock_whatsapp_model::spec::{MessagingLimit, Timing};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

const TOP: [&str; 13] = [
    "name", "story", "seed", "levels", "magic_numbers", "engine", "sender", "campaign", "contacts", "handset", "fault",
    "operator", "expect",
];
const SENDER: [&str; 4] = ["name", "portfolio", "throughput", "messaging_limit"];
const CAMPAIGN: [&str; 12] = [
    "name", "sender", "senders", "contacts", "contacts_file", "template", "category", "start", "priority", "quiet_hours",
    "overlap", "language",
];
const OPERATOR: [&str; 4] = ["at", "do", "campaign", "sender"];

/// The whole file.
pub(super) fn scenario(text: &str, file: &str, base: &Path) -> Result<Scenario, Diagnostic> {
    let source = Source { file: file.to_owned(), text: text.to_owned() };
    let tree = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        source.wrong(span, format!("this is not TOML: {}", error.message()), remedy(error.message()))
    })?;
    let top = Section::open(&source, "the file", tree.get_ref(), tree.span(), &TOP)?;
    let scenario_name = name(&top, "name", "scenario")?.ok_or_else(|| {
        source.wrong(0..0, "the scenario has no name", "write `name = \"black-friday\"` in the first line")
    })?;
    let senders = senders(&top)?;
    let campaigns = campaigns(&top, &senders, base)?;
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
        engine: engine(&top)?,
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
    if message.contains("quoted") || message.contains("string") {
        "put text and lengths of time into quotes, as in `from = \"10m\"`"
    } else if message.contains("duplicate") {
        "name each key once; a further fault or campaign is a section of its own, [[fault]]"
    } else {
        "write `key = value`, `[section]` or `[[list of sections]]`, one a line"
    }
}

/// Every `[[key]]`, read by `read`; at most `most`.
fn each<'s, T>(
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
fn name(section: &Section<'_>, key: &str, noun: &str) -> Result<Option<String>, Diagnostic> {
    let Some(text) = section.text(key, "a name in quotes")? else { return Ok(None) };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if text.is_empty() || text.len() > 64 || !text.bytes().all(fits) {
        let what = format!("\"{text}\" cannot be the name of a {noun}");
        return Err(section.wrong(key, what, "write 1 to 64 letters, digits, `-`, `_` or `.`"));
    }
    Ok(Some(text.to_owned()))
}

fn unique(section: &Section<'_>, noun: &str, name: &str, taken: &[String]) -> Result<(), Diagnostic> {
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
            return Err(top.source.wrong(value.span(), format!("level `{level}` stands here twice"), "name each level once"));
        }
        levels.push(level);
    }
    if levels.is_empty() {
        return Err(top.wrong("levels", "a scenario runs at one level at least", format!("write {WANTED}, or leave the key out")));
    }
    Ok(levels)
}

/// An element of a list that is one of some words.
fn element<T: Copy>(top: &Section<'_>, value: &Value<'_>, noun: &str, all: &[(&str, T)]) -> Result<T, Diagnostic> {
    let names = || all.iter().map(|(name, _)| *name);
    let DeValue::String(text) = value.get_ref() else {
        let what = format!("this {noun} is {}", form(value.get_ref()));
        return Err(top.source.wrong(value.span(), what, format!("write one of \"{}\"", names().collect::<Vec<_>>().join("\", \""))));
    };
    all.iter().find(|(name, _)| *name == text.as_ref()).map(|(_, found)| *found).ok_or_else(|| {
        let help = super::diagnostic::suggestion(text, &format!("the {noun}s"), names());
        top.source.wrong(value.span(), format!("there is no {noun} `{text}`"), help)
    })
}

fn engine(top: &Section<'_>) -> Result<Engine, Diagnostic> {
    let Some((table, span)) = top.table("engine")? else { return Ok(Engine::default()) };
    let section = Section::open_any(top.source, "[engine]", table, span.clone());
    let all = [("resend", OnUnknown::Resend), ("never", OnUnknown::Never)];
    let on_unknown = section.one_of("on_unknown", "rule", &all)?.unwrap_or_default();
    let whole = ValueDeserializer::from(Spanned::new(span.clone(), DeValue::Table(table.clone())));
    let settings = serde::Deserialize::deserialize(whole).map_err(|error: toml::de::Error| {
        top.source.wrong(error.span().unwrap_or(span), error.message(), "write a value that TOML knows")
    })?;
    Ok(Engine { on_unknown, settings })
}

fn senders(top: &Section<'_>) -> Result<Vec<Sender>, Diagnostic> {
    let mut names = Vec::new();
    let mut limits: Vec<(String, MessagingLimit)> = Vec::new();
    let mut senders = each(top, "sender", SENDERS_MOST, Some(&SENDER), |section| {
        let name = self::name(section, "name", "sender")?.ok_or_else(|| section.missing("name", "`name = \"main\"`"))?;
        unique(section, "sender", &name, &names)?;
        names.push(name.clone());
        let portfolio = self::name(section, "portfolio", "portfolio")?.unwrap_or_else(|| "default".to_owned());
        let throughput = section.whole("throughput", 1..=100_000)?.unwrap_or(u64::from(cloud_api::limits::DEFAULT_THROUGHPUT));
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
        senders.push(Sender { name: "main".into(), portfolio: "default".into(), throughput, messaging_limit: MessagingLimit::Unlimited });
    }
    for sender in &mut senders {
        let limit = limits.iter().find(|(portfolio, _)| *portfolio == sender.portfolio);
        sender.messaging_limit = limit.map_or(MessagingLimit::Unlimited, |(_, limit)| *limit);
    }
    Ok(senders)
}

fn campaigns(top: &Section<'_>, senders: &[Sender], base: &Path) -> Result<Vec<Campaign>, Diagnostic> {
    let sender_names: Vec<String> = senders.iter().map(|sender| sender.name.clone()).collect();
    let mut all: Vec<Campaign> = Vec::new();
    let mut total = 0u64;
    each(top, "campaign", CAMPAIGNS_MOST, Some(&CAMPAIGN), |section| {
        let name = self::name(section, "name", "campaign")?.ok_or_else(|| section.missing("name", "`name = \"sale\"`"))?;
        let names: Vec<String> = all.iter().map(|campaign| campaign.name.clone()).collect();
        unique(section, "campaign", &name, &names)?;
        if expect::is_key(&name) {
            let what = format!("[expect] could not tell the campaign `{name}` from its own key");
            return Err(section.wrong("name", what, "choose another name"));
        }
        let people = people(section, base)?;
        total += u64::from(people.size());
        if total > u64::from(CONTACTS_MOST) {
            let key = if section.has("contacts") { "contacts" } else { "contacts_file" };
            let what = format!("all campaigns together have {} contacts", grouped(total));
            return Err(section.wrong(key, what, format!("write at most {} in all", grouped(u64::from(CONTACTS_MOST)))));
        }
        all.push(Campaign {
            senders: campaign_senders(section, &sender_names)?,
            template: template(section, &name)?,
            language: section.text("language", "\"en_US\"")?.unwrap_or("en_US").to_owned(),
            category: section.one_of("category", "category", &Category::ALL)?.unwrap_or(Category::Marketing),
            start: moment(section, "start")?.unwrap_or(Span::ZERO),
            priority: section.whole("priority", 0..=255)?.unwrap_or(0) as u8,
            quiet_hours: quiet_hours(section)?,
            overlap: overlap(section, &people, &all)?,
            people,
            name,
        });
        Ok(())
    })?;
    if all.is_empty() {
        let help = "write a [[campaign]] with `name` and `contacts`";
        return Err(top.source.wrong(top.source.text.len()..top.source.text.len(), "the scenario has no campaign", help));
    }
    Ok(all)
}

fn people(section: &Section<'_>, base: &Path) -> Result<People, Diagnostic> {
    let count = section.whole("contacts", 1..=u64::from(CONTACTS_MOST))?;
    let file = section.text("contacts_file", "a path in quotes")?;
    match (count, file) {
        (Some(count), None) => Ok(People::Generated(count as u32)),
        (None, Some(file)) => {
            let path = base.join(file);
            let list = ContactList::read(&path).map_err(|error| {
                let help = format!("a path counts from the scenario file: {}", path.display());
                section.wrong("contacts_file", format!("the contacts cannot be read: {error}"), help)
            })?;
            if list.rows.is_empty() {
                let what = format!("{file} has no contact with a valid number ({} bad rows)", list.rejected.len());
                return Err(section.wrong("contacts_file", what, "a campaign needs at least one contact"));
            }
            Ok(People::Listed(Arc::new(list)))
        }
        (Some(_), Some(_)) => {
            Err(section.wrong_key("contacts_file", "a campaign has `contacts` or `contacts_file`, not both", "leave one of the two out"))
        }
        (None, None) => Err(section.missing("contacts", "`contacts = 1_000` (made from the seed) or `contacts_file = \"people.csv\"`")),
    }
}

fn campaign_senders(section: &Section<'_>, names: &[String]) -> Result<Vec<usize>, Diagnostic> {
    if section.has("sender") && section.has("senders") {
        return Err(section.wrong_key("senders", "a campaign has `sender` or `senders`, not both", "leave one of the two out"));
    }
    if let Some(sender) = section.name_in("sender", "sender", names)? {
        return Ok(vec![sender]);
    }
    let all: Vec<(&str, usize)> = names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
    let Some(values) = section.list("senders", "a list: senders = [\"a\", \"b\"]")? else {
        return match names {
            [_] => Ok(vec![0]),
            _ => Err(section.missing("sender", &format!("`sender = \"{}\"`; the senders: {}", names[0], names.join(", ")))),
        };
    };
    let mut senders = Vec::new();
    for value in &values {
        let sender = element(section, value, "sender", &all)?;
        if senders.contains(&sender) {
            return Err(section.source.wrong(value.span(), "this sender stands here twice", "name each sender once"));
        }
        senders.push(sender);
    }
    if senders.is_empty() {
        return Err(section.wrong("senders", "a campaign needs a sender", format!("write one of: {}", names.join(", "))));
    }
    Ok(senders)
}

/// The template: by default one of the campaign's own, named after it.
fn template(section: &Section<'_>, campaign: &str) -> Result<String, Diagnostic> {
    let Some(text) = section.text("template", "the name of a template in quotes")? else {
        return Ok(campaign.to_ascii_lowercase().replace(['-', '.'], "_"));
    };
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if text.is_empty() || text.len() > 512 || !text.bytes().all(fits) {
        let help = "WhatsApp's templates are named with small letters, digits and `_`";
        return Err(section.wrong("template", format!("\"{text}\" cannot be the name of a template"), help));
    }
    Ok(text.to_owned())
}

/// A time from the start of the run.
fn moment(section: &Section<'_>, key: &str) -> Result<Option<Span>, Diagnostic> {
    match section.span(key, "\"2h\"")? {
        Some(span) if span > TIME_MOST => {
            Err(section.wrong(key, format!("{span} is too late"), format!("write at most \"{TIME_MOST}\" from the start of the run")))
        }
        span => Ok(span),
    }
}

fn quiet_hours(section: &Section<'_>) -> Result<Option<QuietHours>, Diagnostic> {
    const WANTED: &str = "two times of day: \"21:00..08:00\" (UTC)";
    let Some(text) = section.text("quiet_hours", WANTED)? else { return Ok(None) };
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    match text.split_once("..").map(|(from, until)| (minute(from), minute(until))) {
        Some((Some(from), Some(until))) if from != until => Ok(Some(QuietHours { from, until })),
        _ => Err(section.wrong("quiet_hours", format!("\"{text}\" are no quiet hours"), format!("write {WANTED}"))),
    }
}

fn overlap(section: &Section<'_>, people: &People, before: &[Campaign]) -> Result<Option<Overlap>, Diagnostic> {
    let (share, with) = match section.get("overlap").map(|value| (value.get_ref(), value.span())) {
        None => return Ok(None),
        Some((DeValue::Table(table), span)) => {
            let inner = Section::open(section.source, "`overlap`", table, span, &["share", "with"])?;
            let share = inner.share("share")?.ok_or_else(|| inner.missing("share", "`share = 0.3`"))?;
            let names: Vec<String> = before.iter().map(|campaign| campaign.name.clone()).collect();
            (share, inner.name_in("with", "earlier campaign", &names)?.or(before.len().checked_sub(1)))
        }
        Some(_) => (section.share("overlap")?.unwrap_or(0), before.len().checked_sub(1)),
    };
    let Some(with) = with else {
        let help = "write `overlap` in a later campaign; it is the share of contacts common with an earlier one";
        return Err(section.wrong("overlap", "the first campaign can have no contacts in common with an earlier one", help));
    };
    let other = &before[with];
    let (People::Generated(size), People::Generated(other_size)) = (people, &other.people) else {
        let help = "leave `overlap` out: contacts of files are the same contact where the number is the same";
        return Err(section.wrong("overlap", "only contacts that are made from the seed can be made to overlap", help));
    };
    let own = u64::from(*other_size) * u64::from(1_000_000 - other.overlap.map_or(0, |overlap| overlap.share));
    if u64::from(*size) * u64::from(share) > own {
        let what = format!("the campaign `{}` has fewer contacts of its own than this overlap wants", other.name);
        return Err(section.wrong("overlap", what, format!("write a smaller share; of `{}` {} are its own", other.name, own / 1_000_000)));
    }
    Ok(Some(Overlap { share, with }))
}

fn groups(top: &Section<'_>) -> Result<Vec<super::Group>, Diagnostic> {
    let mut sum = 0u32;
    each(top, "contacts", GROUPS_MOST, Some(&["share", "kind", "for"]), |section| {
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
        let at = moment(section, "at")?.ok_or_else(|| section.missing("at", "`at = \"2h\"`"))?;
        let acts: [(&str, &str); 4] =
            [("pause", "campaign"), ("resume", "campaign"), ("cancel", "campaign"), ("resume_sender", "sender")];
        let named = acts.map(|act| (act.0, act));
        let Some((act, about)) = section.one_of("do", "act", &named)? else {
            return Err(section.missing("do", "`do = \"pause\"`, or resume, cancel, resume_sender"));
        };
        let (names, other) = if about == "campaign" { (campaigns, "sender") } else { (senders, "campaign") };
        if section.has(other) {
            return Err(section.wrong_key(other, format!("`{act}` is done to a {about}, not to a {other}"), format!("write `{about} = …`")));
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
