//! `[[campaign]]`: who is sent what, from where and when.

use super::count::grouped;
use super::diagnostic::Diagnostic;
use super::parse::{each, element, identifier, unique};
use super::reader::Section;
use super::{CAMPAIGNS_MOST, CONTACTS_MOST, Campaign, Category, Overlap, People, QuietHours, Sender, expect};
use crate::contacts::ContactList;
use campaign_engine::config::parse_quiet;
use cloud_api::time::Span;
use std::path::Path;
use std::sync::Arc;
use toml::de::DeValue;

pub(crate) const KEYS: [&str; 12] = [
    "name",
    "sender",
    "senders",
    "contacts",
    "contacts_file",
    "template",
    "category",
    "start",
    "priority",
    "quiet_hours",
    "overlap",
    "language",
];

/// Every campaign, in the order of the file.
pub(super) fn read(top: &Section<'_>, senders: &[Sender], base: &Path) -> Result<Vec<Campaign>, Diagnostic> {
    let sender_names: Vec<String> = senders.iter().map(|sender| sender.name.clone()).collect();
    let mut all: Vec<Campaign> = Vec::new();
    let mut total = 0u64;
    each(top, "campaign", CAMPAIGNS_MOST, Some(&KEYS), |section| {
        let name =
            identifier(section, "name", "campaign")?.ok_or_else(|| section.missing("name", "`name = \"sale\"`"))?;
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
            return Err(section.wrong(
                key,
                what,
                format!("write at most {} in all", grouped(u64::from(CONTACTS_MOST))),
            ));
        }
        all.push(Campaign {
            senders: campaign_senders(section, &sender_names)?,
            template: template(section, &name)?,
            language: section.text("language", "\"en_US\"")?.unwrap_or("en_US").to_owned(),
            category: section.one_of("category", "category", &Category::ALL)?.unwrap_or(Category::Marketing),
            start: section.span("start", "\"2h\"")?.unwrap_or(Span::ZERO),
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
        return Err(top.source.wrong(
            top.source.text.len()..top.source.text.len(),
            "the scenario has no campaign",
            help,
        ));
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
        (Some(_), Some(_)) => Err(section.wrong_key(
            "contacts_file",
            "a campaign has `contacts` or `contacts_file`, not both",
            "leave one of the two out",
        )),
        (None, None) => {
            Err(section
                .missing("contacts", "`contacts = 1_000` (made from the seed) or `contacts_file = \"people.csv\"`"))
        }
    }
}

fn campaign_senders(section: &Section<'_>, names: &[String]) -> Result<Vec<usize>, Diagnostic> {
    if section.has("sender") && section.has("senders") {
        return Err(section.wrong_key(
            "senders",
            "a campaign has `sender` or `senders`, not both",
            "leave one of the two out",
        ));
    }
    if let Some(sender) = section.name_in("sender", "sender", names)? {
        return Ok(vec![sender]);
    }
    let all: Vec<(&str, usize)> = names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
    let Some(values) = section.list("senders", "a list: senders = [\"a\", \"b\"]")? else {
        return match names {
            [_] => Ok(vec![0]),
            _ => {
                Err(section
                    .missing("sender", &format!("`sender = \"{}\"`; the senders: {}", names[0], names.join(", "))))
            }
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
        return Err(section.wrong(
            "senders",
            "a campaign needs a sender",
            format!("write one of: {}", names.join(", ")),
        ));
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

fn quiet_hours(section: &Section<'_>) -> Result<Option<QuietHours>, Diagnostic> {
    const WANTED: &str = "two times of day: \"21:00..08:00\" (by the contacts' own clocks)";
    let Some(text) = section.text("quiet_hours", WANTED)? else { return Ok(None) };
    let wrong = |why: String| section.wrong("quiet_hours", why, format!("write {WANTED}"));
    let Some(quiet) = parse_quiet(text).map_err(wrong)? else { return Ok(None) };
    let hours = QuietHours { from: quiet.from, until: quiet.until };
    if hours.length() > QuietHours::LONGEST {
        let what = format!("{text} are more than sixteen quiet hours a day");
        let help =
            "leave eight hours: a country can span nearly as many, and is written to when nobody in it has quiet hours";
        return Err(section.wrong("quiet_hours", what, help));
    }
    Ok(Some(hours))
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
        return Err(section.wrong(
            "overlap",
            "the first campaign can have no contacts in common with an earlier one",
            help,
        ));
    };
    let other = &before[with];
    let (People::Generated(size), People::Generated(other_size)) = (people, &other.people) else {
        let help = "leave `overlap` out: contacts of files are the same contact where the number is the same";
        return Err(section.wrong("overlap", "only contacts that are made from the seed can be made to overlap", help));
    };
    // All of its own, or all that it has from one before it.
    let shared = other.overlap.map_or(0, |overlap| overlap.share);
    let most = u64::from(*other_size) * u64::from(shared.max(1_000_000 - shared));
    if u64::from(*size) * u64::from(share) > most {
        let what = format!("the campaign `{}` has fewer such contacts than this overlap wants", other.name);
        let help = format!(
            "write a smaller share: at most {} can be common, all of `{}` of one kind: its own, or those that it shares",
            most / 1_000_000,
            other.name
        );
        return Err(section.wrong("overlap", what, help));
    }
    Ok(Some(Overlap { share, with }))
}
