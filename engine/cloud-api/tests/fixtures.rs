//! Every fixture reads as its type and is written back as the same JSON. What the types mean is tested beside them.
//!
//! A fixture's type is the first word of its name, so a new one needs no line here.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::fs;
use std::path::Path;

use cloud_api::error::ErrorReply;
use cloud_api::message::{ReadReceipt, SendRequest};
use cloud_api::reply::{SendReply, Success};
use cloud_api::{escape, webhook};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn fixtures() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut all: Vec<(String, Value)> = fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
        })
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(all.len() > 50, "the fixtures are gone");
    all
}

/// Reads the value as a `T` and writes that again.
fn through<T: Serialize + DeserializeOwned>(name: &str, value: &Value) -> Value {
    let read: T = serde_json::from_slice(&serde_json::to_vec(value).unwrap())
        .unwrap_or_else(|error| panic!("{name} does not read: {error}"));
    serde_json::to_value(&read).unwrap()
}

#[test]
fn every_fixture_reads_as_its_type_and_is_written_back_the_same() {
    for (name, value) in fixtures() {
        let again = match name.split('_').next().unwrap() {
            "request" => through::<SendRequest>(&name, &value),
            "receipt" => through::<ReadReceipt>(&name, &value),
            "reply" => through::<SendReply>(&name, &value),
            "success" => through::<Success>(&name, &value),
            "error" => through::<ErrorReply>(&name, &value),
            "webhook" => through::<webhook::Envelope>(&name, &value),
            other => panic!("{name}: no type for `{other}`"),
        };
        assert_eq!(again, value, "{name}");
    }
}

#[test]
fn every_refusal_is_known_to_the_catalogue() {
    for (name, value) in fixtures().into_iter().filter(|(name, _)| name.starts_with("error_")) {
        let reply = ErrorReply::parse(&serde_json::to_vec(&value).unwrap()).unwrap();
        assert_eq!(i64::from(reply.error.index().code()), reply.error.code, "{name}");
    }
}

#[test]
fn every_webhook_survives_the_escaping_of_its_bytes() {
    for (name, value) in fixtures().into_iter().filter(|(name, _)| name.starts_with("webhook_")) {
        let read = webhook::parse(&escape::to_webhook_bytes(&value)).unwrap();
        assert!(read.unreadable.is_empty(), "{name}");
        assert_eq!(serde_json::to_value(&read).unwrap(), value, "{name}");
    }
}
