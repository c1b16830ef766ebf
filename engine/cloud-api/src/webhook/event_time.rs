//! The time of an event in a webhook: Unix seconds, as a string in statuses and messages, as a number elsewhere.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Timestamp;

/// Unix seconds, in the form in which they came. Equal only if the form is; compare [`EventTime::at`] for the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventTime {
    /// As a string: statuses and messages.
    Text(u64),
    /// As a number: `user_preferences` and the envelope.
    Number(u64),
}

impl EventTime {
    /// The moment, in the form that statuses and messages have; the part of a second is dropped.
    pub const fn text(at: Timestamp) -> Self {
        Self::Text(at.unix_seconds())
    }

    /// The moment, in the form that `user_preferences` and the envelope have; the part of a second is dropped.
    pub const fn number(at: Timestamp) -> Self {
        Self::Number(at.unix_seconds())
    }

    /// Whole seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        match self {
            Self::Text(seconds) | Self::Number(seconds) => seconds,
        }
    }

    /// The moment: the first of its second.
    pub const fn at(self) -> Timestamp {
        Timestamp::from_unix_seconds(self.seconds())
    }
}

impl Serialize for EventTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(seconds) => serializer.collect_str(seconds),
            Self::Number(seconds) => serializer.serialize_u64(*seconds),
        }
    }
}

impl<'de> Deserialize<'de> for EventTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Seconds;
        impl Visitor<'_> for Seconds {
            type Value = EventTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("Unix seconds as a string or a number")
            }

            fn visit_u64<E>(self, seconds: u64) -> Result<EventTime, E> {
                Ok(EventTime::Number(seconds))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<EventTime, E> {
                text.parse().map(EventTime::Text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn both_forms_are_read_and_written_back_as_they_came() {
        for form in [json!("1767261601"), json!(1_767_261_601)] {
            let time = EventTime::deserialize(&form).unwrap();
            assert_eq!(time.at(), Timestamp(1_767_261_601_000_000));
            assert_eq!(serde_json::to_value(time).unwrap(), form);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for form in [json!("soon"), json!(-1), json!(1.5), json!([]), Value::Null] {
            assert!(EventTime::deserialize(&form).is_err(), "{form}");
        }
    }
}
