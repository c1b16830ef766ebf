//! Requests to `/{phone-number-id}/messages`: a message to send, or a read receipt (sections 2.1 to 2.7).
//!
//! One type serves both ends. A client builds it with the constructors and gets the least JSON, without nulls. A server reads
//! it from any client: null is absent, unknown keys are ignored, and what is missing is left for the server to refuse with
//! the right code. So no field is mandatory here, and no limit is checked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient;
use crate::template::Template;

/// A message to send.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SendRequest {
    /// `"whatsapp"`; mandatory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_product: Option<String>,
    /// `individual` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_type: Option<RecipientType>,
    /// The phone number, best as `+` and digits, or a group's id. Some clients send a JSON number.
    #[serde(default, deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// A business-scoped user id, in place of `to`; `to` wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// Which of the objects below is the message; text where absent.
    #[serde(default, rename = "type", deserialize_with = "lenient::null_as_default")]
    pub kind: MessageType,
    /// The object of type `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// The object of type `template`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// The object of type `image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Media>,
    /// The object of type `video`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video: Option<Media>,
    /// The object of type `audio`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Media>,
    /// The object of type `document`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Media>,
    /// The object of type `sticker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticker: Option<Media>,
    /// The object of type `reaction`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
    /// The object of type `interactive`, not typed further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interactive: Option<Value>,
    /// The object of type `location`, not typed further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Value>,
    /// The array of type `contacts`, not typed further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Value>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ReplyTo>,
    /// Up to 512 characters of the sender's, which come back in the message's statuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub biz_opaque_callback_data: Option<String>,
    /// What the recipient's identity must still be, where the number checks that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_identity_key_hash: Option<String>,
}

open_enum! {
    /// Whether a message goes to one user or to a group.
    any_case RecipientType {
        /// One user.
        Individual = "individual",
        /// A group.
        Group = "group",
    }
}

open_enum! {
    /// The type of a message, which is also the key of its object.
    #[derive(Default)]
    any_case MessageType {
        /// Plain text; what a request without a type is.
        #[default]
        Text = "text",
        /// An approved template.
        Template = "template",
        /// A picture.
        Image = "image",
        /// A film.
        Video = "video",
        /// Sound, or a voice message.
        Audio = "audio",
        /// A file.
        Document = "document",
        /// A sticker.
        Sticker = "sticker",
        /// Buttons, a list and the like.
        Interactive = "interactive",
        /// An emoji on another message.
        Reaction = "reaction",
        /// A place.
        Location = "location",
        /// Address cards.
        Contacts = "contacts",
    }
}

/// A text message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The text, up to 4096 characters. Reads as empty when it is missing; both are refused.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub body: String,
    /// Whether the first link gets a preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<bool>,
}

/// A medium: by id, after an upload, or by link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// The id of an uploaded medium.
    #[serde(default, deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A public address, fetched when the message is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The text below it, where the type has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The name of a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Whether sound is a voice message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<bool>,
}

/// An emoji on a message of the contact's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The message that it is put on.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub message_id: String,
    /// The emoji; an empty string takes it away, absent is an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

/// The message that a message answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    /// Its id.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub message_id: String,
}

/// A read receipt, told apart from a message by its `status` (section 2.7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadReceipt {
    /// `"whatsapp"`; mandatory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messaging_product: Option<String>,
    /// `"read"`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub status: String,
    /// The inbound message that was read, and with it all before.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub message_id: String,
    /// Shows that the business is typing, for 25 s or until it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typing_indicator: Option<TypingIndicator>,
}

/// The "is typing" of a read receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingIndicator {
    /// `"text"`.
    #[serde(default, rename = "type", deserialize_with = "lenient::null_as_default")]
    pub kind: String,
}

impl SendRequest {
    /// A text message to a phone number.
    pub fn text(to: impl Into<String>, body: impl Into<String>) -> Self {
        let text = Text { body: body.into(), preview_url: None };
        Self { kind: MessageType::Text, text: Some(text), ..Self::to(to.into()) }
    }

    /// A template message to a phone number.
    pub fn template(to: impl Into<String>, template: Template) -> Self {
        Self { kind: MessageType::Template, template: Some(template), ..Self::to(to.into()) }
    }

    /// The same with data that comes back in the message's statuses, up to 512 characters.
    #[must_use]
    pub fn with_callback_data(mut self, data: impl Into<String>) -> Self {
        self.biz_opaque_callback_data = Some(data.into());
        self
    }

    fn to(to: String) -> Self {
        Self {
            messaging_product: Some("whatsapp".to_owned()),
            recipient_type: Some(RecipientType::Individual),
            to: Some(to),
            ..Self::default()
        }
    }
}

impl Media {
    /// A medium that was uploaded.
    pub fn by_id(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..Self::default() }
    }

    /// A medium at a public address.
    pub fn by_link(link: impl Into<String>) -> Self {
        Self { link: Some(link.into()), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(request: Value) -> SendRequest {
        serde_json::from_value(request).unwrap()
    }

    #[test]
    fn a_request_is_written_without_nulls_and_with_nothing_that_is_absent() {
        let request = SendRequest::text("+447700900123", "hello").with_callback_data("c:1|r:2|a:1");
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+447700900123","type":"text","text":{"body":"hello"},"biz_opaque_callback_data":"c:1|r:2|a:1"}"#
        );
    }

    #[test]
    fn a_request_of_any_client_reads_like_a_careful_one() {
        let careful =
            json!({"messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": {"body": "x"}});
        for sloppy in [
            json!({"messaging_product": "whatsapp", "to": "447700900123", "text": {"body": "x"}}),
            json!({"messaging_product": "whatsapp", "to": 447_700_900_123_u64, "type": null, "text": {"body": "x"}}),
            json!({"messaging_product": "whatsapp", "to": "447700900123", "type": "TEXT", "text": {"body": "x"},
                   "template": null, "context": null, "recipient_type": null, "novelty": {"a": 1}}),
            json!({"messaging_product": "whatsapp", "to": "447700900123", "text": {"body": "x", "preview_url": null}}),
        ] {
            assert_eq!(read(sloppy), read(careful.clone()));
        }
    }

    #[test]
    fn what_is_missing_is_left_for_the_server_to_refuse() {
        let empty = read(json!({}));
        assert_eq!(empty, SendRequest::default());
        assert_eq!((empty.messaging_product, empty.to, empty.kind), (None, None, MessageType::Text));
        assert_eq!(read(json!({"text": {}})).text, Some(Text::default()));
        assert_eq!(read(json!({"type": "jpeg"})).kind, MessageType::Other("jpeg".into()));
    }

    #[test]
    fn a_message_object_of_another_shape_is_an_error_and_not_an_empty_message() {
        for request in [json!({"text": "hello"}), json!({"template": true}), json!({"image": {"link": 1}})] {
            assert!(serde_json::from_value::<SendRequest>(request.clone()).is_err(), "{request}");
        }
    }
}
