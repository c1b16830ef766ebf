//! Webhooks as WhatsApp posts them: the envelope, and how to read it without ever losing what can be read.
//!
//! Check the [`crate::signature`] first: nothing here does. What a status or a message is stands in the modules below.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

use crate::error::WebhookError;
use crate::lenient;

mod account;
mod event_time;
mod inbound;
mod salvage;
mod status;

pub use account::{
    Payload, PhoneNumberQuality, Preference, TemplateEvent, TemplateEventDetail, TemplateStatus, UserPreference,
};
pub use event_time::EventTime;
pub use inbound::{
    Button, Context, FlowReply, Image, InboundType, Interactive, InteractiveType, Message, Reaction, Reply, Text,
};
pub use status::{Conversation, Origin, Pricing, Status, StatusKind};

/// The body of one webhook POST: up to 1000 updates (section 3.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// `"whatsapp_business_account"`.
    #[serde(default)]
    pub object: String,
    /// One element per account, as a rule one.
    pub entry: Vec<Entry>,
    /// What [`parse`] could not read, as it came: to be counted and logged, not to be retried.
    #[serde(skip)]
    pub unreadable: Vec<Value>,
}

/// What happened on one account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The id of the WhatsApp Business Account.
    #[serde(default)]
    pub id: String,
    /// When it was posted; of account-level fields only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<EventTime>,
    /// The changes, as a rule one.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub changes: Vec<Change>,
}

/// One change: the name of a webhook field and its value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The field that an app subscribes to, such as `messages`.
    pub field: String,
    /// What that field carries.
    pub value: Payload,
}

/// The value of the fields `messages` and `user_preferences`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Updates {
    /// `"whatsapp"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_product: Option<String>,
    /// The business's phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Who wrote; since 2026 also whom a status is about.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<Contact>,
    /// What became of messages that the business sent.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub statuses: Vec<Status>,
    /// What contacts sent.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// Errors of the number or the account, of no message in particular.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<WebhookError>,
    /// Who no longer wants marketing, or wants it again.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub user_preferences: Vec<UserPreference>,
}

/// The business's phone number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Digits only, unlike what the number's own node says.
    #[serde(default)]
    pub display_phone_number: String,
    /// The id under which the number sends.
    #[serde(default)]
    pub phone_number_id: String,
}

/// A contact of the business's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// What the contact shows of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Digits; absent from users with a name who hide their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
    /// The business-scoped id, since 2026.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// What a contact shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The name, chosen freely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Reads the body of a webhook.
///
/// Unknown keys are ignored, unknown values kept. What has an unexpected shape costs that element and no other: it lands in
/// [`Envelope::unreadable`], even where the envelope itself is not one.
///
/// # Errors
/// Only if the body is not JSON.
pub fn parse(body: &[u8]) -> Result<Envelope, serde_json::Error> {
    // Nearly every body is as documented: it is read in one pass, and taken apart only when that fails.
    serde_json::from_slice(body).or_else(|_| serde_json::from_slice(body).map(salvage::envelope))
}

impl Envelope {
    /// An envelope around one change on one account. `time` is for account-level fields.
    pub fn of(account_id: impl Into<String>, time: Option<EventTime>, change: Change) -> Self {
        Self {
            object: "whatsapp_business_account".to_owned(),
            entry: vec![Entry { id: account_id.into(), time, changes: vec![change] }],
            unreadable: Vec::new(),
        }
    }

    /// Every statuses-and-messages value in it, in the order of the body.
    pub fn updates(&self) -> impl Iterator<Item = &Updates> {
        self.entry.iter().flat_map(|entry| &entry.changes).filter_map(|change| match &change.value {
            Payload::Updates(updates) => Some(&**updates),
            Payload::TemplateStatus(_) | Payload::PhoneNumberQuality(_) | Payload::Other(_) => None,
        })
    }
}

impl Change {
    /// A change of field `messages`.
    pub fn messages(updates: Updates) -> Self {
        Self { field: "messages".to_owned(), value: Payload::Updates(Box::new(updates)) }
    }

    /// A change of field `user_preferences`.
    pub fn user_preferences(updates: Updates) -> Self {
        Self { field: "user_preferences".to_owned(), value: Payload::Updates(Box::new(updates)) }
    }
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Key {
            Field,
            Value,
            #[serde(other)]
            Unknown,
        }

        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Change;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a change of a webhook")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Change, A::Error> {
                let mut field: Option<String> = None;
                let mut early: Option<Value> = None;
                let mut payload: Option<Payload> = None;
                while let Some(key) = map.next_key()? {
                    match key {
                        Key::Field => field = map.next_value()?,
                        // The value's type hangs on the field, which mostly but not always comes first.
                        Key::Value if field.as_deref().is_some_and(Payload::is_updates) => {
                            payload = Some(Payload::Updates(map.next_value()?));
                        }
                        Key::Value => early = Some(map.next_value()?),
                        Key::Unknown => {
                            map.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                let field = field.unwrap_or_default();
                let value = match payload {
                    Some(payload) => payload,
                    None => Payload::read(&field, early.unwrap_or_default()).map_err(|_| {
                        serde::de::Error::custom("the value of the change is not what its field carries")
                    })?,
                };
                Ok(Change { field, value })
            }
        }
        deserializer.deserialize_map(Parts)
    }
}
