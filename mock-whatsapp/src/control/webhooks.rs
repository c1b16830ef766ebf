//! `/webhook`, where webhooks go, and `/webhooks`, which there were.

use super::problem::Problem;
use super::{Ask, Done, page};
use crate::handshake::shake;
use crate::instant;
use crate::limits::WEBHOOK_WAIT_MOST;
use crate::payload;
use crate::target::Target;
use crate::tenant::Tenant;
use crate::tenant::dispatch::Webhook;
use crate::tenant::webhook_log::Record;
use cloud_api::time::Span;
use serde_json::{Value, json};

pub(super) async fn put(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut fields = ask.fields()?;
    if !fields.has("url") {
        return Err(fields.missing("url", "a URL, or null for none"));
    }
    let url = fields.text("url")?;
    let verify_token = fields.text("verify_token")?;
    let handshake = fields.flag("handshake")?.unwrap_or(true);
    let retry = fields.text("retry")?;
    let timeout = fields.span("timeout")?;
    let version = fields.text("version")?;
    fields.end()?;
    let usual = ask.tenant(|tenant, _| Ok(tenant.identity().verify_token.clone())).await?;
    let Some(url) = url else {
        ask.tenant(|tenant, _| {
            tenant.set_webhook(None);
            Ok(())
        })
        .await?;
        return Ok((200, json!({ "url": null, "handshake": null })));
    };
    let target = Target::parse(&url)
        .map_err(|detail| Problem { pointer: Some("/url".to_owned()), ..Problem::impossible(detail) })?;
    let mut webhook = Webhook::new(target, verify_token.unwrap_or(usual));
    match retry.as_deref() {
        None | Some("meta") => {}
        Some("none") => webhook.retries = false,
        Some(other) => {
            return Err(Problem::malformed("/retry", "\"meta\" or \"none\"", format!("`{other}` is neither")));
        }
    }
    if let Some(timeout) = timeout {
        if timeout == Span::ZERO || timeout > WEBHOOK_WAIT_MOST {
            let expected = format!("more than nothing, at most {WEBHOOK_WAIT_MOST}");
            return Err(Problem::malformed("/timeout", expected, "no receiver can be waited for like that"));
        }
        webhook.wait = timeout.to_std();
    }
    if let Some(version) = version {
        webhook.version = version_of(&version).ok_or_else(|| {
            Problem::malformed(
                "/version",
                "a version of the Graph API, as in \"v23.0\"",
                format!("`{version}` is none"),
            )
        })?;
    }
    let mut shaken = Value::Null;
    if handshake {
        let worlds = &ask.server.worlds;
        let outcome = shake(&worlds.connector, &webhook.target, &webhook.verify_token, ask.server.next_request()).await;
        if !outcome.ok {
            let received = json!({ "status": outcome.status, "body": outcome.received, "expected": outcome.challenge });
            return Err(Problem { received: Some(Box::new(received)), ..Problem::impossible(outcome.complaint()) });
        }
        shaken = json!({ "status": outcome.status, "ok": true });
    }
    ask.tenant(|tenant, _| {
        tenant.set_webhook(Some(webhook));
        Ok(())
    })
    .await?;
    Ok((200, json!({ "url": url, "handshake": shaken })))
}

/// The major number of a version.
fn version_of(text: &str) -> Option<u16> {
    let major = text.strip_prefix('v')?.strip_suffix(".0")?;
    major.parse().ok().filter(|major| (1..=999).contains(major))
}

/// Where webhooks go. The verify token stays secret.
pub(super) async fn get(ask: Ask<'_>) -> Done {
    ask.end()?;
    let shown = ask.tenant(|tenant, _| {
        Ok(match tenant.webhook() {
            None => json!({ "url": null }),
            Some(webhook) => json!({
                "url": webhook.target.url(),
                "retry": if webhook.retries { "meta" } else { "none" },
                "timeout": Span(u64::try_from(webhook.wait.as_micros()).unwrap_or(u64::MAX)).to_string(),
                "version": format!("v{}.0", webhook.version),
            }),
        })
    });
    Ok((200, shown.await?))
}

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
    let (after, limit) = (ask.number("after", 0)?, ask.limit()?);
    ask.end()?;
    let found = ask.tenant(move |tenant, _| {
        let fits = |record: &&Record| {
            wamid.as_ref().is_none_or(|wamid| *wamid == record.wamid)
                && state.as_ref().is_none_or(|state| *state == record.state.name())
        };
        let log = tenant.webhooks();
        let mut records = log.from(after).filter(fits);
        let items: Vec<Value> = records.by_ref().take(limit).map(|record| show(tenant, record)).collect();
        Ok(page(items, records.next().map(|record| record.id), log.evicted()))
    });
    Ok((200, found.await?))
}

fn show(tenant: &Tenant, record: &Record) -> Value {
    let attempts: Vec<Value> = record
        .attempts
        .iter()
        .map(|attempt| {
            let at = instant::write(attempt.at);
            json!({ "at": at, "status": attempt.status, "ms": attempt.ms, "failure": attempt.failure })
        })
        .collect();
    // What was not sent is shown as it would be.
    let (body, signature) = if record.body.is_empty() {
        let body = payload::body(tenant, &record.update);
        let signature = tenant.sign(&record.update, &body);
        (body.into(), signature)
    } else {
        (record.body.clone(), record.signature.clone())
    };
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
        "id": format!("w{}", record.id),
        "kind": record.kind,
        "wamid": record.wamid,
        "forged": record.update.forged,
        "state": record.state.name(),
        "attempts": attempts,
        "headers": headers,
        "body_raw": String::from_utf8_lossy(&body),
    })
}
