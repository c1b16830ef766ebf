//! `health_status`: whether messages can be sent, by everything that they hang on.

use crate::tenant::Tenant;
use crate::tenant::numbers::{Number, Quality};
use serde_json::{Value, json};

/// Of a number, with all that stands above it.
pub(super) fn of_number(tenant: &Tenant, number: &Number) -> Value {
    let mut entity = json!({ "entity_type": "PHONE_NUMBER", "id": number.id, "can_send_message": "AVAILABLE" });
    if !number.registered {
        entity["can_send_message"] = "BLOCKED".into();
        entity["errors"] = json!([{
            "error_code": 141_000,
            "error_description": "The phone number is not registered.",
            "possible_solution": "Register the phone number with POST /{phone-number-id}/register.",
        }]);
    } else if number.quality == Quality::Red {
        entity["can_send_message"] = "LIMITED".into();
        entity["additional_info"] = json!(["The quality of the phone number is low."]);
    }
    let mut entities = vec![entity];
    entities.extend(above(tenant));
    overall(entities)
}

/// Of the account, with all that stands above it.
pub(super) fn of_account(tenant: &Tenant) -> Value {
    overall(above(tenant))
}

fn above(tenant: &Tenant) -> Vec<Value> {
    let identity = tenant.identity();
    let of = |kind: &str, id: &str| json!({ "entity_type": kind, "id": id, "can_send_message": "AVAILABLE" });
    vec![of("WABA", &identity.waba_id), of("BUSINESS", &identity.business_id()), of("APP", &identity.app_id)]
}

/// As good as its worst part.
fn overall(entities: Vec<Value>) -> Value {
    let is = |state: &str| entities.iter().any(|entity| entity["can_send_message"] == state);
    let worst = ["BLOCKED", "LIMITED"].into_iter().find(|state| is(state)).unwrap_or("AVAILABLE");
    json!({ "can_send_message": worst, "entities": entities })
}
