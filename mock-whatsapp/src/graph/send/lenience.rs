//! What the Graph API takes of a send beside its documented form, and what it does not: objects and lists may be written as a
//! text of JSON, truth values and whole numbers as texts; keys that a type's object has not are refused.
//!
//! Most sends are plain, and are read in one pass. The others are looked over by themselves, and written anew where there is
//! need.

mod plain;

use crate::graph::refusal::Refusal;
use crate::graph::shape::{Misplaced, OBJECT, Shape, misplaced, only, open};
use bytes::Bytes;
use cloud_api::message::SendRequest;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// How much of a key that nobody knows is told.
const KEY_SHOWN: usize = 100;

/// A send. Keys of which it has more than it knows are ignored (section 2.1); those of the types' objects are documented
/// (sections 2.4 to 2.6), and a caption is refused by itself where there is none.
static SEND: Shape = open(&[
    ("text", only(&[("body", Shape::Any), ("preview_url", Shape::Flag)])),
    (
        "template",
        only(&[
            ("name", Shape::Any),
            // Of the API that was there before this one; clients still send it.
            ("namespace", Shape::Any),
            ("language", open(&[])),
            ("components", Shape::List(&COMPONENT)),
        ]),
    ),
    ("image", only(&[("id", Shape::Any), ("link", Shape::Any), ("caption", Shape::Any), ("provider", Shape::Any)])),
    ("video", only(&[("id", Shape::Any), ("link", Shape::Any), ("caption", Shape::Any), ("provider", Shape::Any)])),
    (
        "audio",
        only(&[
            ("id", Shape::Any),
            ("link", Shape::Any),
            ("caption", Shape::Any),
            ("voice", Shape::Flag),
            ("provider", Shape::Any),
        ]),
    ),
    (
        "document",
        only(&[
            ("id", Shape::Any),
            ("link", Shape::Any),
            ("caption", Shape::Any),
            ("filename", Shape::Any),
            ("provider", Shape::Any),
        ]),
    ),
    ("sticker", only(&[("id", Shape::Any), ("link", Shape::Any), ("caption", Shape::Any), ("provider", Shape::Any)])),
    ("reaction", only(&[("message_id", Shape::Any), ("emoji", Shape::Any)])),
    (
        "location",
        only(&[("latitude", Shape::Any), ("longitude", Shape::Any), ("name", Shape::Any), ("address", Shape::Any)]),
    ),
    (
        "interactive",
        only(&[
            ("type", Shape::Any),
            ("header", open(HEADER)),
            ("body", open(&[])),
            ("footer", open(&[])),
            ("action", open(ACTION)),
        ]),
    ),
    ("contacts", Shape::List(&CONTACT)),
    ("context", open(&[])),
    ("typing_indicator", open(&[])),
]);

static COMPONENT: Shape = open(&[("parameters", Shape::List(&PARAMETER)), ("cards", Shape::List(&TEMPLATE_CARD))]);

static TEMPLATE_CARD: Shape = open(&[("components", Shape::List(&COMPONENT))]);

static PARAMETER: Shape = open(&[
    ("image", open(&[])),
    ("video", open(&[])),
    ("document", open(&[])),
    ("currency", open(&[])),
    ("date_time", open(&[])),
    ("location", open(&[])),
    ("product", open(&[])),
    ("action", open(&[("sections", Shape::List(&SECTION)), ("flow_action_data", open(&[]))])),
    ("limited_time_offer", open(&[])),
]);

const HEADER: &[(&str, Shape)] = &[("image", open(&[])), ("video", open(&[])), ("document", open(&[]))];

const ACTION: &[(&str, Shape)] = &[
    ("buttons", Shape::List(&BUTTON)),
    ("sections", Shape::List(&SECTION)),
    ("cards", Shape::List(&CARD)),
    ("parameters", open(&[("flow_action_payload", open(&[]))])),
];

static BUTTON: Shape = open(&[("reply", open(&[])), ("quick_reply", open(&[]))]);

static SECTION: Shape = open(&[("rows", Shape::List(&OBJECT)), ("product_items", Shape::List(&OBJECT))]);

static CARD: Shape = open(&[
    ("card_index", Shape::Whole),
    ("header", open(HEADER)),
    ("body", open(&[])),
    ("action", open(&[("buttons", Shape::List(&BUTTON)), ("parameters", open(&[]))])),
]);

static CONTACT: Shape = open(&[
    ("name", open(&[])),
    ("org", open(&[])),
    ("phones", Shape::List(&OBJECT)),
    ("emails", Shape::List(&OBJECT)),
    ("addresses", Shape::List(&OBJECT)),
    ("urls", Shape::List(&OBJECT)),
]);

/// A key that the object of a type has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::graph) struct Unexpected {
    key: String,
    param: &'static str,
}

impl Unexpected {
    /// (#100) Unexpected key.
    pub(super) fn refusal(&self) -> Refusal {
        let Self { key, param } = self;
        let why = format!(
            "the object {param} has no key {key}; WhatsApp's wording is not certain, and `unexpected_keys = false` in the \
             [rules] of the configuration or in the rules of POST /_mock/tenants lets such keys pass"
        );
        Refusal::parameter(format!("Unexpected key \"{key}\" on param \"{param}\"."), why)
    }
}

/// A body that was read.
pub(in crate::graph) struct Read {
    /// In its documented form.
    pub(in crate::graph) body: Bytes,
    /// The first key in it that is not documented.
    pub(in crate::graph) unexpected: Option<Box<Unexpected>>,
    /// The first place at which something stands that cannot.
    pub(in crate::graph) misplaced: Option<Misplaced>,
    /// Whether it is a plain send, and can be nothing else.
    pub(in crate::graph) is_plain: bool,
    /// What it asks for. Boxed: it is large, and passed on.
    pub(in crate::graph) request: serde_json::Result<Box<SendRequest>>,
}

/// Reads a body, as lenient as the Graph API is.
pub(in crate::graph) fn read(body: Bytes) -> Read {
    // Text that is known to be some is not looked at again, string by string.
    if let Some(request) = std::str::from_utf8(&body).ok().and_then(plain::read) {
        return Read { body, unexpected: None, misplaced: None, is_plain: true, request: Ok(request) };
    }
    read_slowly(body)
}

/// The same the long way, which reads every body.
fn read_slowly(body: Bytes) -> Read {
    let (body, Found { unexpected, misplaced: is_misplaced, .. }) = as_documented(body);
    let whole = || serde_json::from_slice::<Value>(&body).ok();
    let misplaced = if is_misplaced { whole().and_then(|value| misplaced(&value, &SEND, "")) } else { None };
    let request = match &misplaced {
        // Derived readers would take its items for the fields of a send, in their order.
        Some(place) if place.is_whole() => Err(Error::custom("it is no object")),
        Some(_) | None => serde_json::from_slice(&body),
    };
    Read { body, unexpected, misplaced, is_plain: false, request }
}

/// A body in its documented form, and what was found in it.
fn as_documented(body: Bytes) -> (Bytes, Found) {
    let found = look(&body);
    if !found.mend {
        return (body, found);
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else { return (body, found) };
    mend(&mut value, &SEND);
    let body = Bytes::from(value.to_string());
    let found = look(&body);
    (body, found)
}

/// Writes a value as it is documented, as far as it can be read so.
fn mend(value: &mut Value, shape: &'static Shape) {
    if let (Value::String(text), Shape::List(_) | Shape::Object { .. }) = (&*value, shape)
        && let Ok(nested @ (Value::Array(_) | Value::Object(_))) = serde_json::from_str(text)
    {
        *value = nested;
    }
    match (shape, &mut *value) {
        (Shape::Flag, Value::String(text)) => {
            let flag = match text.as_str() {
                "1" => Some(true),
                "0" => Some(false),
                text => text.to_ascii_lowercase().parse().ok(),
            };
            if let Some(flag) = flag {
                *value = Value::Bool(flag);
            }
        }
        (Shape::Flag, Value::Number(number)) => {
            if let Some(flag @ (0 | 1)) = number.as_u64() {
                *value = Value::Bool(flag == 1);
            }
        }
        (Shape::Whole, Value::String(text)) => {
            if let Ok(number) = text.trim().parse::<i64>() {
                *value = Value::from(number);
            }
        }
        (Shape::List(item), Value::Array(items)) => items.iter_mut().for_each(|value| mend(value, item)),
        (Shape::Object { keys, .. }, Value::Object(fields)) => {
            for (key, shape) in *keys {
                if let Some(value) = fields.get_mut(*key) {
                    mend(value, shape);
                }
            }
        }
        (Shape::Any | Shape::Flag | Shape::Whole | Shape::List(_) | Shape::Object { .. }, _) => {}
    }
}

/// What was found in a body.
#[derive(Default)]
struct Found {
    mend: bool,
    unexpected: Option<Box<Unexpected>>,
    /// Whether something stands where it cannot.
    misplaced: bool,
}

fn look(body: &[u8]) -> Found {
    let mut found = Found::default();
    let look = Look { shape: &SEND, name: "", found: &mut found };
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = look.deserialize(&mut json).and_then(|()| json.end());
    // What is no JSON is found out where it is read; until there, what was found is true.
    if read.is_err() {
        tracing::debug!("a body is no JSON");
        found.misplaced = false;
    }
    found
}

/// Looks at the value of a name.
struct Look<'a> {
    shape: &'static Shape,
    name: &'static str,
    found: &'a mut Found,
}

impl Look<'_> {
    /// Notes that something stands here that is neither a list nor an object.
    fn is_bare(&mut self) {
        self.found.misplaced |= self.shape.is_nested();
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.shape {
            Shape::Any => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
            Shape::Flag | Shape::Whole | Shape::List(_) | Shape::Object { .. } => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E: Error>(mut self, _: bool) -> Result<(), E> {
        self.is_bare();
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(mut self, _: u64) -> Result<(), E> {
        self.is_bare();
        self.found.mend |= matches!(self.shape, Shape::Flag);
        Ok(())
    }

    fn visit_i64<E: Error>(mut self, _: i64) -> Result<(), E> {
        self.is_bare();
        Ok(())
    }

    fn visit_f64<E: Error>(mut self, _: f64) -> Result<(), E> {
        self.is_bare();
        Ok(())
    }

    fn visit_str<E: Error>(mut self, _: &str) -> Result<(), E> {
        // It may be the text of what should be here, which is seen once it is written so.
        self.is_bare();
        self.found.mend = true;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { shape, found, .. } = self;
        found.misplaced |= matches!(shape, Shape::Object { .. });
        let shape = if let Shape::List(item) = shape { item } else { &Shape::Any };
        while items.next_element_seed(Look { shape, name: "", found: &mut *found })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        self.found.misplaced |= matches!(self.shape, Shape::List(_));
        let (keys, only) = match *self.shape {
            Shape::Object { keys, only } => (keys, only),
            Shape::Any | Shape::Flag | Shape::Whole | Shape::List(_) => (&[][..], false),
        };
        while let Some(key) = fields.next_key_seed(Key { keys, only })? {
            match key {
                Place::Known(place) => {
                    let (name, shape) = &keys[place];
                    fields.next_value_seed(Look { shape, name, found: &mut *self.found })?;
                }
                Place::Other(key) => {
                    // Null is as good as absent.
                    let is_there = fields.next_value::<Option<IgnoredAny>>()?.is_some();
                    if let Some(key) = key.filter(|_| is_there) {
                        let param = self.name;
                        self.found.unexpected.get_or_insert_with(|| Box::new(Unexpected { key, param }));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A key among those that there may be.
struct Key {
    keys: &'static [(&'static str, Shape)],
    only: bool,
}

/// Where a key is, or which other it is, if that is to be told.
enum Place {
    Known(usize),
    Other(Option<String>),
}

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Place;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Place, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Place;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Place, E> {
        let place = self.keys.iter().position(|(known, _)| *known == key);
        let other = || Place::Other(self.only.then(|| key.chars().take(KEY_SHOWN).collect()));
        Ok(place.map_or_else(other, Place::Known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mended(body: Value) -> Value {
        serde_json::from_slice(&read(body.to_string().into()).body).unwrap()
    }

    #[test]
    fn texts_of_json_truth_and_numbers_are_what_they_stand_for() {
        let row = json!({ "id": "r", "title": "{\"no\":1}" });
        let action = json!({ "sections": json!([{ "rows": json!([row]).to_string() }]).to_string() });
        for (sloppy, careful) in [
            (
                json!({ "text": r#"{"body":"{x}","preview_url":"True"}"#, "to": "{}" }),
                json!({ "text": { "body": "{x}", "preview_url": true }, "to": "{}" }),
            ),
            (
                json!({ "text": { "body": "[1]", "preview_url": 0 } }),
                json!({ "text": { "body": "[1]", "preview_url": false } }),
            ),
            (
                json!({ "interactive": json!({ "type": "list", "action": action }).to_string() }),
                json!({ "interactive": { "type": "list", "action": { "sections": [{ "rows": [row] }] } } }),
            ),
            (
                json!({ "interactive": { "action": { "cards": r#"[{"card_index":"1"}]"# } } }),
                json!({ "interactive": { "action": { "cards": [{ "card_index": 1 }] } } }),
            ),
            (json!({ "text": "hello", "template": "7" }), json!({ "text": "hello", "template": "7" })),
        ] {
            assert_eq!(mended(sloppy), careful);
        }
        for odd in [
            json!({ "text": { "preview_url": "maybe" } }),
            json!({ "interactive": { "action": { "cards": [{ "card_index": "x" }] } } }),
        ] {
            assert_eq!(mended(odd.clone()), odd, "what cannot be read stays as it is");
        }
    }

    #[test]
    fn what_is_as_documented_is_not_written_anew() {
        let body =
            Bytes::from_static(br#" { "text" : {"body":"x","preview_url":true}, "novelty": {"a":1}, "image": null }"#);
        let read = read(body.clone());
        assert_eq!((read.body.as_ptr(), read.unexpected), (body.as_ptr(), None));
        for broken in ["", "{", "[]", "\"x\"", "{\"text\":{\"foo\":1}"] {
            assert_eq!(super::read(broken.into()).body, broken);
        }
    }

    #[test]
    fn a_key_too_many_is_found_in_objects_of_types_only() {
        let key = |body: Value| read(body.to_string().into()).unexpected.map(|found| (found.key, found.param));
        let found = |key: &str, param| Some((key.to_owned(), param));
        assert_eq!(key(json!({ "foo": 1, "context": { "foo": 1 }, "text": { "body": "x", "foo": null } })), None);
        assert_eq!(key(json!({ "text": { "body": "x", "foo": { "a": 1 } } })), found("foo", "text"));
        assert_eq!(key(json!({ "text": r#"{"body":"x","foo":1}"# })), found("foo", "text"));
        assert_eq!(key(json!({ "image": { "id": "1", "filename": "x" } })), found("filename", "image"));
        assert_eq!(key(json!({ "text": { "ä".repeat(200): 1 } })), found(&"ä".repeat(100), "text"));
    }
}
