//! `/faults`: what is made to go wrong.

use super::problem::Problem;
use super::{Ask, Done, page};
use crate::instant;
use crate::tenant::faults::{Armed, Unfit};
use mock_whatsapp_model::spec::FaultSpec;
use serde_json::{Value, json};

fn show(armed: &Armed) -> Value {
    json!({ "id": format!("f{}", armed.id), "armed": true, "since": instant::write(armed.since), "fault": armed.written })
}

pub(super) async fn list(ask: Ask<'_>) -> Done {
    ask.end()?;
    let faults = ask.tenant(|tenant, _| Ok(tenant.faults().iter().map(show).collect())).await?;
    Ok((200, page(faults, None, 0)))
}

pub(super) async fn arm(ask: Ask<'_>) -> Done {
    ask.end()?;
    let mut written = ask.fields()?.rest();
    if let Some(fields) = written.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    let spec = read(&written)?;
    let armed = ask.tenant(move |tenant, real| {
        let now = tenant.now(real);
        tenant.arm(spec, Some(written), now).map_err(|Unfit { key, message }| Problem {
            pointer: Some(format!("/{key}")),
            ..Problem::impossible(message)
        })
    });
    Ok((201, json!({ "id": format!("f{}", armed.await?), "seen": 0, "hits": 0, "armed": true })))
}

/// Reads a fault, and where it cannot be read finds the key that is to blame.
fn read(written: &Value) -> Result<FaultSpec, Problem> {
    let whole = serde_json::from_value::<FaultSpec>(written.clone());
    let error = match whole {
        Ok(spec) => return Ok(spec),
        Err(error) => error.to_string(),
    };
    let malformed = |key: &str, error: String| {
        Problem::malformed(format!("/{key}"), "a [[fault]] as in a scenario file, in JSON", error)
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
