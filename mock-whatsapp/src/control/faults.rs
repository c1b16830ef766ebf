//! `/faults`: what is made to go wrong.

use super::body::{Fields, make_whole};
use super::problem::Problem;
use super::{Ask, Done, page, phone};
use crate::config::in_words;
use crate::instant;
use crate::limits::FAULT_BYTES;
use crate::tenant::Tenant;
use crate::tenant::faults::{Armed, Narrowing, Unfit};
use crate::tenant::matcher::Matcher;
use cloud_api::catalogue::{self, Mode};
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::spec::{FaultKind, FaultSpec};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn show(tenant: &Tenant, place: usize, armed: &Armed, now: Timestamp) -> Value {
    let count = tenant.count_of(place, now);
    json!({
        "id": format!("f{}", armed.id),
        "seen": count.seen,
        "hits": count.hits,
        "armed": count.armed,
        "since": instant::write(armed.since),
        "fault": armed.written,
    })
}

pub(super) async fn list(mut ask: Ask<'_>) -> Done {
    let (after, limit) = (ask.after()?, ask.limit()?);
    ask.end()?;
    let listed = ask.tenant(move |tenant, real| {
        let now = tenant.now(real);
        let mut all = tenant.faults().iter().enumerate().filter(|(_, armed)| armed.id > after).peekable();
        let mut items = Vec::new();
        let mut last = None;
        while items.len() < limit
            && let Some((place, armed)) = all.next()
        {
            last = Some(armed.id);
            items.push(show(tenant, place, armed, now));
        }
        Ok(page(items, last.filter(|_| all.peek().is_some()), 0))
    });
    Ok((200, listed.await?))
}

pub(super) async fn arm(ask: Ask<'_>) -> Done {
    ask.end()?;
    if ask.body.len() > FAULT_BYTES {
        return Err(Problem::new(413, "The body is too long", format!("a fault has at most {FAULT_BYTES} bytes")));
    }
    let mut fields = ask.fields()?;
    let mut written = fields.copy();
    if let Some(written) = written.as_object_mut() {
        written.retain(|_, value| !value.is_null());
    }
    let (narrowing, ttl) = narrowing(&mut fields)?;
    let mut rest = fields.rest();
    if let Some(fields) = rest.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    make_whole(&mut rest);
    let mut spec = read(&rest)?;
    let note = unlike_whatsapp(&spec);
    if let Some(ttl) = ttl {
        spec.until = Some(spec.until.map_or(ttl, |until| until.min(ttl)));
    }
    let armed = ask.tenant(move |tenant, real| {
        let now = tenant.now(real);
        tenant.arm_narrowed(spec, narrowing, Some(written), now).map_err(|Unfit { key, message }| {
            let pointer = Some(if key.is_empty() { String::new() } else { format!("/{key}") });
            // Another tenant, or fewer faults, and it could be armed.
            let problem =
                if matches!(key, "" | "sender") { Problem::conflict(message) } else { Problem::impossible(message) };
            Problem { pointer, ..problem }
        })
    });
    let mut answer = json!({ "id": format!("f{}", armed.await?), "seen": 0, "hits": 0, "armed": true });
    if let Some(note) = note {
        answer["note"] = Value::String(note);
    }
    Ok((201, answer))
}

/// Says so where an error is told in a way in which WhatsApp never tells it: a sender that is tested so learns something else.
fn unlike_whatsapp(spec: &FaultSpec) -> Option<String> {
    let code = spec.code.filter(|_| spec.kind == FaultKind::Error)?;
    match (catalogue::find(code, None).entry().mode, spec.asynchronous.unwrap_or(false)) {
        (Mode::Webhook, false) => Some(format!(
            "WhatsApp tells {code} by a webhook only, after it accepted the message: \"asynchronous\": true does so"
        )),
        (Mode::Synchronous, true) => {
            Some(format!("WhatsApp tells {code} in the answer only: \"asynchronous\": false does so"))
        }
        _ => None,
    }
}

/// What only the control API says of a fault: what it is aimed at, how often it acts, how long it lives.
fn narrowing(fields: &mut Fields) -> Result<(Narrowing, Option<Span>), Problem> {
    let mut narrowing = Narrowing::default();
    if let Some(every) = fields.integer("every")? {
        let every = u32::try_from(every).ok().filter(|every| *every > 0);
        narrowing.every = Some(every.ok_or_else(|| {
            Problem::malformed("/every", "a whole number from 1", "a fault acts on every first, second, third …")
        })?);
    }
    if let Some(first) = fields.integer("first")? {
        if first == 0 {
            return Err(Problem::malformed("/first", "a whole number from 1", "such a fault would never act"));
        }
        if first > u64::from(u32::MAX) {
            let detail = "no fault acts so often: leave it out, and it acts without an end";
            return Err(Problem::malformed("/first", "a whole number of at most 4294967295", detail));
        }
        narrowing.first = Some(first);
    }
    let ttl = fields.span("ttl")?;
    if ttl == Some(Span::ZERO) {
        return Err(Problem::malformed("/ttl", "more than nothing", "such a fault would never act"));
    }
    if let Some(mut aim) = fields.nested("match")? {
        let to = aim.text("to")?.map(|to| phone(&to)).transpose();
        let to = to.map_err(|problem| Problem { pointer: Some(aim.pointer("to")), ..problem })?;
        let (template, callback_data) = (aim.text("template")?, aim.text("callback_data")?);
        let mut body = BTreeMap::new();
        if let Some(Value::Object(places)) = aim.nested("body")?.map(Fields::rest) {
            for (pointer, value) in places {
                if !pointer.is_empty() && !pointer.starts_with('/') {
                    let expected = "JSON pointers and values, as in {\"/text/body\":\"hi\"}";
                    let detail = format!("`{pointer}` is no JSON pointer");
                    return Err(Problem::malformed("/match/body", expected, detail));
                }
                body.insert(pointer, value);
            }
        }
        let telling = aim.text("webhook")?.map(|name| {
            let known = Matcher::TELLINGS.iter().find(|(known, _)| *known == name).map(|(_, telling)| *telling);
            known.ok_or_else(|| {
                let names = Matcher::TELLINGS.map(|(name, _)| name).join(", ");
                Problem::malformed("/match/webhook", format!("one of {names}"), format!("`{name}` is none of them"))
            })
        });
        let matcher = Matcher { to, template, callback_data, body, telling: telling.transpose()? };
        aim.end()?;
        narrowing.matcher = Some(matcher);
    }
    Ok((narrowing, ttl))
}

/// Reads a fault, and where it cannot be read finds the key that is to blame.
fn read(written: &Value) -> Result<FaultSpec, Problem> {
    let whole = serde_json::from_value::<FaultSpec>(written.clone());
    let error = match whole {
        Ok(spec) => return Ok(spec),
        Err(error) => error.to_string(),
    };
    let malformed = |key: &str, error: String| {
        let expected =
            "a [[fault]] as in a scenario file, in JSON; beside its keys `match`, `every`, `first` and `ttl`";
        Problem::malformed(format!("/{key}"), expected, in_words(&error))
    };
    let Some(kind) = written.get("kind") else { return Err(malformed("kind", error)) };
    // Alone with its kind, each right key can be read.
    let blamed = written.as_object().into_iter().flatten().find_map(|(key, value)| {
        let alone = json!({ "kind": kind, key: value });
        serde_json::from_value::<FaultSpec>(alone).err().map(|error| (key, error.to_string()))
    });
    Err(blamed.map_or_else(|| malformed("", error), |(key, error)| malformed(key, error)))
}

pub(super) async fn disarm(ask: Ask<'_>, id: Option<&str>) -> Done {
    ask.end()?;
    let unknown = |id: &str| Problem::unknown(format!("there is no fault {id}"));
    let number = match id {
        Some(id) => Some(id.strip_prefix('f').and_then(|id| id.parse().ok()).ok_or_else(|| unknown(id))?),
        None => None,
    };
    let disarmed = ask.tenant(move |tenant, _| Ok(tenant.disarm(number))).await?;
    match id {
        Some(id) if disarmed == 0 => Err(unknown(id)),
        _ => Ok((200, json!({ "disarmed": disarmed }))),
    }
}
