//! Taking a webhook apart that is not as documented, element by element, so that one odd one does not cost the batch.
//!
//! The slow way, on a body that could not be read in one pass.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Change, Entry, Envelope, Metadata, Payload, Updates};
use crate::lenient;

/// Keys that may go, in that order, before the element itself does: what was said stands in those that stay.
const STATUS: &[&str] = &[
    "conversation",
    "pricing",
    "recipient_type",
    "recipient_participant_id",
    "recipient_user_id",
    "parent_recipient_user_id",
    "recipient_identity_key_hash",
    "recipient_id",
    "timestamp",
    "errors",
    "biz_opaque_callback_data",
];
const MESSAGE: &[&str] =
    &["errors", "image", "interactive", "button", "text", "timestamp", "from_user_id", "context", "reaction", "from"];
const PREFERENCE: &[&str] = &["detail", "category", "timestamp", "user_id"];
const ERROR: &[&str] = &["href", "message", "error_data", "title"];

/// Reads what can be read of any JSON.
pub(super) fn envelope(body: Value) -> Envelope {
    let mut envelope = Envelope::default();
    let Value::Object(mut body) = body else {
        envelope.unreadable.push(body);
        return envelope;
    };
    if let Some(Value::String(object)) = body.remove("object") {
        envelope.object = object;
    }
    match body.remove("entry") {
        Some(Value::Array(entries)) => {
            for one in entries {
                let one = entry(one, &mut envelope.unreadable);
                envelope.entry.extend(one);
            }
        }
        Some(other) => envelope.unreadable.push(other),
        None => envelope.unreadable.push(Value::Object(body)),
    }
    envelope
}

fn entry(value: Value, unreadable: &mut Vec<Value>) -> Option<Entry> {
    let Value::Object(mut fields) = value else {
        unreadable.push(value);
        return None;
    };
    let id = match fields.remove("id") {
        Some(Value::String(id)) => id,
        Some(Value::Number(id)) => id.to_string(),
        _ => String::new(),
    };
    let time = fields.remove("time").and_then(|time| Deserialize::deserialize(time).ok());
    let mut entry = Entry { id, time, changes: Vec::new() };
    for value in array(&mut fields, "changes", unreadable) {
        entry.changes.extend(change(value, unreadable));
    }
    Some(entry)
}

fn change(value: Value, unreadable: &mut Vec<Value>) -> Option<Change> {
    let Value::Object(mut fields) = value else {
        unreadable.push(value);
        return None;
    };
    let field = match fields.remove("field") {
        Some(Value::String(field)) => field,
        Some(Value::Null) | None => String::new(),
        Some(other) => {
            unreadable.push(other);
            String::new()
        }
    };
    let value = match Payload::read(&field, fields.remove("value").unwrap_or_default()) {
        Ok(payload) => payload,
        Err(Value::Object(fields)) => Payload::Updates(Box::new(updates(fields, unreadable))),
        Err(other) => {
            unreadable.push(other);
            return None;
        }
    };
    Some(Change { field, value })
}

fn updates(mut fields: Map<String, Value>, unreadable: &mut Vec<Value>) -> Updates {
    Updates {
        messaging_product: fields
            .remove("messaging_product")
            .and_then(|product| Deserialize::deserialize(product).ok()),
        metadata: metadata(&mut fields, unreadable),
        contacts: elements(&mut fields, "contacts", &["profile", "user_id"], unreadable),
        statuses: elements(&mut fields, "statuses", STATUS, unreadable),
        messages: elements(&mut fields, "messages", MESSAGE, unreadable),
        errors: elements(&mut fields, "errors", ERROR, unreadable),
        user_preferences: elements(&mut fields, "user_preferences", PREFERENCE, unreadable),
    }
}

fn metadata(fields: &mut Map<String, Value>, unreadable: &mut Vec<Value>) -> Option<Metadata> {
    let value = fields.remove("metadata").filter(|value| !value.is_null())?;
    lenient::salvage(value, &["display_phone_number"]).map_err(|value| unreadable.push(value)).ok()
}

/// Those elements of an array that can be read, if need be without some of their keys.
fn elements<T: DeserializeOwned>(
    fields: &mut Map<String, Value>,
    key: &str,
    dispensable: &[&str],
    unreadable: &mut Vec<Value>,
) -> Vec<T> {
    let mut read = Vec::new();
    for element in array(fields, key, unreadable) {
        match lenient::salvage(element, dispensable) {
            Ok(element) => read.push(element),
            Err(element) => unreadable.push(element),
        }
    }
    read
}

fn array(fields: &mut Map<String, Value>, key: &str, unreadable: &mut Vec<Value>) -> Vec<Value> {
    match fields.remove(key) {
        Some(Value::Array(elements)) => elements,
        Some(Value::Null) | None => Vec::new(),
        Some(other) => {
            unreadable.push(other);
            Vec::new()
        }
    }
}
