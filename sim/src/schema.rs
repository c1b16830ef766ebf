//! The JSON Schema of scenario files, for editors: every key with what it means, what it takes and what it is by default.
//!
//! Keys, words and bounds are the reader's own; a test holds each section's keys against it. What a schema cannot say (names
//! that must exist, shares that add up) only the reader says.

mod sections;
mod words;

use serde_json::{Value, json};

/// The schema, in the form of the draft 2020-12.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario of campaign-sim",
        "description": "A WhatsApp campaign, the contacts, what goes wrong and when, and what must hold at the end.",
        "type": "object",
        "properties": properties(sections::top()),
        "required": ["name", "campaign"],
        "additionalProperties": false,
        "$defs": {
            "name": {
                "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$",
                "description": "1 to 64 letters, digits, `-`, `_` or `.`"
            },
            "span": {
                "type": "string", "pattern": "^\\s*([0-9]+(us|ms|s|m|min|h|d)\\s*)+$",
                "description": "A length of time: whole numbers, each with a unit, as in \"300ms\", \"2s\", \"1h30m\", \"3d\""
            },
            "share": {
                "type": "number", "minimum": 0, "maximum": 1,
                "description": "A share from 0 to 1, at most six digits behind the point"
            },
            "delay": {
                "description": "Always the same, or spread by its median and its 99th percentile (log-normal)",
                "anyOf": [
                    { "$ref": "#/$defs/span" },
                    object(vec![("median", a("span", "Half of all are shorter")), ("p99", a("span", "99 of 100 are shorter"))], &["median", "p99"]),
                ]
            },
            "messaging_limit": {
                "description": "Distinct contacts in 24 hours",
                "anyOf": [{ "type": "integer", "minimum": 0, "maximum": u32::MAX }, { "const": "unlimited" }]
            },
            "count": {
                "description": "A count (20_000), a range (\"19_000..21_000\", \"..5\", \"7..\"), or shares of the campaign (\"60%..80%\")",
                "anyOf": [
                    { "type": "integer", "minimum": 0, "maximum": u32::MAX },
                    { "type": "string", "pattern": "^\\s*[0-9][0-9_.]*\\s*%?\\s*$|^[0-9_.%\\s]*\\.\\.[0-9_.%\\s]*$" }
                ]
            }
        }
    })
}

/// A key of a section and what it takes.
type Key = (&'static str, Value);

fn properties(keys: Vec<Key>) -> Value {
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<serde_json::Map<_, _>>().into()
}

/// A table with these keys and no other.
fn object(keys: Vec<Key>, required: &[&str]) -> Value {
    json!({ "type": "object", "properties": properties(keys), "required": required, "additionalProperties": false })
}

/// `[[key]]`.
fn list(description: &str, most: usize, items: Value) -> Value {
    json!({ "type": "array", "description": description, "maxItems": most, "items": items })
}

/// A value of a form that has a name.
fn a(form: &str, description: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{form}"), "description": description })
}

/// With what it is where the key is left out.
fn by_default(mut value: Value, default: impl Into<Value>) -> Value {
    value["default"] = default.into();
    value
}

fn whole(description: &str, low: u64, high: u64) -> Value {
    json!({ "type": "integer", "minimum": low, "maximum": high, "description": description })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn yes_or_no(description: &str) -> Value {
    by_default(json!({ "type": "boolean", "description": description }), false)
}

/// One of some words; editors that know `x-taplo` show what each means.
fn one_of(description: &str, words: &[(&str, &str)]) -> Value {
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let meanings: Vec<&str> = words.iter().map(|(_, meaning)| *meaning).collect();
    let docs = json!({ "docs": { "enumValues": meanings } });
    json!({ "type": "string", "description": description, "enum": names, "x-taplo": docs })
}

/// Where a key has one of some values, more holds.
fn where_it_is(key: &str, values: &[&str], then: Value) -> Value {
    json!({ "if": { "properties": { key: { "enum": values } }, "required": [key] }, "then": then })
}

#[cfg(test)]
mod tests;
