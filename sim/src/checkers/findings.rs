//! What a checker found: counted in full, told in part.

use crate::outcome::Check;

/// How many findings of one check are told in words; the rest are counted.
const TOLD: usize = 5;

/// How many messages are named, so that their stories can be shown.
const NAMED: usize = 16;

/// What one checker found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    count: u64,
    told: Vec<String>,
    messages: Vec<u32>,
}

impl Findings {
    /// Adds a finding, about a message where it is about one; its text is made only if it will be told.
    pub fn add(&mut self, message: Option<u32>, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(text());
        }
        if let Some(message) = message
            && self.messages.len() < NAMED
            && !self.messages.contains(&message)
        {
            self.messages.push(message);
        }
    }

    /// Takes in what was found elsewhere.
    pub fn extend(&mut self, other: Self) {
        self.count += other.count;
        self.told.extend(other.told);
        self.told.truncate(TOLD);
        self.messages.extend(other.messages);
        self.messages.truncate(NAMED);
    }

    /// Whether the promise held.
    pub fn is_clean(&self) -> bool {
        self.count == 0
    }

    /// How often it did not.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The answer as a check of this name.
    pub fn check(&self, name: &str) -> Check {
        if self.is_clean() {
            return Check::pass(name, "");
        }
        Check { messages: self.messages.clone(), ..Check::fail(name, self.detail()) }
    }

    /// The findings in words; empty if there is none.
    pub fn detail(&self) -> String {
        let mut text = self.told.join("; ");
        let more = self.count - self.told.len() as u64;
        if more > 0 {
            text += &format!("; and {more} more");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Verdict;

    #[test]
    fn a_few_findings_are_told_all_are_counted_and_their_messages_are_named_once() {
        let mut findings = Findings::default();
        assert_eq!(findings.check("a").verdict, Verdict::Pass);
        for n in 0..40 {
            findings.add(Some(n / 2), || format!("finding {n}"));
        }
        let check = findings.check("a");
        assert!(check.detail.starts_with("finding 0; finding 1;") && check.detail.ends_with("; and 35 more"));
        assert_eq!(check.messages, (0..16).collect::<Vec<u32>>());
    }
}
