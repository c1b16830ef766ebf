//! Promise: no handset gets a campaign message twice.

use super::Findings;
use super::truth::Truth;
use crate::outcome::Check;

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Duplicates {
    /// Copies beyond the first, all of them.
    pub copies: u64,
    /// Those of them that the promise allows: after an unknown outcome whose webhook was lost, or later than the wait.
    pub allowed: u64,
    /// The others.
    pub findings: Findings,
}

/// Counts copies. `allowed` says of a message whether its outcome was unknown and its webhooks could be lost or that late.
pub fn judge(truths: &[Truth], allowed: impl Fn(usize) -> bool) -> Duplicates {
    let mut found = Duplicates::default();
    for (id, truth) in truths.iter().enumerate().filter(|(_, truth)| truth.copies > 1) {
        let more = u64::from(truth.copies) - 1;
        found.copies += more;
        if allowed(id) {
            found.allowed += more;
        } else {
            found.findings.add(|| format!("the contact of message {id} got {} copies", truth.copies));
        }
    }
    found
}

impl Duplicates {
    /// The answer as a check.
    pub fn check(&self) -> Check {
        if self.findings.is_clean() && self.allowed > 0 {
            let why = "each after an unknown outcome whose webhook was lost or came later than the wait, which the promise allows";
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
}
