//! `/handsets`: what contacts' telephones are like, and what contacts write.

use super::body::Fields;
use super::problem::Problem;
use super::{Ask, Done, phone};
use crate::tenant::Tenant;
use crate::tenant::inbound::Said;
use crate::wamids::Meaning;
use cloud_api::limits::TEXT_BODY_MAX;
use cloud_api::time::Timestamp;
use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::spec::Kind;
use serde_json::{Value, json};

const KINDS: &str = "a kind: plain, not_on_whatsapp, blocked, receipts_off, offline, replies, opts_out, marketing_capped, \
                     reports_spam or other_wa_id";
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
        ..Persona::default()
    };
    if persona.kind == Kind::Offline && away.is_none() {
        return Err(fields.missing("for", "how long the telephone is off, as in \"12h\""));
    }
    if persona.kind != Kind::Offline && away.is_some() {
        return Err(Problem {
            pointer: Some(fields.pointer("for")),
            ..Problem::impossible("only `offline` has a `for`")
        });
    }
    if let Some(mut reply) = fields.nested("reply")? {
        persona.reply_text = reply.text("text")?;
        persona.reply_after = reply.typed("after", DELAY)?;
        let pointer = reply.pointer("text");
        reply.end()?;
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

pub(super) async fn put(ask: Ask<'_>, wa_id: &str) -> Done {
    ask.end()?;
    let number = phone(wa_id)?;
    let fields = ask.fields()?;
    let written = serde_json::from_slice(&ask.body).unwrap_or_else(|_| json!({}));
    let (persona, written) = read(fields, written)?;
    let shown = ask.tenant(move |tenant, real| {
        tenant.give(real, number, persona, written);
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
        for (number, persona, written) in all {
            tenant.give(real, number, persona, written);
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
    let mut shown = tenant.handsets().given(number).cloned().unwrap_or_else(|| {
        let has_meaning = tenant.config().magic_numbers && mock_whatsapp_model::magic::persona(number).is_some();
        if has_meaning { json!({ "kind": "magic" }) } else { json!({ "kind": "plain" }) }
    });
    shown["wa_id"] = json!(number.to_string());
    let accepted = tenant.handsets().find(number).map_or(0, |handset| tenant.handsets().messages(handset).len());
    shown["messages"] = json!(accepted);
    shown
}

pub(super) async fn say(ask: Ask<'_>, wa_id: &str) -> Done {
    ask.end()?;
    let number = phone(wa_id)?;
    let mut fields = ask.fields()?;
    let kind = fields.needed_text("type")?;
    let reply_to = fields.text("reply_to")?;
    let (text, button) = match kind.as_str() {
        "text" => (fields.needed_text("text")?, false),
        "button" => (fields.needed_text("button")?, true),
        other => {
            let expected = "\"text\" or \"button\"";
            return Err(Problem::malformed(
                "/type",
                expected,
                format!("contacts do not write messages of type `{other}` here"),
            ));
        }
    };
    fields.end()?;
    if text.is_empty() || text.chars().count() > TEXT_BODY_MAX {
        return Err(Problem::malformed(
            format!("/{kind}"),
            format!("1 to {TEXT_BODY_MAX} characters"),
            "nobody can write that",
        ));
    }
    let said = ask.tenant(move |tenant, real| speak(tenant, real, number, &text, button, reply_to));
    let (wamid, webhook) = said.await?;
    Ok((201, json!({ "wamid": wamid, "webhook": format!("w{webhook}") })))
}

fn speak(
    tenant: &mut Tenant,
    real: Timestamp,
    number: u64,
    text: &str,
    button: bool,
    reply_to: Option<String>,
) -> Result<(String, u64), Problem> {
    let quoted = match reply_to {
        None => None,
        Some(wamid) => match tenant.wamids().read(&wamid) {
            Some(Meaning::Outbound(index)) if tenant.world().message(index).is_some() => Some(index),
            _ => {
                let detail = format!("`{wamid}` is no message that this tenant sent");
                return Err(Problem { pointer: Some("/reply_to".to_owned()), ..Problem::impossible(detail) });
            }
        },
    };
    if !button {
        return Ok(tenant.say(real, number, Said::Text(text.into()), quoted));
    }
    let found = tenant.handsets().find(number).and_then(|handset| tenant.button(handset, text, quoted));
    let Some((index, pressed)) = found else {
        let detail = format!("{number} has no message with a button `{text}`");
        return Err(Problem { pointer: Some("/button".to_owned()), ..Problem::impossible(detail) });
    };
    Ok(tenant.say(real, number, Said::Button(pressed), Some(index)))
}
