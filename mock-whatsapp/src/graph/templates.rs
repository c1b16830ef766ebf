//! Template management: `/{waba-id}/message_templates` and `/{template-id}` (section 6.3). What happens to templates by
//! themselves is the tenant's.

mod bulk;
pub(super) mod library;
mod listing;
mod showing;

use super::call::{Call, Done, Outcome, Stop};
use super::enumeration::meant;
use super::parameters::{Parameters, required};
use super::refusal::Refusal;
use crate::templates::creation::{category_of, check, check_names};
use crate::templates::{Category, Draft, ParameterFormat, Place, Status};
use crate::tenant::Tenant;
use crate::tenant::templates::Cause;
pub(super) use bulk::{archive, compare, upsert};
pub(super) use listing::list;
use serde_json::{Value, json};
use showing::{Fields, show};

/// A list, which forms and queries have as JSON in a text.
fn items(parameters: &Parameters, name: &str) -> Result<Option<Value>, Refusal> {
    if parameters.value(name).is_none() {
        return Ok(None);
    }
    let list = parameters.json(name).filter(Value::is_array);
    list.map(Some)
        .ok_or_else(|| Refusal::parameter(format!("Param {name} must be an array."), format!("{name} is a JSON list")))
}

fn whole_number(parameters: &Parameters, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(text) = parameters.text(name) else { return Ok(None) };
    let number = text.trim().parse().ok();
    let message = format!("Param {name} must be an integer.");
    number.map(Some).ok_or_else(|| Refusal::parameter(message, format!("{name} is a whole number")))
}

fn format_of(parameters: &Parameters) -> Result<Option<ParameterFormat>, Refusal> {
    let Some(word) = parameters.text("parameter_format") else { return Ok(None) };
    let why = "variables have numbers (POSITIONAL) or names (NAMED)";
    meant("parameter_format", &word, ParameterFormat::ALL, why).map(Some)
}

/// The most seconds that a message may wait (section 5.8); −1 stands for 30 days.
fn check_ttl(seconds: Option<i64>, category: Category) -> Result<(), Refusal> {
    let range = match category {
        Category::Authentication => 30..=900,
        Category::Utility => 30..=43_200,
        Category::Marketing => 43_200..=2_592_000,
    };
    match seconds {
        None | Some(-1) => Ok(()),
        Some(seconds) if range.contains(&seconds) => Ok(()),
        Some(_) => {
            let (from, to) = (range.start(), range.end());
            let message = format!("Param message_send_ttl_seconds must be between {from} and {to}.");
            Err(Refusal::parameter(message, format!("that is what {} templates may have", category.name())))
        }
    }
}

/// What a template is to be created with.
fn draft(parameters: &Parameters, language: &str) -> Result<Draft, Refusal> {
    let name = parameters.text("name").unwrap_or_default();
    let (category, language) = check_names(&name, language, &parameters.text("category").unwrap_or_default())?;
    let components = match library::chosen(parameters, language)? {
        Some(components) => components,
        None => items(parameters, "components")?.ok_or_else(|| required("components"))?,
    };
    let format = check(components.as_array().map_or(&[], Vec::as_slice), category, format_of(parameters)?)?;
    let ttl_seconds = whole_number(parameters, "message_send_ttl_seconds")?;
    check_ttl(ttl_seconds, category)?;
    let language = language.to_owned();
    Ok(Draft { name, language, category, format, components, ttl_seconds })
}

/// The account of the call, or the refusal of one that is not the caller's.
fn own_account(call: &Call<'_>) -> Result<(), Stop> {
    if call.id == call.identity.waba_id {
        return Ok(());
    }
    let why = format!("the token is tenant {}'s, whose account is {}", call.identity.name, call.identity.waba_id);
    Err(call.no_object(why).into())
}

/// The template of the call. It is named by `id`, where that is not the node itself.
fn find(tenant: &Tenant, id: &str, missing: &Refusal) -> Result<Place, Refusal> {
    tenant.templates().of_id(id).ok_or_else(|| missing.clone())
}

fn missing(call: &Call<'_>) -> Refusal {
    call.no_object(format!(
        "tenant {} has no such template; GET /{}/message_templates lists what it has",
        call.identity.name, call.identity.waba_id
    ))
}

/// Creates a template.
pub(super) async fn create(call: Call<'_>) -> Done {
    own_account(&call)?;
    let parameters = Parameters::of(&call);
    let draft = draft(&parameters, &parameters.text("language").unwrap_or_default())?;
    let is_ready_made = parameters.value("library_template_name").is_some();
    let made = call.tenant(move |tenant, _| {
        if is_ready_made {
            return library::create(tenant, draft);
        }
        let place = tenant.create_template(draft)?;
        Ok(created(tenant, place))
    });
    let (made, at) = made.await?;
    Ok(Outcome::reply(at, made))
}

fn created(tenant: &Tenant, place: Place) -> Value {
    let template = tenant.templates().get(place);
    template.map_or(Value::Null, |template| {
        json!({ "id": &*template.id, "status": template.status.name(), "category": template.category.name() })
    })
}

/// Shows a template: the node's, or the one behind the account's edge, as some clients ask for it.
pub(super) async fn get(call: Call<'_>) -> Done {
    let id = if call.item.is_empty() {
        call.id.clone()
    } else {
        own_account(&call)?;
        call.item.clone()
    };
    let fields = Fields::read(Parameters::of(&call).fields().as_deref())?;
    let missing = missing(&call);
    let shown = call.tenant(move |tenant, _| {
        let place = find(tenant, &id, &missing)?;
        Ok(tenant.templates().get(place).map(|template| show(template, &fields)))
    });
    let (shown, at) = shown.await?;
    Ok(Outcome::reply(at, shown))
}

/// Edits a template.
pub(super) async fn edit(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let category = parameters.text("category").map(|word| category_of(&word)).transpose()?;
    let components = items(&parameters, "components")?;
    let format = format_of(&parameters)?;
    let ttl_seconds = whole_number(&parameters, "message_send_ttl_seconds")?;
    if category.is_none() && components.is_none() && ttl_seconds.is_none() {
        return Err(required("components").into());
    }
    let (missing, id) = (missing(&call), call.id.clone());
    let edited = call.tenant(move |tenant, _| {
        let place = find(tenant, &id, &missing)?;
        let known = tenant.templates().get(place).ok_or_else(|| missing.clone())?;
        let category_then = category.unwrap_or(known.category);
        check_ttl(ttl_seconds, category_then)?;
        let components = match components {
            Some(components) => {
                let format = check(components.as_array().map_or(&[], Vec::as_slice), category_then, format)?;
                Some((components, format))
            }
            None => None,
        };
        tenant.edit_template(place, category, components, ttl_seconds)?;
        let edited = tenant.templates().get(place).ok_or(missing)?;
        // The documentation has `success` alone; clients need the rest.
        Ok(json!({ "success": true, "id": &*edited.id, "name": &*edited.name, "category": edited.category.name() }))
    });
    let (edited, at) = edited.await?;
    Ok(Outcome::reply(at, edited))
}

/// Deletes a template by its id, or all languages of a name.
pub(super) async fn delete(call: Call<'_>) -> Done {
    own_account(&call)?;
    let parameters = Parameters::of(&call);
    let name = parameters.text("name");
    let id = parameters.text("hsm_id");
    let language = parameters.text("language");
    if name.is_none() && id.is_none() {
        return Err(required("name").into());
    }
    let deleted = call.tenant(move |tenant, _| {
        let templates = tenant.templates();
        let places: Vec<Place> = match (&id, &name) {
            (Some(id), _) => templates.of_id(id).into_iter().collect(),
            (None, Some(name)) => templates.of_name(name).to_vec(),
            (None, None) => Vec::new(),
        };
        let fits = |place: &Place| {
            let template = templates.get(*place);
            template.is_some_and(|template| {
                name.as_ref().is_none_or(|name| *name == *template.name)
                    && language.as_ref().is_none_or(|language| language.eq_ignore_ascii_case(&template.language))
            })
        };
        let places: Vec<Place> = places.into_iter().filter(fits).collect();
        if places.is_empty() {
            let message = "Template with this name or id does not exist.".to_owned();
            let why =
                "nothing is deleted: by name goes every language of it, by hsm_id the one whose name is given too";
            return Err(Refusal::parameter("Invalid parameter", why)
                .subcode(2_593_002)
                .for_people("Message Template Not Found", message));
        }
        tenant.delete_templates(&places);
        Ok(())
    });
    let ((), at) = deleted.await?;
    Ok(Outcome::success(at))
}

/// Lets a template be sent again that pacing had paused.
pub(super) async fn unpause(call: Call<'_>) -> Done {
    let (missing, id) = (missing(&call), call.id.clone());
    let unpaused = call.tenant(move |tenant, _| {
        let place = find(tenant, &id, &missing)?;
        let status = tenant.templates().get(place).map(|template| template.status);
        if status != Some(Status::Paused) {
            let why = "only a paused template can be unpaused";
            return Err(Refusal::parameter("Invalid parameter", why).details("The template is not paused"));
        }
        tenant.set_template_status(place, Status::Approved, None, Cause::default());
        Ok(())
    });
    let ((), at) = unpaused.await?;
    Ok(Outcome::success(at))
}
