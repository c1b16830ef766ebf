//! `/webhook`: where a tenant's webhooks go, and how.

use super::body::Fields;
use super::problem::Problem;
use super::{Ask, Done};
use crate::handshake::shake;
use crate::limits::{WEBHOOK_BATCH, WEBHOOK_WAIT_MOST};
use crate::server::Server;
use crate::target::Target;
use crate::tenant::dispatch::{Batching, Webhook};
use cloud_api::time::Span;
use serde_json::{Value, json};

/// How long a webhook that may share its POST waits for others, unless told otherwise.
const BATCH_WAIT: Span = Span::millis(100);

/// A wish for webhooks to go somewhere.
#[derive(Debug)]
pub(super) struct Wish {
    url: Option<String>,
    verify_token: Option<String>,
    handshake: bool,
    insecure: bool,
    retries: bool,
    timeout: Option<Span>,
    version: Option<u16>,
    batch: Option<Batching>,
}

impl Wish {
    /// Reads one.
    pub(super) fn read(mut fields: Fields) -> Result<Self, Problem> {
        if !fields.has("url") {
            return Err(fields.missing("url", "a URL, or null for none"));
        }
        let url = fields.text("url")?;
        let verify_token = fields.text("verify_token")?;
        let handshake = fields.flag("handshake")?.unwrap_or(true);
        let word = |fields: &mut Fields, key: &'static str, usual: &str, other: &str| {
            let word = fields.text(key)?;
            match word.as_deref() {
                None => Ok(false),
                Some(word) if word == usual => Ok(false),
                Some(word) if word == other => Ok(true),
                Some(word) => {
                    let expected = format!("\"{usual}\" or \"{other}\"");
                    Err(Problem::malformed(fields.pointer(key), expected, format!("`{word}` is neither")))
                }
            }
        };
        let insecure = word(&mut fields, "tls", "verify", "insecure")?;
        let retries = !word(&mut fields, "retry", "meta", "none")?;
        let timeout = fields.span("timeout")?;
        if timeout.is_some_and(|timeout| timeout == Span::ZERO || timeout > WEBHOOK_WAIT_MOST) {
            let expected = format!("more than nothing, at most {WEBHOOK_WAIT_MOST}");
            let detail = "no receiver can be waited for like that";
            return Err(Problem::malformed(fields.pointer("timeout"), expected, detail));
        }
        let version = fields.text("version")?;
        let version = version.map(|version| {
            version_of(&version).ok_or_else(|| {
                let expected = "a version of the Graph API, as in \"v23.0\"";
                Problem::malformed(fields.pointer("version"), expected, format!("`{version}` is none"))
            })
        });
        let version = version.transpose()?;
        let size = fields.integer("batch")?;
        let wait = fields.span("batch_wait")?;
        let batch = match (size, wait) {
            (None | Some(1), _) => None,
            (Some(size), wait) if (2..=WEBHOOK_BATCH as u64).contains(&size) => {
                Some(Batching { size: size as usize, wait: wait.unwrap_or(BATCH_WAIT) })
            }
            (Some(size), _) => {
                let expected = format!("updates of one POST, from 1 to {WEBHOOK_BATCH}");
                return Err(Problem::malformed(
                    fields.pointer("batch"),
                    expected,
                    format!("{size} is too many or none"),
                ));
            }
        };
        fields.end()?;
        Ok(Self { url, verify_token, handshake, insecure, retries, timeout, version, batch })
    }

    /// Makes it what it wishes for, once the receiver has shaken hands, if it is to; beside it the handshake's status.
    pub(super) async fn prepare(
        &self,
        server: &Server,
        verify_token: &str,
    ) -> Result<(Option<Webhook>, Option<u16>), Problem> {
        let Some(url) = &self.url else { return Ok((None, None)) };
        let target = Target::parse(url)
            .map(|target| target.insecurely(self.insecure))
            .map_err(|detail| Problem { pointer: Some("/url".to_owned()), ..Problem::impossible(detail) })?;
        let mut webhook = Webhook::new(target, self.verify_token.clone().unwrap_or_else(|| verify_token.to_owned()));
        webhook.retries = self.retries;
        webhook.wait = self.timeout.map_or(webhook.wait, Span::to_std);
        webhook.version = self.version.unwrap_or(webhook.version);
        webhook.batch = self.batch;
        if !self.handshake {
            return Ok((Some(webhook), None));
        }
        let connector = &server.worlds.connector;
        let outcome = shake(connector, &webhook.target, &webhook.verify_token, server.next_request()).await;
        if outcome.ok {
            return Ok((Some(webhook), Some(outcome.status)));
        }
        let received = json!({ "status": outcome.status, "body": outcome.received, "expected": outcome.challenge });
        Err(Problem { received: Some(Box::new(received)), ..Problem::impossible(outcome.complaint()) })
    }
}

/// The major number of a version.
fn version_of(text: &str) -> Option<u16> {
    let major = text.strip_prefix('v')?.strip_suffix(".0")?;
    let is_number = !major.starts_with('0') && major.bytes().all(|byte| byte.is_ascii_digit());
    major.parse().ok().filter(|major| is_number && *major <= 999)
}

pub(super) async fn put(ask: Ask<'_>) -> Done {
    ask.end()?;
    let wish = Wish::read(ask.fields()?)?;
    let verify_token = ask.tenant(|tenant, _| Ok(tenant.identity().verify_token.clone())).await?;
    let (webhook, shaken) = wish.prepare(ask.server, &verify_token).await?;
    ask.tenant(|tenant, _| {
        tenant.set_webhook(webhook);
        Ok(())
    })
    .await?;
    let handshake = shaken.map(|status| json!({ "status": status, "ok": true }));
    Ok((200, json!({ "url": wish.url, "handshake": handshake })))
}

/// Where webhooks go. The verify token stays secret.
pub(super) async fn get(ask: Ask<'_>) -> Done {
    ask.end()?;
    let shown = ask.tenant(|tenant, _| Ok(tenant.webhook().map_or_else(|| json!({ "url": null }), show)));
    Ok((200, shown.await?))
}

fn show(webhook: &Webhook) -> Value {
    let batch = webhook.batch.unwrap_or(Batching { size: 1, wait: Span::ZERO });
    json!({
        "url": webhook.target.url(),
        "tls": if webhook.target.is_insecure() { "insecure" } else { "verify" },
        "retry": if webhook.retries { "meta" } else { "none" },
        "timeout": Span(u64::try_from(webhook.wait.as_micros()).unwrap_or(u64::MAX)).to_string(),
        "version": format!("v{}.0", webhook.version),
        "batch": batch.size,
        "batch_wait": batch.wait.to_string(),
    })
}
