//! What a number shows of itself, and how it is set: business profile, settings, commerce, what it says by itself, user name
//! and the key of its flows.

use super::call::{Call, Done, Outcome};
use super::enumeration::one_of;
use super::fields;
use super::parameters::{Parameters, required};
use super::refusal::Refusal;
use crate::limits::SETTINGS_BYTES;
use crate::tenant::Tenant;
use crate::tenant::numbers::Number;
use serde_json::{Map, Value, json};

/// The lengths of a profile's texts (section 6.5).
const TEXTS: [(&str, usize); 4] = [("about", 139), ("address", 256), ("description", 512), ("email", 128)];

/// Web sites, and how long each may be.
const WEBSITES: usize = 2;
const WEBSITE_MOST: usize = 256;

/// Lines of business.
const VERTICALS: [&str; 22] = [
    "UNDEFINED",
    "OTHER",
    "AUTO",
    "BEAUTY",
    "APPAREL",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GROCERY",
    "GOVT",
    "HOTEL",
    "HEALTH",
    "NONPROFIT",
    "PROF_SERVICES",
    "RETAIL",
    "TRAVEL",
    "RESTAURANT",
    "NOT_A_BIZ",
    "ALCOHOL",
    "ONLINE_GAMBLING",
    "PHYSICAL_GAMBLING",
];

/// Settings that can be changed.
const SETTINGS: [&str; 4] = ["calling", "storage_configuration", "user_identity_change", "payload_encryption"];

/// What a number says by itself: openers and commands, and how long each may be.
const PROMPTS: (usize, usize) = (4, 80);
const COMMANDS: (usize, usize, usize) = (30, 32, 256);

async fn show(call: Call<'_>, show: impl FnOnce(&Tenant, &Number) -> Result<Value, Refusal> + Send + 'static) -> Done {
    let shown = call.with_number(move |tenant, id| {
        tenant.numbers().get(&id).map_or(Ok(Value::Null), |number| show(tenant, number))
    });
    let (body, at) = shown.await?;
    Ok(Outcome::reply(at, body))
}

async fn change(call: Call<'_>, change: impl FnOnce(&mut Number) -> Result<(), Refusal> + Send + 'static) -> Done {
    let changed = call.with_number(move |tenant, id| tenant.numbers_mut().get_mut(&id).map_or(Ok(()), change));
    let ((), at) = changed.await?;
    Ok(Outcome::success(at))
}

fn longer(name: &str, most: usize) -> Refusal {
    Refusal::parameter(format!("Param {name} must be at most {most} characters long."), format!("{name} is too long"))
}

/// `GET /{phone-number-id}/whatsapp_business_profile`.
pub(super) async fn get(call: Call<'_>) -> Done {
    let wanted = Parameters::of(&call).fields().map(|text| fields::read(&text)).unwrap_or_default();
    show(call, move |_, number| of(number, &wanted)).await
}

/// A business profile with the fields that are wanted; with none named, all of it.
///
/// # Errors
/// (#100) if a field is asked for that a profile has not.
pub(super) fn of(number: &Number, wanted: &[fields::Field]) -> Result<Value, Refusal> {
    let known = |name: &str| {
        TEXTS.iter().any(|(text, _)| *text == name)
            || ["id", "profile_picture_url", "websites", "vertical", "messaging_product"].contains(&name)
    };
    if let Some(field) = wanted.iter().find(|field| !known(&field.name)) {
        let message =
            format!("Tried accessing nonexisting field ({}) on node type (WhatsAppBusinessProfile)", field.name);
        let why = "the fields are about, address, description, email, profile_picture_url, vertical and websites";
        return Err(Refusal::parameter(message, why));
    }
    let mut profile = number.profile.clone();
    profile.retain(|name, _| {
        wanted.is_empty() || name == "messaging_product" || wanted.iter().any(|field| field.name == *name)
    });
    Ok(json!({ "data": [profile] }))
}

/// `POST /{phone-number-id}/whatsapp_business_profile`. What is not said stays.
pub(super) async fn set(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    parameters.product()?;
    let mut changed = Map::new();
    for (name, most) in TEXTS {
        let Some(text) = parameters.text(name) else { continue };
        if text.chars().count() > most {
            return Err(longer(name, most).into());
        }
        if name == "email" && !text.is_empty() && !text.contains('@') {
            return Err(
                Refusal::parameter("Param email must be a valid email address.", "there is no @ in email").into()
            );
        }
        changed.insert(name.to_owned(), text.into());
    }
    if parameters.value("websites").is_some_and(Value::is_object) {
        return Err(Refusal::parameter("Param websites must be an array.", "the web sites are a list").into());
    }
    if let Some(websites) = parameters.texts("websites") {
        if websites.len() > WEBSITES {
            let message = format!("Param websites must have at most {WEBSITES} elements.");
            return Err(Refusal::parameter(message, "a profile has two web sites").into());
        }
        if websites.iter().any(|site| site.chars().count() > WEBSITE_MOST) {
            return Err(longer("websites", WEBSITE_MOST).into());
        }
        let is_address = |site: &String| site.is_empty() || site.starts_with("https://") || site.starts_with("http://");
        if !websites.iter().all(is_address) {
            let why = "a web site begins with https:// or http://";
            return Err(Refusal::parameter("Param websites must have valid URIs.", why).into());
        }
        changed.insert("websites".to_owned(), websites.into());
    }
    if let Some(vertical) = parameters.text("vertical") {
        let vertical = if vertical.is_empty() { "UNDEFINED" } else { &vertical };
        let vertical = one_of("vertical", vertical, &VERTICALS, "vertical is a line of business")?;
        changed.insert("vertical".to_owned(), vertical.into());
    }
    let handle = parameters.text("profile_picture_handle").filter(|handle| !handle.is_empty());
    let done = call.with_number(move |tenant, id| {
        if let Some(handle) = handle {
            let file = tenant.media().uploads.file(&handle);
            let file = file.filter(|file| file.mime_type.starts_with("image/")).ok_or_else(|| {
                let why = "the handle comes from a resumable upload of an image: POST /{app-id}/uploads, then the file";
                Refusal::new(131_009, why).details("profile_picture_handle: the handle is invalid or has expired")
            })?;
            let name = crate::media::kinds::sha256(&file.bytes);
            changed.insert("profile_picture_url".to_owned(), format!("https://pps.whatsapp.net/v/{name}.jpg").into());
        }
        if let Some(number) = tenant.numbers_mut().get_mut(&id) {
            number.profile.extend(changed);
            number.profile.retain(|_, value| *value != "");
        }
        Ok(())
    });
    let ((), at) = done.await?;
    Ok(Outcome::success(at))
}

/// `GET /{phone-number-id}/settings`.
pub(super) async fn settings(call: Call<'_>) -> Done {
    let wanted = Parameters::of(&call).fields().map(|text| fields::read(&text)).unwrap_or_default();
    show(call, move |_, number| {
        let mut settings = number.settings.clone();
        settings.retain(|name, _| wanted.is_empty() || wanted.iter().any(|field| field.name == *name));
        Ok(settings.into())
    })
    .await
}

/// `POST /{phone-number-id}/settings`. What is not said stays.
pub(super) async fn set_settings(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let mut changed = Map::new();
    for name in SETTINGS {
        if let Some(value) = parameters.json(name).filter(Value::is_object) {
            changed.insert(name.to_owned(), value);
        }
    }
    if let Some(language) = parameters.text("fallback_language") {
        changed.insert("fallback_language".to_owned(), language.into());
    }
    if changed.is_empty() {
        let why = format!("the settings are fallback_language, and {}, each an object", SETTINGS.join(", "));
        return Err(Refusal::parameter("Invalid parameter", why).into());
    }
    change(call, move |number| {
        let mut settings = Value::Object(number.settings.clone());
        merge(&mut settings, Value::Object(changed));
        if settings.to_string().len() > SETTINGS_BYTES {
            return Err(Refusal::parameter("Invalid parameter", format!("settings may have {SETTINGS_BYTES} bytes")));
        }
        if let Value::Object(settings) = settings {
            number.settings = settings;
        }
        Ok(())
    })
    .await
}

/// Objects are merged, everything else is replaced.
fn merge(old: &mut Value, new: Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                if !value.is_null() {
                    merge(old.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (old, new) => *old = new,
    }
}

/// `GET /{phone-number-id}/whatsapp_commerce_settings`.
pub(super) async fn commerce(call: Call<'_>) -> Done {
    show(call, |tenant, number| {
        let (is_catalog_visible, is_cart_enabled) = number.commerce;
        let id = tenant.identity().id(crate::identity::Kind::Catalog, 0);
        Ok(json!({ "data": [{ "is_cart_enabled": is_cart_enabled, "is_catalog_visible": is_catalog_visible, "id": id }] }))
    })
    .await
}

/// `POST /{phone-number-id}/whatsapp_commerce_settings`.
pub(super) async fn set_commerce(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let (visible, cart) = (parameters.flag("is_catalog_visible"), parameters.flag("is_cart_enabled"));
    change(call, move |number| {
        number.commerce = (visible.unwrap_or(number.commerce.0), cart.unwrap_or(number.commerce.1));
        Ok(())
    })
    .await
}

/// `GET /{phone-number-id}/conversational_automation`.
pub(super) async fn automation(call: Call<'_>) -> Done {
    show(call, |_, number| {
        let mut automation = number.automation.clone();
        automation.insert("id".to_owned(), number.id.clone().into());
        Ok(json!({ "conversational_automation": automation, "id": number.id }))
    })
    .await
}

/// `POST /{phone-number-id}/conversational_automation`.
pub(super) async fn set_automation(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let mut changed = Map::new();
    if let Some(welcome) = parameters.flag("enable_welcome_message") {
        changed.insert("enable_welcome_message".to_owned(), welcome.into());
    }
    if let Some(prompts) = parameters.texts("prompts") {
        let (most, length) = PROMPTS;
        if prompts.len() > most || prompts.iter().any(|prompt| prompt.chars().count() > length) {
            let message = format!("Param prompts must have at most {most} elements of {length} characters.");
            return Err(Refusal::parameter(message, "openers are few and short").into());
        }
        changed.insert("prompts".to_owned(), prompts.into());
    }
    if let Some(commands) = parameters.json("commands").and_then(|commands| commands.as_array().cloned()) {
        let (most, name, description) = COMMANDS;
        let fits = |command: &Value| {
            let text = |key: &str| command[key].as_str().map_or(usize::MAX, |text| text.chars().count());
            text("command_name") <= name && text("command_description") <= description
        };
        if commands.len() > most || !commands.iter().all(fits) {
            let message = format!(
                "Param commands must have at most {most} elements, each with a command_name and a command_description."
            );
            return Err(Refusal::parameter(message, "commands are few and short").into());
        }
        changed.insert("commands".to_owned(), commands.into());
    }
    change(call, move |number| {
        number.automation.extend(changed);
        Ok(())
    })
    .await
}

/// `GET /{phone-number-id}/username`.
pub(super) async fn username(call: Call<'_>) -> Done {
    show(call, |_, number| match &number.username {
        Some(username) => Ok(json!({ "username": username, "status": "reserved" })),
        None => Err(Refusal::parameter(
            "No username was found for this phone number.",
            "none was set: POST /{phone-number-id}/username",
        )),
    })
    .await
}

/// `POST /{phone-number-id}/username`.
pub(super) async fn set_username(call: Call<'_>) -> Done {
    let username = check_username(&Parameters::of(&call).needed("username")?)?;
    let done = call.with_number(move |tenant, id| {
        if let Some(number) = tenant.numbers_mut().get_mut(&id) {
            number.username = Some(username);
        }
        Ok(())
    });
    let ((), at) = done.await?;
    Ok(Outcome::reply(at, json!({ "success": true, "status": "reserved" })))
}

/// A user name as it is kept.
///
/// # Errors
/// (#100) if it can be none.
pub(super) fn check_username(username: &str) -> Result<String, Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
    if (3..=35).contains(&username.len()) && username.bytes().all(allowed) {
        return Ok(username.to_ascii_lowercase());
    }
    let why = "a user name has 3 to 35 letters, digits, dots and underscores";
    Err(Refusal::parameter("Param username is not valid.", why))
}

/// `DELETE /{phone-number-id}/username`.
pub(super) async fn delete_username(call: Call<'_>) -> Done {
    change(call, |number| {
        number.username = None;
        Ok(())
    })
    .await
}

/// `GET /{phone-number-id}/username_suggestions`.
pub(super) async fn username_suggestions(call: Call<'_>) -> Done {
    show(call, |_, number| {
        let plain: String =
            number.verified_name.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        let last = &number.digits[number.digits.len().saturating_sub(4)..];
        Ok(json!({ "data": [{ "username_suggestions": [plain, format!("{plain}{last}")] }] }))
    })
    .await
}

/// `GET /{phone-number-id}/whatsapp_business_encryption`.
pub(super) async fn key(call: Call<'_>) -> Done {
    show(call, |_, number| {
        let valid = number.public_key.as_ref().map(|_| "VALID");
        let mut shown = json!({ "data": [{ "business_public_key": number.public_key, "business_public_key_signature_status": valid }] });
        if valid.is_none() {
            shown["data"] = json!([]);
        }
        Ok(shown)
    })
    .await
}

/// `POST /{phone-number-id}/whatsapp_business_encryption`.
pub(super) async fn set_key(call: Call<'_>) -> Done {
    let key = Parameters::of(&call).text("business_public_key").filter(|key| !key.trim().is_empty());
    let key = key.ok_or_else(|| required("business_public_key"))?;
    if key.len() > SETTINGS_BYTES || !key.contains("PUBLIC KEY") {
        return Err(Refusal::parameter(
            "Param business_public_key is not a valid public key.",
            "it is to be a PEM public key",
        )
        .into());
    }
    change(call, move |number| {
        number.public_key = Some(key);
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_merged() {
        let mut old = json!({ "calling": { "status": "DISABLED", "sip": [1] }, "x": 1 });
        merge(&mut old, json!({ "calling": { "status": "ENABLED", "sip": [2], "none": null } }));
        assert_eq!(old, json!({ "calling": { "status": "ENABLED", "sip": [2] }, "x": 1 }));
    }
}
