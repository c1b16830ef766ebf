//! `POST /{phone-number-id}/messages`: sends, and read receipts.

use super::call::{Body, Call, Done, JSON, Outcome};
use super::links;
use super::refusal::Refusal;
use super::send::{Edge, Terms, Wish, lenience};
use crate::respond::{Answer, Cut, written};
use crate::tenant::Verdict;
use crate::wamids::Meaning;
use crate::{limits, query};
use cloud_api::limits::REACTION_AGE_MAX;
use cloud_api::reply::MessageStatus;
use cloud_api::time::Timestamp;

/// Sends a message, or marks one as read.
pub(super) async fn post(call: Call<'_>) -> Done {
    let is_further = call.id != call.identity.phone_number_id;
    if is_further {
        Box::pin(call.with_number(|_, _| Ok(()))).await?;
    }
    let edge = if call.path.edge == "marketing_messages" { Edge::Marketing } else { Edge::Messages };
    let product = query::pairs(call.query).find(|(key, _)| key == "messaging_product").map(|(_, product)| product);
    let terms =
        Terms { product: product.as_deref(), version: call.path.major(), edge, waba_id: &call.identity.waba_id };
    let mut sending = match Wish::read(lenience::read(call.body.clone()), &terms)? {
        Wish::Send(sending) => sending,
        Wish::Read(receipt) => return Box::pin(mark_as_read(call, receipt.message_id)).await,
    };
    let (input, by_user_id) = (sending.input.clone(), sending.by_user_id);
    if is_further {
        sending.number_id = Some(call.id.as_str().into());
    }
    if let Some(link) = sending.link() {
        sending.link_is_broken = Box::pin(links::is_broken(&call, link)).await?;
    }
    sending.raw.path = call.noted.send();
    let (verdict, at) = call.server.worlds.post(call.identity, sending).await?;
    let (verdict, manner) = match verdict {
        Verdict::Mannered(verdict, manner) => (*verdict, Some(manner)),
        verdict => (verdict, None),
    };
    let outcome: Done = match (verdict, at) {
        (Verdict::Accepted { wamid, wa_id, status }, at) => {
            Ok(Outcome::Reply(at, Box::new(Taken { input, by_user_id, wa_id, wamid, status })))
        }
        (Verdict::Refused(refusal), at) => Ok(Outcome::Refusal(at, refusal)),
        (Verdict::Reset, _) => Err(Cut::Reset.into()),
        (Verdict::Garbled(form), _) => Ok(Outcome::Garbled(form)),
        (Verdict::Silence, _) => {
            tokio::select! {
                biased;
                () = call.server.stopped() => {}
                () = tokio::time::sleep(limits::SILENCE) => {}
            }
            Err(Cut::Close.into())
        }
        (Verdict::Close | Verdict::Mannered(..), _) => Err(Cut::Close.into()),
    };
    Ok(match manner {
        Some(manner) => Outcome::Mannered(Box::new(outcome?), manner),
        None => outcome?,
    })
}

/// A send that was taken.
#[derive(Debug)]
struct Taken {
    /// The recipient, letter by letter.
    input: String,
    /// Whether that is a business-scoped id.
    by_user_id: bool,
    wa_id: String,
    wamid: String,
    status: Option<MessageStatus>,
}

impl Body for Taken {
    fn answer(&self, at: Timestamp) -> Answer {
        written(200, JSON, self.write(), at)
    }
}

impl Taken {
    /// What is also `cloud_api::reply::SendReply`, put together by hand: every send has one, and nothing in it but the caller's
    /// own words can need an escape.
    fn write(&self) -> Vec<u8> {
        let Self { input, by_user_id, wa_id, wamid, status } = self;
        let quoted = serde_json::Value::from(input.as_str()).to_string();
        let mut reply = Vec::with_capacity(320);
        let mut add = |pieces: &[&str]| pieces.iter().for_each(|piece| reply.extend_from_slice(piece.as_bytes()));
        add(&["{\"messaging_product\":\"whatsapp\",\"contacts\":[{\"input\":", &quoted]);
        match by_user_id {
            false => add(&[",\"wa_id\":\"", wa_id, "\""]),
            true => add(&[",\"user_id\":", &quoted]),
        }
        add(&["}],\"messages\":[{\"id\":\"", wamid, "\""]);
        if let Some(status) = status {
            add(&[",\"message_status\":\"", status.as_str(), "\""]);
        }
        add(&["}]}"]);
        reply
    }
}

/// Marks a contact's message as read. Nobody sees that here, but the id must be one, and the message not too old.
async fn mark_as_read(call: Call<'_>, wamid: String) -> Done {
    let known = call.tenant(move |tenant, real| {
        let invalid = |why: &str| Err(Refusal::new(131_009, why).details("message_id: Message ID is invalid"));
        // What is forgotten is taken for young.
        let at = match tenant.wamids().read(&wamid) {
            Some(Meaning::Answer(index)) => tenant.world().message(index).map(|answered| answered.at),
            Some(Meaning::Said(handle)) => tenant.inbound().at(handle),
            Some(Meaning::Outbound(_)) | None => {
                return invalid("message_id is not the id of a message that a contact wrote to this tenant");
            }
        };
        if at.is_some_and(|at| tenant.now(real).since(at) > REACTION_AGE_MAX) {
            return invalid("a message is marked as read within 30 days of virtual time");
        }
        Ok(())
    });
    let ((), at) = known.await?;
    Ok(Outcome::success(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud_api::reply::{AcceptedMessage, Contact, SendReply};

    #[test]
    fn a_reply_is_what_serde_would_write() {
        let [wa_id, wamid] = ["4915112345678", "wamid.HBgL"].map(str::to_owned);
        for (input, by_user_id) in [("+49 151 \"x\" \u{e9}\n\\", false), ("DE.12345", true)] {
            for status in [None, Some(MessageStatus::Accepted), Some(MessageStatus::Held)] {
                let input = input.to_owned();
                let contact = Contact {
                    input: input.clone(),
                    wa_id: (!by_user_id).then(|| wa_id.clone()),
                    user_id: by_user_id.then(|| input.clone()),
                };
                let message = AcceptedMessage { id: wamid.clone(), message_status: status.clone(), group_id: None };
                let reply = SendReply {
                    messaging_product: "whatsapp".to_owned(),
                    contacts: vec![contact],
                    messages: vec![message],
                };
                let taken = Taken { input, by_user_id, wa_id: wa_id.clone(), wamid: wamid.clone(), status };
                assert_eq!(String::from_utf8(taken.write()).unwrap(), serde_json::to_string(&reply).unwrap());
            }
        }
    }
}
