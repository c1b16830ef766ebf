//! Promise: no handset gets a campaign message twice.

use super::findings::Findings;
use super::seen::{Seen, flag};
use super::truth::Truth;
use crate::outcome::Check;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Duplicates {
    /// Copies beyond the first, all of them.
    pub copies: u64,
    /// Those of them that the promise allows.
    pub allowed: u64,
    /// The others.
    pub findings: Findings,
}

/// Whether the promise allows second copies of a message, by what really happened to it: it was sent again after an unknown
/// outcome, and evidence of that was lost or came after the wait, unless nothing may ever be sent again so; or the store was
/// put back to a time before it was sent; or WhatsApp said `failed` of what arrived.
#[inline]
pub fn is_allowed(seen: &Seen, never: bool) -> bool {
    let unproven = seen.has(flag::BLIND) && seen.has(flag::LOST | flag::LATE);
    (unproven && !never) || seen.has(flag::STALE | flag::CONTRADICTED)
}

/// Counts copies. `allowed` says of a message whether the promise allows a second one.
pub fn judge(truths: &[Truth], allowed: impl Fn(usize) -> bool) -> Duplicates {
    let mut found = Duplicates::default();
    for (id, truth) in truths.iter().enumerate().filter(|(_, truth)| truth.copies > 1) {
        let more = u64::from(truth.copies) - 1;
        found.copies += more;
        if allowed(id) {
            found.allowed += more;
        } else {
            found.findings.add(Some(id as u32), || format!("the contact of message {id} got {} copies", truth.copies));
        }
    }
    found
}

impl Duplicates {
    /// The answer as a check.
    pub fn check(&self) -> Check {
        if self.findings.is_clean() && self.allowed > 0 {
            let why = "each after an unknown outcome whose webhook was lost or came later than the wait, on an old copy of the \
                       store, or of a message that WhatsApp called failed; the promise allows them";
            return Check::pass("no-duplicates", format!("{} second copies, {why}", self.allowed));
        }
        self.findings.check("no-duplicates")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mock_whatsapp_model::world::Stage;

    #[test]
    fn a_second_copy_is_found_and_told_apart_from_one_that_is_allowed() {
        let mut twice = Truth::default();
        twice.add_attempt(Stage::Delivered);
        assert!(judge(&[twice], |_| false).findings.is_clean());
        twice.add_attempt(Stage::Read);
        let found = judge(&[Truth::default(), twice, twice], |id| id == 2);
        assert_eq!((found.copies, found.allowed), (2, 1));
        assert_eq!(found.findings.detail(), "the contact of message 1 got 2 copies");
        assert!(judge(&[twice], |_| true).check().detail.starts_with("1 second copies"));
    }

    #[test]
    fn only_what_really_happened_to_the_message_allows_a_second_copy() {
        let allowed = |flags: u8, never| is_allowed(&Seen { flags, ..Seen::default() }, never);
        assert!(!allowed(flag::UNKNOWN | flag::LOST, false), "it was not sent again after the unknown outcome");
        assert!(!allowed(flag::UNKNOWN | flag::BLIND, false), "nothing of it was lost or late");
        assert!(allowed(flag::BLIND | flag::LOST, false) && allowed(flag::BLIND | flag::LATE, false));
        assert!(!allowed(flag::BLIND | flag::LOST, true));
        assert!(allowed(flag::STALE, true));
    }
}
