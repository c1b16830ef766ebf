//! A webhook that is not as documented never costs more than the odd element: nothing here may fail a parse.
//!
//! Each test takes every webhook fixture and does to it what a new API version, or a bug of Meta's, might do.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::fs;
use std::path::Path;

use cloud_api::webhook::{self, Envelope, Payload, StatusKind};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Keys whose values are names out of a list that may grow.
const NAMES: &[&str] =
    &["object", "field", "status", "type", "category", "pricing_model", "event", "value", "reason", "recipient_type"];

fn webhooks() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let paths = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut all: Vec<(String, Value)> = paths
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| name.starts_with("webhook_"))
        .map(|(name, path)| (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap()))
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn parse(value: &Value) -> Envelope {
    webhook::parse(&serde_json::to_vec(value).unwrap()).unwrap()
}

/// The path to every value inside, parents first, as JSON pointers.
fn paths(value: &Value) -> Vec<String> {
    fn walk(value: &Value, path: &str, out: &mut Vec<String>) {
        out.push(path.to_owned());
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(key, member)| walk(member, &format!("{path}/{key}"), out))
            }
            Value::Array(elements) => {
                elements.iter().enumerate().for_each(|(at, element)| walk(element, &format!("{path}/{at}"), out));
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    walk(value, "", &mut out);
    out
}

fn without_key(value: &mut Value, key: &str) {
    match value {
        Value::Object(members) => {
            members.remove(key);
            members.values_mut().for_each(|member| without_key(member, key));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| without_key(element, key)),
        _ => {}
    }
}

#[test]
fn an_unknown_key_anywhere_changes_nothing_that_is_read() {
    for (name, original) in webhooks() {
        for path in paths(&original) {
            let mut odd = original.clone();
            let Some(Value::Object(members)) = odd.pointer_mut(&path) else { continue };
            members.insert("novelty".into(), json!({"a": [1, null, {"b": "c"}]}));
            let read = parse(&odd);
            assert!(read.unreadable.is_empty(), "{name} {path}");
            let mut again = serde_json::to_value(&read).unwrap();
            without_key(&mut again, "novelty");
            assert_eq!(again, original, "{name} {path}");
        }
    }
}

#[test]
fn an_unknown_name_in_place_of_a_known_one_is_kept() {
    for (name, original) in webhooks() {
        for path in paths(&original) {
            let key = path.rsplit('/').next().unwrap();
            let mut odd = original.clone();
            let Some(place @ Value::String(_)) = odd.pointer_mut(&path).filter(|_| NAMES.contains(&key)) else {
                continue;
            };
            *place = json!("something_new");
            let read = parse(&odd);
            assert!(read.unreadable.is_empty(), "{name} {path}");
            assert_eq!(serde_json::to_value(&read).unwrap(), odd, "{name} {path}");
        }
    }
}

#[test]
fn a_missing_or_null_piece_never_fails_the_parse() {
    for (_, original) in webhooks() {
        for path in paths(&original).into_iter().skip(1) {
            let mut null = original.clone();
            *null.pointer_mut(&path).unwrap() = Value::Null;
            parse(&null);

            let mut missing = original.clone();
            let (parent, key) = path.rsplit_once('/').unwrap();
            match missing.pointer_mut(parent).unwrap() {
                Value::Object(members) => drop(members.remove(key)),
                Value::Array(elements) => drop(elements.remove(key.parse().unwrap())),
                _ => unreachable!("only objects and arrays have something inside"),
            }
            parse(&missing);
        }
    }
}

#[test]
fn whatever_shape_a_piece_beside_the_outcome_takes_the_outcome_is_read() {
    let essential = ["/id", "/status"];
    for (name, original) in webhooks().into_iter().filter(|(_, value)| value.pointer(STATUS).is_some()) {
        let expected = parse(&original).updates().next().unwrap().statuses[0].clone();
        let status = original.pointer(STATUS).unwrap().clone();
        for path in paths(&status).into_iter().skip(1).filter(|path| !essential.contains(&path.as_str())) {
            for shape in [json!({"x": 1}), json!([[]]), json!(true), json!(-7.5), json!("odd")] {
                let mut odd = original.clone();
                *odd.pointer_mut(&format!("{STATUS}{path}")).unwrap() = shape.clone();
                let read = parse(&odd);
                let read = &read.updates().next().unwrap().statuses[0];
                assert_eq!((&read.id, &read.status), (&expected.id, &expected.status), "{name} {path} {shape}");
            }
        }
    }
}

const STATUS: &str = "/entry/0/changes/0/value/statuses/0";

#[test]
fn one_odd_element_costs_itself_and_not_the_batch() {
    let batch = webhooks().into_iter().find(|(name, _)| name == "webhook_batch").unwrap().1;
    let mut odd = batch.clone();
    let statuses = odd.pointer_mut("/entry/0/changes/0/value/statuses").unwrap().as_array_mut().unwrap();
    statuses.insert(1, json!("?"));
    statuses.insert(0, json!({"status": "sent"}));
    let read = parse(&odd);
    assert_eq!(read.unreadable, [json!({"status": "sent"}), json!("?")]);
    assert_eq!(read.entry, parse(&batch).entry);
}

#[test]
fn the_value_may_stand_before_the_field_that_names_its_type() {
    let body = r#"{"object":"o","entry":[{"id":"1","changes":[{"value":{"statuses":[{"id":"wamid.A","status":"sent"}]},
                   "field":"messages"}]}]}"#;
    let read = webhook::parse(body.as_bytes()).unwrap();
    assert_eq!(read.updates().next().unwrap().statuses[0].status, StatusKind::Sent);
}

#[test]
fn a_field_that_nobody_knows_is_kept_as_it_is() {
    let change = json!({"field": "brand_new", "value": [1, {"a": null}]});
    let read = parse(&json!({"object": "o", "entry": [{"id": "1", "changes": [change]}]}));
    let change = &read.entry[0].changes[0];
    assert_eq!((change.field.as_str(), &change.value), ("brand_new", &Payload::Other(json!([1, {"a": null}]))));
}

#[test]
fn a_quality_update_under_the_name_of_a_status_update_is_not_taken_for_one() {
    let misnamed = webhooks().into_iter().find(|(name, _)| name == "webhook_template_quality_misnamed").unwrap().1;
    assert!(matches!(parse(&misnamed).entry[0].changes[0].value, Payload::Other(_)));
}

#[test]
fn json_that_is_no_webhook_is_unreadable_and_what_is_no_json_an_error() {
    for body in ["[]", "1", "null", "{}", r#"{"entry":7}"#, r#"{"entry":[1]}"#, r#"{"entry":[{"changes":[0]}]}"#] {
        let read = webhook::parse(body.as_bytes()).unwrap();
        assert_eq!(read.updates().count(), 0, "{body}");
        assert_eq!(read.unreadable.len(), 1, "{body}");
    }
    for body in ["", "{", "<html>", "{\"entry\":[]}x", "\u{feff}{}"] {
        webhook::parse(body.as_bytes()).unwrap_err();
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Halves only: the JSON reader is not exact in the last digit of every fraction.
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 2.0)),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_in_place_of_any_piece_never_fails_the_parse(
        webhook in prop::sample::select(webhooks()), places in prop::collection::vec((any::<prop::sample::Index>(), any_json()), 1..4),
    ) {
        let mut odd = webhook.1;
        for (place, value) in places {
            let all = paths(&odd);
            *odd.pointer_mut(&all[place.index(all.len())]).unwrap() = value;
        }
        let read = parse(&odd);
        // What was read is itself a webhook that reads the same.
        let again = parse(&serde_json::to_value(&read).unwrap());
        prop_assert_eq!(again.entry, read.entry);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(webhook::parse(&bytes));
    }
}
