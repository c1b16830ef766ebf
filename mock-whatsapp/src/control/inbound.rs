//! `POST /handsets/{wa_id}/messages`: what a contact writes, by hand. Read here in the shape that webhooks have; said by the
//! tenant.

mod file;

use super::body::Fields;
use super::problem::Problem;
use super::{Ask, Done, phone};
use crate::tenant::Tenant;
use crate::tenant::inbound::{Forwarded, Said};
use crate::wamids::Meaning;
use cloud_api::limits::TEXT_BODY_MAX;
use cloud_api::time::Timestamp;
use file::Source;
use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::input::MessageIndex;
use mock_whatsapp_model::spec::Kind;
use serde_json::{Map, Value, json};

/// The types that contacts write.
pub(super) const TYPES: [&str; 15] = [
    "text",
    "button",
    "interactive",
    "reaction",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "order",
    "request_welcome",
    "system",
    "unsupported",
];

/// What is wished, as far as the request alone tells.
#[derive(Debug)]
struct Wish {
    what: What,
    reply_to: Option<String>,
    forwarded: Forwarded,
    referral: Option<Value>,
    /// The number that it is written to; the tenant's first, unless said.
    number_id: Option<String>,
}

#[derive(Debug)]
enum What {
    /// It is all there.
    Said(Said),
    /// The label of a button, of which the payload is to be found.
    Button(String),
    /// An emoji, or none, on a message: the one named, or the newest.
    Reaction { emoji: Option<String>, message_id: Option<String> },
    /// A media message, whose file is yet to be named.
    Media(&'static str, Map<String, Value>),
    /// The contact has another number from now on.
    Moves(u64),
}

pub(super) async fn say(ask: Ask<'_>, wa_id: &str) -> Done {
    ask.end()?;
    let number = phone(wa_id)?;
    let wish = read(ask.fields()?)?;
    let from = Source { room: ask.server.room.clone(), base: format!("{}://{}", ask.server.scheme, ask.host) };
    let (wamid, webhook) = ask.tenant(move |tenant, real| speak(tenant, real, number, wish, &from)).await?;
    Ok((201, json!({ "wamid": wamid, "webhook": webhook.map(|webhook| format!("w{webhook}")) })))
}

fn read(mut fields: Fields) -> Result<Wish, Problem> {
    let kind = fields.needed_text("type")?;
    let Some(kind) = TYPES.into_iter().find(|known| *known == kind) else {
        let detail = format!("contacts do not write messages of type `{kind}`");
        return Err(Problem::malformed("/type", format!("one of {}", TYPES.join(", ")), detail));
    };
    let reply_to = fields.text("reply_to")?;
    let forwarded = fields.flag("forwarded")?.unwrap_or(false);
    let often = fields.flag("frequently_forwarded")?.unwrap_or(false);
    let referral = fields.nested("referral")?.map(Fields::rest);
    let number_id = fields.text("phone_number_id")?;
    let what = match kind {
        "text" => What::Said(Said::text(&words(&mut fields, "text")?)),
        "button" => What::Button(words(&mut fields, "button")?),
        "interactive" => What::Said(Said::of("interactive", interactive(&mut fields)?)),
        "reaction" => reaction(&mut fields)?,
        "image" | "video" => media(&mut fields, kind, &["caption"])?,
        "audio" => media(&mut fields, kind, &["voice"])?,
        "document" => media(&mut fields, kind, &["caption", "filename"])?,
        "sticker" => media(&mut fields, kind, &["animated"])?,
        "location" => What::Said(Said::of("location", location(&mut fields)?)),
        "contacts" => What::Said(Said::of("contacts", cards(&mut fields)?)),
        "order" => What::Said(Said::of("order", order(&mut fields)?)),
        "system" => system(&mut fields)?,
        "unsupported" => What::Said(unsupported(&mut fields)?),
        kind => What::Said(Said { kind, objects: Map::new(), forwarded: Forwarded::No }),
    };
    fields.end()?;
    let forwarded = match (often, forwarded) {
        (true, _) => Forwarded::Often,
        (false, true) => Forwarded::Once,
        (false, false) => Forwarded::No,
    };
    Ok(Wish { what, reply_to, forwarded, referral, number_id })
}

fn words(fields: &mut Fields, key: &'static str) -> Result<String, Problem> {
    let text = fields.needed_text(key)?;
    if text.is_empty() || text.chars().count() > TEXT_BODY_MAX {
        let expected = format!("1 to {TEXT_BODY_MAX} characters");
        return Err(Problem::malformed(fields.pointer(key), expected, "nobody can write that"));
    }
    Ok(text)
}

fn needed(fields: &mut Fields, key: &'static str) -> Result<Fields, Problem> {
    fields.nested(key)?.ok_or_else(|| fields.missing(key, "an object"))
}

/// Puts a text of an object among those that webhooks are to have.
fn keep(into: &mut Map<String, Value>, from: &mut Fields, keys: &[&'static str]) -> Result<(), Problem> {
    for key in keys {
        if let Some(text) = from.text(key)? {
            into.insert((*key).to_owned(), Value::String(text));
        }
    }
    Ok(())
}

fn interactive(fields: &mut Fields) -> Result<Value, Problem> {
    let mut object = needed(fields, "interactive")?;
    let kind = object.needed_text("type")?;
    let (kind, needs, may): (&'static str, &[&'static str], &[&'static str]) = match kind.as_str() {
        "button_reply" => ("button_reply", &["id", "title"], &[]),
        "list_reply" => ("list_reply", &["id", "title"], &["description"]),
        "nfm_reply" => ("nfm_reply", &["response_json"], &["name", "body"]),
        other => {
            let expected = "\"button_reply\", \"list_reply\" or \"nfm_reply\"";
            return Err(Problem::malformed(object.pointer("type"), expected, format!("`{other}` is no answer")));
        }
    };
    let mut reply = needed(&mut object, kind)?;
    let mut kept = Map::new();
    for key in needs {
        kept.insert((*key).to_owned(), Value::String(reply.needed_text(key)?));
    }
    keep(&mut kept, &mut reply, may)?;
    if kind == "nfm_reply" {
        // As telephones have them for every flow.
        kept.entry("name").or_insert_with(|| "flow".into());
        kept.entry("body").or_insert_with(|| "Sent".into());
    }
    reply.end()?;
    object.end()?;
    Ok(json!({ "type": kind, kind: kept }))
}

fn reaction(fields: &mut Fields) -> Result<What, Problem> {
    let mut object = needed(fields, "reaction")?;
    let emoji = object.text("emoji")?.filter(|emoji| !emoji.is_empty());
    let message_id = object.text("message_id")?;
    object.end()?;
    Ok(What::Reaction { emoji, message_id })
}

fn media(fields: &mut Fields, kind: &'static str, own: &[&'static str]) -> Result<What, Problem> {
    let mut kept = Map::new();
    if let Some(mut object) = fields.nested(kind)? {
        for key in own {
            if matches!(*key, "voice" | "animated") {
                if let Some(flag) = object.flag(key)? {
                    kept.insert((*key).to_owned(), Value::Bool(flag));
                }
            } else {
                keep(&mut kept, &mut object, &[key])?;
            }
        }
        keep(&mut kept, &mut object, &["id", "mime_type", "sha256", "url", "data"])?;
        object.end()?;
    }
    Ok(What::Media(kind, kept))
}

fn location(fields: &mut Fields) -> Result<Value, Problem> {
    let mut object = needed(fields, "location")?;
    let mut kept = Map::new();
    for (key, most) in [("latitude", 90.0), ("longitude", 180.0)] {
        let degrees = object.number(key)?.ok_or_else(|| object.missing(key, "degrees, a number"))?;
        if !(-most..=most).contains(&degrees) {
            let expected = format!("degrees from -{most} to {most}");
            return Err(Problem::malformed(object.pointer(key), expected, format!("{degrees} is nowhere")));
        }
        kept.insert(key.to_owned(), json!(degrees));
    }
    keep(&mut kept, &mut object, &["name", "address", "url"])?;
    object.end()?;
    Ok(Value::Object(kept))
}

fn cards(fields: &mut Fields) -> Result<Value, Problem> {
    let cards = fields.list("contacts")?;
    if cards.is_empty() {
        return Err(Problem::malformed(fields.pointer("contacts"), "at least one contact", "there is none"));
    }
    Ok(Value::Array(cards.into_iter().map(Fields::rest).collect()))
}

fn order(fields: &mut Fields) -> Result<Value, Problem> {
    let mut object = needed(fields, "order")?;
    let mut kept = Map::new();
    kept.insert("catalog_id".to_owned(), Value::String(object.needed_text("catalog_id")?));
    keep(&mut kept, &mut object, &["text"])?;
    let items = object.list("product_items")?.into_iter().map(Fields::rest).collect();
    kept.insert("product_items".to_owned(), Value::Array(items));
    object.end()?;
    Ok(Value::Object(kept))
}

fn system(fields: &mut Fields) -> Result<What, Problem> {
    let mut object = needed(fields, "system")?;
    let moved = object.needed_text("wa_id")?;
    let number = phone(&moved).map_err(|problem| Problem { pointer: Some(object.pointer("wa_id")), ..problem })?;
    object.end()?;
    Ok(What::Moves(number))
}

fn unsupported(fields: &mut Fields) -> Result<Said, Problem> {
    let kind = match fields.nested("unsupported")? {
        Some(mut object) => {
            let kind = object.text("type")?;
            object.end()?;
            kind
        }
        None => None,
    };
    let mut said = Said::of("unsupported", json!({ "type": kind.as_deref().unwrap_or("unknown") }));
    let title = "Message type unknown";
    let details = "Message type is currently not supported.";
    let error = json!({ "code": 131_051, "title": title, "message": title, "error_data": { "details": details } });
    said.objects.insert("errors".to_owned(), json!([error]));
    Ok(said)
}

fn sent(tenant: &Tenant, wamid: &str, pointer: &str) -> Result<MessageIndex, Problem> {
    match tenant.wamids().read(wamid) {
        Some(Meaning::Outbound(index)) if tenant.world().message(index).is_some() => Ok(index),
        _ => {
            let detail = format!("`{wamid}` is no message that this tenant sent");
            Err(Problem { pointer: Some(pointer.to_owned()), ..Problem::conflict(detail) })
        }
    }
}

fn speak(
    tenant: &mut Tenant,
    real: Timestamp,
    number: u64,
    wish: Wish,
    from: &Source,
) -> Result<(String, Option<u64>), Problem> {
    let mut quoted = wish.reply_to.as_deref().map(|wamid| sent(tenant, wamid, "/reply_to")).transpose()?;
    let handset = tenant.handsets().find(number);
    let to = match &wish.number_id {
        None => tenant.numbers().all().first(),
        Some(id) => tenant.numbers().get(id),
    };
    let to = to.map(|number| number.number).ok_or_else(|| {
        let detail = "the tenant has no such number: GET /{waba-id}/phone_numbers lists them";
        Problem { pointer: Some("/phone_number_id".to_owned()), ..Problem::impossible(detail) }
    })?;
    let mut moved = None;
    let mut said = match wish.what {
        What::Said(said) => said,
        What::Button(label) => {
            let found = handset.and_then(|handset| tenant.button(handset, &label, quoted));
            let Some((index, pressed)) = found else {
                let detail = format!("{number} has no message with a button `{label}`");
                return Err(Problem { pointer: Some("/button".to_owned()), ..Problem::conflict(detail) });
            };
            quoted = Some(index);
            Said::button(&pressed)
        }
        What::Reaction { emoji, message_id } => {
            let pointer = "/reaction/message_id";
            let named = message_id.map(|wamid| sent(tenant, &wamid, pointer)).transpose()?.or(quoted);
            let newest = || handset.and_then(|handset| tenant.handsets().messages(handset).last().copied());
            let Some(index) = named.or_else(newest) else {
                let detail = format!("{number} has no message to react to");
                return Err(Problem { pointer: Some(pointer.to_owned()), ..Problem::conflict(detail) });
            };
            quoted = Some(index);
            let mut object = json!({ "message_id": tenant.wamid(index) });
            if let Some(emoji) = emoji {
                object["emoji"] = Value::String(emoji);
            }
            Said::of("reaction", object)
        }
        What::Media(kind, object) => Said::of(kind, Value::Object(from.file(tenant, real, kind, object)?)),
        What::Moves(to) => {
            moved = Some(to);
            let name =
                handset.map_or_else(|| format!("Contact {:04}", number % 10_000), |it| tenant.handsets().name(it));
            let body = format!("User {name} changed from {number} to {to}");
            Said::of("system", json!({ "body": body, "wa_id": to.to_string(), "type": "user_changed_number" }))
        }
    };
    said.forwarded = wish.forwarded;
    if let Some(referral) = wish.referral {
        said.objects.insert("referral".to_owned(), referral);
    }
    let told = tenant.say(real, number, said, quoted, to);
    if moved.is_some() {
        let persona = Persona { kind: Kind::NotOnWhatsapp, ..Persona::default() };
        tenant.give(real, number, persona, &json!({ "kind": "not_on_whatsapp" }));
    }
    Ok(told)
}
