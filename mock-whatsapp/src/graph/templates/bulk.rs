//! What is done to several templates at once: made in many languages, put away and back, compared.

use super::{created, draft, items, missing, own_account, whole_number};
use crate::graph::call::{Call, Done, Outcome};
use crate::graph::parameters::{Parameters, required};
use crate::graph::refusal::Refusal;
use crate::templates::creation::LANGUAGES;
use crate::templates::{Category, Draft, Place, Status};
use crate::tenant::Tenant;
use crate::tenant::templates::Cause;
use cloud_api::time::Timestamp;
use serde_json::{Map, Value, json};

/// Creates or edits an authentication template in several languages at once.
pub(in crate::graph) async fn upsert(call: Call<'_>) -> Done {
    own_account(&call)?;
    let parameters = Parameters::of(&call);
    let languages = items(&parameters, "languages")?.ok_or_else(|| required("languages"))?;
    let languages: Vec<&str> = languages.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if languages.is_empty() || languages.len() > LANGUAGES.len() {
        return Err(required("languages").into());
    }
    let drafts: Vec<Draft> = languages.iter().map(|language| draft(&parameters, language)).collect::<Result<_, _>>()?;
    if drafts.iter().any(|draft| draft.category != Category::Authentication) {
        let message = "Param category must be one of {AUTHENTICATION}.";
        return Err(Refusal::parameter(message, "only authentication templates are made in bulk").into());
    }
    let made = call.tenant(move |tenant, _| {
        let mut data = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let language = draft.language.clone();
            let place = match tenant.templates().find(&draft.name, &language).map(|(place, _)| place) {
                Some(place) => {
                    tenant.edit_template(place, None, Some((draft.components, draft.format)), draft.ttl_seconds)?;
                    place
                }
                None => tenant.create_template(draft)?,
            };
            let mut made = created(tenant, place);
            made["language"] = json!(language);
            data.push(made);
        }
        Ok(json!({ "data": data }))
    });
    let (made, at) = made.await?;
    Ok(Outcome::reply(at, made))
}

/// Puts templates away, or takes them back.
pub(in crate::graph) async fn archive(call: Call<'_>) -> Done {
    own_account(&call)?;
    let (done, failed, from, to) = match call.item.as_str() {
        "archive" => ("archived_templates", "it is archived already", Status::Approved, Status::Archived),
        "unarchive" => ("unarchived_templates", "it is not archived", Status::Archived, Status::Approved),
        _ => return Err(call.no_object("templates are put away by …/archive and taken back by …/unarchive").into()),
    };
    let parameters = Parameters::of(&call);
    let ids = parameters.texts("hsm_ids").ok_or_else(|| required("hsm_ids"))?;
    let moved = call.tenant(move |tenant, _| {
        let (mut moved, mut left) = (Vec::new(), Map::new());
        for id in ids {
            let found = tenant.templates().of_id(&id);
            let status = found.and_then(|place| tenant.templates().get(place)).map(|template| template.status);
            let fits = status.is_some_and(|status| status == from || (to == Status::Archived && status != to));
            match found.filter(|_| fits) {
                Some(place) => {
                    tenant.set_template_status(place, to, None, Cause::default());
                    moved.push(id);
                }
                None => {
                    let why = if status.is_some() { failed } else { "there is no such template" };
                    left.insert(id, json!(why));
                }
            }
        }
        Ok(json!({ done: moved, "failed_templates": left }))
    });
    let (moved, at) = moved.await?;
    Ok(Outcome::reply(at, moved))
}

/// Compares a template with others: how often each was sent in a stretch of time. Nobody blocks for a template's sake here.
pub(in crate::graph) async fn compare(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let others = parameters.texts("template_ids").ok_or_else(|| required("template_ids"))?;
    let mut ids = vec![call.id.clone()];
    ids.extend(others.into_iter().filter(|id| !id.is_empty()));
    let second = |name: &str| -> Result<u64, Refusal> {
        let seconds = whole_number(&parameters, name)?.ok_or_else(|| required(name))?;
        u64::try_from(seconds)
            .map_err(|_| Refusal::parameter(format!("Param {name} must be a time."), "in Unix seconds"))
    };
    let (start, end) = (second("start")?, second("end")?);
    let missing = missing(&call);
    let compared = call.tenant(move |tenant, _| {
        // Whole seconds: the last one counts too, or what was sent just now would not.
        let window = Timestamp::from_unix_seconds(start)..Timestamp::from_unix_seconds(end.saturating_add(1));
        let mut sends = Vec::with_capacity(ids.len());
        for id in &ids {
            let place = tenant.templates().of_id(id).ok_or_else(|| missing.clone())?;
            sends.push((id, sent(tenant, place, &window)));
        }
        let numbers: Vec<Value> = sends.iter().map(|(id, count)| json!({ "key": id, "value": count })).collect();
        let reasons: Vec<Value> = ids.iter().map(|id| json!({ "key": id, "value": "UNKNOWN_BLOCK_REASON" })).collect();
        Ok(json!({ "data": [
            { "metric": "BLOCK_RATE", "type": "RELATIVE", "order_by_relative_metric": ids },
            { "metric": "MESSAGE_SENDS", "type": "NUMBER_VALUES", "number_values": numbers },
            { "metric": "TOP_BLOCK_REASON", "type": "STRING_VALUES", "string_values": reasons },
        ] }))
    });
    let (compared, at) = compared.await?;
    Ok(Outcome::reply(at, compared))
}

/// How many messages of a template were accepted in a stretch of time, as far as they are still known.
fn sent(tenant: &Tenant, place: Place, window: &std::ops::Range<Timestamp>) -> usize {
    let Some(name) = tenant.templates().get(place).map(|template| template.name.clone()) else { return 0 };
    let all = tenant.world().messages(tenant.messages().first()).filter(|message| window.contains(&message.at));
    let is_of = |index| tenant.messages().get(index).is_some_and(|words| words.template() == Some(&*name));
    all.filter(|message| is_of(message.index)).count()
}
