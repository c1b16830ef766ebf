//! An inbound message: what a contact sent to the business (section 3.7).
//!
//! Typed are the kinds that a campaign hears of: text, taps, reactions, pictures. Every other kind, and every key that is not
//! named here, is kept as it came.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::EventTime;
use crate::error::WebhookError;
use crate::lenient;

/// One message of a contact's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The contact's id in digits; absent from users with a name who hide their number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The business-scoped id, since 2026.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_user_id: Option<String>,
    /// The message's id.
    pub id: String,
    /// When it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<EventTime>,
    /// Which of the objects below it has.
    #[serde(rename = "type")]
    pub kind: InboundType,
    /// What it answers, or that it was forwarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// The object of type `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// The object of type `button`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button: Option<Button>,
    /// The object of type `interactive`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interactive: Option<Interactive>,
    /// The object of type `reaction`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reaction: Option<Reaction>,
    /// The object of type `image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Why the message itself cannot be shown, of type `unsupported`.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<WebhookError>,
    /// Everything else: the objects of other types, `referral`, and what is yet to be invented.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

open_enum! {
    /// The type of an inbound message.
    exact InboundType {
        /// Typed text.
        Text = "text",
        /// A tap on a template's quick-reply button.
        Button = "button",
        /// A tap on a button or a row of a free-form message, or a flow's end.
        Interactive = "interactive",
        /// An emoji on a message.
        Reaction = "reaction",
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
        /// A place.
        Location = "location",
        /// Address cards.
        Contacts = "contacts",
        /// An order from the catalogue of products.
        Order = "order",
        /// A note of WhatsApp's, as of a changed number.
        System = "system",
        /// Something that the API does not pass on.
        Unsupported = "unsupported",
    }
}

/// What a message answers, or where it came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// The author of the message that is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The message was forwarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<bool>,
    /// It was forwarded more than five times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequently_forwarded: Option<bool>,
    /// The product that is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referred_product: Option<Value>,
}

/// Typed text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// The text.
    #[serde(default)]
    pub body: String,
}

/// A tap on a template's quick-reply button.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// The payload that the template was sent with; the label where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A tap in a free-form message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interactive {
    /// Which of the objects below it has.
    #[serde(rename = "type")]
    pub kind: InteractiveType,
    /// The button that was tapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button_reply: Option<Reply>,
    /// The row that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list_reply: Option<Reply>,
    /// What a flow sent at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nfm_reply: Option<FlowReply>,
    /// The objects of other types.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

open_enum! {
    /// What was tapped.
    exact InteractiveType {
        /// A button.
        ButtonReply = "button_reply",
        /// A row of a list.
        ListReply = "list_reply",
        /// The end of a flow.
        FlowReply = "nfm_reply",
    }
}

/// A button or row that was tapped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The id that the business gave it.
    #[serde(default)]
    pub id: String,
    /// The label.
    #[serde(default)]
    pub title: String,
    /// A row's second line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What a flow sent at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowReply {
    /// `flow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the chat shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The flow's data: JSON inside a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_json: Option<String>,
}

/// An emoji on a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The message that it was put on.
    #[serde(default)]
    pub message_id: String,
    /// The emoji; absent, or empty in some captures, when it was taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

impl Reaction {
    /// Whether the emoji was taken away.
    pub fn is_removal(&self) -> bool {
        self.emoji.as_deref().unwrap_or_default().is_empty()
    }
}

/// A picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The medium's id, for a download within 7 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Its digest, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The text below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// Where it can be had, with the token, for 5 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Message {
    /// A message of a kind, without its object.
    pub fn new(id: impl Into<String>, from: impl Into<String>, timestamp: EventTime, kind: InboundType) -> Self {
        Self {
            from: Some(from.into()),
            from_user_id: None,
            id: id.into(),
            timestamp: Some(timestamp),
            kind,
            context: None,
            text: None,
            button: None,
            interactive: None,
            reaction: None,
            image: None,
            errors: Vec::new(),
            rest: Map::new(),
        }
    }

    /// The id of the message of ours that this one is about: what it answers, or what it puts an emoji on.
    pub fn about(&self) -> Option<&str> {
        let answered = self.context.as_ref().and_then(|context| context.id.as_deref());
        answered.or(self.reaction.as_ref().map(|reaction| reaction.message_id.as_str())).filter(|id| !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(beside: Value) -> Message {
        let mut whole = json!({"from": "447700900123", "id": "wamid.A", "timestamp": "1", "type": "text"});
        for (key, value) in beside.as_object().unwrap() {
            whole[key] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn a_message_is_about_what_it_answers_or_reacts_to() {
        assert_eq!(message(json!({"context": {"id": "wamid.B"}})).about(), Some("wamid.B"));
        assert_eq!(message(json!({"reaction": {"message_id": "wamid.C"}})).about(), Some("wamid.C"));
        assert_eq!(message(json!({"context": {"forwarded": true}})).about(), None);
        assert_eq!(message(json!({})).about(), None);
    }

    #[test]
    fn a_reaction_is_taken_away_by_no_emoji_or_an_empty_one() {
        for (reaction, removal) in [(json!({}), true), (json!({"emoji": ""}), true), (json!({"emoji": "👍"}), false)]
        {
            assert_eq!(serde_json::from_value::<Reaction>(reaction).unwrap().is_removal(), removal);
        }
    }
}
