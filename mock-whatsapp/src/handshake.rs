//! The verification handshake: before webhooks go to a URL, it must answer a GET with the challenge that it was given.

use crate::limits::WEBHOOK_WAIT;
use crate::net::Connector;
use crate::query;
use crate::target::{Failure, Target, exchange};
use bytes::Bytes;
use hyper::Method;
use mock_whatsapp_model::fate::{digest, join};

/// What a receiver said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it was right.
    pub ok: bool,
    /// The HTTP status; 0 if there was none.
    pub status: u16,
    /// What came back, or why nothing did, cut to what can be shown.
    pub received: String,
    /// What should have come back.
    pub challenge: String,
}

/// Shakes hands. `serial` tells one challenge from the next.
pub async fn shake(connector: &Connector, target: &Target, verify_token: &str, serial: u64) -> Outcome {
    let challenge = (join(digest(target.url().as_bytes()), serial) % 9_000_000_000 + 1_000_000_000).to_string();
    let asked =
        format!("hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={}", query::encode(verify_token));
    let request = target.request(Method::GET, &asked, Bytes::new());
    let (answer, _) = exchange(connector, target, None, request, WEBHOOK_WAIT).await;
    match answer {
        Ok(answer) => {
            let received: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
            let ok = answer.status == 200 && received.trim() == challenge;
            Outcome { ok, status: answer.status, received, challenge }
        }
        Err(failure) => {
            let way_out = match failure {
                Failure::Untrusted(_) => {
                    "; `\"tls\": \"insecure\"` takes any certificate, and a server started with `--webhook-ca FILE` those of an authority"
                }
                Failure::Connect(_)
                | Failure::Greeting(_)
                | Failure::Broken(_)
                | Failure::Timeout(_)
                | Failure::Panic(_) => "",
            };
            Outcome { ok: false, status: 0, received: format!("{failure}{way_out}"), challenge }
        }
    }
}

impl Outcome {
    /// What went wrong, in a sentence.
    pub fn complaint(&self) -> String {
        match self.status {
            0 => format!("the URL did not answer the handshake: {}", self.received),
            200 => {
                format!("the URL answered 200 with \"{}\" and not with the challenge {}", self.received, self.challenge)
            }
            status => format!("the URL answered the handshake with {status}: \"{}\"", self.received),
        }
    }
}
