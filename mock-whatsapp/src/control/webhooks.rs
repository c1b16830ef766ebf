//! `/webhooks`: which there were, and those that are told by hand or told again.

use super::problem::Problem;
use super::{Ask, Done, page};
use crate::instant;
use crate::payload;
use crate::signing::Hand;
use crate::tenant::Tenant;
use crate::tenant::webhook_log::{Record, State};
use crate::wamids;
use serde_json::{Value, json};

pub(super) async fn redeliver(ask: Ask<'_>, id: &str) -> Done {
    ask.end()?;
    ask.fields()?.end()?;
    let unknown = || Problem::unknown(format!("there is no webhook {id}; GET /_mock/webhooks lists them"));
    let number: u64 = id.strip_prefix('w').and_then(|id| id.parse().ok()).ok_or_else(unknown)?;
    let found = ask.tenant(move |tenant, real| Ok(tenant.redeliver(real, number))).await?;
    if found { Ok((202, json!({ "webhook": id }))) } else { Err(unknown()) }
}

/// Any webhook by hand: the field and its value as they are given, signed and retried like every other.
pub(super) async fn tell(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    let field = fields.needed_text("field")?;
    let value = fields.value("value").ok_or_else(|| fields.missing("value", "an object, as that field carries it"))?;
    fields.end()?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if field.is_empty() || field.len() > 100 || !field.bytes().all(is_name) {
        let expected = "a webhook field, as in \"messages\" or \"account_update\"";
        return Err(Problem::malformed("/field", expected, format!("`{field}` is the name of no webhook field")));
    }
    if !value.is_object() {
        return Err(Problem::malformed("/value", "an object, as that field carries it", "it is no object"));
    }
    let told = ask.tenant(move |tenant, _| Ok(tenant.announce(&field, value)));
    Ok((201, json!({ "webhook": format!("w{}", told.await?) })))
}

pub(super) async fn list(mut ask: Ask<'_>) -> Done {
    let (wamid, state) = (ask.parameter("wamid"), ask.parameter("state"));
    let (after, limit) = (ask.after()?, ask.limit()?);
    ask.end()?;
    if let Some(state) = state.as_ref().filter(|state| !State::ALL.iter().any(|known| known.name() == state.as_str())) {
        let expected = format!("one of {}", State::ALL.map(State::name).join(", "));
        return Err(Problem::malformed("?state", expected, format!("`{state}` is no state of a webhook")));
    }
    let found = ask.tenant(move |tenant, _| {
        // To make an id takes longer than to read one, so most are left out by what they stand for.
        let meaning = wamid.as_ref().map(|wamid| tenant.wamids().read(wamid));
        let fits = |(_, record): &(u64, &Record)| {
            meaning.is_none_or(|meaning| meaning == wamids::meaning(&record.update))
                && wamid.as_ref().is_none_or(|wamid| *wamid == tenant.wamid_in(record))
                && state.as_ref().is_none_or(|state| *state == record.state.name())
        };
        let log = tenant.webhooks();
        let mut records = log.from(after).filter(fits);
        let items: Vec<Value> = records.by_ref().take(limit).map(|(id, record)| show(tenant, id, record)).collect();
        Ok(page(items, records.next().map(|(id, _)| id), log.evicted()))
    });
    Ok((200, found.await?))
}

fn show(tenant: &Tenant, id: u64, record: &Record) -> Value {
    let attempts: Vec<Value> = record
        .attempts()
        .map(|attempt| {
            let at = instant::write(attempt.at);
            json!({ "at": at, "status": attempt.status, "ms": attempt.ms, "failure": attempt.failure })
        })
        .collect();
    // What was not sent is shown as it would be.
    let (body, hand) = match tenant.webhooks().body(id) {
        Some(body) => (body, record.hand()),
        None => {
            let hand = Hand::of(record.update.forged, record.dress.signature);
            (payload::body(tenant, &[record.update]).into(), hand)
        }
    };
    let signature = hand.sign(&tenant.identity().app_secret, &body);
    let mut headers = json!({
        "content-type": "application/json",
        "user-agent": "facebookexternalua",
        "content-length": body.len().to_string(),
    });
    for (name, value) in [("x-hub-signature", signature.sha1), ("x-hub-signature-256", signature.sha256)] {
        if !value.is_empty() {
            headers[name] = Value::String(value);
        }
    }
    json!({
        "id": format!("w{id}"),
        "kind": record.kind,
        "wamid": tenant.wamid_in(record),
        "forged": record.update.forged,
        "state": record.state.name(),
        "attempts": attempts,
        "headers": headers,
        "body_raw": String::from_utf8_lossy(&body),
    })
}
