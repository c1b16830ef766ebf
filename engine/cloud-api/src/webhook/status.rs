//! A status: what became of a message that the business sent (section 3.5).
//!
//! Which status outranks which is the sender's business and not said here.

use serde::{Deserialize, Serialize};

use super::EventTime;
use crate::error::WebhookError;
use crate::lenient;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The message's id, as the reply gave it.
    pub id: String,
    /// What became of it.
    pub status: StatusKind,
    /// When that happened, not when it was posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<EventTime>,
    /// The contact's canonical id in digits, or a group's; may be absent where the recipient hides the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_id: Option<String>,
    /// `group`, of messages to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_type: Option<String>,
    /// The member of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_participant_id: Option<String>,
    /// The business-scoped id, since 2026.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_user_id: Option<String>,
    /// The same of the parent business.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_recipient_user_id: Option<String>,
    /// The recipient's identity, where the number checks that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient_identity_key_hash: Option<String>,
    /// What the request said, letter by letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub biz_opaque_callback_data: Option<String>,
    /// The conversation: up to v23 with `sent` and one more; later only of free entry points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Conversation>,
    /// What it costs, with `sent` and one more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
    /// Why it failed.
    #[serde(default, deserialize_with = "lenient::null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<WebhookError>,
}

open_enum! {
    /// What became of a message. Unknown values are to be taken as saying nothing.
    exact StatusKind {
        /// WhatsApp sent it on; one tick.
        Sent = "sent",
        /// It is on the contact's device; two ticks.
        Delivered = "delivered",
        /// The contact saw it; may come without `delivered`.
        Read = "read",
        /// It will not arrive.
        Failed = "failed",
        /// The contact played a voice message.
        Played = "played",
        /// The contact deleted it; rare.
        Deleted = "deleted",
        /// Of old versions.
        Warning = "warning",
        /// Of old versions.
        Pending = "pending",
    }
}

/// The conversation that a message opened or belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it ends; with `sent` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_timestamp: Option<EventTime>,
    /// What opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// What opened a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// `marketing`, `utility`, `authentication`, `service`, `referral_conversion` and others.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// What a message costs. On `sent` this is provisional: billing is by delivery.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    /// Whether it costs anything; to be replaced by the two below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billable: Option<bool>,
    /// `PMP`, by message, since July 2025; `CBP`, by conversation, before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing_model: Option<String>,
    /// `marketing`, `utility`, `authentication`, `service` and others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// `regular`, `free_customer_service` or `free_entry_point`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl Status {
    /// A status that says no more than what happened, when, and to whom.
    pub fn new(
        id: impl Into<String>,
        status: StatusKind,
        timestamp: EventTime,
        recipient_id: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            status,
            timestamp: Some(timestamp),
            recipient_id: Some(recipient_id.into()),
            recipient_type: None,
            recipient_participant_id: None,
            recipient_user_id: None,
            parent_recipient_user_id: None,
            recipient_identity_key_hash: None,
            biz_opaque_callback_data: None,
            conversation: None,
            pricing: None,
            errors: Vec::new(),
        }
    }
}
