//! What is remembered of messages whose last attempt did not simply succeed: refused, failed, or of unknown outcome.
//! Bounded; what can convict nobody any more goes first, and what goes before its time is told.

use super::{Callback, Moment};
use crate::input::MessageIndex;
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Messages that are remembered; about 100 bytes each.
const MOST: usize = 65_536;

/// How the last attempt of a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With an error in the reply, this often in a row.
    Refused(CodeIndex, u8),
    /// With an error in a webhook, which the sender acknowledged.
    Failed(CodeIndex),
    /// The sender does not know.
    Unknown {
        taken: Option<MessageIndex>,
        /// A webhook that the sender acknowledged tells of the acceptance.
        proven: bool,
        /// One that it did not acknowledge does.
        offered: bool,
        fair: bool,
    },
}

/// What is remembered of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memo {
    pub(super) request: u64,
    pub(super) since: Moment,
    pub(super) callback: Callback,
    pub(super) end: End,
}

impl Memo {
    /// Until when it can matter.
    fn until(&self) -> Timestamp {
        let span = match self.end {
            End::Unknown { .. } => Span::hours(24),
            End::Refused(code, _) | End::Failed(code) => match code.class() {
                Class::Transient | Class::Throttled | Class::Generic => Span::mins(1),
                Class::Pair => Span::mins(10),
                Class::TemplateWide | Class::NumberWide | Class::AccountWide => Span::mins(1),
                Class::MessagingLimit | Class::MarketingCap => Span::hours(24),
                Class::InvalidContact | Class::Blocked | Class::Refused => Span::hours(7 * 24),
            },
        };
        self.since.at + span
    }
}

/// All of it, by the message's key.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    memos: BTreeMap<u64, Memo>,
    /// The keys of accepted messages of unknown outcome.
    taken: BTreeMap<MessageIndex, u64>,
}

impl Memory {
    pub(super) fn get(&self, key: u64) -> Option<Memo> {
        if self.memos.is_empty() {
            return None;
        }
        self.memos.get(&key).copied()
    }

    /// Remembers how a message ended; false if something else had to be forgotten for it before its time.
    pub(super) fn set(&mut self, now: Timestamp, key: u64, memo: Memo) -> bool {
        let mut kept = true;
        if self.memos.len() >= MOST && !self.memos.contains_key(&key) {
            self.memos.retain(|_, memo| memo.until() > now);
            if self.memos.len() >= MOST {
                // Half of them, whichever: what is left may not be all that is needed, and that is said.
                let mut place = 0_u32;
                self.memos.retain(|_, _| {
                    place += 1;
                    place.is_multiple_of(2)
                });
                kept = false;
            }
            let memos = &self.memos;
            self.taken.retain(|_, key| memos.contains_key(key));
        }
        if let Some(before) = self.memos.insert(key, memo) {
            self.forget(before);
        }
        if let End::Unknown { taken: Some(message), .. } = memo.end {
            self.taken.insert(message, key);
        }
        kept
    }

    /// Forgets a message: its last attempt is as the world has it.
    pub(super) fn clear(&mut self, key: u64) {
        if self.memos.is_empty() {
            return;
        }
        if let Some(before) = self.memos.remove(&key) {
            self.forget(before);
        }
    }

    fn forget(&mut self, memo: Memo) {
        if let End::Unknown { taken: Some(message), .. } = memo.end {
            self.taken.remove(&message);
        }
    }

    /// The memo of an accepted message of unknown outcome.
    pub(super) fn unknown(&mut self, message: MessageIndex) -> Option<&mut Memo> {
        if self.taken.is_empty() {
            return None;
        }
        self.memos.get_mut(self.taken.get(&message)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud_api::catalogue;

    fn memo(request: u64, at: Timestamp, end: End) -> Memo {
        Memo { request, since: Moment { at, real: at }, callback: Callback::default(), end }
    }

    #[test]
    fn what_can_convict_nobody_any_more_goes_first_and_what_goes_too_early_is_told() {
        let start = Timestamp::from_unix_seconds(1_000_000_000);
        let refused = |code| End::Refused(catalogue::find(code, None), 1);
        let mut memory = Memory::default();
        for key in 0..MOST as u64 {
            assert!(memory.set(start, key, memo(key, start, refused(130_429))));
        }
        let later = start + Span::mins(2);
        assert!(memory.set(later, 1 << 40, memo(1, later, refused(131_026))), "the others are over");
        assert_eq!(memory.memos.len(), 1);
        for key in 1..MOST as u64 {
            let end = End::Unknown { taken: Some(MessageIndex(key as u32)), proven: false, offered: false, fair: true };
            assert!(memory.set(later, key, memo(key, later, end)));
        }
        assert!(!memory.set(later, 1 << 41, memo(2, later, refused(131_026))), "and now it must forget what counts");
        assert!(memory.memos.len() <= MOST / 2 + 1 && memory.taken.len() < memory.memos.len());
        assert!(memory.get(1 << 41).is_some());
    }

    #[test]
    fn a_message_of_unknown_outcome_is_found_by_its_place() {
        let mut memory = Memory::default();
        let end = End::Unknown { taken: Some(MessageIndex(7)), proven: false, offered: false, fair: true };
        memory.set(Timestamp(0), 1, memo(1, Timestamp(0), end));
        assert!(memory.unknown(MessageIndex(7)).is_some() && memory.unknown(MessageIndex(8)).is_none());
        memory.clear(1);
        assert!(memory.unknown(MessageIndex(7)).is_none() && memory.get(1).is_none());
    }
}
