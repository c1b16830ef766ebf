//! The webhooks that were to be sent, each with its body and every attempt. Bounded; the oldest go first.

use crate::limits::WEBHOOK_LOG_BYTES;
use crate::signing::Signature;
use bytes::Bytes;
use cloud_api::time::Timestamp;
use mock_whatsapp_model::input::DeliveryId;
use mock_whatsapp_model::output::{Dress, Update};
use std::borrow::Cow;
use std::collections::VecDeque;

/// How far a webhook came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is about to be sent, for the first time.
    Due,
    /// It was sent and not acknowledged; it will be sent again.
    Retrying,
    /// It was answered with 200.
    Acked,
    /// It was not, and is not sent any more.
    GaveUp,
    /// There was nowhere to send it.
    NoWebhook,
    /// A fault took it.
    Faulted,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Due, Self::Retrying, Self::Acked, Self::GaveUp, Self::NoWebhook, Self::Faulted];

    /// As the control API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Retrying => "retrying",
            Self::Acked => "acked",
            Self::GaveUp => "gave_up",
            Self::NoWebhook => "no_webhook",
            Self::Faulted => "faulted",
        }
    }
}

/// One attempt to deliver a webhook.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When it was answered, in the tenant's time.
    pub at: Timestamp,
    /// The HTTP status; 0 if there was none.
    pub status: u16,
    /// How long it took, in real time.
    pub ms: u64,
    /// Why there was no status.
    pub failure: Option<String>,
}

/// One webhook.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its number, never used twice.
    pub id: u64,
    /// What it tells, as in `status.delivered` or `message.text`; of other fields the field's name.
    pub kind: Cow<'static, str>,
    /// What it tells, from which its body can be made at any time.
    pub update: Update,
    /// The wamid in its body.
    pub wamid: String,
    /// What faults make of it.
    pub dress: Dress,
    /// How far it came.
    pub state: State,
    /// Every attempt.
    pub attempts: Vec<Attempt>,
    /// The headers of its signature. Empty until it is sent.
    pub signature: Signature,
    /// The body, byte for byte. Empty until it is sent.
    pub body: Bytes,
}

impl Record {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.kind.len() + self.wamid.len() + self.signature.bytes() + self.body.len() + 96
    }
}

/// The webhooks of one tenant.
#[derive(Clone, Debug, Default)]
pub struct WebhookLog {
    /// By number, which a restore may have left gaps in.
    records: VecDeque<Record>,
    /// The number of the next webhook.
    next: u64,
    /// Which webhook each of the model's deliveries is.
    of_delivery: Vec<u64>,
    bytes: usize,
    evicted: u64,
}

impl WebhookLog {
    /// Opens the record of a webhook that is to be delivered, or of one that will not be.
    pub fn open(
        &mut self,
        delivery: Option<DeliveryId>,
        kind: Cow<'static, str>,
        update: Update,
        wamid: String,
        dress: Dress,
    ) -> u64 {
        let id = self.next;
        self.next += 1;
        let state = if delivery.is_some() { State::Due } else { State::Faulted };
        let (attempts, signature, body) = (Vec::new(), Signature::default(), Bytes::new());
        let record = Record { id, kind, update, wamid, dress, state, attempts, signature, body };
        if let Some(delivery) = delivery {
            self.delivers(delivery, id);
        }
        self.bytes += record.bytes();
        self.records.push_back(record);
        self.evict();
        id
    }

    fn delivers(&mut self, delivery: DeliveryId, id: u64) {
        let place = delivery.0 as usize;
        if self.of_delivery.len() <= place {
            self.of_delivery.resize(place + 1, u64::MAX);
        }
        self.of_delivery[place] = id;
    }

    /// What faults make of a delivery.
    pub fn dress(&mut self, delivery: DeliveryId) -> Dress {
        self.of(delivery).map(|record| record.dress).unwrap_or_default()
    }

    /// A webhook is delivered once more.
    pub fn repeat(&mut self, delivery: DeliveryId, id: u64) {
        self.delivers(delivery, id);
        if let Some(record) = self.of(delivery) {
            record.state = State::Due;
        }
    }

    /// A webhook.
    pub fn get(&self, id: u64) -> Option<&Record> {
        self.records.get(self.place(id)).filter(|record| record.id == id)
    }

    /// Where the first record is that has this number or a later one.
    fn place(&self, id: u64) -> usize {
        match (self.records.front(), self.records.back()) {
            // Without gaps there is nothing to search.
            (Some(first), Some(last)) if last.id - first.id + 1 == self.records.len() as u64 => {
                usize::try_from(id.saturating_sub(first.id)).unwrap_or(usize::MAX)
            }
            _ => self.records.partition_point(|record| record.id < id),
        }
    }

    /// Leaves out numbers that were used elsewhere: the next webhook has at least this one.
    pub fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// The number of the next webhook.
    pub fn next(&self) -> u64 {
        self.next
    }

    fn evict(&mut self) {
        while self.bytes > WEBHOOK_LOG_BYTES
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= oldest.bytes();
            self.evicted += 1;
        }
    }

    /// The number of the webhook that a delivery is.
    pub fn number(&self, delivery: DeliveryId) -> Option<u64> {
        self.of_delivery.get(delivery.0 as usize).copied()
    }

    fn of(&mut self, delivery: DeliveryId) -> Option<&mut Record> {
        let id = *self.of_delivery.get(delivery.0 as usize)?;
        let place = self.place(id);
        self.records.get_mut(place).filter(|record| record.id == id)
    }

    /// Notes what is sent, the first time.
    pub fn sends(&mut self, delivery: DeliveryId, body: &Bytes, signature: &Signature) {
        let Some(record) = self.of(delivery).filter(|record| record.body.is_empty()) else { return };
        let before = record.bytes();
        record.body = body.clone();
        record.signature = signature.clone();
        let grown = record.bytes() - before;
        self.bytes += grown;
        self.evict();
    }

    /// The body and the signature of a webhook that was sent before.
    pub fn sent(&mut self, delivery: DeliveryId) -> Option<(Bytes, Signature)> {
        let record = self.of(delivery).filter(|record| !record.body.is_empty())?;
        Some((record.body.clone(), record.signature.clone()))
    }

    /// Notes an attempt and what follows from it.
    pub fn ends(&mut self, delivery: DeliveryId, attempt: Option<Attempt>, state: State) {
        if let Some(record) = self.of(delivery) {
            record.attempts.extend(attempt);
            record.state = state;
        }
    }

    /// The records from a number on, oldest first.
    pub fn from(&self, id: u64) -> impl Iterator<Item = &Record> {
        self.records.iter().skip(self.place(id))
    }

    /// What it takes in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many were forgotten.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Empties it; numbers go on.
    pub fn clear(&mut self) {
        *self = Self { next: self.next, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mock_whatsapp_model::input::{HandsetId, NumberId};
    use mock_whatsapp_model::output::What;

    #[test]
    fn webhooks_are_found_across_gaps_in_their_numbers() {
        let mut log = WebhookLog::default();
        let (handset, number, at) = (HandsetId(0), NumberId(0), Timestamp(7));
        let update = Update { about: None, handset, number, what: What::Sent, at, echoes: true, forged: false };
        let open = |log: &mut WebhookLog, delivery| {
            log.open(Some(DeliveryId(delivery)), "status.sent".into(), update, String::new(), Dress::default())
        };
        assert_eq!((open(&mut log, 0), open(&mut log, 1)), (0, 1));
        log.skip_to(5);
        log.skip_to(3);
        assert_eq!((open(&mut log, 2), open(&mut log, 0), log.next()), (5, 6, 7));
        let found: Vec<Option<u64>> = (0..8).map(|id| log.get(id).map(|record| record.id)).collect();
        assert_eq!(found, [Some(0), Some(1), None, None, None, Some(5), Some(6), None]);
        assert_eq!(log.from(2).map(|record| record.id).collect::<Vec<_>>(), [5, 6]);
        log.ends(DeliveryId(2), None, State::Acked);
        assert_eq!(log.get(5).map(|record| record.state), Some(State::Acked));
        assert_eq!(log.get(6).map(|record| record.state), Some(State::Due));
    }
}
