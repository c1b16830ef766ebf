//! What the API answers to a request that it takes: the reply to a message, and the bare success.
//!
//! Refusals are in [`crate::error`]. A reply only says that the message was accepted for processing (section 0).

use serde::{Deserialize, Serialize};

use crate::lenient;

/// The reply to an accepted message (section 2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendReply {
    /// `"whatsapp"`.
    #[serde(default)]
    pub messaging_product: String,
    /// The recipient; one element.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub contacts: Vec<Contact>,
    /// The message; one element.
    pub messages: Vec<AcceptedMessage>,
}

/// Whom the message goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The request's `to` (or `recipient`), letter by letter.
    #[serde(default)]
    pub input: String,
    /// The canonical id of a phone number: digits, not always those of the input. No proof that it is on WhatsApp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
    /// The business-scoped id, in place of `wa_id` where the request named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// The message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedMessage {
    /// The message's id, opaque; its statuses come under the same.
    pub id: String,
    /// What becomes of it first. Always there for templates, sometimes for the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_status: Option<MessageStatus>,
    /// The group, for messages to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
}

open_enum! {
    /// What becomes of an accepted message first.
    exact MessageStatus {
        /// It is being sent.
        Accepted = "accepted",
        /// Template pacing holds it until the template has proved itself; it may be dropped later.
        Held = "held_for_quality_assessment",
        /// Its template is paused.
        Paused = "paused",
    }
}

impl SendReply {
    /// The reply that accepts one message to a phone number.
    pub fn accepted(input: String, wa_id: String, id: String, message_status: Option<MessageStatus>) -> Self {
        Self {
            messaging_product: "whatsapp".to_owned(),
            contacts: vec![Contact { input, wa_id: Some(wa_id), user_id: None }],
            messages: vec![AcceptedMessage { id, message_status, group_id: None }],
        }
    }

    /// Reads the body of a reply; none if it does not name the message that was accepted.
    pub fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().filter(|reply: &Self| reply.wamid().is_some())
    }

    /// The id of the accepted message.
    pub fn wamid(&self) -> Option<&str> {
        self.messages.first().map(|message| message.id.as_str()).filter(|id| !id.is_empty())
    }
}

/// The reply to what has no result of its own, such as a read receipt: `{"success": true}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// Always true.
    pub success: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_read_with_the_least_it_can_have() {
        let reply = SendReply::parse(br#"{"messages":[{"id":"wamid.A"}],"novelty":1}"#).unwrap();
        assert_eq!(reply.wamid(), Some("wamid.A"));
    }

    #[test]
    fn a_reply_that_names_no_message_is_no_reply() {
        for body in ["", "{}", r#"{"messages":[]}"#, r#"{"messages":[{"id":""}]}"#, r#"{"messages":[{}]}"#, "<html>"] {
            assert_eq!(SendReply::parse(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn an_unknown_message_status_is_kept() {
        let body = br#"{"messages":[{"id":"wamid.A","message_status":"dreaming"}]}"#;
        let status = SendReply::parse(body).unwrap().messages.remove(0).message_status;
        assert_eq!(status, Some(MessageStatus::Other("dreaming".into())));
    }
}
