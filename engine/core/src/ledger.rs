//! The messaging limit of one portfolio: distinct contacts written to outside their service window in a rolling day.
//!
//! An entry starts at the intent, since a crash makes every intent one that may have been accepted, and ends a day after the
//! outcome. A second message to a contact that counts already is free. Not here: whether a contact's window is open (such a
//! message is no business of this ledger), and what the other workers of a portfolio use.

use crate::id::ContactId;
use crate::planted::{self, Bug};
use cloud_api::limits::MESSAGING_LIMIT_WINDOW;
use cloud_api::time::Timestamp;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// How many distinct contacts a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limit {
    /// Any number: no entry is kept.
    #[default]
    Unlimited,
    /// So many.
    Contacts(u32),
}

/// An end of an entry, as it waits in the ring or the heap. The entry may have been prolonged since.
type End = (Timestamp, u32);

/// Who counts, and until when. It holds as many entries as the limit allows, and those that were claimed above it; an entry
/// takes 32 to 60 bytes.
#[derive(Clone, Debug)]
pub struct Ledger {
    limit: Limit,
    entries: Table,
    /// One end for each entry that is `queued`: here those that came in order, which are nearly all of them.
    ends: VecDeque<End>,
    /// And here those that did not: restored, prolonged or refused.
    late: BinaryHeap<Reverse<End>>,
}

/// What is to be done with the earliest end of a queue.
enum Front {
    Keep,
    Drop,
    Later(Timestamp),
}

impl Ledger {
    /// An empty ledger.
    pub fn new(limit: Limit) -> Self {
        Self { limit, entries: Table::default(), ends: VecDeque::new(), late: BinaryHeap::new() }
    }

    /// Sets another limit. One below what is used admits no new contact until enough entries have ended. A portfolio that
    /// becomes unlimited forgets its entries, so that it starts empty if it is limited again.
    pub fn set_limit(&mut self, limit: Limit) {
        match limit {
            Limit::Unlimited => *self = Self::new(limit),
            Limit::Contacts(_) => self.limit = limit,
        }
    }

    /// May a message to this contact be claimed now? Yes if the contact counts already, or if there is room.
    pub fn admits(&self, now: Timestamp, contact: ContactId) -> bool {
        if !self.is_full(now) {
            return true;
        }
        self.entries.find(contact.0).is_some_and(|at| !self.entries.slots[at].is_over(now))
    }

    /// An intent: the contact counts from now on, with no end yet. Several intents for one contact may be open.
    ///
    /// The caller asks [`Ledger::admits`] first; what is claimed all the same counts too.
    pub fn claim(&mut self, now: Timestamp, contact: ContactId) {
        if self.limit == Limit::Unlimited {
            return;
        }
        let at = self.entries.find_or_insert(contact.0);
        self.entries.slots[at].open += 1;
        self.expire(now);
    }

    /// The outcome of an intent is known (accepted), or is unknown, which counts: the entry ends a day from now, or later if
    /// another intent for the contact is open or it ends later already. An intent that was made while the portfolio was
    /// unlimited counts from here on.
    pub fn settled(&mut self, now: Timestamp, contact: ContactId) {
        if self.limit == Limit::Unlimited {
            return;
        }
        let at = self.entries.find_or_insert(contact.0);
        let entry = &mut self.entries.slots[at];
        let early = if planted::on(Bug::LedgerEndsEarly) {
            cloud_api::time::Span::hours(1)
        } else {
            cloud_api::time::Span::ZERO
        };
        entry.until = entry.until.max(now + MESSAGING_LIMIT_WINDOW - early);
        self.close(now, at);
    }

    /// Proof that WhatsApp did not accept an intent. If nothing else made the contact count, it does so no more.
    pub fn refused(&mut self, now: Timestamp, contact: ContactId) {
        if let Some(at) = self.entries.find(contact.0) {
            self.close(now, at);
        }
    }

    fn close(&mut self, now: Timestamp, at: usize) {
        let entry = &mut self.entries.slots[at];
        entry.open = entry.open.saturating_sub(1);
        if entry.open == 0 && !entry.queued {
            if entry.until <= now {
                self.entries.remove(at);
            } else {
                self.queue(at);
            }
        }
        self.expire(now);
    }

    /// An entry that a store kept, at start: the contact counts until then. Quickest in the order of the ends.
    pub fn restore(&mut self, contact: ContactId, until: Timestamp) {
        if self.limit == Limit::Unlimited {
            return;
        }
        let at = self.entries.find_or_insert(contact.0);
        let entry = &mut self.entries.slots[at];
        entry.until = entry.until.max(until);
        if entry.open == 0 && !entry.queued {
            self.queue(at);
        }
        self.expire(Timestamp(0));
    }

    fn queue(&mut self, at: usize) {
        let entry = &mut self.entries.slots[at];
        entry.queued = true;
        let end = (entry.until, entry.contact);
        if self.ends.back().is_none_or(|last| last.0 <= end.0) {
            self.ends.push_back(end);
        } else {
            self.late.push(Reverse(end));
        }
    }

    /// Lets go of what has ended, which every change does anyway. Nothing that is asked hangs on it; it frees memory.
    pub fn expire(&mut self, now: Timestamp) {
        while let Some(end) = self.ends.front().copied() {
            match self.front(now, end) {
                Front::Keep => break,
                Front::Drop => {}
                Front::Later(until) => self.late.push(Reverse((until, end.1))),
            }
            self.ends.pop_front();
        }
        while let Some(Reverse(end)) = self.late.peek().copied() {
            match self.front(now, end) {
                Front::Keep => break,
                Front::Drop => {
                    self.late.pop();
                }
                Front::Later(until) => {
                    self.late.pop();
                    self.late.push(Reverse((until, end.1)));
                }
            }
        }
    }

    fn front(&mut self, now: Timestamp, (end, contact): End) -> Front {
        let Some(at) = self.entries.find(contact) else { return Front::Drop };
        let entry = &mut self.entries.slots[at];
        if entry.open > 0 {
            entry.queued = false;
            Front::Drop
        } else if entry.until <= now {
            self.entries.remove(at);
            Front::Drop
        } else if entry.until > end {
            Front::Later(entry.until)
        } else {
            Front::Keep
        }
    }

    /// When room appears if nothing else happens: the earliest end. None while there is room, and where only intents that are
    /// open are left. After the limit was lowered more than one entry may have to end: ask again then.
    pub fn wakes(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.is_full(now) {
            return None;
        }
        let (ring, heap) = (self.ends.front().copied(), self.late.peek().map(|end| end.0));
        let fronts = ring.into_iter().chain(heap);
        if fronts.clone().all(|end| end.0 > now) {
            // The last change left none at the front that is open or prolonged.
            return fronts.map(|end| end.0).min();
        }
        self.queued().filter(|entry| entry.open == 0 && entry.until > now).map(|entry| entry.until).min()
    }

    fn queued(&self) -> impl Iterator<Item = &Entry> {
        let contacts = self.ends.iter().chain(self.late.iter().map(|end| &end.0)).map(|end| end.1);
        contacts.filter_map(|contact| self.entries.find(contact)).map(|at| &self.entries.slots[at])
    }

    /// How many contacts count now; 0 for a portfolio without a limit.
    pub fn used(&self, now: Timestamp) -> u32 {
        let ring = self.ends.iter().take_while(|end| end.0 <= now).filter(|end| self.is_over(now, end.1)).count();
        (self.entries.taken - ring - self.over_below(now, 0)) as u32
    }

    /// Entries that are over and not yet let go, in a part of the heap. A parent is never later than its children.
    fn over_below(&self, now: Timestamp, at: usize) -> usize {
        match self.late.as_slice().get(at) {
            Some(Reverse(end)) if end.0 <= now => {
                let below = self.over_below(now, 2 * at + 1) + self.over_below(now, 2 * at + 2);
                below + usize::from(self.is_over(now, end.1))
            }
            Some(_) | None => 0,
        }
    }

    fn is_over(&self, now: Timestamp, contact: u32) -> bool {
        self.entries.find(contact).is_some_and(|at| self.entries.slots[at].is_over(now))
    }

    /// Whether no new contact is admitted.
    pub fn is_full(&self, now: Timestamp) -> bool {
        match self.limit {
            Limit::Unlimited => false,
            Limit::Contacts(most) => self.entries.taken >= most as usize && self.used(now) >= most,
        }
    }

    /// Until when the contact counts, for a store: [`Timestamp::NEVER`] while an intent is open, `None` where it does not count.
    pub fn until(&self, contact: ContactId) -> Option<Timestamp> {
        let entry = &self.entries.slots[self.entries.find(contact.0)?];
        Some(if entry.open > 0 { Timestamp::NEVER } else { entry.until })
    }

    /// The limit.
    pub fn limit(&self) -> Limit {
        self.limit
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// When it ends, if no intent is open; 0 if none was settled.
    until: Timestamp,
    contact: u32,
    /// Intents without an outcome: at most those that are under way.
    open: u16,
    /// Whether an end of it is in the ring or the heap: one at most.
    queued: bool,
    taken: bool,
}

impl Entry {
    fn is_over(&self, now: Timestamp) -> bool {
        self.open == 0 && self.until <= now
    }
}

/// Entries by contact: open addressing, linear probing, no tombstones.
#[derive(Clone, Debug, Default)]
struct Table {
    /// None, or a power of two.
    slots: Vec<Entry>,
    taken: usize,
}

impl Table {
    fn home(&self, contact: u32) -> usize {
        // Ids are dense: multiplying by the golden ratio spreads neighbours apart.
        let spread = u64::from(contact).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (spread >> 32) as usize & (self.slots.len() - 1)
    }

    /// The slot of the contact, or the free one where it belongs. There is a free one.
    fn probe(&self, contact: u32) -> usize {
        let mut at = self.home(contact);
        while self.slots[at].taken && self.slots[at].contact != contact {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    fn find(&self, contact: u32) -> Option<usize> {
        if self.slots.is_empty() {
            return None;
        }
        let at = self.probe(contact);
        self.slots[at].taken.then_some(at)
    }

    fn find_or_insert(&mut self, contact: u32) -> usize {
        if (self.taken + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let at = self.probe(contact);
        if !self.slots[at].taken {
            self.slots[at] = Entry { contact, taken: true, ..Entry::default() };
            self.taken += 1;
        }
        at
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(16);
        let old = std::mem::replace(&mut self.slots, vec![Entry::default(); size]);
        for entry in old.into_iter().filter(|entry| entry.taken) {
            let at = self.probe(entry.contact);
            self.slots[at] = entry;
        }
    }

    /// Frees a slot and moves up what was pushed past it.
    fn remove(&mut self, mut hole: usize) {
        let mask = self.slots.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            if !self.slots[at].taken {
                break;
            }
            let pushed = at.wrapping_sub(self.home(self.slots[at].contact)) & mask;
            if pushed >= at.wrapping_sub(hole) & mask {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
        }
        self.slots[hole] = Entry::default();
        self.taken -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud_api::time::Span;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const DAY: Span = MESSAGING_LIMIT_WINDOW;
    const ANA: ContactId = ContactId(1);
    const BEN: ContactId = ContactId(2);

    fn t(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000 + seconds)
    }

    fn of_one() -> Ledger {
        Ledger::new(Limit::Contacts(1))
    }

    #[test]
    fn a_contact_counts_from_the_intent_until_a_day_after_the_outcome() {
        let mut ledger = of_one();
        assert!(ledger.admits(t(0), ANA));
        ledger.claim(t(0), ANA);
        assert!(!ledger.admits(t(0), BEN) && ledger.admits(t(0), ANA));
        assert_eq!(ledger.wakes(t(0)), None, "an intent without an outcome has no end");
        assert!(!ledger.admits(t(0) + DAY * 3, BEN));
        ledger.settled(t(90), ANA);
        assert_eq!(ledger.wakes(t(90)), Some(t(90) + DAY));
        assert!(!ledger.admits(t(89) + DAY, BEN));
        assert!(ledger.admits(t(90) + DAY, BEN));
        assert_eq!(ledger.wakes(t(90) + DAY), None, "there is room");
    }

    #[test]
    fn proof_of_refusal_frees_an_entry_that_nothing_else_made() {
        let mut ledger = of_one();
        ledger.claim(t(0), ANA);
        ledger.refused(t(1), ANA);
        assert_eq!(ledger.used(t(1)), 0);

        ledger.claim(t(2), ANA);
        ledger.claim(t(2), ANA);
        ledger.refused(t(3), ANA);
        assert!(!ledger.admits(t(3), BEN), "the other intent is open");
        ledger.settled(t(4), ANA);
        ledger.claim(t(5), ANA);
        ledger.refused(t(6), ANA);
        assert_eq!(ledger.wakes(t(6)), Some(t(4) + DAY), "the accepted one still counts");
        ledger.refused(t(7), BEN);
        assert_eq!(ledger.used(t(7)), 1, "of a contact that never counted nothing is freed");
    }

    #[test]
    fn a_later_outcome_prolongs_and_an_open_intent_outlasts_the_end() {
        let mut ledger = of_one();
        for second in [0, 100] {
            ledger.claim(t(second), ANA);
            ledger.settled(t(second), ANA);
        }
        assert_eq!(ledger.wakes(t(100)), Some(t(100) + DAY));
        ledger.claim(t(200), ANA);
        assert_eq!(ledger.used(t(200) + DAY), 1);
        ledger.refused(t(300) + DAY, ANA);
        assert_eq!(ledger.used(t(300) + DAY), 0);
    }

    #[test]
    fn a_limit_that_is_lowered_admits_nobody_new_until_enough_entries_have_ended() {
        let mut ledger = Ledger::new(Limit::Contacts(3));
        for (second, contact) in [(0, 10), (1, 11), (2, 12)] {
            ledger.claim(t(second), ContactId(contact));
            ledger.settled(t(second), ContactId(contact));
        }
        ledger.set_limit(Limit::Contacts(2));
        assert!(!ledger.admits(t(0) + DAY, ANA) && ledger.admits(t(0) + DAY, ContactId(12)));
        assert_eq!(ledger.wakes(t(0) + DAY), Some(t(1) + DAY), "asked before what ended was let go");
        assert!(ledger.admits(t(1) + DAY, ANA));
        ledger.set_limit(Limit::Contacts(0));
        assert!(!ledger.admits(t(9) + DAY, ANA), "nobody at all");
    }

    #[test]
    fn without_a_limit_nothing_is_kept_and_a_new_limit_starts_empty() {
        let mut ledger = Ledger::new(Limit::Unlimited);
        for contact in 0..1_000 {
            assert!(ledger.admits(t(0), ContactId(contact)));
            ledger.claim(t(0), ContactId(contact));
        }
        ledger.restore(ANA, t(9));
        assert_eq!((ledger.used(t(0)), ledger.entries.slots.len(), ledger.wakes(t(0))), (0, 0, None));
        ledger.set_limit(Limit::Contacts(1));
        assert!(ledger.admits(t(1), BEN));
        ledger.settled(t(1), ANA);
        assert!(!ledger.admits(t(1), BEN), "an outcome that is learned under the limit counts");
        ledger.set_limit(Limit::Unlimited);
        assert_eq!((ledger.used(t(2)), ledger.entries.slots.len()), (0, 0));
    }

    #[test]
    fn what_is_restored_in_any_order_ends_in_order() {
        let mut ledger = Ledger::new(Limit::Contacts(100));
        for n in 0..100u32 {
            ledger.restore(ContactId(n), t(u64::from(n * 37 % 100)));
        }
        for second in 0..100 {
            assert_eq!(u64::from(ledger.used(t(second))), 99 - second);
            ledger.set_limit(Limit::Contacts(0));
            let next = (second < 99).then(|| t(second + 1));
            assert_eq!(ledger.wakes(t(second)), next);
            if second % 2 == 0 {
                ledger.expire(t(second));
            }
        }
    }

    #[test]
    fn three_days_at_the_highest_tier_hold_no_more_than_the_tier() {
        const TIER: u32 = 100_000;
        let mut ledger = Ledger::new(Limit::Contacts(TIER));
        let (mut now, mut contact, mut waits) = (t(0), 0, 0);
        while contact < 3 * TIER {
            if ledger.admits(now, ContactId(contact)) {
                ledger.claim(now, ContactId(contact));
                now += Span::micros(1_000);
                ledger.settled(now, ContactId(contact));
                contact += 1;
            } else {
                now = ledger.wakes(now).unwrap();
                waits += 1;
            }
        }
        assert_eq!(ledger.used(now), TIER);
        assert!(ledger.ends.len() + ledger.late.len() <= TIER as usize);
        assert_eq!(ledger.entries.slots.len(), 1 << 18, "4 MiB");
        assert!(waits >= 2 && now.since(t(0)) > DAY * 2);
    }

    /// The same, by the words of the promise: a contact counts while an intent is open or an end is ahead.
    #[derive(Default)]
    struct Naive(BTreeMap<u32, (u32, u64)>);

    impl Naive {
        fn counts(&self, now: Timestamp) -> impl Iterator<Item = (u32, (u32, u64))> {
            self.0.iter().map(|(contact, entry)| (*contact, *entry)).filter(move |(_, e)| e.0 > 0 || e.1 > now.0)
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Claim(u32),
        Settled(u32),
        Refused(u32),
        Restore(u32, u64),
        Expire,
        Limit(u32),
    }

    fn step() -> impl Strategy<Value = (u64, Step)> {
        let contact = 0u32..12;
        let step = prop_oneof![
            4 => contact.clone().prop_map(Step::Claim),
            4 => contact.clone().prop_map(Step::Settled),
            2 => contact.clone().prop_map(Step::Refused),
            1 => (contact, 0u64..200_000).prop_map(|(contact, seconds)| Step::Restore(contact, seconds)),
            1 => Just(Step::Expire),
            1 => (0u32..10).prop_map(Step::Limit),
        ];
        (prop_oneof![Just(0u64), 0u64..100, 0u64..60_000], step)
    }

    proptest! {
        #[test]
        fn it_counts_as_the_promise_says(steps in prop::collection::vec(step(), 0..120)) {
            let mut ledger = Ledger::new(Limit::Contacts(6));
            let (mut naive, mut limit, mut now) = (Naive::default(), 6, t(0));
            for (wait, step) in steps {
                now += Span::secs(wait);
                match step {
                    Step::Claim(contact) => {
                        ledger.claim(now, ContactId(contact));
                        naive.0.entry(contact).or_default().0 += 1;
                    }
                    Step::Settled(contact) => {
                        ledger.settled(now, ContactId(contact));
                        let entry = naive.0.entry(contact).or_default();
                        *entry = (entry.0.saturating_sub(1), entry.1.max((now + DAY).0));
                    }
                    Step::Refused(contact) => {
                        ledger.refused(now, ContactId(contact));
                        let entry = naive.0.entry(contact).or_default();
                        entry.0 = entry.0.saturating_sub(1);
                    }
                    Step::Restore(contact, seconds) => {
                        ledger.restore(ContactId(contact), t(seconds));
                        let entry = naive.0.entry(contact).or_default();
                        entry.1 = entry.1.max(t(seconds).0);
                    }
                    Step::Expire => ledger.expire(now),
                    Step::Limit(most) => {
                        ledger.set_limit(Limit::Contacts(most));
                        limit = most;
                    }
                }
                for ahead in [Span::ZERO, Span::hours(5), DAY] {
                    let then = now + ahead;
                    let used = naive.counts(then).count() as u32;
                    prop_assert_eq!(ledger.used(then), used);
                    let full = used >= limit;
                    prop_assert_eq!(ledger.is_full(then), full);
                    for contact in 0..12 {
                        let counts = naive.counts(then).any(|entry| entry.0 == contact);
                        prop_assert_eq!(ledger.admits(then, ContactId(contact)), counts || !full);
                    }
                    let ends = naive.counts(then).filter(|(_, entry)| entry.0 == 0);
                    let first = ends.map(|(_, entry)| Timestamp(entry.1)).min();
                    prop_assert_eq!(ledger.wakes(then), if full { first } else { None });
                }
                prop_assert!(ledger.ends.len() + ledger.late.len() <= ledger.entries.taken);
            }
        }
    }
}
