//! How to read JSON that is nearly what the documentation says: null for absent, a number for a string and back.
//!
//! Nothing here knows a message; the types say which of these a field needs.

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use std::fmt;

/// Reads null as the default, for a field that is not an `Option`.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Read by a visitor of its own: `untagged` would copy the value first, and make an error of a text before it takes it. Every
/// send has such fields.
enum NumberOrText {
    Number(i64),
    Text(String),
}

impl<'de> Deserialize<'de> for NumberOrText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

struct Either;

impl Visitor<'_> for Either {
    type Value = NumberOrText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or a text")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<NumberOrText, E> {
        Ok(NumberOrText::Number(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<NumberOrText, E> {
        let fitting = i64::try_from(number).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self));
        fitting.map(NumberOrText::Number)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<NumberOrText, E> {
        Ok(NumberOrText::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<NumberOrText, E> {
        Ok(NumberOrText::Text(text))
    }
}

impl NumberOrText {
    fn number<E: de::Error>(self) -> Result<i64, E> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Text(text) => {
                text.trim().parse().map_err(|_| E::invalid_value(de::Unexpected::Str(&text), &"a number"))
            }
        }
    }
}

/// Reads a whole number that may be written as a string.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    NumberOrText::deserialize(deserializer)?.number()
}

/// The same for a field that may be absent or null.
pub(crate) fn optional_integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Option::<NumberOrText>::deserialize(deserializer)?.map(NumberOrText::number).transpose()
}

/// Reads a string that may be written as a whole number, as clients do with phone numbers; absent or null is none.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<NumberOrText>::deserialize(deserializer)?.map(|value| match value {
        NumberOrText::Number(number) => number.to_string(),
        NumberOrText::Text(text) => text,
    }))
}

/// Reads `value` as a `T`, giving up the `dispensable` keys one after the other until what is left can be read.
///
/// What the outcome of a message hangs on must not be lost because something beside it has an unexpected shape. Gives the
/// value back, whole, when even the rest cannot be read.
pub(crate) fn salvage<T: DeserializeOwned>(value: Value, dispensable: &[&str]) -> Result<T, Value> {
    let mut rest = value.clone();
    let mut keys = dispensable.iter();
    loop {
        if let Ok(read) = T::deserialize(&rest) {
            return Ok(read);
        }
        let Some((object, key)) = rest.as_object_mut().zip(keys.next()) else {
            return Err(value);
        };
        object.remove(*key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Sample {
        #[serde(deserialize_with = "integer")]
        code: i64,
        #[serde(default, deserialize_with = "optional_text")]
        to: Option<String>,
        #[serde(default, deserialize_with = "null_as_default")]
        list: Vec<u8>,
    }

    #[test]
    fn numbers_and_strings_stand_for_each_other_and_null_for_absent() {
        let plain = Sample { code: 4, to: Some("15".into()), list: vec![] };
        for form in [json!({"code": 4, "to": "15"}), json!({"code": "4", "to": 15, "list": null})] {
            assert_eq!(Sample::deserialize(&form).unwrap(), plain);
        }
        assert_eq!(Sample::deserialize(json!({"code": 4, "to": null})).unwrap().to, None);
        for odd in [json!("four"), json!(4.5), json!(u64::MAX), json!(true), json!({})] {
            Sample::deserialize(json!({ "code": odd })).unwrap_err();
        }
    }

    #[test]
    fn a_key_of_an_unexpected_shape_costs_that_key_and_no_more() {
        let odd = json!({"code": 4, "to": {}, "list": [1]});
        let read: Sample = salvage(odd.clone(), &["list", "to"]).unwrap();
        assert_eq!(read, Sample { code: 4, to: None, list: vec![] });
        let read: Sample = salvage(odd.clone(), &["to", "list"]).unwrap();
        assert_eq!(read.list, [1]);
        assert_eq!(salvage::<Sample>(odd.clone(), &["list"]), Err(odd));
    }
}
