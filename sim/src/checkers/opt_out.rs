//! Promise: once the webhook of an opt-out was answered 200, no intent of any message to that contact becomes durable.

use super::findings::Findings;
use cloud_api::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Who wants no more: a bit for each contact.
#[derive(Clone, Debug, Default)]
pub struct OptOuts {
    suppressed: Vec<u64>,
    /// Told by webhooks that are not answered yet: (delivery, contact).
    unanswered: Vec<(u32, u32)>,
    /// Told by replies, which nobody acknowledges: after that.
    replies: Vec<(Timestamp, u32)>,
    /// Told by webhooks that were answered at a moment: what the same commit made durable was not after it.
    answered: Vec<(Timestamp, u32)>,
    /// When it was told of those who wanted no more only after the first deadline.
    late: BTreeMap<u32, Timestamp>,
    first_deadline: Timestamp,
    /// Who said so shortly before a crash: it may be durable, or not.
    doubtful: BTreeSet<u32>,
    /// What was found.
    pub findings: Findings,
}

impl OptOuts {
    /// Nobody of `contacts`, in campaigns of which the first is over at `first_deadline`.
    pub fn new(contacts: u32, first_deadline: Timestamp) -> Self {
        Self { suppressed: vec![0; (contacts as usize).div_ceil(64)], first_deadline, ..Self::default() }
    }

    /// Whether the contact wanted no more only after that: nothing that was over is ended by it.
    pub fn is_after(&self, contact: u32, deadline: Timestamp) -> bool {
        self.late.get(&contact).is_some_and(|at| *at > deadline)
    }

    fn note(&mut self, now: Timestamp, contact: u32) {
        if now > self.first_deadline && !self.has(contact) {
            self.late.entry(contact).or_insert(now);
        }
    }

    /// A webhook that was handed in says that the contact wants no more.
    pub fn told(&mut self, delivery: u32, contact: u32) {
        self.unanswered.push((delivery, contact));
    }

    /// A reply says so; it must be durable by `by`.
    pub fn replied(&mut self, by: Timestamp, contact: u32) {
        self.note(by, contact);
        self.replies.push((by, contact));
    }

    /// The webhook was answered 200.
    pub fn acknowledged(&mut self, now: Timestamp, delivery: u32) {
        if self.answered.first().is_some_and(|(at, _)| *at < now) {
            self.settle(now);
        }
        while let Some(place) = self.unanswered.iter().position(|(its, _)| *its == delivery) {
            let (_, contact) = self.unanswered.swap_remove(place);
            self.note(now, contact);
            self.answered.push((now, contact));
        }
    }

    /// What was told before now counts.
    fn settle(&mut self, now: Timestamp) {
        let answered = self.answered.extract_if(.., |(at, _)| *at < now);
        let due: Vec<u32> =
            answered.chain(self.replies.extract_if(.., |(by, _)| *by < now)).map(|(_, who)| who).collect();
        due.into_iter().for_each(|contact| self.suppress(contact));
    }

    /// The engine died: what was not answered comes again.
    pub fn crashed(&mut self) {
        let told = self.unanswered.drain(..).map(|(_, contact)| contact);
        self.doubtful.extend(told.chain(self.replies.drain(..).map(|(_, contact)| contact)));
    }

    /// Whether the contact may want no more, though nothing of it was acknowledged.
    pub fn may_have(&self, contact: u32) -> bool {
        self.doubtful.contains(&contact)
    }

    /// The store was put back to a time when it may not have known of them.
    pub fn went_stale(&mut self) {
        self.suppressed.fill(0);
        self.answered.clear();
    }

    fn suppress(&mut self, contact: u32) {
        if let Some(word) = self.suppressed.get_mut(contact as usize / 64) {
            *word |= 1 << (contact % 64);
        }
    }

    #[inline]
    fn is_suppressed(&self, contact: u32) -> bool {
        self.suppressed.get(contact as usize / 64).is_some_and(|word| word & 1 << (contact % 64) != 0)
    }

    /// Whether the contact wants no more, as far as was acknowledged.
    pub fn has(&self, contact: u32) -> bool {
        self.is_suppressed(contact)
            || [&self.answered, &self.replies].iter().any(|list| list.iter().any(|(_, whom)| *whom == contact))
    }

    /// An intent became durable.
    #[inline]
    pub fn intended(&mut self, now: Timestamp, message: u32, contact: u32) {
        if !self.replies.is_empty() || !self.answered.is_empty() {
            self.settle(now);
        }
        if self.is_suppressed(contact) {
            self.findings.add(Some(message), || format!("message {message} was intended after its contact opted out"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intent_after_the_opt_out_was_answered_is_found_and_one_before_is_not() {
        let mut opt_outs = OptOuts::new(100, Timestamp::NEVER);
        opt_outs.told(5, 70);
        opt_outs.intended(Timestamp(1), 1, 70);
        opt_outs.acknowledged(Timestamp(1), 4);
        opt_outs.intended(Timestamp(2), 1, 70);
        assert!(opt_outs.findings.is_clean());
        opt_outs.acknowledged(Timestamp(2), 5);
        opt_outs.intended(Timestamp(2), 1, 70);
        assert!(opt_outs.findings.is_clean(), "one commit made both durable");
        opt_outs.intended(Timestamp(3), 2, 71);
        assert!(opt_outs.findings.is_clean(), "another contact");
        opt_outs.intended(Timestamp(3), 1, 70);
        assert_eq!(opt_outs.findings.detail(), "message 1 was intended after its contact opted out");
    }

    #[test]
    fn a_refusal_that_says_so_counts_once_it_had_the_time_to_be_durable() {
        let mut opt_outs = OptOuts::new(3, Timestamp::NEVER);
        opt_outs.replied(Timestamp(10), 2);
        opt_outs.intended(Timestamp(9), 1, 2);
        assert!(opt_outs.findings.is_clean());
        opt_outs.intended(Timestamp(11), 1, 2);
        assert_eq!(opt_outs.findings.count(), 1);
    }

    #[test]
    fn what_was_not_answered_before_a_crash_or_is_in_no_old_copy_binds_nobody() {
        let mut opt_outs = OptOuts::new(3, Timestamp::NEVER);
        opt_outs.told(1, 2);
        opt_outs.crashed();
        opt_outs.acknowledged(Timestamp(1), 1);
        assert!(!opt_outs.has(2));
        opt_outs.told(1, 2);
        opt_outs.acknowledged(Timestamp(1), 1);
        assert!(opt_outs.has(2));
        opt_outs.went_stale();
        assert!(!opt_outs.has(2), "the old copy cannot know");
    }
}
