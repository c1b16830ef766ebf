//! A send that is as documented, read and looked over in one pass: what reads its values sees every key and value, and this
//! looks on. Where anything is not as documented, nothing is read, and the caller goes the long way.

use super::SEND;
use crate::graph::shape::Shape;
use cloud_api::message::SendRequest;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, forward_to_deserialize_any};
use std::cell::Cell;
use std::fmt;

/// The send of a body that is as documented.
pub(super) fn read(text: &str) -> Option<Box<SendRequest>> {
    let plain = Cell::new(true);
    let mut json = serde_json::Deserializer::from_str(text);
    let request = Box::deserialize(Watched { inner: &mut json, shape: &SEND, plain: &plain }).ok()?;
    json.end().ok()?;
    plain.get().then_some(request)
}

/// A part of what reads a value, and what should stand there.
struct Watched<'a, T> {
    inner: T,
    shape: &'static Shape,
    /// Whether all was as documented so far.
    plain: &'a Cell<bool>,
}

impl<'a, T> Watched<'a, T> {
    /// Notes that something stands here that is neither a list nor an object.
    fn is_bare(&self) {
        if self.shape.is_nested() {
            self.plain.set(false);
        }
    }

    /// The part, and another that looks on in its place.
    fn apart<O>(self, other: O) -> (T, Watched<'a, O>) {
        let Self { inner, shape, plain } = self;
        (inner, Watched { inner: other, shape, plain })
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Watched<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        let (seed, deserializer) = self.apart(deserializer);
        seed.deserialize(deserializer)
    }
}

impl<'de, T: Deserializer<'de>> Deserializer<'de> for Watched<'_, T> {
    type Error = T::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, T::Error> {
        let (deserializer, visitor) = self.apart(visitor);
        deserializer.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, T::Error> {
        let (deserializer, visitor) = self.apart(visitor);
        deserializer.deserialize_option(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, T: Visitor<'de>> Visitor<'de> for Watched<'_, T> {
    type Value = T::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T::Value, E> {
        self.is_bare();
        self.inner.visit_bool(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T::Value, E> {
        self.is_bare();
        self.inner.visit_i64(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T::Value, E> {
        if matches!(self.shape, Shape::Flag) || self.shape.is_nested() {
            self.plain.set(false);
        }
        self.inner.visit_u64(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T::Value, E> {
        self.is_bare();
        self.inner.visit_f64(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T::Value, E> {
        // Nothing that is watched is a text by rights.
        self.plain.set(false);
        self.inner.visit_str(value)
    }

    fn visit_unit<E: Error>(self) -> Result<T::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_none<E: Error>(self) -> Result<T::Value, E> {
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        let (visitor, deserializer) = self.apart(deserializer);
        visitor.visit_some(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T::Value, A::Error> {
        if matches!(self.shape, Shape::Object { .. }) {
            // Derived readers would take it for the object's values, in the order of its fields.
            return Err(Error::custom("a list where an object should be"));
        }
        let (visitor, items) = self.apart(items);
        visitor.visit_seq(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T::Value, A::Error> {
        if matches!(self.shape, Shape::List(_)) {
            self.plain.set(false);
        }
        let (visitor, fields) = self.apart(fields);
        visitor.visit_map(Fields { fields, value: Cell::new(&Shape::Any) })
    }
}

impl<'de, T: SeqAccess<'de>> SeqAccess<'de> for Watched<'_, T> {
    type Error = T::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, T::Error> {
        match self.shape {
            Shape::List(shape) => self.inner.next_element_seed(Watched { inner: seed, shape, plain: self.plain }),
            Shape::Any | Shape::Flag | Shape::Whole | Shape::Object { .. } => self.inner.next_element_seed(seed),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// The fields of an object.
struct Fields<'a, T> {
    fields: Watched<'a, T>,
    /// What the value of the last key should be.
    value: Cell<&'static Shape>,
}

impl<'de, T: MapAccess<'de>> MapAccess<'de> for Fields<'_, T> {
    type Error = T::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, T::Error> {
        let Watched { inner, shape, plain } = &mut self.fields;
        let key = Watched { inner: seed, shape, plain };
        inner.next_key_seed(Key { key, value: &self.value })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, T::Error> {
        match self.value.get() {
            Shape::Any => self.fields.inner.next_value_seed(seed),
            shape => {
                let plain = self.fields.plain;
                self.fields.inner.next_value_seed(Watched { inner: seed, shape, plain })
            }
        }
    }

    fn size_hint(&self) -> Option<usize> {
        self.fields.inner.size_hint()
    }
}

/// A key on its way to who reads it; with the shape of its object.
struct Key<'a, T> {
    key: Watched<'a, T>,
    value: &'a Cell<&'static Shape>,
}

impl<'a, T> Key<'a, T> {
    fn apart<O>(self, other: O) -> (T, Key<'a, O>) {
        let (inner, key) = self.key.apart(other);
        (inner, Key { key, value: self.value })
    }

    /// Notes what the value should be.
    fn look(&self, key: &str) {
        let (keys, only) = match *self.key.shape {
            Shape::Object { keys, only } => (keys, only),
            Shape::Any | Shape::Flag | Shape::Whole | Shape::List(_) => (&[][..], false),
        };
        let known = keys.iter().find(|(known, _)| *known == key);
        self.value.set(known.map_or(&Shape::Any, |(_, shape)| shape));
        if known.is_none() && only {
            self.key.plain.set(false);
        }
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Key<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        let (seed, deserializer) = self.apart(deserializer);
        seed.deserialize(deserializer)
    }
}

impl<'de, T: Deserializer<'de>> Deserializer<'de> for Key<'_, T> {
    type Error = T::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, T::Error> {
        let (deserializer, visitor) = self.apart(visitor);
        deserializer.deserialize_str(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, T: Visitor<'de>> Visitor<'de> for Key<'_, T> {
    type Value = T::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.inner.expecting(f)
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<T::Value, E> {
        self.look(key);
        self.key.inner.visit_str(key)
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<T::Value, E> {
        self.look(key);
        self.key.inner.visit_borrowed_str(key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Read, read_slowly};
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Sends as documented, with something at every place that is watched.
    fn documented() -> [Value; 7] {
        let send = |kind: &str, object: Value| {
            let to = json!("+14155550123");
            json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": kind, kind: object })
        };
        let media = json!({ "link": "https://x.example/a.png" });
        let parameters = json!([
            { "type": "text", "text": "Ana" },
            { "type": "image", "image": media },
            { "type": "currency", "currency": { "fallback_value": "$1", "code": "USD", "amount_1000": 1000 } },
            { "type": "date_time", "date_time": { "fallback_value": "today" } },
            { "type": "location", "location": { "latitude": 1.5 } },
            { "type": "action", "action": { "sections": [{ "title": "a", "product_items": [{}] }], "flow_action_data": {} } },
        ]);
        let component = json!({ "type": "body", "parameters": parameters });
        let carousel = json!({ "type": "carousel", "cards": [{ "card_index": 0, "components": [component] }] });
        let language = json!({ "code": "en_US", "policy": "deterministic" });
        let card = json!({ "card_index": 1, "type": "cta_url", "header": { "type": "image", "image": media }, "body": { "text": "x" },
                           "action": { "buttons": [{ "quick_reply": { "id": "a" } }], "parameters": { "url": "x" } } });
        let action = json!({ "buttons": [{ "type": "reply", "reply": { "id": "a", "title": "b" } }], "cards": [card],
                             "sections": [{ "rows": [{ "id": "r" }] }], "parameters": { "flow_action_payload": { "a": 1 } } });
        let name = json!({ "formatted_name": "Ana" });
        let mut text = send("text", json!({ "body": "x {\"y\":1}", "preview_url": true }));
        text["context"] = json!({ "message_id": "wamid.x" });
        text["novelty"] = json!([{ "a": null }]);
        [
            text,
            send("template", json!({ "name": "sale", "language": language, "components": [component, carousel] })),
            send("audio", json!({ "id": 12, "voice": false })),
            send("reaction", json!({ "message_id": "wamid.x", "emoji": "\u{1f600}" })),
            send("interactive", json!({ "type": "button", "body": { "text": "x" }, "action": action })),
            send(
                "contacts",
                json!([{ "name": name, "phones": [{ "phone": "1" }], "emails": [], "org": { "company": "x" } }]),
            ),
            json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "x", "typing_indicator": { "type": "text" } }),
        ]
    }

    /// What is read at once is what the long way reads, and nothing that the long way finds fault with. Whether it was.
    fn is_read_alike(text: &str) -> Result<bool, TestCaseError> {
        let Some(request) = read(text) else { return Ok(false) };
        let Read { body, unexpected, misplaced, request: slowly } =
            read_slowly(Bytes::copy_from_slice(text.as_bytes()));
        prop_assert_eq!(&*body, text.as_bytes(), "it was written anew");
        prop_assert_eq!((unexpected, misplaced), (None, None), "{}", text);
        match slowly {
            Ok(slowly) => prop_assert_eq!(slowly, request, "{}", text),
            Err(error) => return Err(TestCaseError::fail(format!("the long way: {error}: {text}"))),
        }
        Ok(true)
    }

    #[test]
    fn what_is_documented_is_read_at_once_and_as_the_long_way_does() {
        for body in documented() {
            assert!(is_read_alike(&body.to_string()).unwrap(), "{body}");
        }
    }

    /// All places in a value, as pointers.
    fn places(value: &Value, place: String, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                fields.iter().for_each(|(key, value)| places(value, format!("{place}/{key}"), found));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(nth, value)| places(value, format!("{place}/{nth}"), found));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        found.push(place);
    }

    /// Makes of a value what some client might.
    fn spoil(value: &mut Value, how: u8) {
        let was = value.take();
        *value = match (how, was) {
            (0, was) => Value::String(was.to_string()),
            (1, was) => json!([was]),
            (2, Value::Object(fields)) => fields.into_iter().map(|(_, value)| value).collect(),
            (3, Value::Object(mut fields)) => {
                fields.insert("foo".to_owned(), json!({ "bar": 1 }));
                Value::Object(fields)
            }
            (4, Value::Object(mut fields)) => {
                fields.retain(|key, _| key.len() % 2 == 0);
                Value::Object(fields)
            }
            (5, _) => json!(1),
            (6, _) => json!(-1.5),
            (7, _) => json!("true"),
            (8, _) => json!({}),
            (9, _) => json!([]),
            (10, _) => json!(true),
            (11, _) => json!("[{}]"),
            _ => Value::Null,
        };
    }

    /// How a body may be written: in one line, in several, with a key in escapes, twice, or with something behind it.
    fn written(body: &Value, how: u8) -> String {
        let line = body.to_string();
        match how {
            0 => serde_json::to_string_pretty(body).unwrap_or_default(),
            1 => line.replacen("\"te", "\"\\u0074e", 2),
            2 => line.replacen("\"type\":", "\"type\":null,\"type\":", 1),
            3 => line.replacen('}', ",}", 1),
            4 => format!("{line} x"),
            _ => line,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn both_ways_read_a_body_alike(
            which in any::<prop::sample::Index>(),
            spoils in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..13), 0..4),
            how in 0_u8..10,
        ) {
            let all = documented();
            let mut body = which.get(&all).clone();
            for (place, how) in spoils {
                let mut found = Vec::new();
                places(&body, String::new(), &mut found);
                if let Some(value) = body.pointer_mut(place.get(&found).as_str()) {
                    spoil(value, how);
                }
            }
            is_read_alike(&written(&body, how))?;
        }
    }
}
