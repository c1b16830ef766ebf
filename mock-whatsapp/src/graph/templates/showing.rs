//! A template as it is shown: its fields, those that are asked for or those that come unasked.

use super::Refusal;
use crate::templates::Template;
use mock_whatsapp_model::fate::digest;
use serde_json::{Map, Value, json};

/// What comes unasked. `parameter_format` is among them, since clients need it.
const USUAL: [&str; 8] = [
    "name",
    "parameter_format",
    "components",
    "language",
    "status",
    "category",
    "previous_category",
    "message_send_ttl_seconds",
];

/// What can be asked for.
const KNOWN: [&str; 22] = [
    "id",
    "name",
    "parameter_format",
    "components",
    "language",
    "status",
    "category",
    "sub_category",
    "previous_category",
    "correct_category",
    "rejected_reason",
    "specific_rejection_reason",
    "quality_score",
    "message_send_ttl_seconds",
    "library_template_name",
    "cta_url_link_tracking_opted_out",
    "degrees_of_freedom_spec",
    "is_primary_device_delivery_only",
    "health_status",
    "last_updated_time",
    "creation_time",
    "bid_spec",
];

/// Which fields are wanted.
#[derive(Clone, Debug)]
pub(super) enum Fields {
    /// What comes unasked.
    Usual,
    /// These, and the id.
    These(Vec<&'static str>),
}

impl Fields {
    /// Reads a list of fields; what stands in braces behind one is passed over.
    pub(super) fn read(list: Option<&str>) -> Result<Self, Refusal> {
        let Some(list) = list.filter(|list| !list.trim().is_empty()) else { return Ok(Self::Usual) };
        let (mut depth, mut flat) = (0, String::with_capacity(list.len()));
        for letter in list.chars() {
            match letter {
                '{' | '(' => depth += 1,
                '}' | ')' => depth -= 1,
                other if depth == 0 => flat.push(other),
                _ => {}
            }
        }
        let names = flat.split(',').map(str::trim).filter(|name| !name.is_empty());
        let known = names.map(|name| {
            let found = KNOWN.iter().find(|known| **known == name);
            found.copied().ok_or_else(|| {
                let message = format!("Tried accessing nonexisting field ({name}) on node type (MessageTemplate)");
                Refusal::parameter(message, format!("templates have the fields {}", KNOWN.join(", ")))
            })
        });
        Ok(Self::These(known.collect::<Result<_, _>>()?))
    }
}

/// Shows a template.
pub(super) fn show(template: &Template, fields: &Fields) -> Value {
    let names = match fields {
        Fields::Usual => &USUAL[..],
        Fields::These(names) => names,
    };
    let mut shown = Map::new();
    for name in names {
        if let Some(value) = value(template, name) {
            shown.insert((*name).to_owned(), value);
        }
    }
    shown.insert("id".to_owned(), json!(&*template.id));
    Value::Object(shown)
}

/// The same, with the addresses of examples in place of the handles that they were uploaded under. There is nothing behind
/// them.
fn with_addresses(mut components: Value) -> Value {
    let lists = components.as_array_mut().map(Vec::as_mut_slice).unwrap_or_default();
    for component in lists {
        let handles = component.pointer_mut("/example/header_handle").and_then(Value::as_array_mut);
        for handle in handles.into_iter().flatten() {
            if let Some(text) = handle.as_str().filter(|text| !text.starts_with("http")) {
                let key = digest(text.as_bytes());
                *handle = format!("https://scontent.whatsapp.net/v/t61.29466-34/{key:016x}").into();
            }
        }
        for card in component.get_mut("cards").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(parts) = card.get_mut("components") {
                *parts = with_addresses(parts.take());
            }
        }
    }
    components
}

/// A field; none, where the template has nothing to say under it.
fn value(template: &Template, field: &str) -> Option<Value> {
    match field {
        "name" => Some(json!(&*template.name)),
        "language" => Some(json!(&*template.language)),
        "status" => Some(json!(template.status.name())),
        "category" => Some(json!(template.category.name())),
        "previous_category" => template.previous_category.map(|category| json!(category.name())),
        "parameter_format" => Some(json!(template.format.name())),
        "components" => Some(with_addresses(template.components.clone())),
        "rejected_reason" => Some(json!(&*template.rejected_reason)),
        "quality_score" => {
            Some(json!({ "score": template.quality.name(), "date": template.quality_at.unix_seconds() }))
        }
        "message_send_ttl_seconds" => template.ttl_seconds.map(Value::from),
        "health_status" => {
            let (can, errors) = if template.status.sends() {
                ("AVAILABLE", None)
            } else {
                let error = json!({
                    "error_code": 141_002,
                    "error_description": "The message template is not approved.",
                    "possible_solution": "Wait for its review, or edit it.",
                });
                ("BLOCKED", Some(json!([error])))
            };
            let mut entity = json!({ "entity_type": "MESSAGE_TEMPLATE", "id": &*template.id, "can_send_message": can });
            if let Some(errors) = errors {
                entity["errors"] = errors;
            }
            Some(json!({ "can_send_message": can, "entities": [entity] }))
        }
        _ => None,
    }
}
