//! What a fault is aimed at, in words: a contact, a template, callback data, any place of the request's body, a kind of
//! webhook.

use crate::graph::send::Sending;
use mock_whatsapp_model::faults::Telling;
use serde_json::Value;
use std::collections::BTreeMap;

/// What has to fit; what is not named does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matcher {
    /// To whom; of webhooks, about whom.
    pub to: Option<u64>,
    /// The template's name.
    pub template: Option<String>,
    /// `biz_opaque_callback_data`.
    pub callback_data: Option<String>,
    /// Values of the request's body, by JSON pointers.
    pub body: BTreeMap<String, Value>,
    /// Of webhooks, which kind.
    pub telling: Option<Telling>,
}

impl Matcher {
    /// The kinds of webhooks that can be named.
    pub const TELLINGS: [(&'static str, Telling); 7] = [
        ("status", Telling::Status),
        ("status.sent", Telling::Sent),
        ("status.delivered", Telling::Delivered),
        ("status.read", Telling::Read),
        ("status.failed", Telling::Failed),
        ("message", Telling::Message),
        ("account", Telling::Notice),
    ];

    /// Whether it says anything that only words tell.
    pub(super) fn is_about_words(&self) -> bool {
        self.template.is_some() || self.callback_data.is_some() || !self.body.is_empty()
    }

    /// Whether a message that was accepted earlier fits. Its body is not known any more, so where that counts it does not.
    pub(super) fn fits_words(&self, template: Option<&str>, callback_data: Option<&str>) -> bool {
        let is =
            |wanted: &Option<String>, got: Option<&str>| wanted.as_deref().is_none_or(|wanted| Some(wanted) == got);
        is(&self.template, template) && is(&self.callback_data, callback_data) && self.body.is_empty()
    }

    /// Whether a request fits, be it accepted or not.
    pub(super) fn fits(&self, sending: &Sending, template: Option<&str>, callback_data: Option<&str>) -> bool {
        let words = Self { body: BTreeMap::new(), ..self.clone() };
        if !words.fits_words(template, callback_data) {
            return false;
        }
        if self.body.is_empty() {
            return true;
        }
        let body: Value = serde_json::from_slice(&sending.raw.body).unwrap_or_default();
        // Null stands for nothing, on both sides.
        self.body.iter().all(|(pointer, wanted)| body.pointer(pointer).unwrap_or(&Value::Null) == wanted)
    }
}
