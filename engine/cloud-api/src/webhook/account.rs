//! What a change carries, by its field, and the fields beside `messages` that a campaign acts on (section 3.8).
//!
//! Typed are opt-outs, template status and number quality. Every other field stays the JSON that it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{EventTime, Updates};
use crate::lenient;

/// The value of a change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Payload {
    /// Of `messages` and `user_preferences`.
    Updates(Box<Updates>),
    /// Of `message_template_status_update`.
    TemplateStatus(Box<TemplateStatus>),
    /// Of `phone_number_quality_update`.
    PhoneNumberQuality(Box<PhoneNumberQuality>),
    /// Of any other field, or of another shape than those.
    Other(Value),
}

impl Payload {
    /// Whether a field carries [`Updates`].
    pub(super) fn is_updates(field: &str) -> bool {
        matches!(field, "messages" | "user_preferences")
    }

    /// Reads a field's value. Gives it back if it should be [`Updates`] and is not.
    pub(super) fn read(field: &str, value: Value) -> Result<Self, Value> {
        if Self::is_updates(field) {
            return Updates::deserialize(&value).map(|updates| Self::Updates(Box::new(updates))).map_err(|_| value);
        }
        // Meta's sample of the quality update has the field's name of the status update: look at the keys (section 3.8).
        let typed = match field {
            "message_template_status_update" if value.get("new_quality_score").is_none() => {
                TemplateStatus::deserialize(&value).ok().map(|status| Self::TemplateStatus(Box::new(status)))
            }
            "phone_number_quality_update" => {
                PhoneNumberQuality::deserialize(&value).ok().map(|quality| Self::PhoneNumberQuality(Box::new(quality)))
            }
            _ => None,
        };
        Ok(typed.unwrap_or(Self::Other(value)))
    }
}

/// A contact's choice about marketing, made in WhatsApp itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPreference {
    /// The contact, in digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
    /// The business-scoped id, since 2026.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The choice in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// `marketing_messages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The choice.
    pub value: Preference,
    /// When it was made: a number here, unlike in statuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<EventTime>,
}

open_enum! {
    /// A contact's choice.
    exact Preference {
        /// No more marketing.
        Stop = "stop",
        /// Marketing again.
        Resume = "resume",
    }
}

/// What happened to a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateStatus {
    /// What happened.
    pub event: TemplateEvent,
    /// The template's id.
    #[serde(default, deserialize_with = "lenient::optional_integer", skip_serializing_if = "Option::is_none")]
    pub message_template_id: Option<i64>,
    /// Its name.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub message_template_name: String,
    /// Its language; samples have `en-US` where requests have `en_US`.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub message_template_language: String,
    /// Its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_template_category: Option<String>,
    /// Why, in a word: `NONE`, `ABUSIVE_CONTENT` and others; null on the wire where there is none.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it was disabled, not typed further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_info: Option<Value>,
    /// Which pause it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_info: Option<TemplateEventDetail>,
    /// Why it was rejected, not typed further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection_info: Option<Value>,
}

open_enum! {
    /// What happened to a template.
    exact TemplateEvent {
        /// It can be sent; also after a pause.
        Approved = "APPROVED",
        /// It will not be approved.
        Rejected = "REJECTED",
        /// It is under review.
        Pending = "PENDING",
        /// It cannot be sent for some hours.
        Paused = "PAUSED",
        /// It cannot be sent any more.
        Disabled = "DISABLED",
        /// It will be disabled unless its quality improves.
        Flagged = "FLAGGED",
        /// Its rejection is being reconsidered.
        InAppeal = "IN_APPEAL",
        /// It can be sent again.
        Reinstated = "REINSTATED",
        /// It is about to be deleted.
        PendingDeletion = "PENDING_DELETION",
        /// It is deleted.
        Deleted = "DELETED",
        /// It is put away.
        Archived = "ARCHIVED",
        /// It is back.
        Unarchived = "UNARCHIVED",
    }
}

/// Which pause it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateEventDetail {
    /// `FIRST_PAUSE`, `SECOND_PAUSE`, `RATE_LIMITING_PAUSE`, `UNPAUSE` or `DISABLED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A change of a phone number's limits or throughput.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhoneNumberQuality {
    /// The number, in digits.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub display_phone_number: String,
    /// `ONBOARDING`, `THROUGHPUT_UPGRADE` and older ones.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub event: String,
    /// The limit before, as in `TIER_2K`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_limit: Option<String>,
    /// The limit now; gone since February 2026.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_limit: Option<String>,
    /// The portfolio's limit now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_daily_conversations_per_business: Option<Value>,
}
