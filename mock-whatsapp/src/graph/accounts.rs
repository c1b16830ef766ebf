//! What stands above numbers: the account, the portfolio, the app, the token's own user, and what a token is worth.

use super::analytics::Asked;
use super::call::{Call, Done, Outcome};
use super::fields::{self, Field, Kind};
use super::health;
use super::numbers;
use super::paging::Paging;
use super::parameters::{Parameters, required};
use super::refusal::Refusal;
use super::subscribe;
use super::token;
use crate::identity::{Bearer, Identity, Standing};
use crate::limits::SETTINGS_BYTES;
use crate::tenant::Tenant;
use mock_whatsapp_model::fate::digest;
use serde_json::{Map, Value, json};

const ACCOUNT: Kind = Kind {
    name: "WhatsAppBusinessAccount",
    usual: &["name", "timezone_id", "message_template_namespace"],
    never: &[
        "on_behalf_of_business_info",
        "primary_funding_id",
        "purchase_order_number",
        "linked_commerce_account",
        "auth_international_rate_eligibility",
        "creation_time",
        "conversation_analytics",
        "pricing_analytics",
        "template_analytics",
        "is_shared_with_partners",
        "assigned_users",
        "message_templates",
        "marketing_messages_ad_account",
        "service_pricing_policy",
        "template_auto_archival_enabled",
    ],
};

/// Settings of an account that can be changed.
const SETTINGS: [&str; 5] = [
    "name",
    "timezone_id",
    "is_enabled_for_insights",
    "disable_marketing_messages_on_cloud_api",
    "degrees_of_freedom_spec",
];

/// All that can be known of an account.
fn all(tenant: &Tenant, wanted: &[Field]) -> Result<Map<String, Value>, Refusal> {
    let identity = tenant.identity();
    let key = digest(identity.waba_id.as_bytes());
    let business = json!({ "id": identity.business_id(), "name": format!("Mock Business {}", identity.name) });
    let all = json!({
        "id": identity.waba_id,
        "name": format!("Mock Account {}", identity.name),
        "currency": "USD",
        "timezone_id": "1",
        "message_template_namespace": format!("{:08x}_{:04x}_4{:03x}_8{:03x}_{:012x}", key >> 32, key >> 16 & 0xffff, key >> 4 & 0xfff,
            key >> 20 & 0xfff, key & 0xffff_ffff_ffff),
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "status": "ACTIVE",
        "country": "US",
        "ownership_type": "SELF",
        "primary_business_location": "US",
        "is_enabled_for_insights": false,
        "marketing_messages_lite_api_status": "ELIGIBLE",
        "marketing_messages_onboarding_status": "ELIGIBLE",
        "disable_marketing_messages_on_cloud_api": false,
        "owner_business_info": business,
        "owner_business": business,
        "subscribed_apps": subscribe::apps(tenant),
        "health_status": health::of_account(tenant),
        "whatsapp_business_manager_messaging_limit": crate::tenant::account::tier(tenant.messaging_limit()),
        "degrees_of_freedom_spec": null,
    });
    let mut all = match all {
        Value::Object(all) => all,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    all.extend(tenant.account().settings.clone());
    if let Some(field) = wanted.iter().find(|field| field.name == "phone_numbers") {
        let of_numbers = if field.sub.is_empty() { fields::usual(&numbers::KIND) } else { field.sub.clone() };
        let each = tenant
            .numbers()
            .all()
            .iter()
            .map(|number| numbers::show(number, numbers::all(tenant, number), &of_numbers));
        all.insert("phone_numbers".to_owned(), json!({ "data": each.collect::<Result<Vec<_>, _>>()? }));
    }
    Ok(all)
}

/// `GET /{waba-id}`.
pub(super) async fn get(call: Call<'_>) -> Done {
    call.account()?;
    let parameters = Parameters::of(&call);
    let wanted = fields::wanted(&parameters, &ACCOUNT);
    let counts = wanted.iter().find(|field| field.name == "analytics");
    let counts = counts.map(|field| Asked::read(&parameters, field)).transpose()?;
    let found = call.tenant(move |tenant, _| {
        let mut all = all(tenant, &wanted)?;
        if let Some(counts) = counts {
            all.insert("analytics".to_owned(), counts.answer(tenant));
        }
        fields::select(&ACCOUNT, &wanted, &all)
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

/// `POST /{waba-id}`.
pub(super) async fn change(call: Call<'_>) -> Done {
    call.account()?;
    let parameters = Parameters::of(&call);
    let mut changed = Map::new();
    for name in SETTINGS {
        if let Some(value) = parameters.json(name).or_else(|| parameters.value(name).cloned()) {
            changed.insert(name.to_owned(), value);
        }
    }
    if changed.is_empty() {
        let why = format!("POST /{{waba-id}} takes {}", SETTINGS.join(", "));
        return Err(Refusal::parameter("Invalid parameter", why).into());
    }
    if Value::Object(changed.clone()).to_string().len() > SETTINGS_BYTES {
        let why = format!("the settings of an account may have {SETTINGS_BYTES} bytes");
        return Err(Refusal::parameter("Invalid parameter", why).into());
    }
    let id = call.id.clone();
    let done = call.tenant(move |tenant, _| {
        tenant.account_mut().settings.extend(changed);
        Ok(())
    });
    let ((), at) = done.await?;
    Ok(Outcome::reply(at, json!({ "success": true, "id": id })))
}

/// `GET /{business-id}`.
pub(super) async fn business(call: Call<'_>) -> Done {
    own_business(&call)?;
    let found = call.tenant(|tenant, _| {
        let identity = tenant.identity();
        Ok(json!({ "id": identity.business_id(), "name": format!("Mock Business {}", identity.name), "verification_status": "verified" }))
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

/// `GET /{business-id}/owned_whatsapp_business_accounts`, and those that were shared with it, of which there are none.
pub(super) async fn of_business(call: Call<'_>, owned: bool) -> Done {
    own_business(&call)?;
    let parameters = Parameters::of(&call);
    let (wanted, paging) = (fields::wanted(&parameters, &ACCOUNT), Paging::of(&call, &parameters, 100)?);
    let found = call.tenant(move |tenant, _| {
        let accounts =
            if owned { vec![fields::select(&ACCOUNT, &wanted, &all(tenant, &wanted)?)?] } else { Vec::new() };
        Ok(paging.page(&accounts))
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

fn own_business(call: &Call<'_>) -> Result<(), Refusal> {
    let id = call.identity.business_id();
    if call.id == id {
        return Ok(());
    }
    Err(call
        .no_object(format!("the token decides the tenant, which is {}, and its business is {id}", call.identity.name)))
}

/// `GET /me`: the user whose token this is.
pub(super) async fn me(call: Call<'_>) -> Done {
    let (id, name) = (call.identity.user_id(), call.identity.name.clone());
    let ((), at) = call.tenant(|_, _| Ok(())).await?;
    Ok(Outcome::reply(at, json!({ "name": format!("Mock System User {name}"), "id": id })))
}

/// `GET /{app-id}`, and `GET /app`.
pub(super) async fn app(call: Call<'_>) -> Done {
    if call.id != "app" {
        call.app()?;
    }
    let (id, name) = (call.identity.app_id.clone(), call.identity.name.clone());
    let ((), at) = call.tenant(|_, _| Ok(())).await?;
    let link = format!("https://www.facebook.com/games/?app_id={id}");
    Ok(Outcome::reply(
        at,
        json!({ "category": "Business and pages", "link": link, "name": format!("Mock App {name}"), "id": id }),
    ))
}

/// `GET /oauth/access_token`: the app's own token, or the tenant's for a code.
pub(super) async fn access_token(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let identity = &call.identity;
    let token = match parameters.text("code") {
        Some(_) => identity.token.clone(),
        None => format!("{}|{}", identity.app_id, identity.app_secret),
    };
    let ((), at) = call.tenant(|_, _| Ok(())).await?;
    Ok(Outcome::reply(at, json!({ "access_token": token, "token_type": "bearer" })))
}

/// `GET /debug_token?input_token=…`.
pub(super) async fn debug_token(call: Call<'_>) -> Done {
    let input = Parameters::of(&call).text("input_token").filter(|token| !token.is_empty());
    let input = input.ok_or_else(|| required("input_token"))?;
    let bearer = Bearer::read(&input);
    let now = call.tenant(move |tenant, real| Ok(tenant.now(real))).await?.0;
    let own = bearer.filter(|bearer| bearer.identity == call.identity);
    let Some(Bearer { identity, standing }) = own else {
        let refusal = token::unknown(Some(&input));
        let message = refusal.reply(String::new()).error.message;
        let data = json!({ "error": { "code": 190, "message": message }, "is_valid": false, "scopes": [] });
        return Ok(Outcome::reply(now, json!({ "data": data })));
    };
    let mut data = about(&identity, standing, call.tenant(|tenant, _| Ok(tenant.started())).await?.0.unix_seconds());
    let asked = async || Ok::<_, super::call::Stop>(now);
    if let Some(refusal) = token::refuse(standing, super::route::Permission::Any, asked).await? {
        let error = refusal.reply(String::new()).error;
        data["is_valid"] = false.into();
        data["error"] = json!({ "code": error.code, "message": error.message, "subcode": error.error_subcode });
        data["expires_at"] = now.unix_seconds().saturating_sub(3_600).into();
    }
    Ok(Outcome::reply(now, json!({ "data": data })))
}

fn about(identity: &Identity, standing: Standing, issued_at: u64) -> Value {
    let scopes: &[&str] = match standing {
        Standing::Valid | Standing::Expired | Standing::Revoked => {
            &["whatsapp_business_management", "whatsapp_business_messaging"]
        }
        Standing::NoMessaging => &["whatsapp_business_management"],
        Standing::NoManagement => &["whatsapp_business_messaging"],
        Standing::App => &[],
    };
    let name = format!("Mock App {}", identity.name);
    if standing == Standing::App {
        return json!({ "app_id": identity.app_id, "type": "APP", "application": name, "is_valid": true, "scopes": scopes });
    }
    let granular: Vec<Value> =
        scopes.iter().map(|scope| json!({ "scope": scope, "target_ids": [identity.waba_id] })).collect();
    json!({
        "app_id": identity.app_id,
        "type": "SYSTEM_USER",
        "application": name,
        "data_access_expires_at": 0,
        "expires_at": 0,
        "is_valid": true,
        "issued_at": issued_at,
        "scopes": scopes,
        "granular_scopes": granular,
        "user_id": identity.user_id(),
    })
}
