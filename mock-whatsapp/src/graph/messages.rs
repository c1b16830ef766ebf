//! `POST /{phone-number-id}/messages`: sends, and read receipts.

use super::call::{Call, Done, Outcome};
use super::links;
use super::refusal::Refusal;
use super::send::{self, Edge, Terms, Wish, lenience};
use crate::respond::Cut;
use crate::tenant::Verdict;
use crate::wamids::Meaning;
use crate::{limits, query};
use cloud_api::limits::REACTION_AGE_MAX;

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
            Ok(Outcome::reply(at, send::reply(input, by_user_id, wa_id, wamid, status)))
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
