//! What the engine was told of each message, kept once for all checkers: 24 bytes a message.
//!
//! The facts are those of the wire: intents that became durable, replies that reached the engine, webhooks that it was handed.
//! What state follows from them is worked out in `belief`, anew from the states page and not with the engine's code.

use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};
use engine_core::message::Row;

/// The furthest thing known of one attempt, short of its arrival. The later in this list wins, whatever came first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Known {
    /// There is no such attempt.
    #[default]
    Nothing,
    /// Its intent is durable.
    UnderWay,
    /// Its outcome is unknown.
    Unknown,
    /// Waiting for evidence ended.
    GivenUp,
    /// WhatsApp took it.
    Accepted,
    /// WhatsApp says that it was sent.
    Sent,
    /// It does not count.
    Unspent,
    /// WhatsApp says that it failed.
    Failed,
}

/// How far the contact is known to have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Arrival {
    /// Nothing is known.
    #[default]
    None,
    /// On the device.
    Delivered,
    /// Read.
    Read,
    /// Answered.
    Replied,
}

/// One attempt: 3 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Its number.
    pub number: u8,
    /// What is known of it.
    pub known: Known,
    code: u8,
}

/// Things that happened to a message once, and are not forgotten.
pub mod flag {
    /// The outcome of an attempt was unknown.
    pub const UNKNOWN: u8 = 1;
    /// It was sent again after an unknown outcome, without proof.
    pub const BLIND: u8 = 2;
    /// Evidence of an attempt came after that.
    pub const LATE: u8 = 4;
    /// An update of it never came.
    pub const LOST: u8 = 8;
    /// The store was put back to an old copy under it.
    pub const STALE: u8 = 16;
    /// WhatsApp said `failed` of an attempt that arrived, or two errors of one attempt.
    pub const CONTRADICTED: u8 = 32;
    /// The contact answered it, and its wamid is not known.
    pub const PARKED: u8 = 64;
    /// The contact wants no more.
    pub const OPTED_OUT: u8 = 128;
}

/// Slots: attempts that count.
pub const ATTEMPTS: usize = 4;

/// What the engine was told of one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Attempts; one that does not count gives its slot to the next.
    pub slots: [Slot; ATTEMPTS],
    /// How far the contact is known to have come.
    pub arrival: Arrival,
    /// Bits of [`flag`].
    pub flags: u8,
    /// POSTs that reached WhatsApp.
    pub posts: u8,
    /// Intents.
    pub intents: u8,
    /// When what is known last changed, in hundredths of a second since the start of the run.
    pub since: u32,
}

const _: () = assert!(size_of::<Seen>() <= 24);

/// What a status or an answer says of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// This is known of it, with an error where there is one.
    Is(Known, Option<CodeIndex>),
    /// The contact came this far with it.
    Came(Arrival),
}

/// What an error makes of an attempt.
pub(crate) fn by_class(code: CodeIndex) -> Known {
    if spends(code.class()) { Known::Failed } else { Known::Unspent }
}

/// Whether an error of this class lets the attempt count.
pub(crate) fn spends(class: Class) -> bool {
    match class {
        Class::Throttled | Class::TemplateWide | Class::NumberWide | Class::AccountWide => false,
        Class::Transient
        | Class::Pair
        | Class::MessagingLimit
        | Class::MarketingCap
        | Class::InvalidContact
        | Class::Blocked
        | Class::Refused
        | Class::Generic => true,
    }
}

impl Slot {
    /// The error that it ended with.
    pub fn code(&self) -> Option<CodeIndex> {
        CodeIndex::from_raw(self.code)
    }

    /// Whether it counts against the attempts.
    pub fn is_spent(&self) -> bool {
        !matches!(self.known, Known::Nothing | Known::Unspent)
    }
}

impl Seen {
    /// Whether a flag is set.
    #[inline]
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Attempts that count.
    pub fn spent(&self) -> u8 {
        self.slots.iter().filter(|slot| slot.is_spent()).count() as u8
    }

    /// The attempt with the highest number.
    pub fn newest(&self) -> Option<&Slot> {
        self.slots.iter().filter(|slot| slot.known != Known::Nothing).max_by_key(|slot| slot.number)
    }

    /// An intent became durable. Gives whether there was a slot for it: where not, it is one attempt too many.
    #[inline]
    pub fn intend(&mut self, now: u32, number: u8) -> bool {
        self.intents = self.intents.saturating_add(1);
        self.since = now;
        let free = self.slots.iter_mut().find(|slot| !slot.is_spent());
        let fits = free.is_some();
        let last = ATTEMPTS - 1;
        let slot = if fits { free } else { self.slots.get_mut(last) };
        if let Some(slot) = slot {
            *slot = Slot { number, known: Known::UnderWay, code: 0 };
        }
        fits
    }

    /// Takes in a word about an attempt. Gives whether anything is known now that was not.
    #[inline]
    pub fn learn(&mut self, now: u32, number: u8, word: Word) -> bool {
        match word {
            Word::Came(arrival) => {
                if self.slots.iter().any(|slot| slot.number == number && slot.known == Known::Failed) {
                    self.flags |= flag::CONTRADICTED;
                }
                if arrival <= self.arrival {
                    return false;
                }
                self.arrival = arrival;
                self.since = now;
                true
            }
            Word::Is(known, code) => {
                let newest = self.slots.iter().map(|slot| slot.number).max();
                let Some(slot) =
                    self.slots.iter_mut().find(|slot| slot.number == number && slot.known != Known::Nothing)
                else {
                    return false;
                };
                let code = code.map_or(0, CodeIndex::raw);
                if known == Known::Failed && slot.known == Known::Failed && code != slot.code {
                    self.flags |= flag::CONTRADICTED;
                }
                if known <= slot.known {
                    return false;
                }
                slot.known = known;
                slot.code = code;
                // That waiting ended is the engine's own decision, and no news of the attempt. A failure of an attempt
                // before the newest does not move the newest one's wait.
                if known != Known::GivenUp && (newest == Some(number) || known == Known::Sent) {
                    self.since = now;
                }
                true
            }
        }
    }

    /// Whether a webhook that names the attempt by its wamid alone can be matched: from an answer, or an earlier status.
    pub fn knows_wamid(&self, number: u8) -> bool {
        self.arrival > Arrival::None
            || self.slots.iter().any(|slot| {
                slot.number == number && matches!(slot.known, Known::Accepted | Known::Sent | Known::Failed)
            })
    }

    /// Takes the attempts over from a row, where it cannot be known which of several facts outlived a crash.
    pub fn adopt(&mut self, row: &Row) {
        use engine_core::attempt::Phase;
        self.slots = [Slot::default(); ATTEMPTS];
        for (slot, (number, attempt)) in self.slots.iter_mut().zip(row.attempts()) {
            let (known, arrival) = match attempt.phase() {
                Phase::Free => (Known::Nothing, Arrival::None),
                Phase::Intended => (Known::UnderWay, Arrival::None),
                Phase::Unknown => (Known::Unknown, Arrival::None),
                Phase::GivenUp | Phase::Abandoned => (Known::GivenUp, Arrival::None),
                Phase::Accepted => (Known::Accepted, Arrival::None),
                Phase::Sent => (Known::Sent, Arrival::None),
                Phase::Unspent => (Known::Unspent, Arrival::None),
                Phase::Failed => (Known::Failed, Arrival::None),
                Phase::Delivered => (Known::Sent, Arrival::Delivered),
                Phase::Read => (Known::Sent, Arrival::Read),
                Phase::Replied => (Known::Sent, Arrival::Replied),
            };
            *slot = Slot { number, known, code: attempt.code().map_or(0, CodeIndex::raw) };
            self.arrival = self.arrival.max(arrival);
        }
    }
}

/// Hundredths of a second: what fits in four bytes for a year.
#[inline]
pub(crate) fn hundredths(span: Span) -> u32 {
    (span.0 / 10_000) as u32
}

/// The moment that `hundredths` counts to, rounded down.
#[inline]
pub(crate) fn moment(start: Timestamp, hundredths: u32) -> Timestamp {
    start + Span(u64::from(hundredths) * 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_words_cannot_matter_and_news_moves_the_clock() {
        let words = [
            Word::Is(Known::Accepted, None),
            Word::Is(Known::Sent, None),
            Word::Came(Arrival::Delivered),
            Word::Came(Arrival::Read),
        ];
        let (mut one, mut other) = (Seen::default(), Seen::default());
        one.intend(0, 1);
        other.intend(0, 1);
        for (at, word) in words.iter().enumerate() {
            assert!(one.learn(at as u32 + 1, 1, *word));
            assert!(!one.learn(9, 1, *word), "a second time it is no news");
        }
        words.iter().rev().for_each(|word| {
            other.learn(5, 1, *word);
        });
        assert_eq!((one.slots, one.arrival), (other.slots, other.arrival));
        assert_eq!(one.since, 4);
    }

    #[test]
    fn what_does_not_count_gives_its_slot_to_the_next() {
        let mut seen = Seen::default();
        for number in 1..=9 {
            assert!(seen.intend(0, number));
            seen.learn(0, number, Word::Is(Known::Unspent, None));
        }
        for number in 10..=13 {
            assert!(seen.intend(0, number));
            seen.learn(0, number, Word::Is(Known::Failed, None));
        }
        assert_eq!((seen.spent(), seen.newest().map(|slot| slot.number)), (4, Some(13)));
        assert!(!seen.intend(0, 14), "a fifth");
    }
}
