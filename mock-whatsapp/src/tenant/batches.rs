//! Several webhooks in one POST: those that may share one wait for each other, then the first of them leads, and whatever
//! happens to it happens to all.

use super::Tenant;
use super::dispatch::{Batching, Departure};
use super::webhook_log::{Attempt, State};
use cloud_api::time::Timestamp;
use mock_whatsapp_model::Input;
use mock_whatsapp_model::input::DeliveryId;
use mock_whatsapp_model::output::Update;
use std::collections::BTreeMap;

/// Webhooks that wait for others.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    waiting: Vec<Departure>,
    until: Option<Timestamp>,
}

impl Held {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// When those that wait go out, however few they are.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.until
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Who follows whom: by the delivery that leads, all others of its POST.
pub(super) type Batches = BTreeMap<DeliveryId, Vec<Departure>>;

impl Tenant {
    /// A webhook is to go out: at once, or with others.
    pub(super) fn depart(&mut self, departure: Departure, is_new: bool) {
        let Some(webhook) = self.webhook_of(&departure.update) else {
            return self.nowhere.push(departure.delivery);
        };
        let first = self.held.waiting.first().and_then(|first| self.webhook_of(&first.update));
        let fits = first.is_none_or(|first| first.target == webhook.target);
        let by_setting = webhook.batch;
        let by_fault = self.webhooks.dress(departure.delivery).batch;
        let by_fault = by_fault.map(|(size, wait)| Batching { size: usize::from(size), wait });
        match by_fault.or(by_setting).filter(|_| is_new && fits) {
            Some(Batching { size, wait }) => {
                self.held.until.get_or_insert(self.time + wait);
                self.held.waiting.push(departure);
                if self.held.len() >= size {
                    self.release();
                }
            }
            None => self.outbox.push_back(departure),
        }
    }

    /// Those that waited go out, in one POST.
    pub(super) fn release(&mut self) {
        let mut waited = std::mem::take(&mut self.held).waiting.into_iter();
        let Some(leader) = waited.next() else { return };
        let followers: Vec<Departure> = waited.collect();
        if !followers.is_empty() {
            self.batches.insert(leader.delivery, followers);
        }
        self.outbox.push_back(leader);
    }

    /// The updates that a delivery carries, its own first.
    pub(super) fn carried(&self, leader: &Departure) -> Vec<Update> {
        let followers = self.batches.get(&leader.delivery).map_or(&[][..], Vec::as_slice);
        std::iter::once(leader).chain(followers).map(|departure| departure.update).collect()
    }

    /// What the others of a batch tell.
    pub(super) fn followers(&self, leader: DeliveryId) -> std::vec::IntoIter<Update> {
        let followers = self.batches.get(&leader).map_or(&[][..], Vec::as_slice);
        followers.iter().map(|follower| follower.update).collect::<Vec<_>>().into_iter()
    }

    /// What happened to the first of a batch happens to the others.
    pub(super) fn follow(&mut self, leader: DeliveryId, attempt: Option<&Attempt>, state: State) {
        let ends = state != State::Retrying;
        let Some(followers) = self.batches.get(&leader).cloned() else { return };
        if ends {
            self.batches.remove(&leader);
        }
        for follower in followers {
            self.webhooks.ends(follower.delivery, attempt.cloned(), state);
            if ends {
                self.hand_in(Input::Answered { delivery: follower.delivery, status: 200 });
            }
        }
    }
}
