//! `/handsets`: what contacts' telephones are like, and what contacts write.

use super::body::Fields;
use super::problem::Problem;
use super::{Ask, Done, phone};
use crate::limits::HANDSETS_GIVEN;
use crate::tenant::Tenant;
use crate::tenant::gestures::Gesture;
use cloud_api::limits::TEXT_BODY_MAX;
use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::spec::Kind;
use serde_json::{Value, json};

const KINDS: &str = "a kind: plain, not_on_whatsapp, blocked, receipts_off, offline, replies, opts_out, marketing_capped, \
                     reports_spam or other_wa_id";
/// As many as WhatsApp lets people call themselves by.
const NAME_MOST: usize = 25;

const DELAY: &str = "a delay: \"300ms\", or {\"median\":\"2s\",\"p99\":\"5m\"}";

/// Reads what a telephone is to be like; beside the persona, what was written.
fn read(mut fields: Fields, written: Value) -> Result<(Persona, Value), Problem> {
    let kind: Option<Kind> = fields.typed("kind", KINDS)?;
    let away = fields.span("for")?;
    let usual = if away.is_some() { Kind::Offline } else { Kind::Plain };
    let mut persona = Persona {
        kind: kind.unwrap_or(usual),
        away,
        delivered_after: fields.typed("delivered_after", DELAY)?,
        read_after: fields.typed("read_after", DELAY)?,
        reads: fields.flag("reads")?,
        ..Persona::default()
    };
    let name = fields.text("name")?;
    if name.as_ref().is_some_and(|name| name.is_empty() || name.chars().count() > NAME_MOST) {
        let expected = format!("1 to {NAME_MOST} characters");
        return Err(Problem::malformed(fields.pointer("name"), expected, "nobody is called that"));
    }
    if persona.kind == Kind::Offline && away.is_none() {
        return Err(fields.missing("for", "how long the telephone is off, as in \"12h\""));
    }
    if !matches!(persona.kind, Kind::Offline | Kind::MarketingCapped) && away.is_some() {
        return Err(Problem {
            pointer: Some(fields.pointer("for")),
            ..Problem::impossible("only `offline` and `marketing_capped` have a `for`")
        });
    }
    if let Some(mut reply) = fields.nested("reply")? {
        persona.reply_text = reply.text("text")?;
        persona.reply_after = reply.typed("after", DELAY)?;
        let pointer = reply.pointer("text");
        reply.end()?;
        let length = persona.reply_text.as_ref().map(|text| text.chars().count());
        if length.is_some_and(|length| !(1..=TEXT_BODY_MAX).contains(&length)) {
            let expected = format!("1 to {TEXT_BODY_MAX} characters");
            return Err(Problem::malformed(pointer, expected, "nobody can write that"));
        }
        match persona.kind {
            // It answers once it is back, if it was away.
            Kind::Plain | Kind::Offline | Kind::Replies => persona.kind = Kind::Replies,
            Kind::OptsOut if persona.reply_text.is_none() => {}
            _ => {
                let detail =
                    "a telephone of this kind does not answer with a text; `plain`, `offline` and `replies` do";
                return Err(Problem { pointer: Some(pointer), ..Problem::impossible(detail) });
            }
        }
    }
    fields.end()?;
    Ok((persona, written))
}

/// That so many more telephones can be given a behaviour.
fn has_room(tenant: &Tenant, count: usize) -> Result<(), Problem> {
    if tenant.handsets().has_room_for(count) {
        return Ok(());
    }
    let detail = format!(
        "{HANDSETS_GIVEN} telephones can be given a behaviour, and as many behaviours that differ; POST /_mock/reset forgets those \
         that there are"
    );
    Err(Problem::new(507, "There is no room", detail))
}

pub(super) async fn put(ask: Ask<'_>, wa_id: &str) -> Done {
    ask.end()?;
    let number = phone(wa_id)?;
    let fields = ask.fields()?;
    let written = serde_json::from_slice(&ask.body).unwrap_or_else(|_| json!({}));
    let (persona, written) = read(fields, written)?;
    let shown = ask.tenant(move |tenant, real| {
        has_room(tenant, 1)?;
        tenant.give(real, number, persona, &written);
        Ok(show(tenant, number))
    });
    Ok((200, shown.await?))
}

pub(super) async fn put_all(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let items = fields.list("items")?;
    fields.end()?;
    let mut all = Vec::with_capacity(items.len());
    for mut item in items {
        let number = match item.value("wa_id") {
            Some(Value::String(text)) => phone(&text)?,
            Some(Value::Number(number)) => phone(&number.to_string())?,
            _ => return Err(item.missing("wa_id", "a phone number")),
        };
        let written = item.copy();
        let (persona, written) = read(item, written)?;
        all.push((number, persona, written));
    }
    let set = all.len();
    ask.tenant(move |tenant, real| {
        has_room(tenant, all.len())?;
        for (number, persona, written) in all {
            tenant.give(real, number, persona, &written);
        }
        Ok(())
    })
    .await?;
    Ok((200, json!({ "set": set })))
}

pub(super) async fn get(ask: Ask<'_>, wa_id: &str) -> Done {
    ask.end()?;
    let number = phone(wa_id)?;
    Ok((200, ask.tenant(move |tenant, _| Ok(show(tenant, number))).await?))
}

fn show(tenant: &Tenant, number: u64) -> Value {
    let mut shown = tenant.handsets().given(number).unwrap_or_else(|| {
        let has_meaning = tenant.config().magic_numbers && mock_whatsapp_model::magic::persona(number).is_some();
        if has_meaning { json!({ "kind": "magic" }) } else { json!({ "kind": "plain" }) }
    });
    if shown.get("kind").is_none_or(Value::is_null) {
        let is_away = shown.get("for").is_some_and(|away| !away.is_null());
        shown["kind"] = json!(if is_away { "offline" } else { "plain" });
    }
    shown["wa_id"] = json!(number.to_string());
    let accepted = tenant.handsets().find(number).map_or(0, |handset| tenant.handsets().messages(handset).len());
    shown["messages"] = json!(accepted);
    let handset = tenant.handsets().find(number);
    let (blocked, off) = handset.map_or((false, false), |handset| tenant.world().is_blocked_or_off(handset));
    let persona = handset.map(|handset| tenant.world().persona(handset));
    shown["blocked"] = json!(blocked || persona.is_some_and(|persona| persona.kind == Kind::Blocked));
    let is_away = |handset| tenant.world().persona(handset).off_for().is_some() && !tenant.world().is_back(handset);
    shown["online"] = json!(!off && !handset.is_some_and(is_away));
    shown["opted_out"] = json!(handset.is_some_and(|handset| tenant.world().is_opted_out(handset)));
    shown["reports"] = json!(tenant.handsets().reports(number));
    shown
}

pub(super) async fn act(ask: Ask<'_>, wa_id: &str, gesture: Gesture) -> Done {
    ask.end()?;
    let number = phone(wa_id)?;
    ask.fields()?.end()?;
    let done = ask.tenant(move |tenant, real| {
        let webhooks = tenant.gesture(real, number, gesture);
        let mut shown = show(tenant, number);
        shown["webhooks"] = webhooks.map(|webhook| json!(format!("w{webhook}"))).collect();
        Ok(shown)
    });
    Ok((200, done.await?))
}
