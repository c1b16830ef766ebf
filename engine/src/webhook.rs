//! The webhook receiver: the handshake, the signature over the raw bytes, and each update told apart.
//!
//! A 200 goes out only when the loop says that everything the POST taught is durable. What cannot be trusted teaches
//! nothing: without a signature 401, with a wrong one 403.

use crate::clock::Clock;
use crate::config::{Rules, Settings};
use crate::server::{self, Answer};
use crate::store::{About, Choice, Chooser};
use cloud_api::limits::WEBHOOK_BODY_MAX;
use cloud_api::signature;
use cloud_api::webhook::{self, Change, InboundType, Payload, Preference, TemplateEvent, Updates, UserPreference};
use engine_core::time::Timestamp;
use engine_core::translate::{self, CallbackData};
use hyper::body::Incoming as Body;
use hyper::{Method, Request, StatusCode};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// One POST's updates, on their way to the loop.
#[derive(Debug)]
pub struct Incoming {
    /// In the order of the body.
    pub updates: Vec<Update>,
    /// The numbers that it is of, each with the latest moment that it tells of.
    pub heard: Vec<(String, Timestamp)>,
    /// Templates that may be used again, each with its language.
    pub templates: Vec<(String, String)>,
    /// Told when all of it is durable; dropped if the loop ends before.
    pub stored: oneshot::Sender<()>,
}

/// One update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// What it says, and how it can be matched without callback data.
    pub about: About,
    /// Whose attempt it is about, if it says so.
    pub callback: Option<CallbackData>,
    /// WhatsApp's digits for the contact.
    pub recipient: Option<u64>,
    /// Its own time.
    pub at: Timestamp,
}

/// Answers `/webhook`.
pub struct Receiver {
    settings: Arc<Settings>,
    store_id: u64,
    clock: Clock,
    incoming: mpsc::Sender<Incoming>,
}

impl Receiver {
    /// A receiver that hands what it learns to the loop.
    pub fn new(settings: Arc<Settings>, store_id: u64, clock: Clock, incoming: mpsc::Sender<Incoming>) -> Self {
        Self { settings, store_id, clock, incoming }
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request<Body>) -> Answer {
        match *request.method() {
            Method::GET => self.handshake(request.uri().query().unwrap_or_default()),
            Method::POST => self.post(request).await,
            _ => server::text(StatusCode::METHOD_NOT_ALLOWED, "GET for the handshake, POST for webhooks"),
        }
    }

    fn handshake(&self, query: &str) -> Answer {
        let value = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find(|(key, _)| *key == name).and_then(|(_, value)| unescape(value))
        };
        let proven = value("hub.verify_token").is_some_and(|token| self.settings.verify_token.matches(&token));
        match (value("hub.mode").as_deref(), value("hub.challenge")) {
            (Some("subscribe"), Some(challenge)) if proven => server::text(StatusCode::OK, challenge),
            _ => server::text(StatusCode::FORBIDDEN, "not the handshake that was agreed on"),
        }
    }

    async fn post(&self, request: Request<Body>) -> Answer {
        let header = request.headers().get(signature::HEADER).cloned();
        let Some(header) = header else {
            return server::text(StatusCode::UNAUTHORIZED, "the header X-Hub-Signature-256 is missing");
        };
        let body = match server::body(request, WEBHOOK_BODY_MAX).await {
            Ok(body) => body,
            Err(wrong) => return wrong.answer(),
        };
        let app_secret = self.settings.app_secret.reveal();
        if let Err(wrong) = signature::verify(app_secret, header.to_str().unwrap_or_default(), &body) {
            tracing::warn!(%wrong, "a webhook that is not WhatsApp's, or a wrong app secret");
            return server::text(StatusCode::FORBIDDEN, wrong.to_string());
        }
        let envelope = match webhook::parse(&body) {
            Ok(envelope) => envelope,
            Err(wrong) => {
                tracing::warn!(%wrong, "a signed webhook that is not JSON");
                return server::text(StatusCode::BAD_REQUEST, "not JSON");
            }
        };
        for unreadable in &envelope.unreadable {
            tracing::warn!(%unreadable, "a part of a webhook that cannot be read");
        }
        let now = self.clock.now();
        let rules = &self.settings.rules;
        let updates = envelope.updates().flat_map(|value| updates(value, rules, self.store_id, now)).collect();
        let heard = envelope.updates().filter_map(heard).collect();
        let templates = envelope.entry.iter().flat_map(|entry| &entry.changes).filter_map(template_back).collect();
        let (stored, durable) = oneshot::channel();
        let handed = self.incoming.send(Incoming { updates, heard, templates, stored }).await.is_ok();
        if handed && durable.await.is_ok() {
            server::text(StatusCode::OK, "")
        } else {
            server::text(StatusCode::SERVICE_UNAVAILABLE, "the engine is stopping")
        }
    }
}

/// The updates of one value that can concern a message or a contact of ours. Statuses first: a reply in the same POST may
/// answer one.
fn updates(value: &Updates, rules: &Rules, store_id: u64, now: Timestamp) -> Vec<Update> {
    let number = value.metadata.as_ref().map(|metadata| metadata.phone_number_id.as_str());
    let statuses = value.statuses.iter().filter_map(|status| of_status(status, store_id, now));
    let messages = value.messages.iter().filter_map(|message| of_message(message, number, now));
    let stops = value.messages.iter().filter_map(|message| of_stop(message, rules, now));
    let preferences = value.user_preferences.iter().filter_map(|preference| of_preference(preference, now));
    statuses.chain(messages).chain(stops).chain(preferences).collect()
}

/// Which number a value is of, and the latest that it tells of: whatever that is, it proves that the channel lives.
fn heard(value: &Updates) -> Option<(String, Timestamp)> {
    let number = value.metadata.as_ref()?.phone_number_id.clone();
    let statuses = value.statuses.iter().filter_map(|status| status.timestamp);
    let messages = value.messages.iter().filter_map(|message| message.timestamp);
    let latest = statuses.chain(messages).map(|time| time.at()).max()?;
    Some((number, latest))
}

/// A template that was paused and may be used again.
fn template_back(change: &Change) -> Option<(String, String)> {
    let Payload::TemplateStatus(status) = &change.value else { return None };
    // Samples write a language with a hyphen where requests have an underscore.
    let language = status.message_template_language.replace('-', "_");
    let is_back =
        matches!(status.event, TemplateEvent::Approved | TemplateEvent::Reinstated | TemplateEvent::Unarchived);
    is_back.then(|| (status.message_template_name.clone(), language))
}

fn of_status(status: &webhook::Status, store_id: u64, now: Timestamp) -> Option<Update> {
    let callback = match status.biz_opaque_callback_data.as_deref() {
        // What another program sent from the same number says so, and is not kept.
        Some(text) => Some(CallbackData::read(text, store_id)?),
        None => None,
    };
    let error = translate::failure(status);
    let about = About::Status { wamid: status.id.clone(), status: translate::status(status)?, error };
    let recipient = status.recipient_id.as_deref().and_then(|digits| digits.parse().ok());
    Some(Update { about, callback, recipient, at: status.timestamp.map_or(now, |time| time.at()) })
}

fn of_message(message: &webhook::Message, number: Option<&str>, now: Timestamp) -> Option<Update> {
    let taken_back = message.reaction.as_ref().is_some_and(|reaction| reaction.is_removal());
    if taken_back || message.kind == InboundType::System {
        return None;
    }
    let about = match message.about() {
        Some(wamid) => About::Reply { wamid: wamid.to_owned() },
        None => About::Inbound { phone: message.from.as_deref()?.parse().ok()?, phone_number_id: number?.to_owned() },
    };
    Some(Update { about, callback: None, recipient: None, at: message.timestamp.map_or(now, |time| time.at()) })
}

/// A contact wrote the word, or tapped the button, that ends everything.
fn of_stop(message: &webhook::Message, rules: &Rules, now: Timestamp) -> Option<Update> {
    let is_word = |text: &str| rules.is_opt_out(text);
    let written = message.text.as_ref().is_some_and(|text| is_word(&text.body));
    let tapped = message.button.as_ref().is_some_and(|button| {
        let labels = button.text.iter().chain(&button.payload);
        labels.into_iter().any(|label| is_word(label))
    });
    let replied = message.interactive.as_ref().and_then(|interactive| interactive.button_reply.as_ref());
    let chosen = replied.is_some_and(|reply| is_word(&reply.title) || is_word(&reply.id));
    let why = match (written, tapped || chosen) {
        (true, _) => "word",
        (false, true) => "button",
        (false, false) => return None,
    };
    let chooser = match message.from.as_deref().and_then(|digits| digits.parse().ok()) {
        Some(phone) => Chooser::Phone(phone),
        None => Chooser::Answering(message.about()?.to_owned()),
    };
    let at = message.timestamp.map_or(now, |time| time.at());
    let about = About::Choice { chooser, choice: Choice::Stop { why } };
    Some(Update { about, callback: None, recipient: None, at })
}

/// A contact said in WhatsApp itself whether it wants marketing.
fn of_preference(preference: &UserPreference, now: Timestamp) -> Option<Update> {
    let phone = preference.wa_id.as_deref()?.parse().ok()?;
    let choice = match preference.value {
        Preference::Stop => Choice::Stop { why: "user_preferences" },
        Preference::Resume => Choice::Resume,
        Preference::Other(_) => return None,
    };
    let about = About::Choice { chooser: Chooser::Phone(phone), choice };
    let at = preference.timestamp.map_or(now, |time| time.at());
    Some(Update { about, callback: None, recipient: None, at })
}

/// Undoes the escaping of a query's value.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_broken_ones_are_no_value() {
        assert_eq!(unescape("a%2Bb+c").as_deref(), Some("a+b c"));
        assert_eq!(unescape("%zz"), None);
        assert_eq!(unescape("%2"), None);
        assert_eq!(unescape("%ff"), None);
    }
}
