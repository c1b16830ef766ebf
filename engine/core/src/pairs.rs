//! The pair limit of one sender: 45 messages to one contact in a burst, then one in six seconds, across campaigns.
//!
//! A message borrows six seconds of its contact's time and a contact may owe 44 times that, so a time per contact says it
//! all: when the debt is paid. Who owes nothing is not kept; a contact that gets one message is known for six seconds, which
//! bounds the table by the pace times six seconds. Not here: the wait after WhatsApp answered that a pair went too fast.

use crate::id::ContactId;
use cloud_api::limits::{PAIR_BURST, PAIR_REFILL};
use cloud_api::time::{Span, Timestamp};

/// Messages in a burst. One of WhatsApp's 45 is kept in reserve: between a claim and the arrival of its POST lie a commit and
/// the network, and messages that were claimed apart may arrive together. Six seconds of that are made up for.
const BURST: u64 = PAIR_BURST as u64 - 1;

/// A contact may owe so much and still be written to.
const CREDIT: Span = Span(PAIR_REFILL.0 * (BURST - 1));

/// Slots of the smallest table.
const LEAST: usize = 64;

/// Which contacts owe time to one sender.
#[derive(Clone, Debug)]
pub struct Pairs {
    watch: bool,
    /// None, or a power of two of which at most half is used: open addressing, linear probing. Debts that were paid stay
    /// until the table is swept for room, so nothing is ever taken out of a chain.
    slots: Vec<Debt>,
    used: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Debt {
    /// When it is paid; 0 in a free slot.
    paid: Timestamp,
    contact: u32,
}

impl Pairs {
    /// Nobody owes anything. With `watch` false nothing is recorded and every message may go at once: for a sender with so few
    /// messages to one contact that the burst covers them.
    pub fn new(watch: bool) -> Self {
        Self { watch, slots: Vec::new(), used: 0 }
    }

    /// From now on POSTs are recorded.
    pub fn watch(&mut self) {
        self.watch = true;
    }

    /// When the next POST to this contact may go: `now`, or later.
    pub fn next(&self, now: Timestamp, contact: ContactId) -> Timestamp {
        if self.slots.is_empty() {
            return now;
        }
        let debt = self.slots[self.probe(contact.0)];
        now.max(debt.paid - CREDIT)
    }

    /// A POST to this contact goes now.
    pub fn claim(&mut self, now: Timestamp, contact: ContactId) {
        if !self.watch {
            return;
        }
        if (self.used + 1) * 2 > self.slots.len() {
            self.sweep(now);
        }
        let at = self.probe(contact.0);
        let debt = &mut self.slots[at];
        if debt.paid == Timestamp(0) {
            self.used += 1;
        }
        *debt = Debt { paid: debt.paid.max(now) + PAIR_REFILL, contact: contact.0 };
    }

    /// The last POST to this contact was not written, or WhatsApp refused it: its six seconds are not owed. Exact for the last
    /// one; of an earlier one that was paid already the next one's time is given back, so that one message may go six seconds
    /// early.
    pub fn undo(&mut self, now: Timestamp, contact: ContactId) {
        if self.slots.is_empty() {
            return;
        }
        let at = self.probe(contact.0);
        let debt = &mut self.slots[at];
        if debt.paid > now {
            // Never 0, which would make a free slot of it.
            debt.paid = (debt.paid - PAIR_REFILL).max(Timestamp(1));
        }
    }

    /// How many contacts are kept: those that owe, and some that did.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The slot of the contact, or the free one where it belongs.
    fn probe(&self, contact: u32) -> usize {
        let mask = self.slots.len() - 1;
        // Ids are dense: multiplying by the golden ratio spreads neighbours apart.
        let spread = u64::from(contact).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut at = (spread >> 32) as usize & mask;
        while self.slots[at].paid > Timestamp(0) && self.slots[at].contact != contact {
            at = (at + 1) & mask;
        }
        at
    }

    /// Forgets the debts that were paid. What is left fills at most a quarter, so the next sweep is as many claims away.
    fn sweep(&mut self, now: Timestamp) {
        let owing = self.slots.iter().filter(|debt| debt.paid > now).count();
        let size = ((owing + 1) * 4).next_power_of_two().max(LEAST);
        let old = std::mem::replace(&mut self.slots, vec![Debt::default(); size]);
        for debt in old.into_iter().filter(|debt| debt.paid > now) {
            let at = self.probe(debt.contact);
            self.slots[at] = debt;
        }
        self.used = owing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const ANA: ContactId = ContactId(1);
    const BEN: ContactId = ContactId(2);

    fn t(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000 + seconds)
    }

    #[test]
    fn a_burst_of_44_goes_at_once_and_then_one_in_six_seconds() {
        let mut pairs = Pairs::new(true);
        for _ in 0..BURST {
            assert_eq!(pairs.next(t(0), ANA), t(0));
            pairs.claim(t(0), ANA);
        }
        for n in 1..=10 {
            let next = pairs.next(t(0), ANA);
            assert_eq!(next, t(6 * n));
            pairs.claim(next, ANA);
        }
        assert_eq!(pairs.next(t(0), BEN), t(0), "nobody else waits");
        assert_eq!(pairs.next(t(60 + 264), ANA), t(60 + 264));
        for _ in 0..BURST {
            assert_eq!(pairs.next(t(60 + 264), ANA), t(60 + 264), "the burst has come back as a whole");
            pairs.claim(t(60 + 264), ANA);
        }
        assert!(pairs.next(t(60 + 264), ANA) > t(60 + 264));
    }

    #[test]
    fn what_was_never_sent_is_not_owed() {
        let mut pairs = Pairs::new(true);
        pairs.undo(t(0), ANA);
        for _ in 0..BURST {
            pairs.claim(t(0), ANA);
        }
        pairs.undo(t(1), ANA);
        assert_eq!(pairs.next(t(1), ANA), t(1));
        pairs.claim(t(1), ANA);
        assert_eq!(pairs.next(t(1), ANA), t(6));
        pairs.undo(t(500), ANA);
        assert_eq!(pairs.next(t(500), ANA), t(500));
    }

    #[test]
    fn a_sender_that_need_not_be_watched_keeps_nothing() {
        let mut pairs = Pairs::new(false);
        for _ in 0..100 {
            pairs.claim(t(0), ANA);
        }
        assert_eq!((pairs.next(t(0), ANA), pairs.len(), pairs.is_empty()), (t(0), 0, true));
        pairs.undo(t(0), ANA);
    }

    #[test]
    fn an_hour_at_the_highest_pace_keeps_a_few_seconds_of_it() {
        let mut pairs = Pairs::new(true);
        let mut now = t(0);
        let mut most = 0;
        for contact in 0..3_600_000 {
            assert_eq!(pairs.next(now, ContactId(contact)), now);
            pairs.claim(now, ContactId(contact));
            now += Span::millis(1);
            most = most.max(pairs.slots.len());
        }
        assert_eq!(most, 32_768, "6,000 owe; half a MiB");
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Claim,
        Undo,
        Ask,
    }

    proptest! {
        /// Against a bucket per contact that holds 44 and gets one back every six seconds, counted in microseconds.
        #[test]
        fn it_is_a_bucket_of_44_for_each_contact(
            steps in prop::collection::vec(
                (
                    prop_oneof![Just(0u64), 0u64..9_000_000, 0u64..300_000_000],
                    prop_oneof![6 => Just(Step::Claim), 1 => Just(Step::Undo), 3 => Just(Step::Ask)],
                    0u32..40,
                    1u32..60,
                ),
                0..80,
            ),
        ) {
            const FULL: u64 = 264_000_000;
            let mut pairs = Pairs::new(true);
            let mut buckets = BTreeMap::<u32, (u64, Timestamp)>::new();
            let mut now = t(0);
            for (wait, step, contact, times) in steps {
                now += Span::micros(wait);
                let bucket = buckets.entry(contact).or_insert((FULL, now));
                *bucket = (FULL.min(bucket.0 + now.since(bucket.1).0), now);
                let contact = ContactId(contact);
                match step {
                    Step::Claim => {
                        for _ in 0..times {
                            if bucket.0 < PAIR_REFILL.0 {
                                break;
                            }
                            prop_assert_eq!(pairs.next(now, contact), now);
                            pairs.claim(now, contact);
                            bucket.0 -= PAIR_REFILL.0;
                        }
                    }
                    Step::Undo => {
                        pairs.undo(now, contact);
                        bucket.0 = FULL.min(bucket.0 + PAIR_REFILL.0);
                    }
                    Step::Ask => {}
                }
                let lacks = PAIR_REFILL.0.saturating_sub(bucket.0);
                prop_assert_eq!(pairs.next(now, contact), now + Span::micros(lacks));
            }
            prop_assert!(pairs.len() <= 40);
        }
    }
}
