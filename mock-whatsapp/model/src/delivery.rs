//! Webhook deliveries: sent, answered or not, sent again by the ladder, dropped after 7 days.

use crate::fate::{What as Draw, fate, join};
use crate::input::DeliveryId;
use crate::limits::{REDELIVER_FOR, REDELIVERY};
use crate::output::Update;
use cloud_api::time::{Span, Timestamp};

#[derive(Clone, Copy, Debug)]
struct Delivery {
    update: Update,
    first: Timestamp,
    /// Tries, those included that came nowhere because the receiver was cut off.
    tried: u8,
    /// How often it went out.
    sent: u8,
    live: bool,
}

/// The deliveries that are not acknowledged yet. Ids are used again once acknowledged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deliveries {
    all: Vec<Delivery>,
    free: Vec<u32>,
}

/// What follows where a webhook was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing more.
    Done,
    /// Again, then.
    Again(Timestamp),
}

impl Deliveries {
    pub(crate) fn open(&mut self, now: Timestamp, update: Update) -> DeliveryId {
        let delivery = Delivery { update, first: now, tried: 0, sent: 0, live: true };
        DeliveryId(if let Some(free) = self.free.pop() {
            self.all[free as usize] = delivery;
            free
        } else {
            self.all.push(delivery);
            (self.all.len() - 1) as u32
        })
    }

    /// The content, and how often it was tried before; `None` if it is done with.
    pub(crate) fn get(&self, id: DeliveryId) -> Option<(Update, u8)> {
        let delivery = self.all.get(id.0 as usize)?;
        delivery.live.then_some((delivery.update, delivery.tried))
    }

    /// It goes out now; gives how often it did before.
    #[inline]
    pub(crate) fn goes_out(&mut self, id: DeliveryId) -> u8 {
        let sent = &mut self.all[id.0 as usize].sent;
        let before = *sent;
        *sent = before.saturating_add(1);
        before
    }

    /// How many wait for an acknowledgement.
    pub(crate) fn len(&self) -> usize {
        self.all.len() - self.free.len()
    }

    /// The receiver acknowledged it. A late answer is nobody's.
    #[inline]
    pub(crate) fn close(&mut self, id: DeliveryId) {
        if let Some(delivery) = self.all.get_mut(id.0 as usize).filter(|delivery| delivery.live) {
            delivery.live = false;
            self.free.push(id.0);
        }
    }

    /// The receiver refused it, or could not be reached. `key` is the update's own: ids are used again, so they say nothing
    /// that chance may hang on.
    pub(crate) fn failed(&mut self, now: Timestamp, seed: u64, key: u64, id: DeliveryId) -> Next {
        let Some(delivery) = self.all.get_mut(id.0 as usize).filter(|delivery| delivery.live) else {
            return Next::Done;
        };
        let wait = REDELIVERY[usize::from(delivery.tried).min(REDELIVERY.len() - 1)];
        let jitter = fate(seed, join(key, u64::from(delivery.tried)), Draw::Redelivery) % (wait.0 / 10 + 1);
        let again = now + wait + Span(jitter);
        delivery.tried = delivery.tried.saturating_add(1);
        if again.since(delivery.first) > REDELIVER_FOR {
            self.close(id);
            return Next::Done;
        }
        Next::Again(again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{HandsetId, NumberId};
    use crate::output::What;

    #[test]
    fn a_receiver_that_never_answers_is_tried_with_decreasing_frequency_for_seven_days() {
        let start = Timestamp::from_unix_seconds(1_000_000_000);
        let mut deliveries = Deliveries::default();
        let (about, handset, number, what) = (None, HandsetId(0), NumberId(0), What::Sent);
        let update = Update { about, handset, number, what, at: start, echoes: true, forged: false };
        let id = deliveries.open(start, update);
        let (mut now, mut times) = (start, 1);
        while let Next::Again(at) = deliveries.failed(now, 1, 7, id) {
            assert!(at > now);
            now = at;
            times += 1;
        }
        assert!(now.since(start) > Span::hours(6 * 24) && now.since(start) <= REDELIVER_FOR, "{}", now.since(start));
        assert!((30..50).contains(&times), "{times}");
        assert_eq!((deliveries.get(id), deliveries.len()), (None, 0));
        deliveries.close(id);
        assert_eq!((deliveries.failed(now, 1, 7, id), deliveries.len()), (Next::Done, 0), "a late answer is nobody's");
    }
}
