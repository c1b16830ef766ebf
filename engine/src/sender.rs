//! One attempt: a template message out, and what became of it, in the core's words. No retries here.

use crate::client::{Client, Exchange};
use crate::store::{Campaign, Letter};
use engine_core::event::Answer;
use engine_core::id::MessageId;
use engine_core::translate::{self, CallbackData, Reading};

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// The message.
    pub message: MessageId,
    /// The attempt's number.
    pub number: u8,
    /// How it ended.
    pub answer: Answer,
    /// Where it was accepted: under which id.
    pub accepted: Option<Accepted>,
    /// Where it was refused: WhatsApp's code and text.
    pub error: Option<(u32, String)>,
}

/// What an accepting answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// WhatsApp's id of the message.
    pub wamid: String,
    /// WhatsApp's digits for the contact.
    pub wa_id: Option<u64>,
}

impl Attempted {
    /// An attempt that nothing came back from.
    pub fn without_reply(message: MessageId, number: u8, answer: Answer) -> Self {
        Self { message, number, answer, accepted: None, error: None }
    }
}

/// Sends attempts.
pub struct Sender {
    client: Client,
    store_id: u64,
}

impl Sender {
    /// `store_id` goes into the callback data.
    pub fn new(client: Client, store_id: u64) -> Self {
        Self { client, store_id }
    }

    /// Sends one.
    pub async fn attempt(&self, campaign: &Campaign, letter: Letter, number: u8) -> Attempted {
        let Letter { message, phone, variables } = letter;
        let callback = CallbackData { store: self.store_id, campaign: campaign.id, message, number };
        let request = translate::template_message(phone, &campaign.template, &campaign.language, variables, callback);
        let body = match serde_json::to_vec(&request) {
            Ok(body) => body,
            Err(wrong) => {
                tracing::error!(%wrong, message = message.0, "a message that cannot be written as JSON");
                return Attempted::without_reply(message, number, Answer::NeverWritten);
            }
        };
        let path = format!("{}/messages", campaign.phone_number_id);
        match self.client.post(&path, body.into()).await {
            Exchange::NeverWritten(why) => {
                tracing::debug!(message = message.0, why, "nothing was sent");
                Attempted::without_reply(message, number, Answer::NeverWritten)
            }
            Exchange::Unanswered(why) => {
                tracing::info!(message = message.0, number, why, "the outcome is unknown");
                Attempted::without_reply(message, number, Answer::Unknown)
            }
            Exchange::Answered(reply) => {
                let reading = translate::read_answer(reply.status, reply.retry_after, &reply.body);
                let answer = reading.answer();
                let (mut accepted, mut error) = (None, None);
                match reading {
                    Reading::Accepted { wamid, wa_id } => accepted = Some(Accepted { wamid, wa_id }),
                    Reading::Refused { api_code, text, .. } => error = Some((api_code, text)),
                    Reading::Unreadable => {
                        tracing::info!(message = message.0, number, status = reply.status, "an unreadable answer");
                    }
                }
                Attempted { message, number, answer, accepted, error }
            }
        }
    }
}
