//! What a sender calls a message: its callback data, and whether two of them name two attempts of the same one.

use super::Same;
use crate::fate::digest;

/// Attempts that may lie between two that are seen: retries that were never written, mostly.
const STEPS: u32 = 3;

/// Callback data, as keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Callback {
    /// The key of all of it; 0 where there is none.
    pub whole: u64,
    /// The key of what stands before the number of the attempt; 0 where there is no such number.
    stem: u64,
    attempt: u32,
}

impl Callback {
    /// Reads callback data. The number of an attempt is what such data ends with after a separator (`…|2`, `…-a2`, `…:try2`),
    /// where what stands before has a digit too: something must name the message.
    pub fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        // Zero is taken.
        let whole = digest(text.as_bytes()).max(1);
        let plain = Self { whole, stem: 0, attempt: 0 };
        let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = &text[before.len()..];
        if number.is_empty() || number.len() > 2 {
            return plain;
        }
        let name = before.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let separated = name.ends_with(|c: char| !c.is_ascii_alphanumeric());
        if !separated || !name.contains(|c: char| c.is_ascii_digit()) {
            return plain;
        }
        let attempt = number.parse().unwrap_or(0);
        Self { whole, stem: digest(before.as_bytes()).max(1), attempt }
    }

    /// Callback data of which only the key is left.
    pub fn of_whole(whole: u64) -> Self {
        Self { whole, stem: 0, attempt: 0 }
    }

    /// How a later send that says the same to the same contact is related to one with this.
    pub(super) fn same(self, later: Self) -> Same {
        if self.whole == 0 && later.whole == 0 {
            Same::Content
        } else if self.whole == later.whole {
            Same::Callback
        } else if self.stem != 0
            && self.stem == later.stem
            && (1..=STEPS).contains(&later.attempt.saturating_sub(self.attempt))
        {
            Same::Attempt
        } else {
            Same::Unclear
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_attempts_of_a_message_are_told_from_two_messages() {
        for (first, second, same) in [
            ("", "", Same::Content),
            ("order-7", "order-7", Same::Callback),
            ("ce1|00000000000000ce|0|17|1", "ce1|00000000000000ce|0|17|2", Same::Attempt),
            ("c:1|r:2|a:1", "c:1|r:2|a:3", Same::Attempt),
            ("m7-try1", "m7-try2", Same::Attempt),
            ("ce1|00000000000000ce|0|17|2", "ce1|00000000000000ce|0|17|1", Same::Unclear),
            ("ce1|00000000000000ce|0|17|1", "ce1|00000000000000ce|0|18|1", Same::Unclear),
            ("ce1|00000000000000ce|0|17|1", "ce1|00000000000000ce|1|17|2", Same::Unclear),
            ("order-1", "order-2", Same::Unclear),
            ("m1", "m2", Same::Unclear),
            ("msg-00a1", "msg-00a2", Same::Unclear),
            ("2026-1001", "2026-1002", Same::Unclear),
            ("", "m1", Same::Unclear),
        ] {
            assert_eq!(Callback::of(first).same(Callback::of(second)), same, "{first} {second}");
        }
    }
}
