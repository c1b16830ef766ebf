//! When the next attempt of a message is due, by the class of the error that ended the last one.
//!
//! Not here: whether the sender may send at all (see `hold`, `pacing`), nor the deadline.

use crate::id::MessageId;
use crate::limits::{CAP_WAIT, LIMIT_JITTER, LIMIT_WAIT, PAIR_WAITS, QUICK_WAITS};
use crate::planted::{self, Bug};
use cloud_api::catalogue::Class;
use cloud_api::time::Span;

/// What jitter hangs on: the same attempt gets the same jitter in every run.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The engine's own seed.
    pub salt: u64,
    /// Which message.
    pub message: MessageId,
    /// Which attempt failed.
    pub number: u8,
}

/// What follows a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another one, this much later.
    After(Span),
    /// None: the message is settled.
    Never,
}

/// Whether no retry can help.
pub fn is_final(class: Class) -> bool {
    match class {
        Class::InvalidContact if planted::on(Bug::FinalRetried) => false,
        Class::InvalidContact | Class::Blocked | Class::Refused => true,
        Class::Transient
        | Class::Throttled
        | Class::Pair
        | Class::MessagingLimit
        | Class::MarketingCap
        | Class::TemplateWide
        | Class::NumberWide
        | Class::AccountWide
        | Class::Generic => false,
    }
}

/// Whether an error of this class counts against the message's attempts. The others are the sender's, the template's or
/// the account's: the message goes back to Queued.
pub fn is_spent(class: Class) -> bool {
    match class {
        Class::Transient if planted::on(Bug::TransientUnspent) => false,
        Class::Throttled if planted::on(Bug::ThrottleSpends) => true,
        Class::NumberWide | Class::AccountWide if planted::on(Bug::HaltSpends) => true,
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

/// The wait after an error of `class`, when `spent` attempts (1 to 4) were spent, that one included.
pub fn next(class: Class, spent: u8, key: Key) -> Next {
    if is_final(class) || spent == 0 || usize::from(spent) > QUICK_WAITS.len() {
        return Next::Never;
    }
    let nth = usize::from(spent) - 1;
    Next::After(match class {
        Class::Pair if planted::on(Bug::PairRetryTooEarly) => Span::secs(1),
        Class::MessagingLimit if planted::on(Bug::LimitRetryTooEarly) => Span::hours(1),
        Class::MarketingCap if planted::on(Bug::CapRetryTooEarly) => Span::hours(12),
        Class::Transient if planted::on(Bug::QuickRetryTooEarly) => Span(QUICK_WAITS[nth].0 / 4),
        Class::Pair => PAIR_WAITS[nth],
        Class::MessagingLimit => LIMIT_WAIT + jitter(LIMIT_JITTER, key),
        Class::MarketingCap => CAP_WAIT,
        _ => QUICK_WAITS[nth] / 2 + jitter(QUICK_WAITS[nth] / 2, key),
    })
}

/// A span from 0 to `most`, drawn by key.
fn jitter(most: Span, key: Key) -> Span {
    let mut x =
        key.salt ^ ((u64::from(key.message.0) << 8) | u64::from(key.number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^= x >> 31;
    Span(((u128::from(x) * u128::from(most.0 + 1)) >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(class: Class, spent: u8, message: u32) -> Option<Span> {
        match next(class, spent, Key { salt: 7, message: MessageId(message), number: spent }) {
            Next::After(span) => Some(span),
            Next::Never => None,
        }
    }

    #[test]
    fn quick_retries_are_half_fixed_and_half_jitter() {
        for (spent, whole) in [(1, Span::secs(2)), (2, Span::secs(10)), (3, Span::secs(60))] {
            let waits: Vec<_> = (0..1_000).filter_map(|message| wait(Class::Transient, spent, message)).collect();
            assert!(waits.iter().all(|wait| *wait >= whole / 2 && *wait <= whole));
            assert!(waits.iter().any(|wait| *wait < whole * 6 / 10) && waits.iter().any(|wait| *wait > whole * 9 / 10));
        }
    }

    #[test]
    fn limits_wait_twelve_hours_and_caps_a_day() {
        assert_eq!(wait(Class::MarketingCap, 1, 1), Some(Span::hours(24)));
        for message in 0..1_000 {
            let wait = wait(Class::MessagingLimit, 2, message).unwrap();
            assert!(wait >= Span::hours(12) && wait <= Span::hours(12) + Span::mins(15));
        }
        assert_eq!([1, 2, 3].map(|n| wait(Class::Pair, n, 9)), [4, 16, 64].map(|s| Some(Span::secs(s))));
    }

    #[test]
    fn a_fourth_failure_and_a_final_class_end_it() {
        for class in Class::ALL {
            assert_eq!(wait(class, 4, 1), None, "{class:?}");
            assert_eq!(wait(class, 1, 1).is_none(), is_final(class), "{class:?}");
        }
    }
}
