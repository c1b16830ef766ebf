//! `/webhook`, where webhooks go, and `/webhooks`, which there were.

use super::problem::Problem;
use super::{Ask, Done, page};
use crate::handshake::shake;
use crate::instant;
use crate::payload;
use crate::target::Target;
use crate::tenant::Tenant;
use crate::tenant::dispatch::Webhook;
use crate::tenant::webhook_log::Record;
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
        webhook.wait = timeout.to_std();
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
        let signature = payload::sign(&tenant.identity().app_secret, &record.update, &body);
        (body.into(), signature)
    } else {
        (record.body.clone(), record.signature.clone())
    };
    let headers = json!({
        "content-type": "application/json",
        "user-agent": "facebookexternalua",
        "content-length": body.len().to_string(),
        "x-hub-signature-256": signature,
    });
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
