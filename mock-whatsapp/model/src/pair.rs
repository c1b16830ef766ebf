//! The pair limit: how many messages one number may send to one contact, for every pair.
//!
//! A pair is a bucket that empties at a rate, kept as the time at which it would be empty, so a pair that was quiet for long
//! enough is like one that never was. Most contacts hear from one number at a time: that bucket lies in a slot beside the
//! telephone, and the first message costs one store. Only a second number that writes meanwhile goes into a map.

use crate::input::{HandsetId, NumberId};
use cloud_api::limits::{PAIR_BURST, PAIR_REFILL};
use cloud_api::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Pairs in the map before it is looked through for those that are empty again.
const TIDY: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    empty_at: Timestamp,
    number: NumberId,
}

/// The buckets of all pairs.
#[derive(Clone, Debug)]
pub(crate) struct Pairs {
    slots: Vec<Slot>,
    /// The pairs whose telephone's slot was another number's. Bounded by twice those that are not empty.
    others: BTreeMap<(HandsetId, NumberId), Timestamp>,
    tidy_at: usize,
}

impl Default for Pairs {
    fn default() -> Self {
        Self { slots: Vec::new(), others: BTreeMap::new(), tidy_at: TIDY }
    }
}

impl Pairs {
    /// Takes one message if it fits at `now`.
    #[inline]
    pub(crate) fn take(&mut self, now: Timestamp, handset: HandsetId, number: NumberId) -> bool {
        let place = handset.0 as usize;
        if self.slots.len() <= place {
            self.slots.resize(place + 1, Slot::default());
        }
        if !self.others.is_empty()
            && let Some(empty_at) = self.others.get_mut(&(handset, number))
        {
            return fill(now, empty_at);
        }
        let slot = &mut self.slots[place];
        if slot.number == number || slot.empty_at <= now {
            slot.number = number;
            return fill(now, &mut slot.empty_at);
        }
        if self.others.len() >= self.tidy_at {
            self.others.retain(|_, empty_at| *empty_at > now);
            self.tidy_at = (2 * self.others.len()).max(TIDY);
        }
        fill(now, self.others.entry((handset, number)).or_default())
    }

    /// How long it takes until one more message fits.
    pub(crate) fn wait(&self, now: Timestamp, handset: HandsetId, number: NumberId) -> Span {
        let slot = self.slots.get(handset.0 as usize).filter(|slot| slot.number == number);
        let empty_at = self.others.get(&(handset, number)).copied().or(slot.map(|slot| slot.empty_at));
        let room = (now.max(empty_at.unwrap_or_default()) + PAIR_REFILL).since(now);
        let most = PAIR_REFILL * u64::from(PAIR_BURST);
        Span(room.0.saturating_sub(most.0))
    }

    /// Empties all of them.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

fn fill(now: Timestamp, empty_at: &mut Timestamp) -> bool {
    let filled = now.max(*empty_at) + PAIR_REFILL;
    if filled.since(now) > PAIR_REFILL * u64::from(PAIR_BURST) {
        return false;
    }
    *empty_at = filled;
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: Timestamp = Timestamp::from_unix_seconds(1_000_000_000);

    #[test]
    fn a_pair_takes_a_burst_and_then_one_message_in_six_seconds() {
        let mut pairs = Pairs::default();
        let mut taken = |after: Span, number| pairs.take(START + after, HandsetId(5), NumberId(number));
        assert_eq!((0..100).filter(|_| taken(Span::ZERO, 0)).count(), 45);
        assert!(!taken(Span::secs(6) - Span::micros(1), 0));
        assert!(taken(Span::secs(6), 0) && !taken(Span::secs(6), 0));
        assert_eq!((0..100).filter(|_| taken(Span::secs(6), 1)).count(), 45, "another number has a bucket of its own");
        assert_eq!((0..100).filter(|_| taken(Span::secs(6 + 270), 0)).count(), 45, "what was borrowed is paid back");
    }

    proptest! {
        #[test]
        fn each_pair_is_counted_for_itself(steps in prop::collection::vec((0u64..9_000, 0u32..3, 0u16..4), 1..2_000)) {
            let (mut pairs, mut apart, mut now) = (Pairs::default(), BTreeMap::new(), START);
            for (millis, handset, number) in steps {
                now += Span::millis(millis / 20);
                let bucket = apart.entry((handset, number)).or_default();
                prop_assert_eq!(pairs.take(now, HandsetId(handset), NumberId(number)), fill(now, bucket));
            }
        }
    }

    #[test]
    fn a_full_pair_says_when_there_is_room() {
        let mut pairs = Pairs::default();
        let wait = |pairs: &Pairs, after| pairs.wait(START + after, HandsetId(5), NumberId(0));
        assert_eq!(wait(&pairs, Span::ZERO), Span::ZERO);
        for _ in 0..45 {
            pairs.take(START, HandsetId(5), NumberId(0));
        }
        assert_eq!(wait(&pairs, Span::secs(1)), Span::secs(5));
        assert_eq!(wait(&pairs, Span::secs(6)), Span::ZERO);
    }

    #[test]
    fn pairs_that_are_empty_again_are_forgotten() {
        let mut pairs = Pairs::default();
        for handset in 0..10_000 {
            for number in 0..2 {
                assert!(pairs.take(
                    START + Span::millis(u64::from(handset) * 10),
                    HandsetId(handset),
                    NumberId(number)
                ));
            }
        }
        assert!(pairs.others.len() <= 2 * 601, "{}", pairs.others.len());
    }
}
