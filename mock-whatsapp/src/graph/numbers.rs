//! Numbers: `GET` and `POST /{phone-number-id}`, and `GET` and `POST /{waba-id}/phone_numbers`. How a number is verified and
//! registered is in `registration`.

use super::call::{Call, Done, Outcome};
use super::fields::{self, Kind};
use super::health;
use super::paging::Paging;
use super::parameters::{Parameters, required};
use super::profile;
use super::refusal::Refusal;
use super::subscribe;
use crate::instant;
use crate::limits::NUMBERS;
use crate::tenant::Tenant;
use crate::tenant::account::tier;
use crate::tenant::numbers::{NewNumber, Number};
use serde_json::{Map, Value, json};

/// Items of a page at most (section 6.1).
const PAGE_MOST: u64 = 100;

/// The longest display name. Not documented for the API; the manager allows so much.
const NAME_MOST: usize = 512;

pub(super) const KIND: Kind = Kind {
    name: "WhatsAppBusinessPhoneNumber",
    usual: &[
        "verified_name",
        "code_verification_status",
        "display_phone_number",
        "quality_rating",
        "platform_type",
        "throughput",
        "last_onboarded_time",
        "webhook_configuration",
    ],
    never: &[
        "certificate",
        "new_certificate",
        "eligibility_for_api_business_global_search",
        "conversational_automation",
        "username",
        "last_onboarded_time",
        "new_display_name",
        "country_code",
        "country_dial_code",
        "official_business_account",
        "owner_business_info",
        "requested_verified_name",
    ],
};

/// Digits of a national number at least, where it is told by its length that its code stands before it.
const NATIONAL_MIN: usize = 9;

/// Parameters of a change that Meta's description has, and from which nothing follows here.
const TAKEN: [&str; 4] = ["connection_status", "search_visibility", "webhook_url", "whatsapp_business_api_data"];

/// The edge that can be asked for as a field.
const PROFILE: &str = "whatsapp_business_profile";

/// All that can be known of a number.
pub(super) fn all(tenant: &Tenant, number: &Number) -> Map<String, Value> {
    let limit = tier(tenant.messaging_limit_of(number.number));
    let mut webhooks = Map::new();
    for (name, webhook) in [
        ("phone_number", number.webhook.as_ref()),
        ("whatsapp_business_account", tenant.account().webhook.as_ref()),
        ("application", tenant.webhook()),
    ] {
        if let Some(webhook) = webhook {
            webhooks.insert(name.to_owned(), webhook.target.url().into());
        }
    }
    let verified = if number.verified { "VERIFIED" } else { "NOT_VERIFIED" };
    let quality = number.quality.name();
    let mut automation = number.automation.clone();
    automation.insert("id".to_owned(), number.id.clone().into());
    let all = json!({
        "id": number.id,
        "display_phone_number": number.display(),
        "verified_name": number.verified_name,
        "quality_rating": quality,
        "quality_score": { "score": quality },
        "code_verification_status": verified,
        "platform_type": if number.registered { "CLOUD_API" } else { "NOT_APPLICABLE" },
        "host_platform": if number.registered { "CLOUD_API" } else { "NOT_APPLICABLE" },
        "throughput": { "level": number.level() },
        "status": number.status(),
        "name_status": if number.verified { "APPROVED" } else { "NONE" },
        "new_name_status": if number.new_name.is_some() { "PENDING_REVIEW" } else { "NONE" },
        "new_display_name": number.new_name,
        "unified_cert_status": if number.verified { "APPROVED" } else { "NONE" },
        "account_mode": "LIVE",
        "is_official_business_account": false,
        "is_on_biz_app": number.on_app,
        "is_pin_enabled": number.pin.is_some(),
        "is_preverified_number": false,
        "search_visibility": "NON_VISIBLE",
        "messaging_limit_tier": limit,
        "whatsapp_business_manager_messaging_limit": limit,
        "webhook_configuration": webhooks,
        "conversational_automation": (!number.automation.is_empty()).then_some(automation),
        "username": number.username,
        "last_onboarded_time": number.registered.then(|| onboarded(number)),
        "health_status": health::of_number(tenant, number),
        "whatsapp_business_account": { "id": tenant.identity().waba_id },
    });
    match all {
        Value::Object(all) => all,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// A number with the fields that are wanted, of which one is an edge: clients ask for the profile together with the rest.
///
/// # Errors
/// (#100) if a field is asked for that there is not.
pub(super) fn show(number: &Number, mut all: Map<String, Value>, wanted: &[fields::Field]) -> Result<Value, Refusal> {
    if let Some(field) = wanted.iter().find(|field| field.name == PROFILE) {
        all.insert(PROFILE.to_owned(), profile::of(number, &field.sub)?);
    }
    fields::select(&KIND, wanted, &all)
}

/// As in `2026-03-01T12:00:00+0000`.
fn onboarded(number: &Number) -> String {
    let whole = instant::write(number.since);
    format!("{}+0000", whole.split('.').next().unwrap_or_default())
}

/// One number.
pub(super) async fn get(call: Call<'_>) -> Done {
    let wanted = fields::wanted(&Parameters::of(&call), &KIND);
    let found = call.with_number(move |tenant, number| {
        let shown = |number: &Number| show(number, all(tenant, number), &wanted);
        tenant.numbers().get(&number).map_or_else(|| fields::select(&KIND, &wanted, &Map::new()), shown)
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

/// All of an account.
pub(super) async fn list(call: Call<'_>) -> Done {
    call.account()?;
    let parameters = Parameters::of(&call);
    let (wanted, paging) = (fields::wanted(&parameters, &KIND), Paging::of(&call, &parameters, PAGE_MOST)?);
    let filters = parameters.json("filtering").and_then(|filters| filters.as_array().cloned()).unwrap_or_default();
    let newest_first =
        parameters.text("sort").is_some_and(|sort| sort.ends_with(".desc") || sort.ends_with("descending"));
    let found = call.tenant(move |tenant, _| {
        let numbers = tenant.numbers().all().iter().map(|number| (number, all(tenant, number)));
        let fits = |number: &Map<String, Value>| {
            filters.iter().all(|filter| {
                let value = filter["field"].as_str().and_then(|field| number.get(field));
                value.is_none_or(|value| *value == filter["value"])
            })
        };
        let mut found = Vec::new();
        for (number, all) in numbers.filter(|(_, all)| fits(all)) {
            found.push(show(number, all, &wanted)?);
        }
        if newest_first {
            found.reverse();
        }
        Ok(paging.page(&found))
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}

/// Adds a number to an account. It is yet to be verified and registered.
pub(super) async fn add(call: Call<'_>) -> Done {
    call.account()?;
    let parameters = Parameters::of(&call);
    let number = parameters.needed("phone_number")?;
    let code = parameters.text("cc").or_else(|| parameters.text("country_code")).unwrap_or_default();
    let verified_name = parameters.text("verified_name").or_else(|| parameters.text("display_name"));
    let verified_name = verified_name.filter(|name| !name.is_empty()).ok_or_else(|| required("verified_name"))?;
    check_name("verified_name", &verified_name)?;
    let digits = whole(&code, &number);
    if !(7..=15).contains(&digits.len()) || digits.starts_with('0') {
        let why = "cc and phone_number together have 7 to 15 digits, of which the first is not 0";
        return Err(Refusal::parameter("Param phone_number must be a valid phone number.", why).into());
    }
    let added = call.tenant(move |tenant, real| {
        if tenant.numbers().all().iter().any(|known| known.digits == digits) {
            let why = format!("the account has +{digits} already");
            return Err(Refusal::parameter("Invalid parameter", why)
                .for_people("Phone number already exists", "This phone number is already registered to an account."));
        }
        let throughput = tenant.config().throughput;
        let new = NewNumber { digits, verified_name, throughput, on_app: false, ready: false };
        let now = tenant.now(real);
        tenant.add_number(new, now).ok_or_else(|| {
            Refusal::parameter("Invalid parameter", format!("a tenant has at most {NUMBERS} numbers"))
                .for_people("Limit reached", "You have reached the maximum number of phone numbers.")
        })
    });
    let (id, at) = added.await?;
    Ok(Outcome::reply(at, json!({ "id": id })))
}

/// The digits of a number with its country's code: it may have it already, with a plus or, as Meta's description writes it,
/// without one. A national number could begin alike, but such are shorter.
fn whole(code: &str, number: &str) -> String {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (code, own) = (digits(code), digits(number));
    let has_code = own.strip_prefix(code.as_str()).is_some_and(|rest| rest.len() >= NATIONAL_MIN);
    if number.starts_with('+') || has_code { own } else { code + &own }
}

fn check_name(name: &str, text: &str) -> Result<(), Refusal> {
    if text.chars().count() <= NAME_MOST {
        return Ok(());
    }
    let message = format!("Param {name} must be at most {NAME_MOST} characters long.");
    Err(Refusal::parameter(message, format!("{name} is too long")))
}

/// Changes a number: its PIN, its names, or where its webhooks go.
pub(super) async fn change(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let data = parameters.json("whatsapp_business_api_data");
    let nested = data.as_ref().and_then(|data| data["pin"].as_str()).map(str::to_owned);
    let pin = parameters.text("pin").or(nested);
    if let Some(pin) = &pin {
        check_pin(pin)?;
    }
    let name = parameters.text("new_display_name");
    if let Some(name) = &name {
        check_name("new_display_name", name)?;
    }
    let username = parameters.text("username").map(|name| profile::check_username(&name)).transpose()?;
    let webhook = parameters.json("webhook_configuration");
    let is_taken = TAKEN.iter().any(|name| parameters.value(name).is_some());
    if pin.is_none() && name.is_none() && username.is_none() && webhook.is_none() && !is_taken {
        let why = format!(
            "POST /{{phone-number-id}} takes pin, new_display_name, username and webhook_configuration; nothing follows \
             from {}",
            TAKEN.join(", ")
        );
        return Err(Refusal::parameter("Invalid parameter", why).into());
    }
    call.with_number(|_, _| Ok(())).await?;
    let webhook = match webhook {
        Some(fields) => Some(subscribe::overridden(&call, &fields, true).await?),
        None => None,
    };
    let changed = call.with_number(move |tenant, id| {
        if let Some(webhook) = webhook {
            tenant.set_number_webhook(&id, webhook);
        }
        let Some(number) = tenant.numbers_mut().get_mut(&id) else { return Ok(()) };
        if name.is_some() {
            number.new_name = name;
        }
        if username.is_some() {
            number.username = username;
        }
        let Some(pin) = pin else { return Ok(()) };
        let digits = number.digits.clone();
        let first = number.pin.replace(pin).is_none();
        number.wrong_pins = 0;
        if !first {
            tenant.announce("security", json!({ "display_phone_number": digits, "event": "PIN_CHANGED" }));
        }
        Ok(())
    });
    let ((), at) = changed.await?;
    Ok(Outcome::success(at))
}

/// That a PIN is one.
///
/// # Errors
/// (#100) if it has not six digits.
pub(super) fn check_pin(pin: &str) -> Result<(), Refusal> {
    if pin.len() == 6 && pin.bytes().all(|digit| digit.is_ascii_digit()) {
        return Ok(());
    }
    Err(Refusal::parameter("Param pin must be 6 characters long.", "a PIN has six digits"))
}
