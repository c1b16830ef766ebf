//! Where webhooks go: `/{waba-id}/subscribed_apps`, `POST /{app-id}/subscriptions`, and what numbers and accounts override,
//! each once the URL has shaken hands.

use super::call::{Call, Done, Outcome, Stop};
use super::enumeration::one_of;
use super::parameters::{Parameters, required};
use super::refusal::Refusal;
use crate::handshake;
use crate::target::Target;
use crate::tenant::dispatch::Webhook;
use serde_json::{Value, json};

/// The longest URL (documented).
const URL_MOST: usize = 200;

/// The object whose webhooks these are.
const OBJECT: &str = "whatsapp_business_account";

/// Subscribes, and sends the account's webhooks to the URL of the body if it has one; to the app's, if it has none.
pub(super) async fn post(call: Call<'_>) -> Done {
    call.account()?;
    let parameters = Parameters::of(&call);
    let pair = json!({
        "override_callback_uri": parameters.text("override_callback_uri"),
        "verify_token": parameters.text("verify_token"),
    });
    let webhook = overridden(&call, &pair, false).await?;
    let subscribed = call.tenant(move |tenant, _| {
        tenant.account_mut().unsubscribed = false;
        tenant.set_account_webhook(webhook);
        Ok(())
    });
    let ((), at) = subscribed.await?;
    Ok(Outcome::success(at))
}

/// Tells which apps are subscribed: the tenant's own, or none.
pub(super) async fn get(call: Call<'_>) -> Done {
    call.account()?;
    let found = call.tenant(|tenant, _| Ok(apps(tenant)));
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

/// The apps that are subscribed to a tenant's account.
pub(super) fn apps(tenant: &crate::tenant::Tenant) -> Value {
    if tenant.account().unsubscribed {
        return json!({ "data": [] });
    }
    let (id, name) = (&tenant.identity().app_id, &tenant.identity().name);
    let mut app = json!({
        "whatsapp_business_api_data": {
            "id": id,
            "name": format!("Mock App {name}"),
            "link": format!("https://www.facebook.com/games/?app_id={id}"),
        },
    });
    if let Some(webhook) = &tenant.account().webhook {
        app["override_callback_uri"] = webhook.target.url().into();
    }
    json!({ "data": [app] })
}

/// Unsubscribes: no more webhooks are sent for the account, and its override is forgotten.
pub(super) async fn delete(call: Call<'_>) -> Done {
    call.account()?;
    let done = call.tenant(|tenant, _| {
        tenant.account_mut().unsubscribed = true;
        tenant.set_account_webhook(None);
        Ok(())
    });
    let ((), at) = done.await?;
    Ok(Outcome::success(at))
}

/// Sends the app's webhooks to a URL.
pub(super) async fn subscribe_app(call: Call<'_>) -> Done {
    call.app()?;
    let parameters = Parameters::of(&call);
    let object = parameters.needed("object")?;
    one_of("object", &object, &[OBJECT], "this server has only WhatsApp's webhooks")?;
    let pair = json!({
        "override_callback_uri": parameters.needed("callback_url")?,
        "verify_token": parameters.text("verify_token").unwrap_or_default(),
    });
    let webhook = overridden(&call, &pair, false).await?;
    let done = call.tenant(move |tenant, _| {
        tenant.set_webhook(webhook);
        Ok(())
    });
    let ((), at) = done.await?;
    Ok(Outcome::success(at))
}

/// Tells where the app's webhooks go.
pub(super) async fn app_subscriptions(call: Call<'_>) -> Done {
    call.app()?;
    let version = call.path.version.to_owned();
    let found = call.tenant(move |tenant, _| {
        let Some(webhook) = tenant.webhook() else { return Ok(json!({ "data": [] })) };
        let fields: Vec<Value> = FIELDS.iter().map(|name| json!({ "name": name, "version": version })).collect();
        Ok(json!({ "data": [{
            "object": OBJECT, "callback_url": webhook.target.url(), "active": true, "fields": fields,
        }] }))
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

/// The webhook fields that there are.
const FIELDS: [&str; 9] = [
    "account_update",
    "business_capability_update",
    "message_template_quality_update",
    "message_template_status_update",
    "messages",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "template_category_update",
];

/// Sends the app's webhooks nowhere.
pub(super) async fn unsubscribe_app(call: Call<'_>) -> Done {
    call.app()?;
    let done = call.tenant(|tenant, _| {
        tenant.set_webhook(None);
        Ok(())
    });
    let ((), at) = done.await?;
    Ok(Outcome::success(at))
}

/// The webhook that `override_callback_uri` and `verify_token` stand for, once it has shaken hands; none where there is no URL.
/// An empty one means none too, where that `may_be_empty`.
pub(super) async fn overridden(call: &Call<'_>, fields: &Value, may_be_empty: bool) -> Result<Option<Webhook>, Stop> {
    let url = fields["override_callback_uri"].as_str().filter(|url| !(may_be_empty && url.is_empty()));
    let why = "a URL that webhooks are to go to comes with the verify_token of its handshake";
    let (url, verify_token) = match (url, fields["verify_token"].as_str()) {
        (None, None) => return Ok(None),
        (None, Some(_)) if may_be_empty => return Ok(None),
        (None, Some(_)) => return Err(required("override_callback_uri").into()),
        (Some(_), None) => return Err(Refusal::parameter("The parameter verify_token is required.", why).into()),
        (Some(url), Some(verify_token)) => (url, verify_token.to_owned()),
    };
    if url.len() > URL_MOST {
        let message = format!("Param override_callback_uri must be at most {URL_MOST} characters long.");
        return Err(Refusal::parameter(message, "the URL is too long").into());
    }
    let unusable = |why| Refusal::parameter("Param override_callback_uri must be a valid URI", why);
    let target = Target::parse(url).map_err(unusable)?;
    let serial = call.server.next_request();
    let outcome = handshake::shake(&call.server.worlds.connector, &target, &verify_token, serial).await;
    if !outcome.ok {
        let message = format!("Callback verification failed: HTTP Status Code = {}", outcome.status);
        return Err(Refusal::parameter(message, outcome.complaint()).into());
    }
    Ok(Some(Webhook::new(target, verify_token)))
}
