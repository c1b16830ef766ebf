//! A send of the commonest forms, a text or a template with words in its variables, read in one pass and strictly: each key is
//! known and comes once, each value is of its documented kind. Where anything else stands, nothing is read, and the caller goes
//! the long way.

use cloud_api::message::{ReplyTo, SendRequest, Text};
use cloud_api::template::{Component, ComponentType, Language, Parameter, Template};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The send of a body that is plain.
pub(super) fn read(text: &str) -> Option<Box<SendRequest>> {
    // Read into where it stays: it is large.
    let mut request = Box::<SendRequest>::default();
    let mut json = serde_json::Deserializer::from_str(text);
    Fill(&mut *request).deserialize(&mut json).ok()?;
    json.end().ok()?;
    Some(request)
}

/// What is read key by key into where it stays. Derived readers would take a list for an object, pass over keys that they do
/// not know, and move what they made.
trait Object {
    /// The keys that there must be, each with the bit of its place.
    const NEEDED: u32 = 0;

    /// Reads the value of a key; the place of that key among all.
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<u32, A::Error>;
}

/// An error that nobody sees.
fn uncommon<T, E: Error>() -> Result<T, E> {
    Err(E::custom("this is for the long way"))
}

impl Object for SendRequest {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<u32, A::Error> {
        match key {
            "messaging_product" => some(0, &mut self.messaging_product, fields),
            "recipient_type" => some(1, &mut self.recipient_type, fields),
            "to" => some(2, &mut self.to, fields),
            "type" => put(3, &mut self.kind, fields),
            "text" => object(4, self.text.insert(Text::default()), fields),
            "template" => object(5, self.template.insert(Template::default()), fields),
            "context" => object(6, self.context.insert(ReplyTo::default()), fields),
            "biz_opaque_callback_data" => some(7, &mut self.biz_opaque_callback_data, fields),
            _ => uncommon(),
        }
    }
}

impl Object for Text {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<u32, A::Error> {
        match key {
            "body" => put(0, &mut self.body, fields),
            "preview_url" => some(1, &mut self.preview_url, fields),
            _ => uncommon(),
        }
    }
}

impl Object for ReplyTo {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<u32, A::Error> {
        match key {
            "message_id" => put(0, &mut self.message_id, fields),
            _ => uncommon(),
        }
    }
}

impl Object for Template {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<u32, A::Error> {
        match key {
            "name" => put(0, &mut self.name, fields),
            "language" => object(1, &mut self.language, fields),
            "components" => list(2, &mut self.components, fields),
            _ => uncommon(),
        }
    }
}

impl Object for Language {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<u32, A::Error> {
        match key {
            "code" => put(0, &mut self.code, fields),
            "policy" => some(1, &mut self.policy, fields),
            _ => uncommon(),
        }
    }
}

impl Object for Component {
    const NEEDED: u32 = 1;

    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<u32, A::Error> {
        match key {
            "type" => put(0, &mut self.kind, fields),
            "sub_type" => some(1, &mut self.sub_type, fields),
            "index" => some(2, &mut self.index, fields),
            "parameters" => list(3, &mut self.parameters, fields),
            _ => uncommon(),
        }
    }
}

impl Object for Parameter {
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, fields: &mut A) -> Result<u32, A::Error> {
        match key {
            "type" => some(0, &mut self.kind, fields),
            "parameter_name" => some(1, &mut self.parameter_name, fields),
            "text" => some(2, &mut self.text, fields),
            "payload" => some(3, &mut self.payload, fields),
            _ => uncommon(),
        }
    }
}

fn put<'de, T: Deserialize<'de>, A: MapAccess<'de>>(key: u32, place: &mut T, fields: &mut A) -> Result<u32, A::Error> {
    *place = fields.next_value()?;
    Ok(key)
}

fn some<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    key: u32,
    place: &mut Option<T>,
    fields: &mut A,
) -> Result<u32, A::Error> {
    *place = Some(fields.next_value()?);
    Ok(key)
}

fn object<'de, T: Object, A: MapAccess<'de>>(key: u32, place: &mut T, fields: &mut A) -> Result<u32, A::Error> {
    fields.next_value_seed(Fill(place))?;
    Ok(key)
}

fn list<'de, T: Object + Blank, A: MapAccess<'de>>(
    key: u32,
    place: &mut Vec<T>,
    fields: &mut A,
) -> Result<u32, A::Error> {
    fields.next_value_seed(Items(place))?;
    Ok(key)
}

/// Reads an object into its place.
struct Fill<'a, T>(&'a mut T);

impl<'de, T: Object> DeserializeSeed<'de> for Fill<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Object> Visitor<'de> for Fill<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut there = 0;
        // A key with escapes in it is not borrowed, and so none of these.
        while let Some(key) = fields.next_key::<&str>()? {
            let bit = 1 << self.0.take(key, &mut fields)?;
            if there & bit != 0 {
                return uncommon();
            }
            there |= bit;
        }
        if there & T::NEEDED == T::NEEDED { Ok(()) } else { uncommon() }
    }
}

/// What stands in lists, before anything of it was read.
trait Blank {
    fn blank() -> Self;
}

impl Blank for Component {
    fn blank() -> Self {
        Self { kind: ComponentType::Body, sub_type: None, index: None, parameters: Vec::new(), cards: Vec::new() }
    }
}

impl Blank for Parameter {
    fn blank() -> Self {
        Self::default()
    }
}

/// Reads objects into their list.
struct Items<'a, T>(&'a mut Vec<T>);

impl<'de, T: Object + Blank> DeserializeSeed<'de> for Items<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Object + Blank> Visitor<'de> for Items<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Next(self.0))?.is_some() {}
        Ok(())
    }
}

/// Reads one more object of a list.
struct Next<'a, T>(&'a mut Vec<T>);

impl<'de, T: Object + Blank> DeserializeSeed<'de> for Next<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // Mostly it is the only one, and large: a list that grows by itself would have room for four.
        if self.0.is_empty() {
            self.0.reserve_exact(1);
        }
        self.0.push(T::blank());
        self.0.last_mut().map_or_else(uncommon, |last| Fill(last).deserialize(deserializer))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Read, read_slowly};
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Plain sends, with something at every place.
    fn plain() -> [Value; 2] {
        let parameters =
            json!([{ "type": "text", "text": "Ana", "parameter_name": "name" }, { "type": "payload", "payload": "x" }]);
        let button = json!({ "type": "button", "sub_type": "quick_reply", "index": "0", "parameters": parameters });
        let body = json!({ "type": "body", "parameters": parameters });
        let language = json!({ "code": "en_US", "policy": "deterministic" });
        let send = |kind: &str, object: Value| {
            json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+14155550123", "type": kind, kind: object,
                    "context": { "message_id": "wamid.x" }, "biz_opaque_callback_data": "a\u{e9}\n1" })
        };
        [
            send("text", json!({ "body": "x {\"y\":1}", "preview_url": true })),
            send("template", json!({ "name": "sale", "language": language, "components": [body, button] })),
        ]
    }

    /// Sends as documented, of which some are plain, with something at every place that is looked at.
    fn documented() -> [Value; 9] {
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
        let [plain_text, plain_template] = plain();
        [
            plain_text,
            plain_template,
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
        let Read { body, unexpected, misplaced, request: slowly, .. } =
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
    fn what_is_plain_is_read_at_once_and_as_the_long_way_does() {
        for body in plain() {
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
