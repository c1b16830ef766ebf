//! A business portfolio: the messaging limit that its numbers share, and the ledger of the contacts that count towards it.
//!
//! A contact counts from the acceptance of a message outside its service window, and until 24 h after the last such
//! message: the limit is on the *different* contacts of a stretch of 24 h that moves with time, whichever stretch one looks
//! at, so a later message to a contact that counts already costs nothing and prolongs. Whether a message is outside the
//! window, and which limit holds at a time, is said by the world.

use crate::input::HandsetId;
use crate::spec::MessagingLimit;
use cloud_api::limits::MESSAGING_LIMIT_WINDOW;
use cloud_api::time::Timestamp;
use std::collections::VecDeque;

/// Entries that have been prolonged are tidied away once there are this many more of them than of the others.
const TIDY: usize = 64;

/// A portfolio.
#[derive(Clone, Debug, Default)]
pub(crate) struct Portfolio {
    pub(crate) limit: MessagingLimit,
    /// Whether contacts are counted although there is no limit.
    pub(crate) counts: bool,
    pub(crate) ledger: Ledger,
}

impl Portfolio {
    /// Whether its ledger is kept at all: without a limit, present or to come, it costs nothing.
    #[inline]
    pub(crate) fn keeps_ledger(&self) -> bool {
        self.counts || self.limit != MessagingLimit::Unlimited
    }
}

/// When a telephone ends to count, in twelve bytes: there is one for every contact of a day.
#[derive(Clone, Copy, Debug)]
struct End([u32; 2], HandsetId);

impl End {
    fn new(at: Timestamp, handset: HandsetId) -> Self {
        Self([(at.0 >> 32) as u32, at.0 as u32], handset)
    }

    fn at(self) -> Timestamp {
        Timestamp(u64::from(self.0[0]) << 32 | u64::from(self.0[1]))
    }
}

/// The contacts that count. Exact to the microsecond; its memory is bounded by the contacts that count, and a stamp for
/// each telephone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    /// Until when each telephone counts, by its place; long ago, where it never did.
    until: Vec<Timestamp>,
    /// The ends, earliest first. Those of a telephone that was prolonged since are no ends any more.
    ends: VecDeque<End>,
    used: usize,
}

impl Ledger {
    /// Whether one more message to a contact is within `limit`.
    pub(crate) fn admits(&mut self, now: Timestamp, handset: HandsetId, limit: MessagingLimit) -> bool {
        match limit {
            MessagingLimit::Unlimited => true,
            MessagingLimit::Contacts(most) => {
                self.end(now);
                self.used < most as usize || self.until(handset) > now
            }
        }
    }

    /// A message to a contact is accepted.
    pub(crate) fn count(&mut self, now: Timestamp, handset: HandsetId) {
        self.end(now);
        let place = handset.0 as usize;
        if self.until.len() <= place {
            self.until.resize(place + 1, Timestamp(0));
        }
        let (before, until) = (self.until[place], now + MESSAGING_LIMIT_WINDOW);
        if before == until {
            return;
        }
        self.used += usize::from(before <= now);
        self.until[place] = until;
        self.ends.push_back(End::new(until, handset));
        if self.ends.len() > 2 * self.used + TIDY {
            let stamps = &self.until;
            self.ends.retain(|end| stamps[end.1.0 as usize] == end.at());
        }
    }

    /// How many contacts count at `now`, which is not before any time handed in.
    pub(crate) fn used(&self, now: Timestamp) -> usize {
        let ended = self.ends.iter().take_while(|end| end.at() <= now);
        self.used - ended.filter(|end| self.until(end.1) == end.at()).count()
    }

    /// Forgets everybody.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn until(&self, handset: HandsetId) -> Timestamp {
        self.until.get(handset.0 as usize).copied().unwrap_or_default()
    }

    fn end(&mut self, now: Timestamp) {
        while let Some(end) = self.ends.front().copied().filter(|end| end.at() <= now) {
            self.ends.pop_front();
            self.used -= usize::from(self.until(end.1) == end.at());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud_api::time::Span;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const START: Timestamp = Timestamp::from_unix_seconds(1_000_000_000);
    const TWO: MessagingLimit = MessagingLimit::Contacts(2);

    #[test]
    fn a_contact_counts_once_and_for_exactly_24_hours() {
        let mut ledger = Ledger::default();
        let (ana, ben, cem) = (HandsetId(0), HandsetId(7), HandsetId(3));
        for (handset, after) in [(ana, 0), (ana, 0), (ben, 1)] {
            assert!(ledger.admits(START + Span::secs(after), handset, TWO));
            ledger.count(START + Span::secs(after), handset);
        }
        assert_eq!(ledger.used(START + Span::secs(1)), 2);
        assert!(!ledger.admits(START + Span::secs(2), cem, TWO) && ledger.admits(START + Span::secs(2), ben, TWO));
        let end = START + Span::hours(24);
        assert!(!ledger.admits(end - Span::micros(1), cem, TWO));
        assert_eq!((ledger.used(end - Span::micros(1)), ledger.used(end), ledger.used(end + Span::secs(1))), (2, 1, 0));
        assert!(ledger.admits(end, cem, TWO));
    }

    #[test]
    fn a_later_message_prolongs() {
        let mut ledger = Ledger::default();
        ledger.count(START, HandsetId(0));
        ledger.count(START + Span::hours(23), HandsetId(0));
        assert!(!ledger.admits(START + Span::hours(46), HandsetId(1), MessagingLimit::Contacts(1)));
        assert!(ledger.admits(START + Span::hours(47), HandsetId(1), MessagingLimit::Contacts(1)));
    }

    proptest! {
        #[test]
        fn no_stretch_of_24_hours_has_more_contacts_than_the_limit(
            steps in prop::collection::vec((0u64..7_200, 0u32..12), 1..300),
            most in 1u32..6,
        ) {
            let (mut ledger, mut last, mut now) = (Ledger::default(), BTreeMap::new(), START);
            for (seconds, handset) in steps {
                now += Span::secs(seconds);
                last.retain(|_, at| now.since(*at) < MESSAGING_LIMIT_WINDOW);
                let fits = last.len() < most as usize || last.contains_key(&handset);
                prop_assert_eq!(ledger.used(now), last.len());
                prop_assert_eq!(ledger.admits(now, HandsetId(handset), MessagingLimit::Contacts(most)), fits);
                if fits {
                    ledger.count(now, HandsetId(handset));
                    last.insert(handset, now);
                }
                prop_assert!(ledger.ends.len() <= 2 * ledger.used + TIDY);
            }
        }
    }
}
