//! `POST /{waba-id}/subscribed_apps`: webhooks go to another URL, once it has shaken hands.

use super::call::{Call, Done, Outcome};
use super::refusal::Refusal;
use crate::handshake;
use crate::target::Target;
use crate::tenant::dispatch::Webhook;
use serde_json::Value;

/// The longest URL (documented).
const URL_MOST: usize = 200;

/// Subscribes, and sends webhooks to the URL of the body if it has one.
pub(super) async fn post(call: Call<'_>) -> Done {
    call.account()?;
    let webhook = match wanted(&call.body)? {
        None => None,
        Some((target, verify_token)) => {
            let serial = call.server.next_request();
            let outcome = handshake::shake(&call.server.worlds.connector, &target, &verify_token, serial).await;
            if !outcome.ok {
                let message = format!("Callback verification failed: HTTP Status Code = {}", outcome.status);
                return Err(Refusal::parameter(message, outcome.complaint()).into());
            }
            Some(Webhook::new(target, verify_token))
        }
    };
    let subscribed = call.tenant(move |tenant, _| {
        if webhook.is_some() {
            tenant.set_webhook(webhook);
        }
        Ok(())
    });
    let ((), at) = subscribed.await?;
    Ok(Outcome::success(at))
}
fn wanted(body: &[u8]) -> Result<Option<(Target, String)>, Refusal> {
    let fields: Value = serde_json::from_slice(body).unwrap_or_default();
    let why = "POST /{waba-id}/subscribed_apps takes {\"override_callback_uri\",\"verify_token\"}, both or none";
    let required = |name: &str| Refusal::parameter(format!("The parameter {name} is required."), why);
    match (fields["override_callback_uri"].as_str(), fields["verify_token"].as_str()) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(required("override_callback_uri")),
        (Some(_), None) => Err(required("verify_token")),
        (Some(url), Some(_)) if url.len() > URL_MOST => {
            let message = format!("Param override_callback_uri must be at most {URL_MOST} characters long.");
            Err(Refusal::parameter(message, why))
        }
        (Some(url), Some(verify_token)) => {
            let unusable = |why| Refusal::parameter("Param override_callback_uri must be a valid URI", why);
            Ok(Some((Target::parse(url).map_err(unusable)?, verify_token.to_owned())))
        }
    }
}
