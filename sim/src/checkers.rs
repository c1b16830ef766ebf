//! The checkers: one promise of the states page a file. They watch what crosses the wire and what handsets received, never
//! the engine's opinion of itself, and compare that opinion with the truth at the end.
//!
//! What several of them need to know of a message is kept once, in [`Seen`].

pub mod attempts;
pub mod campaign;
pub mod conservation;
pub mod duplicates;
pub mod receipts;
pub mod spacing;
pub mod transitions;
pub mod truth;

use crate::outcome::Check;
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};
use engine_core::event::Merged;
use engine_core::id::MessageId;

/// How many findings of one check are told in full; the rest are counted.
const TOLD: usize = 5;

/// What one checker found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    count: u64,
    told: Vec<String>,
}

impl Findings {
    /// Adds a finding; its text is made only if it will be told.
    pub fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.told.len() < TOLD {
            self.told.push(text());
        }
    }

    /// Takes in what was found elsewhere.
    pub fn extend(&mut self, other: Self) {
        self.count += other.count;
        self.told.extend(other.told);
        self.told.truncate(TOLD);
    }

    /// Whether the promise held.
    pub fn is_clean(&self) -> bool {
        self.count == 0
    }

    /// The answer as a check of this name.
    pub fn check(&self, name: &str) -> Check {
        if self.is_clean() { Check::pass(name, "") } else { Check::fail(name, self.detail()) }
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

/// What crossed the wire about one message: 12 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// When the engine learned of the last failure, in hundredths of a second since the start of the run, plus one; 0
    /// where there was none.
    failed: u32,
    /// The last error that the engine was told of.
    code: Option<CodeIndexByte>,
    /// POSTs that count against the attempts.
    spent: u8,
    /// POSTs.
    posts: u8,
    /// The attempt that the last error was about.
    number: u8,
    /// A failure was told since the last POST.
    failed_since: bool,
    /// The outcome of a POST could not be known from its answer.
    unknown: bool,
}

type CodeIndexByte = std::num::NonZeroU8;

/// All checkers of a run.
#[derive(Debug)]
pub struct Checkers {
    start: Timestamp,
    seen: Vec<Seen>,
    /// When the engine was told of the messaging limit.
    limit_told: Vec<Timestamp>,
    attempts: Findings,
    spacing: Findings,
    transitions: Findings,
}

impl Checkers {
    /// For `messages` messages and a run that begins at `start`.
    pub fn new(messages: usize, start: Timestamp) -> Self {
        Self {
            start,
            seen: vec![Seen::default(); messages],
            limit_told: Vec::new(),
            attempts: Findings::default(),
            spacing: Findings::default(),
            transitions: Findings::default(),
        }
    }

    /// A POST reached WhatsApp.
    #[inline]
    pub fn posted(&mut self, now: Timestamp, message: MessageId) {
        let elapsed = now.since(self.start);
        let seen = &mut self.seen[message.0 as usize];
        if seen.posts > 0 {
            spacing::judge(seen, elapsed, message, &mut self.spacing);
        }
        seen.posts = seen.posts.saturating_add(1);
        seen.spent += 1;
        seen.failed_since = false;
        attempts::judge(seen, message, &mut self.attempts);
    }

    /// The POST that was counted did not count: nothing was written, or the sender was told to wait.
    pub fn unspent(&mut self, message: MessageId) {
        let seen = &mut self.seen[message.0 as usize];
        seen.spent = seen.spent.saturating_sub(1);
    }

    /// The engine was told of an error, in a reply or a webhook.
    pub fn failed(&mut self, now: Timestamp, message: MessageId, number: u8, code: CodeIndex) {
        if code.class() == Class::MessagingLimit {
            self.limit_told.push(now);
        }
        let seen = &mut self.seen[message.0 as usize];
        if number < seen.number {
            return;
        }
        seen.number = number;
        let spends = attempts::spends(code.class());
        if !seen.failed_since {
            if spends {
                seen.failed = hundredths(now.since(self.start)) + 1;
            } else {
                seen.spent = seen.spent.saturating_sub(1);
            }
        }
        seen.failed_since = true;
        seen.code = std::num::NonZeroU8::new(code.raw());
    }

    /// A POST ended without an answer that could be read, after something of it was written.
    pub fn outcome_unknown(&mut self, message: MessageId) {
        self.seen[message.0 as usize].unknown = true;
    }

    /// Whether the messaging limit could still hold messages back at `deadline`: for 12 hours after the last word of it.
    pub fn held_by_limit(&self, deadline: Timestamp) -> bool {
        let hold = Span::hours(12) + Span::mins(30);
        self.limit_told.iter().any(|told| *told <= deadline && deadline.since(*told) <= hold)
    }

    /// The engine says that a message's state changed.
    #[inline]
    pub fn changed(&mut self, merged: &Merged) {
        if merged.before != merged.after && !transitions::is_legal(merged.before, merged.after) {
            self.transitions.add(|| transitions::told(merged));
        }
    }

    /// What crossed the wire about a message.
    pub fn seen(&self, message: u32) -> &Seen {
        &self.seen[message as usize]
    }

    /// What was found along the way: check and findings.
    pub fn along_the_way(&self) -> [(&'static str, &Findings); 3] {
        [("legal-transitions", &self.transitions), ("attempts", &self.attempts), ("retry-spacing", &self.spacing)]
    }
}

impl Seen {
    /// The last error that the engine was told of.
    pub fn code(&self) -> Option<CodeIndex> {
        self.code.and_then(|code| CodeIndex::from_raw(code.get()))
    }

    /// Whether the outcome of a POST could not be known from its answer.
    pub fn had_unknown_outcome(&self) -> bool {
        self.unknown
    }

    /// POSTs.
    pub fn posts(&self) -> u8 {
        self.posts
    }

    /// Since the last failure that spent an attempt.
    fn since_failure(&self, elapsed: Span) -> Option<Span> {
        let failed = self.failed.checked_sub(1)?;
        Some(Span(elapsed.0.saturating_sub(u64::from(failed) * 10_000)))
    }
}

fn hundredths(span: Span) -> u32 {
    (span.0 / 10_000) as u32
}
