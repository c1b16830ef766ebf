//! `/export`: a tenant's session as a scenario file, for `campaign-sim`: who was written to and how their telephones behaved,
//! which templates when, the limits, and the faults that are armed. What a scenario cannot say stands in comments.

use super::problem::Problem;
use super::{Ask, Done};
use crate::config::MarketingCap;
use crate::templates::Category;
use crate::tenant::Tenant;
use crate::tenant::faults::Armed;
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::distribution::Distribution;
use mock_whatsapp_model::handset::Rule;
use mock_whatsapp_model::input::{HandsetId, MessageIndex, NumberId};
use mock_whatsapp_model::spec::{Kind, LimitTold, MessagingLimit, Timing};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value as Toml};

/// The name of the sender of a session that has one, and otherwise of the number that the tenant's settings name.
const SENDER: &str = "main";

/// Campaigns that a file is written with: one a template, and nobody reads more.
const CAMPAIGNS: usize = 50;

/// The keys of a fault that scenario files know.
const FAULT_KEYS: [&str; 14] = [
    "kind",
    "sender",
    "from",
    "until",
    "share",
    "code",
    "asynchronous",
    "rate",
    "delay",
    "accepted",
    "form",
    "copies",
    "template",
    "messaging_limit",
];

pub(super) async fn get(ask: Ask<'_>) -> Done {
    ask.end()?;
    let text = ask.tenant(|tenant, _| write(tenant)).await?;
    Ok((200, Value::String(text)))
}

/// A kind of contacts, and how long their cap on marketing holds, if that ends.
type Alike = (&'static str, Option<Span>);

/// The sends of a template from a number.
type Campaigns = BTreeMap<(String, NumberId), Sends>;

/// Numbers that sent templates, each with the name that it has as a sender.
type Senders = BTreeMap<NumberId, String>;

/// What a campaign is written from.
#[derive(Default)]
struct Sends {
    first: Timestamp,
    contacts: BTreeSet<HandsetId>,
    category: Option<Category>,
}

fn write(tenant: &Tenant) -> Result<String, Problem> {
    let mut notes = Vec::new();
    let mut campaigns = Campaigns::new();
    let (mut plain, mut contacts) = (0, BTreeSet::new());
    let log = tenant.messages();
    for place in log.first().0..log.end().0 {
        let index = MessageIndex(place);
        let (Some(record), Some(view)) = (log.get(index), tenant.world().message(index)) else { continue };
        let Some(template) = record.template() else {
            plain += 1;
            continue;
        };
        let of = (template.to_owned(), view.number);
        let fits = campaigns.len() < CAMPAIGNS || campaigns.contains_key(&of);
        if !fits {
            continue;
        }
        let new = || Sends { first: view.at, category: record.category(), ..Sends::default() };
        campaigns.entry(of).or_insert_with(new).contacts.insert(view.handset);
        contacts.insert(view.handset);
    }
    let Some(zero) = campaigns.values().map(|sends| sends.first).min() else {
        let detail = "no template was accepted yet, and a scenario is about campaigns of templates";
        return Err(Problem::conflict(detail));
    };
    if plain > 0 {
        notes.push(format!("{plain} messages that are no templates are left out: campaigns have none."));
    }
    if log.evicted() > 0 {
        notes.push(format!("The oldest {} messages are forgotten, and so are not in here.", log.evicted()));
    }
    let is_limited =
        campaigns.keys().any(|(_, number)| tenant.messaging_limit_of(*number) != MessagingLimit::Unlimited);
    if is_limited && tenant.config().messaging_limit_told == LimitTold::Webhook {
        notes.push(
            "Webhooks told what went beyond the messaging limit; in a scenario the answer refuses it.".to_owned(),
        );
    }
    if let MarketingCap::Messages(most) = tenant.config().marketing_cap {
        notes.push(format!(
            "The cap of {most} marketing messages to a contact in 24 h is left out: scenarios have none."
        ));
    }
    let mut file = Table::new();
    let identity = tenant.identity();
    file.insert("name".to_owned(), text(format!("session-{}", short(&identity.name))));
    file.insert("story".to_owned(), text(format!("What tenant {} saw of a sender.", identity.name)));
    let seed = i64::try_from(tenant.world().config().seed).unwrap_or(1);
    file.insert("seed".to_owned(), Toml::Integer(seed));
    file.insert("levels".to_owned(), Toml::Array(vec![text("model")]));
    let senders = senders(tenant, &campaigns);
    let each = senders.iter().map(|(number, name)| Toml::Table(sender(tenant, *number, name)));
    file.insert("sender".to_owned(), Toml::Array(each.collect()));
    let each = campaigns.iter().map(|((template, number), sends)| {
        let sender = senders.get(number).map_or(SENDER, String::as_str);
        let is_shared = campaigns.keys().filter(|(other, _)| other == template).count() > 1;
        let place = is_shared.then(|| senders.keys().position(|known| known == number)).flatten();
        Toml::Table(campaign(template, sender, place, sends, zero))
    });
    file.insert("campaign".to_owned(), Toml::Array(each.collect()));
    let groups = groups(tenant, &contacts, &mut notes);
    if !groups.is_empty() {
        file.insert("contacts".to_owned(), Toml::Array(groups));
    }
    file.insert("handset".to_owned(), Toml::Table(timing(&tenant.world().config().timing)));
    let faults: Vec<Toml> = tenant
        .faults()
        .iter()
        .filter_map(|armed| fault(tenant, armed, zero, &campaigns, &senders, &mut notes))
        .collect();
    if !faults.is_empty() {
        file.insert("fault".to_owned(), Toml::Array(faults));
    }
    let body = toml::to_string(&file).map_err(|error| Problem::conflict(format!("it cannot be written: {error}")))?;
    let notes: String = notes.iter().map(|note| format!("# {note}\n")).collect();
    Ok(format!("{notes}{body}"))
}

fn text(text: impl Into<String>) -> Toml {
    Toml::String(text.into())
}

/// A name that scenario files take.
fn short(name: &str) -> String {
    name.chars().take(50).map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect()
}

fn senders(tenant: &Tenant, campaigns: &Campaigns) -> Senders {
    let numbers: BTreeSet<NumberId> = campaigns.keys().map(|(_, number)| *number).collect();
    let is_only = numbers.len() == 1;
    let name = |number| match tenant.numbers().of_model(number) {
        Some(known) if !is_only && number != tenant.number() => format!("number-{}", known.id),
        _ => SENDER.to_owned(),
    };
    numbers.into_iter().map(|number| (number, name(number))).collect()
}

fn sender(tenant: &Tenant, number: NumberId, name: &str) -> Table {
    let world = tenant.world();
    let portfolio = world.portfolio_of(number);
    let limit = match world.limit_of(portfolio, tenant.time()) {
        MessagingLimit::Unlimited => text("unlimited"),
        MessagingLimit::Contacts(most) => Toml::Integer(i64::from(most)),
    };
    let throughput = tenant.numbers().of_model(number).map_or(tenant.config().throughput, |known| known.throughput);
    let mut table = Table::from_iter([
        ("name".to_owned(), text(name)),
        ("throughput".to_owned(), Toml::Integer(i64::from(throughput))),
        ("messaging_limit".to_owned(), limit),
    ]);
    if portfolio != world.portfolio_of(tenant.number()) {
        // Apart from the one that the others are in.
        table.insert("portfolio".to_owned(), text(format!("of-{}", short(&tenant.portfolio_of(number)))));
    }
    table
}

/// A campaign; where several numbers sent its template, with the place of its own among them.
fn campaign(template: &str, sender: &str, place: Option<usize>, sends: &Sends, zero: Timestamp) -> Table {
    // Apart from every key of [expect].
    let name = format!("of-{}", short(template));
    let name = place.map_or_else(|| name.clone(), |place| format!("{name}-{}", place + 1));
    let mut table = Table::from_iter([
        ("name".to_owned(), text(name)),
        ("sender".to_owned(), text(sender)),
        ("contacts".to_owned(), Toml::Integer(sends.contacts.len() as i64)),
        ("template".to_owned(), text(template)),
        ("start".to_owned(), text(sends.first.since(zero).to_string())),
    ]);
    if let Some(category) = sends.category {
        table.insert("category".to_owned(), text(category.name().to_ascii_lowercase()));
    }
    table
}

/// The kinds of telephones, each with its share of all contacts.
fn groups(tenant: &Tenant, contacts: &BTreeSet<HandsetId>, notes: &mut Vec<String>) -> Vec<Toml> {
    let world = tenant.world();
    let mut kinds: BTreeMap<Alike, (u64, Option<Span>)> = BTreeMap::new();
    let mut ruled = 0;
    for handset in contacts {
        let persona = world.persona(*handset);
        ruled += u64::from(persona.rule != Rule::Accept);
        let kind = if world.is_blocked_or_off(*handset).0 { Kind::Blocked } else { persona.kind };
        if let Some(name) = name_of(kind) {
            // Whoever was off for some time is one group; a cap that ends is not one that holds for ever.
            let cap = persona.away.filter(|_| kind == Kind::MarketingCapped);
            let group = kinds.entry((name, cap)).or_default();
            group.0 += 1;
            group.1 = group.1.max(persona.away);
        }
    }
    if ruled > 0 {
        notes.push(format!(
            "{ruled} contacts had numbers with a meaning for the API, which a group of contacts cannot say."
        ));
    }
    let all = contacts.len() as u64;
    let group = |((name, cap), (count, away)): (Alike, (u64, Option<Span>))| {
        // Millionths, rounded down, so that all of them together are not more than everybody.
        let share = (count * 1_000_000 / all) as f64 / 1_000_000.0;
        let mut table = Table::from_iter([("kind".to_owned(), text(name)), ("share".to_owned(), Toml::Float(share))]);
        let lasts = if name == "offline" { Some(away.unwrap_or(Span::hours(12))) } else { cap };
        if let Some(lasts) = lasts {
            table.insert("for".to_owned(), text(lasts.to_string()));
        }
        Toml::Table(table)
    };
    kinds.into_iter().map(group).collect()
}

/// As scenario files write it; `None` for the plain one.
fn name_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Plain => None,
        Kind::NotOnWhatsapp => Some("not_on_whatsapp"),
        Kind::Blocked => Some("blocked"),
        Kind::ReceiptsOff => Some("receipts_off"),
        Kind::Offline => Some("offline"),
        Kind::Replies => Some("replies"),
        Kind::OptsOut => Some("opts_out"),
        Kind::MarketingCapped => Some("marketing_capped"),
        Kind::ReportsSpam => Some("reports_spam"),
        Kind::OtherWaId => Some("other_wa_id"),
    }
}

fn timing(timing: &Timing) -> Table {
    let delay = |delay: &Distribution| {
        let (least, median, most) = (delay.draw(0), delay.draw(1 << 63), delay.longest());
        if least == most {
            return text(most.to_string());
        }
        // A distribution ends at three times its 99th percentile.
        Toml::Table(Table::from_iter([
            ("median".to_owned(), text(median.to_string())),
            ("p99".to_owned(), text((most / 3).to_string())),
        ]))
    };
    let mut table = Table::new();
    for (key, of) in [
        ("sent_after", &timing.sent_after),
        ("delivered_after", &timing.delivered_after),
        ("read_after", &timing.read_after),
        ("reply_after", &timing.reply_after),
        ("failed_after", &timing.failed_after),
        ("answer_after", &timing.answer_after),
    ] {
        table.insert(key.to_owned(), delay(of));
    }
    table.insert("read_share".to_owned(), Toml::Float(f64::from(timing.read_share) / 1_000_000.0));
    table
}

/// A fault, with its window counted from the first send; `None` where a scenario cannot say it, or where it is over.
fn fault(
    tenant: &Tenant,
    armed: &Armed,
    zero: Timestamp,
    campaigns: &Campaigns,
    senders: &Senders,
    notes: &mut Vec<String>,
) -> Option<Toml> {
    let mut leave_out = |why: &str| {
        notes.push(format!("Fault f{} is left out: {why}: {}", armed.id, armed.written));
        None
    };
    let Some(written) = armed.written.as_object() else { return leave_out("it is no object") };
    let sensible = |(key, value): (&String, &Value)| (!value.is_null()).then(|| (key.clone(), value.clone()));
    let mut keys: BTreeMap<String, Value> = written.iter().filter_map(sensible).collect();
    if let Some(id) = keys.remove("sender") {
        let number = id.as_str().and_then(|id| tenant.numbers().get(id)).map(|known| known.number);
        let Some(name) = number.and_then(|number| senders.get(&number)) else {
            return leave_out("nothing was sent from its number");
        };
        // The one sender of a file need not be named.
        if senders.len() > 1 {
            keys.insert("sender".to_owned(), Value::String(name.clone()));
        }
    }
    if keys.keys().any(|key| !FAULT_KEYS.contains(&key.as_str())) {
        return leave_out("a scenario has no such keys");
    }
    if keys
        .get("template")
        .and_then(Value::as_str)
        .is_some_and(|template| !campaigns.keys().any(|(sent, _)| sent == template))
    {
        return leave_out("nothing was sent of its template");
    }
    let span = |key: &str| keys.get(key).and_then(Value::as_str).and_then(|text| text.parse::<Span>().ok());
    let moved = |span: Span| (armed.since + span).since(zero);
    let (from, until) = (moved(span("from").unwrap_or_default()), span("until").map(moved));
    if until.is_some_and(|until| until <= from) {
        return leave_out("it was over before the first send");
    }
    keys.insert("from".to_owned(), Value::String(from.to_string()));
    if let Some(until) = until {
        keys.insert("until".to_owned(), Value::String(until.to_string()));
    }
    match Toml::try_from(&keys) {
        Ok(fault) => Some(fault),
        Err(_) => leave_out("it cannot be written"),
    }
}
