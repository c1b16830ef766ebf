//! How the business is told: updates as webhooks, what faults make of them, and the ladder of redelivery. What happens is
//! the world's; who takes a webhook in, and how, is the shells'.

use super::{Due, World};
use crate::delivery::Next;
use crate::fate::join;
use crate::faults::{self, Odd};
use crate::input::{DeliveryId, MessageIndex, NumberId};
use crate::output::{Output, Update, What};
use cloud_api::catalogue;
use cloud_api::time::Span;

/// Copies of a webhook come one after the other, at this distance.
const COPIES_APART: Span = Span::millis(250);

impl World {
    /// What chance about an update hangs on.
    pub(super) fn key_of(&self, update: &Update) -> u64 {
        let message = update.about.and_then(|index| self.message(index));
        join(message.map_or(u64::from(update.handset.0), |message| message.key), update.what.place())
    }

    #[inline]
    pub(super) fn go_out(&mut self, delivery: DeliveryId, update: Update, out: &mut Vec<Output>) {
        let sent_before = self.deliveries.goes_out(delivery);
        out.push(Output::Webhook { delivery, update, sent_before });
    }

    /// Sends a webhook, unless the receiver cannot be reached: then it is tried again by the ladder.
    pub(super) fn send(&mut self, delivery: DeliveryId, update: Update, tried: u8, out: &mut Vec<Output>) {
        let (now, seed) = (self.now, self.config.seed);
        let key = self.key_of(&update);
        let of_try = join(key, u64::from(tried));
        let cut_off = faults::is_cut_off(&mut self.webhook_faults, now, &update, seed, of_try);
        match cut_off.then(|| self.deliveries.failed(now, seed, key, delivery)) {
            None => self.go_out(delivery, update, out),
            Some(Next::Again(at)) => self.due.push(at, Due::Deliver(delivery)),
            Some(Next::Done) => out.push(Output::Dropped { update, delivery: Some(delivery) }),
        }
    }

    /// Tells the business of an update of one of its messages. `read_follows` if a `read` will imply it.
    #[inline]
    pub(super) fn tell(&mut self, place: u32, what: What, read_follows: bool, out: &mut Vec<Output>) {
        let message = self.messages[place as usize];
        let (handset, number) = (message.handset, NumberId(u16::from(message.number)));
        let about = Some(MessageIndex(self.cleared + place));
        let update = Update { about, handset, number, what, at: self.now, echoes: true, forged: false };
        if self.webhook_faults.is_empty() {
            let delivery = self.deliveries.open(self.now, update);
            self.go_out(delivery, update, out);
        } else {
            self.tell_with_faults(message.key, update, read_follows, out);
        }
    }

    /// Tells the business of an update that is about no message of its own.
    pub(super) fn report(&mut self, update: Update, out: &mut Vec<Output>) {
        if self.webhook_faults.is_empty() {
            let delivery = self.deliveries.open(self.now, update);
            self.go_out(delivery, update, out);
        } else {
            self.tell_with_faults(u64::from(update.handset.0), update, false, out);
        }
    }

    fn tell_with_faults(&mut self, key: u64, update: Update, read_follows: bool, out: &mut Vec<Output>) {
        let (now, seed) = (self.now, self.config.seed);
        let fault = faults::on_webhook(&mut self.webhook_faults, now, seed, key, &update);
        if let Some(what) = fault.forgery.filter(|_| update.about.is_some()) {
            let forged = Update { what, forged: true, ..update };
            let delivery = self.deliveries.open(now, forged);
            self.go_out(delivery, forged, out);
        }
        let failed = Update { what: What::Failed(catalogue::find(131_026, None)), ..update };
        match fault.odd {
            Odd::Unsaid if read_follows => return,
            Odd::FailsToo { before: true } => self.tell_with_faults(key, failed, false, out),
            Odd::Unsaid | Odd::FailsToo { before: false } | Odd::Mute | Odd::Nothing => {}
        }
        if fault.lost {
            out.push(Output::Dropped { update, delivery: None });
        } else {
            let update = Update { echoes: fault.odd != Odd::Mute, ..update };
            for copy in 0..=fault.copies {
                let delivery = self.deliveries.open(now, update);
                let delay = fault.delay + COPIES_APART * u64::from(copy);
                if delay == Span::ZERO {
                    self.send(delivery, update, 0, out);
                } else {
                    self.due.push(now + delay, Due::Deliver(delivery));
                }
            }
        }
        if fault.odd == (Odd::FailsToo { before: false }) {
            self.tell_with_faults(key, failed, false, out);
        }
    }
}
