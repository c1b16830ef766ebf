//! The webhook receiver: the handshake, the signature over the raw bytes, and each update told apart.
//!
//! A 200 goes out only when the loop says that everything the POST taught is durable. What cannot be trusted teaches
//! nothing: without a signature 401, with a wrong one 403.

use crate::clock::Clock;
use crate::config::{Secret, Settings};
use crate::server::{self, Answer};
use crate::store::About;
use cloud_api::limits::WEBHOOK_BODY_MAX;
use cloud_api::signature;
use cloud_api::webhook::{self, InboundType, Updates};
use engine_core::time::Timestamp;
use engine_core::translate::{self, CallbackData};
use hyper::body::Incoming as Body;
use hyper::{Method, Request, StatusCode};
use tokio::sync::{mpsc, oneshot};

/// One POST's updates, on their way to the loop.
#[derive(Debug)]
pub struct Incoming {
    /// In the order of the body.
    pub updates: Vec<Update>,
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
    app_secret: Secret,
    verify_token: Secret,
    store_id: u64,
    clock: Clock,
    incoming: mpsc::Sender<Incoming>,
}

impl Receiver {
    /// A receiver that hands what it learns to the loop.
    pub fn new(settings: &Settings, store_id: u64, clock: Clock, incoming: mpsc::Sender<Incoming>) -> Self {
        let (app_secret, verify_token) = (settings.app_secret.clone(), settings.verify_token.clone());
        Self { app_secret, verify_token, store_id, clock, incoming }
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
        let proven = value("hub.verify_token").is_some_and(|token| self.verify_token.matches(&token));
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
        if let Err(wrong) = signature::verify(self.app_secret.reveal(), header.to_str().unwrap_or_default(), &body) {
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
        let updates = envelope.updates().flat_map(|value| updates(value, self.store_id, now)).collect();
        let (stored, durable) = oneshot::channel();
        let handed = self.incoming.send(Incoming { updates, stored }).await.is_ok();
        if handed && durable.await.is_ok() {
            server::text(StatusCode::OK, "")
        } else {
            server::text(StatusCode::SERVICE_UNAVAILABLE, "the engine is stopping")
        }
    }
}

/// The updates of one value that can concern a message of ours. Statuses first: a reply in the same POST may answer one.
fn updates(value: &Updates, store_id: u64, now: Timestamp) -> Vec<Update> {
    let number = value.metadata.as_ref().map(|metadata| metadata.phone_number_id.as_str());
    let statuses = value.statuses.iter().filter_map(|status| of_status(status, store_id, now));
    let messages = value.messages.iter().filter_map(|message| of_message(message, number, now));
    statuses.chain(messages).collect()
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
