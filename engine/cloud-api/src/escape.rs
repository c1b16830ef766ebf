//! The escaping of webhook bodies: non-ASCII as lower-case `\uXXXX`, `/` as `\/` (section 3.2).
//!
//! The same JSON as any writer's, in other bytes, and the signature is over these bytes. Requests and replies are plain.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// The bytes that WhatsApp would post for this value.
///
/// # Panics
/// If the value cannot be JSON: a map whose keys are no strings. No type of this crate is such.
pub fn to_webhook_bytes<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    // A status is about so long.
    let mut bytes = Vec::with_capacity(1_024);
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Escaping)).expect("a webhook is JSON");
    bytes
}

/// Compact JSON with the escaping above; the writer has escaped quotes, backslashes and control characters already.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Ids, names of fields and times, which is nearly everything, are looked at many bytes at a time.
        if fragment.is_ascii() && !fragment.as_bytes().contains(&b'/') {
            return writer.write_all(fragment.as_bytes());
        }
        let mut plain = 0;
        for (at, character) in
            fragment.char_indices().filter(|&(_, character)| character == '/' || !character.is_ascii())
        {
            writer.write_all(&fragment.as_bytes()[plain..at])?;
            if character == '/' {
                writer.write_all(b"\\/")?;
            } else {
                // Two units for what lies beyond the basic plane: emoji are surrogate pairs.
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            plain = at + character.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn escaped(value: &Value) -> String {
        String::from_utf8(to_webhook_bytes(value)).unwrap()
    }

    #[test]
    fn slashes_accents_and_emoji_are_escaped_as_whatsapp_does() {
        assert_eq!(escaped(&json!("https://shop.example/é")), r#""https:\/\/shop.example\/\u00e9""#);
        assert_eq!(escaped(&json!("👍")), r#""\ud83d\udc4d""#);
        assert_eq!(escaped(&json!("a\u{7f}b\u{1}\"\\\n")), "\"a\u{7f}b\\u0001\\\"\\\\\\n\"");
        assert_eq!(escaped(&json!({"schlüssel/": [1, null, true]})), r#"{"schl\u00fcssel\/":[1,null,true]}"#);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            prop::collection::vec(prop::sample::select(vec!['/', '\\', '"', 'é', '👍', '\u{ffff}', '\n']), 0..8)
                .prop_map(|characters| Value::from(characters.into_iter().collect::<String>())),
        ];
        leaf.prop_recursive(3, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_ascii_without_a_bare_slash_and_reads_back_the_same(value in any_json()) {
            let bytes = to_webhook_bytes(&value);
            prop_assert!(bytes.is_ascii());
            prop_assert!((0..bytes.len()).all(|at| bytes[at] != b'/' || bytes[at - 1] == b'\\'));
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
        }
    }
}
