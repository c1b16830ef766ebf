//! `[[fault]]`, `[handset]` and `[[contacts]]`: their keys are the mock's, so it reads them; which keys go with which kind,
//! and where a wrong one stands, is said here.

use super::Group;
use super::diagnostic::{Diagnostic, suggestion};
use super::reader::Section;
use cloud_api::catalogue::{CodeIndex, find};
use mock_whatsapp_model::spec::{FaultKind, FaultSpec, Kind, Timing};

/// The keys of every fault.
pub(crate) const COMMON: [&str; 5] = ["kind", "from", "until", "share", "sender"];

/// Every kind with its own keys, and what to write for one that it needs.
pub(crate) const KINDS: [(&str, FaultKind, &[&str]); 23] = [
    ("outage", FaultKind::Outage, &[]),
    ("error", FaultKind::Error, &["code", "asynchronous"]),
    ("throttle", FaultKind::Throttle, &["rate"]),
    ("latency", FaultKind::Latency, &["delay"]),
    ("reset", FaultKind::Reset, &["accepted"]),
    ("lost_reply", FaultKind::LostReply, &["delay"]),
    ("garbled_reply", FaultKind::GarbledReply, &["accepted", "form"]),
    ("webhook_delay", FaultKind::WebhookDelay, &["delay"]),
    ("webhook_duplicate", FaultKind::WebhookDuplicate, &["copies"]),
    ("webhook_reorder", FaultKind::WebhookReorder, &[]),
    ("webhook_loss", FaultKind::WebhookLoss, &[]),
    ("webhook_outage", FaultKind::WebhookOutage, &[]),
    ("webhook_forged", FaultKind::WebhookForged, &[]),
    ("status_oddity", FaultKind::StatusOddity, &["form"]),
    ("engine_crash", FaultKind::EngineCrash, &["times", "down_for"]),
    ("engine_zombie", FaultKind::EngineZombie, &["down_for"]),
    ("stale_store", FaultKind::StaleStore, &["age"]),
    ("clock_step", FaultKind::ClockStep, &["by"]),
    ("disk_full", FaultKind::DiskFull, &[]),
    ("disk_slow", FaultKind::DiskSlow, &["delay"]),
    ("token_revoked", FaultKind::TokenRevoked, &[]),
    ("template_paused", FaultKind::TemplatePaused, &["template"]),
    ("tier", FaultKind::Tier, &["messaging_limit"]),
];

/// The name of a kind of fault.
pub(crate) fn name(kind: FaultKind) -> &'static str {
    KINDS.iter().find(|(_, known, _)| *known == kind).map_or("fault", |(name, _, _)| *name)
}

/// The name of a kind of contacts.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    HANDSETS.iter().find(|(_, known)| *known == kind).map_or("plain", |(name, _)| *name)
}

/// Every kind of contacts, as files write it.
pub(crate) const HANDSETS: [(&str, Kind); 9] = [
    ("not_on_whatsapp", Kind::NotOnWhatsapp),
    ("blocked", Kind::Blocked),
    ("receipts_off", Kind::ReceiptsOff),
    ("offline", Kind::Offline),
    ("replies", Kind::Replies),
    ("opts_out", Kind::OptsOut),
    ("marketing_capped", Kind::MarketingCapped),
    ("reports_spam", Kind::ReportsSpam),
    ("other_wa_id", Kind::OtherWaId),
];

const A_DELAY: &str = "a delay: \"300ms\", or { median = \"2s\", p99 = \"5m\" }";

/// What a key of a fault takes.
fn example(key: &str) -> &'static str {
    match key {
        "code" => "`code = 131000`: a code of the error catalogue",
        "asynchronous" | "accepted" => "true or false, without quotes",
        "rate" => "`rate = 40`: messages a second",
        "delay" => "`delay = \"2s\"`, or `delay = { median = \"2s\", p99 = \"5m\" }`",
        "copies" => "`copies = 1`: how many more, from 1 to 255",
        "times" => "`times = 3`: how often, from 1 to 1_000",
        "age" => "`age = \"10m\"`: how old the copy is",
        "by" => "`by = \"-90s\"`: a sign and a length of time",
        "messaging_limit" => "`messaging_limit = 1_000`, or \"unlimited\"",
        "form" => "`form = \"html\"`, or another of the forms",
        _ => "another value",
    }
}

/// One `[[fault]]`.
pub(super) fn fault(section: &Section<'_>, senders: &[String], templates: &[String]) -> Result<FaultSpec, Diagnostic> {
    let kinds = KINDS.map(|(name, kind, keys)| (name, (kind, keys)));
    let names = KINDS.map(|(name, _, _)| name).join(", ");
    let Some((kind, keys)) = section.one_of("kind", "kind of faults", &kinds)? else {
        return Err(section.missing("kind", &format!("`kind = \"outage\"`; the kinds: {names}")));
    };
    let name = name(kind);
    let mut known = COMMON.to_vec();
    known.extend(keys);
    if let Some((key, _)) = section.keys().iter().find(|(key, _)| !known.contains(key)) {
        let owners =
            KINDS.iter().filter(|(_, _, keys)| keys.contains(key)).map(|(name, _, _)| *name).collect::<Vec<_>>();
        let help = match owners.is_empty() {
            true => suggestion(key, &format!("the keys of `{name}`"), known.iter().copied()),
            false => format!("`{key}` belongs to {}; the keys of `{name}`: {}", owners.join(", "), known.join(", ")),
        };
        return Err(section.wrong_key(key, format!("a fault of kind `{name}` has no key `{key}`"), help));
    }
    section.span("from", "\"10m\"")?;
    section.span("until", "\"40m\"")?;
    section.share("share")?;
    section.name_in("sender", "sender", senders)?;
    section.name_in("template", "template", templates)?;
    section.span("down_for", "\"5s\"")?;
    section.span("age", "\"10m\"")?;
    section.whole("rate", 1..=1_000_000)?;
    section.whole("copies", 1..=255)?;
    section.whole("times", 1..=1_000)?;
    section.other::<mock_whatsapp_model::distribution::Distribution>("delay", A_DELAY)?;
    for key in ["asynchronous", "accepted"] {
        section.boolean(key)?;
    }
    section.text("form", example("form"))?;
    step(section)?;
    messaging_limit(section)?;
    if let Some(code) = section.whole("code", 0..=u64::from(u32::MAX))?
        && u32::try_from(code).is_ok_and(|code| find(code, None) == CodeIndex::UNLISTED)
    {
        let what = format!("the error catalogue has no code {code}");
        return Err(section.wrong(
            "code",
            what,
            "write a documented code: 131000 (temporary), 130429 (too fast), 131026 …",
        ));
    }
    let spec: FaultSpec = section.all()?;
    match spec.misfit() {
        None => Ok(spec),
        Some((key, _)) if !section.has(key) => Err(section.missing(key, example(key))),
        Some(("until", what)) => {
            Err(section.wrong("until", what, "write a later `until`, or leave it out: then it lasts to the end"))
        }
        Some((key, what)) => Err(section.wrong(key, what, format!("write {}", example(key)))),
    }
}

fn step(section: &Section<'_>) -> Result<(), Diagnostic> {
    let Some(by) = section.text("by", example("by"))? else { return Ok(()) };
    match by.trim_start_matches(['+', '-']).parse::<cloud_api::time::Span>() {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(section.wrong("by", format!("\"{by}\" is no step of a clock"), format!("write {}", example("by"))))
        }
    }
}

/// A number or "unlimited".
pub(super) fn messaging_limit(
    section: &Section<'_>,
) -> Result<Option<mock_whatsapp_model::spec::MessagingLimit>, Diagnostic> {
    section.other("messaging_limit", "a number of contacts in 24 h, as in 100_000, or \"unlimited\"")
}

/// `[handset]`.
pub(super) fn timing(section: &Section<'_>) -> Result<Timing, Diagnostic> {
    for key in TIMING.into_iter().filter(|key| *key != "read_share") {
        section.other::<mock_whatsapp_model::distribution::Distribution>(key, A_DELAY)?;
    }
    section.share("read_share")?;
    section.all()
}

/// The keys of `[handset]`.
pub(crate) const TIMING: [&str; 7] =
    ["sent_after", "delivered_after", "read_after", "read_share", "reply_after", "failed_after", "answer_after"];

/// One `[[contacts]]`.
pub(super) fn group(section: &Section<'_>) -> Result<Group, Diagnostic> {
    let names = HANDSETS.map(|(name, _)| name).join(", ");
    let kind = section.one_of("kind", "kind of contacts", &HANDSETS)?;
    let kind = kind.ok_or_else(|| section.missing("kind", &format!("`kind = \"blocked\"`; the kinds: {names}")))?;
    let share = section.share("share")?.ok_or_else(|| section.missing("share", "`share = 0.05`: of all contacts"))?;
    let away = section.span("for", "\"20h\"")?;
    match kind {
        Kind::Offline if away.is_none() => {
            Err(section.missing("for", "`for = \"20h\"`: how long the telephone is off"))
        }
        Kind::Offline | Kind::MarketingCapped => Ok(Group { share, kind, away }),
        _ if away.is_some() => Err(section.wrong_key(
            "for",
            "only `offline` and `marketing_capped` last for a time",
            "leave `for` out, or write `kind = \"offline\"`",
        )),
        _ => Ok(Group { share, kind, away }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mock_whatsapp_model::output::Oddity;

    /// A value that fits each key.
    const VALUES: [(&str, &str); 11] = [
        ("code", "131000"),
        ("asynchronous", "true"),
        ("rate", "4"),
        ("delay", "\"2s\""),
        ("accepted", "true"),
        ("form", "\"html\""),
        ("copies", "2"),
        ("times", "2"),
        ("age", "\"2s\""),
        ("by", "\"-2s\""),
        ("messaging_limit", "7"),
    ];

    #[test]
    fn the_table_of_keys_agrees_with_the_mock_kind_by_kind() {
        for (name, kind, keys) in KINDS {
            let own: String = VALUES
                .iter()
                .filter(|(key, _)| keys.contains(key))
                .map(|(key, value)| format!("{key} = {value}\n"))
                .collect();
            // Two kinds have a `form`, each its own.
            let own = if name == "status_oddity" { own.replace("html", Oddity::ALL[0].0) } else { own };
            let spec: FaultSpec = toml::from_str(&format!("kind = \"{name}\"\n{own}")).unwrap();
            assert_eq!(spec.kind, kind);
            assert_eq!(spec.misfit(), None, "{name} with all its keys");
            // That a message was not taken and nobody is told so is something that the mock alone carries out.
            let mocks = |key: &str| kind == FaultKind::LostReply && key == "accepted";
            for (key, value) in VALUES.iter().filter(|(key, _)| !keys.contains(key) && !mocks(key)) {
                let spec: FaultSpec = toml::from_str(&format!("kind = \"{name}\"\n{own}{key} = {value}\n")).unwrap();
                assert_eq!(spec.misfit().map(|(key, _)| key), Some(*key), "{name} with {key}");
            }
        }
    }

    #[test]
    fn every_key_of_the_handsets_timing_is_known_here() {
        for key in TIMING {
            let value = if key == "read_share" { "0.5" } else { "\"2s\"" };
            let read: Result<Timing, _> = toml::from_str(&format!("{key} = {value}"));
            assert!(read.is_ok(), "{key}");
        }
        let unknown = toml::from_str::<Timing>("x = 1").unwrap_err().to_string();
        assert!(
            TIMING.iter().all(|key| unknown.contains(key)) && unknown.matches('`').count() == 2 * (TIMING.len() + 1),
            "{unknown}"
        );
    }
}
