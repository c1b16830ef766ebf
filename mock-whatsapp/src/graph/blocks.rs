//! `/{phone-number-id}/block_users`: contacts that a number blocked. They cannot write to it, and it cannot write to them.

use super::API_VERSION;
use super::call::{Call, Done, JSON, Outcome};
use super::paging::Paging;
use super::parameters::{Parameters, required};
use super::refusal::Refusal;
use super::send::digits;
use crate::limits::BLOCKED;
use crate::respond::{MOCK_WHY, json as answer, put};
use crate::tenant::Tenant;
use serde_json::{Value, json};

/// How many there are of each kind in a call's body: WhatsApp's own limit is not documented.
const USERS: usize = 1_000;

/// What was asked to be blocked: as it was written, and its digits if it is a number.
type User = (String, Option<u64>);

fn users(parameters: &Parameters) -> Result<Vec<User>, Refusal> {
    parameters.product()?;
    let users = parameters.json("block_users").and_then(|users| users.as_array().cloned());
    let users = users.filter(|users| !users.is_empty()).ok_or_else(|| required("block_users"))?;
    if users.len() > USERS {
        let message = format!("Param block_users must have at most {USERS} elements.");
        return Err(Refusal::parameter(message, "so many users at once are too many"));
    }
    let each = users.iter().map(|user| {
        let text = user["user"].as_str().or(user.as_str()).ok_or_else(|| required("block_users[]['user']"))?;
        Ok((text.to_owned(), digits(text)))
    });
    each.collect()
}

/// Blocks contacts that wrote in the last 24 h.
pub(super) async fn block(call: Call<'_>) -> Done {
    let users = users(&Parameters::of(&call))?;
    let trace = super::trace_id(call.server.next_request());
    let version = call.path.version.to_owned();
    let done = call.with_number(move |tenant, id| {
        let (mut added, mut failed) = (Vec::new(), Vec::new());
        for (input, wa_id) in users {
            match may_be_blocked(tenant, &id, wa_id) {
                Ok(wa_id) => {
                    if let Some(number) = tenant.numbers_mut().get_mut(&id) {
                        number.blocked.insert(wa_id, input.clone());
                    }
                    added.push(json!({ "input": input, "wa_id": wa_id.to_string() }));
                }
                Err(refusal) => failed.push((input, wa_id, refusal)),
            }
        }
        Ok((added, failed))
    });
    let ((added, failed), at) = done.await?;
    if failed.is_empty() {
        return Ok(Outcome::reply(
            at,
            json!({ "messaging_product": "whatsapp", "block_users": { "added_users": added } }),
        ));
    }
    let why =
        failed.iter().map(|(input, _, refusal)| format!("{input}: {}", refusal.why)).collect::<Vec<_>>().join("; ");
    let failed: Vec<Value> = failed
        .iter()
        .map(|(input, wa_id, refusal)| {
            let error = refusal.reply(String::new()).error;
            let details = error.details().unwrap_or_default().to_owned();
            let mut user = json!({ "input": input, "errors": [{
                "message": error.message, "code": error.code, "error_data": { "details": details },
            }] });
            if let Some(wa_id) = wa_id {
                user["wa_id"] = wa_id.to_string().into();
            }
            user
        })
        .collect();
    let refusal = Refusal::new(139_100, why);
    let body = json!({
        "messaging_product": "whatsapp",
        "block_users": { "added_users": added, "failed_users": failed },
        "error": refusal.reply(trace).error,
    });
    let mut refused = answer(refusal.status(), JSON, &body, at);
    put(&mut refused, API_VERSION, &version);
    put(&mut refused, MOCK_WHY, &refusal.why);
    Ok(Outcome::Other(Box::new(refused)))
}

fn may_be_blocked(tenant: &Tenant, id: &str, wa_id: Option<u64>) -> Result<u64, Refusal> {
    let wa_id = wa_id.ok_or_else(|| Refusal::new(131_009, "it is no phone number"))?;
    let Some(number) = tenant.numbers().get(id) else { return Ok(wa_id) };
    if number.digits == wa_id.to_string() {
        return Err(Refusal::new(131_021, "a number cannot block itself"));
    }
    if number.blocked.len() >= BLOCKED && !number.blocked.contains_key(&wa_id) {
        return Err(Refusal::new(139_101, format!("a number blocks at most {BLOCKED} contacts")));
    }
    let wrote = tenant.handsets().find(wa_id);
    let wrote = wrote.is_some_and(|handset| tenant.world().is_window_open(handset, number.number, tenant.time()));
    if !wrote && !number.blocked.contains_key(&wa_id) {
        let why = "only who wrote in the last 24 h can be blocked; POST /_mock/handsets/{wa_id}/messages writes";
        return Err(Refusal::new(131_047, why));
    }
    Ok(wa_id)
}

/// Unblocks contacts.
pub(super) async fn unblock(call: Call<'_>) -> Done {
    let users = users(&Parameters::of(&call))?;
    let done = call.with_number(move |tenant, id| {
        let Some(number) = tenant.numbers_mut().get_mut(&id) else { return Ok(Vec::new()) };
        let gone = users.into_iter().filter_map(|(input, wa_id)| {
            let wa_id = wa_id?;
            number.blocked.remove(&wa_id)?;
            Some(json!({ "input": input, "wa_id": wa_id.to_string() }))
        });
        Ok(gone.collect::<Vec<_>>())
    });
    let (removed, at) = done.await?;
    Ok(Outcome::reply(at, json!({ "messaging_product": "whatsapp", "block_users": { "removed_users": removed } })))
}

/// Lists the contacts that a number blocked.
pub(super) async fn list(call: Call<'_>) -> Done {
    let parameters = Parameters::of(&call);
    let paging = Paging::of(&call, &parameters, 1_000)?;
    let found = call.with_number(move |tenant, id| {
        let blocked = tenant.numbers().get(&id).map(|number| &number.blocked);
        let users: Vec<Value> = blocked
            .into_iter()
            .flatten()
            .map(
                |(wa_id, input)| json!({ "messaging_product": "whatsapp", "input": input, "wa_id": wa_id.to_string() }),
            )
            .collect();
        Ok(paging.page(&users))
    });
    let (body, at) = found.await?;
    Ok(Outcome::reply(at, body))
}
