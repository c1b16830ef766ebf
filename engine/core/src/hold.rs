//! A hold: sending waits until a time, then one probe goes, and what becomes of the probe decides.
//!
//! Halts (of a template, a number, an account) and the wait after a messaging limit are holds. What a hold stops is not
//! failed, only late: the messages stay Queued and no attempt is spent. Only the probe's own fate counts: what was under way
//! when the hold began says nothing about it.

use crate::id::MessageId;
use crate::limits::HALT_PROBE;
use crate::planted::{self, Bug};
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::{Span, Timestamp};

/// Accepted probes that are remembered: the first ones, and at one in five minutes those of the last three quarters of an hour.
const ACCEPTED: usize = 18;

/// What a store keeps of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memo {
    /// Why.
    pub code: CodeIndex,
    /// The error came by webhook.
    pub came_late: bool,
    /// When a probe may go.
    pub until: Timestamp,
    /// Whole seconds between two probes.
    pub every_seconds: u32,
}

/// An attempt of a message: webhooks may still come of those before the one that probes.
pub type Attempt = (MessageId, u8);

/// The number of an attempt that is claimed and not POSTed yet; those of attempts begin with 1.
const NOT_POSTED: u8 = 0;

/// Why and until when nothing is sent. The default holds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hold {
    code: Option<CodeIndex>,
    until: Timestamp,
    every: Span,
    /// The error came by webhook, after acceptance: so only a status proves that a probe passed.
    came_late: bool,
    probe: Option<Attempt>,
    /// Probes before it that only a status can prove: whose outcome is unknown, and those that were accepted where the error
    /// would come late. `sent` may take longer than the next probe.
    accepted: [Option<Attempt>; ACCEPTED],
    /// The probe's answer is awaited.
    probing: bool,
    /// Other than what the store keeps, by more than a probe's interval.
    changed: bool,
}

impl Hold {
    /// As a store kept it.
    pub fn restored(memo: Option<Memo>) -> Self {
        memo.map_or_else(Self::default, |memo| Self {
            code: Some(memo.code),
            until: memo.until,
            every: Span::secs(u64::from(memo.every_seconds)),
            came_late: memo.came_late,
            ..Self::default()
        })
    }

    /// What a store should keep now, if that is other than what it has. A probe's time that moved by less than an interval is
    /// not worth a write: after a crash the probe goes at once.
    pub fn take_change(&mut self) -> Option<Option<Memo>> {
        std::mem::take(&mut self.changed).then(|| {
            self.code.map(|code| Memo {
                code,
                came_late: self.came_late,
                until: self.until,
                every_seconds: u32::try_from(self.every.as_secs()).unwrap_or(u32::MAX),
            })
        })
    }

    /// Ends it, by hand or because WhatsApp said so. Gives whether there was one.
    pub fn lift(&mut self) -> bool {
        let held = self.code.is_some();
        *self = Self { changed: held || self.changed, ..Self::default() };
        held
    }

    /// Holds from now on, and probes after `every`. A hold that stands takes the later of the two times. `came_late`: the
    /// error came by webhook.
    pub fn start(&mut self, now: Timestamp, every: Span, code: CodeIndex, came_late: bool) {
        let every = if planted::on(Bug::HaltProbesFast) { Span::secs(1) } else { every };
        let until = self.until.max(now + every);
        let came_late = came_late || (self.came_late && self.code.is_some());
        let changed = self.changed || self.code != Some(code) || until.since(self.until) >= every;
        let (probe, accepted, probing) = (None, [None; ACCEPTED], false);
        *self = Self { code: Some(code), until, every, came_late, probe, accepted, probing, changed };
    }

    /// Whether a message may be claimed now: yes if nothing holds, or as the one probe.
    pub fn admits(&self, now: Timestamp) -> bool {
        self.code.is_none() || (now >= self.until && !self.probing && !planted::on(Bug::HaltNeverProbed))
    }

    /// A message was claimed: while the hold stands it is the probe.
    pub fn claimed(&mut self, message: MessageId) {
        if self.code.is_some() {
            (self.probe, self.probing) = (Some((message, NOT_POSTED)), true);
        }
    }

    /// The message that was claimed is POSTed now, as this attempt of it.
    pub fn posted(&mut self, (message, number): Attempt) {
        if let Some(probe) = self.probe.as_mut().filter(|probe| **probe == (message, NOT_POSTED)) {
            probe.1 = number;
        }
    }

    fn is_probe(&self, attempt: Attempt) -> bool {
        let is_its = |probe: Attempt| probe == attempt || (planted::on(Bug::OldAttemptProbes) && probe.0 == attempt.0);
        self.code.is_some() && (self.probe.is_some_and(is_its) || planted::on(Bug::HaltEndsByAnyAnswer))
    }

    /// WhatsApp took the message (`taken`), or answered with something that is the message's own. If it is the probe, sending
    /// goes on; or, where the error would come late, another probe may go after the interval: of what was taken a status comes
    /// yet. Gives whether the hold ended.
    pub fn passed(&mut self, now: Timestamp, attempt: Attempt, taken: bool) -> bool {
        if self.is_probe(attempt) && !self.came_late {
            return self.lift();
        }
        if taken {
            self.outcome_open(now, attempt);
        } else {
            self.undecided(now, attempt);
        }
        false
    }

    /// What became of the message may yet be told by a status. If it is the probe, another may go after the interval.
    pub fn outcome_open(&mut self, now: Timestamp, attempt: Attempt) {
        if self.is_probe(attempt) {
            // Once all places are taken the first ones keep theirs, since sooner or later their status comes; and of the others the
            // oldest makes way, since it may be the first ones that are slow.
            let place = self.accepted.iter().position(Option::is_none).unwrap_or_else(|| {
                self.accepted[ACCEPTED / 2..].rotate_left(1);
                ACCEPTED - 1
            });
            self.accepted[place] = Some(attempt);
            self.answered(now);
        }
    }

    /// A status says that the message was sent. If it is the probe, or was, sending goes on. Gives whether the hold ended.
    pub fn proven(&mut self, attempt: Attempt) -> bool {
        let was = self.code.is_some() && self.accepted.contains(&Some(attempt));
        (self.is_probe(attempt) || was) && self.lift()
    }

    /// What became of the message says nothing. If it is the probe whose answer is awaited, another may go soon; a word that comes
    /// after the answer does not put off the next.
    pub fn undecided(&mut self, now: Timestamp, attempt: Attempt) {
        self.accepted.iter_mut().filter(|place| **place == Some(attempt)).for_each(|place| *place = None);
        if self.is_probe(attempt) && (self.probing || planted::on(Bug::LateWordDefersProbe)) {
            self.answered(now);
            if self.came_late {
                // The answer may come yet, after the webhook, and would have it waited for.
                self.probe = None;
            }
        }
    }

    fn answered(&mut self, now: Timestamp) {
        self.probing = false;
        self.until = self.until.max(now + self.every.min(HALT_PROBE));
    }

    /// The probe was claimed and then not sent: another may go at once.
    pub fn unclaimed(&mut self, message: MessageId) {
        if self.is_probe((message, NOT_POSTED)) {
            (self.probe, self.probing) = (None, false);
        }
    }

    /// What holds, if anything does.
    pub fn code(&self) -> Option<CodeIndex> {
        self.code
    }

    /// When a probe may go; `None` where nothing holds or the probe is under way.
    pub fn wakes(&self) -> Option<Timestamp> {
        (self.code.is_some() && !self.probing && !planted::on(Bug::HaltNeverProbed)).then_some(self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: MessageId = MessageId(4);
    const PROBE: Attempt = (MESSAGE, 2);
    const OTHER: Attempt = (MessageId(5), 2);

    fn t(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn post(hold: &mut Hold) {
        hold.claimed(MESSAGE);
        hold.posted(PROBE);
    }

    fn held(came_late: bool) -> Hold {
        let mut hold = Hold::default();
        assert!(hold.admits(t(0)));
        hold.start(t(0), Span::mins(5), cloud_api::catalogue::find(190, None), came_late);
        assert!(!hold.admits(t(299)));
        assert!(hold.admits(t(300)));
        post(&mut hold);
        assert!(!hold.admits(t(301)), "one probe at a time");
        hold
    }

    #[test]
    fn a_hold_ends_when_its_probe_passes_and_by_no_other_message() {
        let mut hold = held(false);
        assert!(!hold.passed(t(301), OTHER, true) && hold.code().is_some(), "it was under way when the hold began");
        assert!(hold.passed(t(301), PROBE, true));
        assert!(hold.admits(t(302)) && hold.code().is_none());
    }

    #[test]
    fn what_comes_of_an_earlier_attempt_says_nothing_of_the_probe() {
        for came_late in [false, true] {
            let mut hold = held(came_late);
            assert!(!hold.proven((MESSAGE, 1)) && !hold.passed(t(301), (MESSAGE, 1), true), "{came_late}");
            hold.undecided(t(301), (MESSAGE, 1));
            assert!(hold.code().is_some() && hold.wakes().is_none(), "{came_late}: the probe's own answer is awaited");
            assert!(hold.proven(PROBE));
        }
    }

    #[test]
    fn a_probe_that_fails_or_says_nothing_is_followed_by_another_after_the_interval() {
        let mut hold = held(false);
        hold.start(t(301), Span::mins(5), cloud_api::catalogue::find(190, None), false);
        assert_eq!(hold.wakes(), Some(t(601)));
        post(&mut hold);
        hold.undecided(t(601), PROBE);
        assert_eq!(hold.wakes(), Some(t(901)));
        hold.claimed(MESSAGE);
        hold.unclaimed(MESSAGE);
        assert_eq!(hold.wakes(), Some(t(901)), "nothing was sent");
    }

    #[test]
    fn a_word_that_overtakes_the_answer_ends_the_probe() {
        let mut hold = held(true);
        hold.undecided(t(301), PROBE);
        assert!(!hold.passed(t(302), PROBE, true) && !hold.proven(PROBE));
        assert_eq!(hold.wakes(), Some(t(601)));
    }

    #[test]
    fn probes_that_were_refused_take_no_place_of_those_whose_status_comes() {
        let mut hold = held(true);
        for nth in 0..40 {
            hold.passed(t(301 + nth * 300), PROBE, false);
            post(&mut hold);
        }
        for nth in 0..40 {
            hold.passed(t(12_301 + nth * 300), PROBE, true);
            hold.undecided(t(12_400 + nth * 300), PROBE);
            post(&mut hold);
        }
        hold.passed(t(40_000), PROBE, true);
        let next = (MessageId(9), 1);
        hold.claimed(next.0);
        hold.posted(next);
        assert!(hold.proven(PROBE), "its status came after the next probe went");
    }

    #[test]
    fn a_late_word_that_says_nothing_does_not_put_off_the_next_probe() {
        let mut hold = held(true);
        assert!(!hold.passed(t(301), PROBE, true));
        hold.undecided(t(500), PROBE);
        assert_eq!(hold.wakes(), Some(t(601)));
    }

    #[test]
    fn a_probe_of_a_long_hold_that_says_nothing_does_not_cost_the_whole_wait_again() {
        let mut hold = Hold::default();
        hold.start(t(0), Span::hours(12), cloud_api::catalogue::find(131_048, None), false);
        post(&mut hold);
        hold.undecided(t(43_200), PROBE);
        assert_eq!(hold.wakes(), Some(t(43_500)));
    }

    #[test]
    fn where_the_error_came_by_webhook_only_a_status_proves_that_the_probe_passed() {
        let mut hold = held(true);
        assert!(!hold.passed(t(301), PROBE, true));
        assert_eq!(hold.wakes(), Some(t(601)), "accepted is not enough");
        assert!(hold.proven(PROBE) && hold.code().is_none());
    }

    #[test]
    fn a_status_that_takes_longer_than_the_next_probe_proves_all_the_same() {
        let mut hold = held(true);
        hold.passed(t(301), PROBE, true);
        for nth in 1..=40 {
            let next = (MessageId(100 + nth), 1);
            hold.claimed(next.0);
            hold.posted(next);
            hold.passed(t(301 + u64::from(nth) * 300), next, true);
        }
        let mut told_anew = hold;
        let mut recent = hold;
        assert!(recent.proven((MessageId(132), 1)), "the first ones may be the slow ones");
        assert!(hold.proven(PROBE) && hold.code().is_none());
        told_anew.start(t(20_000), Span::mins(5), cloud_api::catalogue::find(190, None), true);
        assert!(!told_anew.proven(PROBE), "what was accepted before the error says nothing");
    }
}
