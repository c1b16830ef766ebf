//! Enums over strings that WhatsApp may add to at any time: an unknown value is kept, not refused.

/// Declares such an enum: `Name { Variant = "wire text" }`, with an `Other(String)` that the macro adds.
///
/// After `any_case`, known values are recognised in any letter case and written in the case given here.
macro_rules! open_enum {
    (@matches any_case, $text:expr, $wire:literal) => { $text.eq_ignore_ascii_case($wire) };
    (@matches exact, $text:expr, $wire:literal) => { $text == $wire };
    (
        $(#[$meta:meta])*
        $case:ident $name:ident { $( $(#[$about:meta])* $variant:ident = $wire:literal ),+ $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$about])* $variant, )+
            /// A value that this crate does not know, as it came.
            Other(String),
        }

        impl $name {
            /// The value as it stands on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $wire, )+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $( if open_enum!(@matches $case, text, $wire) { return Self::$variant; } )+
                Self::Other(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E>(self, text: &str) -> Result<$name, E> {
                        Ok($name::from(text))
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::message::MessageType;
    use crate::webhook::StatusKind;

    #[test]
    fn a_known_value_is_a_variant_and_an_unknown_one_is_kept() {
        assert_eq!(StatusKind::from("sent"), StatusKind::Sent);
        for text in ["sent", "teleported", ""] {
            let parsed: StatusKind = serde_json::from_value(text.into()).unwrap();
            assert_eq!(serde_json::to_value(&parsed).unwrap(), text);
        }
    }

    #[test]
    fn letter_case_is_forgiven_in_requests_and_kept_in_webhooks() {
        assert_eq!(MessageType::from("TEMPLATE"), MessageType::Template);
        assert_eq!(StatusKind::from("SENT"), StatusKind::Other("SENT".into()));
    }
}
