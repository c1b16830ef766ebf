//! Attempts of unknown outcome that wait for evidence: one queue per sender, in the order in which they became unknown.
//!
//! How long they wait hangs on what the webhook channel did meanwhile: what WhatsApp could not deliver sits in its ladder of
//! retries, and comes the later, the longer the receiver was not reached. Evidence does not search this queue: a given-up fact
//! that comes to an attempt with evidence changes nothing.

use crate::id::MessageId;
use crate::limits::{ANSWER_WAIT, SILENCE_FACTOR, UNKNOWN_WAIT};
use crate::planted::{self, Bug};
use cloud_api::time::{Span, Timestamp};
use std::collections::VecDeque;

/// A webhook that came is made known to the store once it is so much younger than what the store knows: a crash makes a silence
/// longer by no more than this.
const HEARD_KEPT: Span = Span::secs(60);

/// What a store keeps of a sender's webhook channel, so that the next engine knows of its silences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// When a webhook last came, or the sender's first engine began; 0 before both. May be a minute too early.
    pub heard: Timestamp,
    /// The longest silence in which an attempt of unknown outcome lies; 0 where none does.
    pub silence: Span,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    message: MessageId,
    number: u8,
    since: Timestamp,
    /// Silences from here on count: it may have been POSTed at any time after this.
    posted: Timestamp,
}

/// The unknown outcomes of one sender. Bounded by the pace times the wait.
#[derive(Clone, Debug, Default)]
pub struct Unknowns {
    queue: VecDeque<Waiting>,
    /// The latest event that a webhook told of, by our clock.
    heard: Timestamp,
    /// How far WhatsApp's clock was ahead of ours at most.
    ahead: Span,
    /// When the last webhook came, or the first engine began; 0 before both.
    came: Timestamp,
    /// Since when nothing came although something could have: `None` while nothing is left that could cause a webhook. That
    /// WhatsApp says nothing then is no sign of a channel that is down.
    silent: Option<Timestamp>,
    /// Silences that ended while something waited here: those long enough to matter, oldest first. At most one in two and
    /// a half minutes.
    silences: Vec<(Timestamp, Timestamp)>,
    /// The longest silence that an engine before this one knew of, while something waited.
    inherited: Span,
    /// Those that wait since an engine before this one.
    orphans: u32,
    /// Campaigns whose rows are still looked through for such: until then any silence may matter.
    recovering: u32,
    /// What a store knows.
    kept: Channel,
}

impl Unknowns {
    /// Of a sender whose channel a store knows so: what [`Self::take_change`] gave last. The time since it was heard is a silence
    /// too.
    pub fn new(kept: Channel) -> Self {
        let inherited = if planted::on(Bug::SilenceForgotten) { Span::ZERO } else { kept.silence };
        let heard = if planted::on(Bug::HeardForgotten) { Timestamp(0) } else { kept.heard };
        Self { came: heard, silent: Some(heard), inherited, kept, ..Self::default() }
    }

    /// One more campaign is looked through for outcomes that are unknown since an engine before this one.
    pub fn recovers(&mut self) {
        self.recovering += 1;
    }

    /// One of them is looked through.
    pub fn recovered(&mut self) {
        self.recovering = self.recovering.saturating_sub(1);
        self.forget_silences();
    }

    /// What a store should know of the channel now, if it knows another: it must outlive a crash, or the next engine would wait
    /// too short.
    pub fn take_change(&mut self, now: Timestamp) -> Option<Channel> {
        if self.came == Timestamp(0) {
            (self.came, self.silent) = (now, self.silent.map(|_| now));
        }
        let silence = self.longest();
        if silence == self.kept.silence && self.came.since(self.kept.heard) < HEARD_KEPT {
            return None;
        }
        self.kept = Channel { heard: self.came, silence };
        Some(self.kept)
    }

    fn longest(&self) -> Span {
        let own = self.silences.iter().map(|(start, end)| end.since(*start)).max().unwrap_or(Span::ZERO);
        own.max(self.inherited)
    }

    /// Forgets what can matter to nobody who waits, and nobody who is still to be found.
    fn forget_silences(&mut self) {
        if self.recovering > 0 {
            return;
        }
        if self.orphans == 0 {
            self.inherited = Span::ZERO;
        }
        match self.queue.front() {
            Some(oldest) => self.silences.retain(|(_, end)| *end > oldest.posted),
            None => self.silences.clear(),
        }
    }

    /// The outcome of this attempt is unknown as of `now`.
    pub fn push(&mut self, now: Timestamp, message: MessageId, number: u8) {
        self.queue.push_back(Waiting { message, number, since: now, posted: now - ANSWER_WAIT });
    }

    /// The outcome of this attempt is unknown since an engine before this one ended. Nobody knows when it was POSTed, so all of
    /// the time in which nobody listened counts as silence.
    pub fn push_orphan(&mut self, now: Timestamp, message: MessageId, number: u8) {
        let silent = now.since(self.came);
        let known = self.silences.last().is_some_and(|(start, _)| *start == self.came);
        if self.came > Timestamp(0) && !known && silent * SILENCE_FACTOR > UNKNOWN_WAIT {
            self.silences.push((self.came, now));
        }
        self.orphans += 1;
        self.queue.push_back(Waiting { message, number, since: now, posted: Timestamp(0) });
    }

    /// A valid webhook of this sender came, and told of something that happened at `at`.
    pub fn heard(&mut self, now: Timestamp, at: Timestamp) {
        // An event from the future: our clock is behind. What it says of the past is then as far ahead.
        self.ahead = self.ahead.max(at.since(now));
        self.heard = self.heard.max(at - self.ahead);
        self.silence_ends(now);
        self.came = now;
        self.silent = self.silent.map(|_| now);
    }

    fn silence_ends(&mut self, now: Timestamp) {
        let matters = !self.queue.is_empty() || self.recovering > 0;
        if let Some(since) = self.silent
            && since > Timestamp(0)
            && matters
            && now.since(since) * SILENCE_FACTOR > UNKNOWN_WAIT
        {
            self.silences.push((since, now));
        }
    }

    /// Whether nothing is left that could cause a webhook, as of `now`. The engine says it whenever that may have changed while
    /// something waits here.
    pub fn is_left(&mut self, now: Timestamp, nothing: bool) {
        if nothing && self.silent.is_some() && !planted::on(Bug::IdleIsSilence) {
            self.silence_ends(now);
            self.silent = None;
        } else if !nothing && self.silent.is_none() {
            self.silent = Some(now);
        }
    }

    /// How long an attempt waits that may have been POSTed at `posted`.
    fn wait(&self, posted: Timestamp) -> Span {
        let after = self.silences.iter().map(|(start, end)| end.since(posted.max(*start)));
        let inherited = if posted == Timestamp(0) { self.inherited } else { Span::ZERO };
        let longest = after.max().unwrap_or(Span::ZERO).max(inherited);
        if planted::on(Bug::UnknownWaitShort) {
            return Span::mins(1);
        }
        let prolonged = if planted::on(Bug::SilenceIgnored) { Span::ZERO } else { longest * SILENCE_FACTOR };
        UNKNOWN_WAIT.max(prolonged)
    }

    /// When the oldest is given up: once its wait is over and a webhook as young as that proves the channel alive. Where
    /// `nothing_left` could cause a webhook, after twice the wait. `None`: not before a webhook comes.
    pub fn wakes(&self, nothing_left: bool) -> Option<Timestamp> {
        let oldest = self.queue.front()?;
        let wait = self.wait(oldest.posted);
        if self.heard >= oldest.since + wait || planted::on(Bug::ProofNotNeeded) {
            Some(oldest.since + wait)
        } else {
            nothing_left.then(|| oldest.since + wait * 2)
        }
    }

    /// The next attempt to give up.
    pub fn pop(&mut self, now: Timestamp, nothing_left: bool) -> Option<(MessageId, u8)> {
        if self.wakes(nothing_left)? > now {
            return None;
        }
        let given_up = self.queue.pop_front()?;
        self.orphans -= u32::from(given_up.posted == Timestamp(0));
        self.forget_silences();
        Some((given_up.message, given_up.number))
    }

    /// Waiting for the messages in a range is over: their campaign is, and nothing of it is retried any more.
    pub fn forget(&mut self, range: std::ops::Range<MessageId>) {
        self.queue.retain(|waiting| !range.contains(&waiting.message));
        self.orphans = self.queue.iter().filter(|waiting| waiting.posted == Timestamp(0)).count() as u32;
        self.forget_silences();
    }

    /// Whether the oldest waits longer than the least, and whether a webhook proves the channel alive for it.
    pub fn standing(&self) -> Option<(bool, bool)> {
        let oldest = self.queue.front()?;
        let wait = self.wait(oldest.posted);
        Some((wait > UNKNOWN_WAIT, self.heard >= oldest.since + wait))
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_unix_seconds(100_000);
    const ONE: MessageId = MessageId(7);

    fn heard(heard: Timestamp) -> Unknowns {
        Unknowns::new(Channel { heard, silence: Span::ZERO })
    }

    fn unknown_at_start() -> Unknowns {
        let mut unknowns = Unknowns::new(Channel::default());
        unknowns.heard(START - Span::secs(1), START - Span::secs(1));
        unknowns.push(START, ONE, 1);
        unknowns
    }

    #[test]
    fn it_is_given_up_after_the_wait_only_if_a_webhook_as_young_as_that_came() {
        let mut unknowns = unknown_at_start();
        for minute in 1..=9 {
            unknowns.heard(START + Span::mins(minute), START + Span::mins(minute));
        }
        assert_eq!(unknowns.wakes(false), None);
        let over = START + UNKNOWN_WAIT;
        unknowns.heard(over + Span::secs(9), over - Span::micros(1));
        assert_eq!(unknowns.pop(over + Span::secs(9), false), None, "it came later, but is too old to prove anything");
        unknowns.heard(over + Span::secs(10), over);
        assert_eq!(unknowns.pop(over + Span::secs(10), false), Some((ONE, 1)));
        assert_eq!(unknowns.wakes(true), None);
    }

    #[test]
    fn where_nothing_is_left_that_could_cause_a_webhook_twice_the_wait_will_do() {
        let unknowns = unknown_at_start();
        assert_eq!(unknowns.wakes(false), None);
        assert_eq!(unknowns.wakes(true), Some(START + UNKNOWN_WAIT * 2));
    }

    #[test]
    fn a_silence_of_the_channel_makes_the_wait_four_times_as_long_as_itself() {
        let mut unknowns = unknown_at_start();
        let back = START + Span::mins(35);
        unknowns.heard(back, back);
        // It began a second before the outcome became unknown, when the POST was under way.
        let wait = (Span::mins(35) + Span::secs(1)) * SILENCE_FACTOR;
        assert_eq!(unknowns.wakes(true), Some(START + wait * 2));
        for minute in 36..=141 {
            unknowns.heard(START + Span::mins(minute), START + Span::mins(minute));
        }
        assert_eq!(unknowns.wakes(false), Some(START + wait));
    }

    #[test]
    fn after_a_crash_the_time_in_which_nobody_listened_is_a_silence_too() {
        let mut unknowns = heard(START - Span::mins(30));
        unknowns.push_orphan(START, ONE, 1);
        let wait = Span::mins(30) * SILENCE_FACTOR;
        assert_eq!(unknowns.wakes(true), Some(START + wait * 2));
        unknowns.heard(START + Span::secs(5), START + Span::secs(5));
        assert_eq!(unknowns.wakes(true), Some(START + (wait + Span::secs(5) * SILENCE_FACTOR) * 2));
    }

    #[test]
    fn a_webhook_that_comes_before_the_orphans_are_found_hides_no_silence_from_them() {
        let mut unknowns = heard(START - Span::mins(30));
        unknowns.recovers();
        unknowns.heard(START, START);
        unknowns.push_orphan(START + Span::secs(1), ONE, 1);
        unknowns.recovered();
        assert_eq!(unknowns.wakes(true), Some(START + Span::secs(1) + Span::mins(30) * SILENCE_FACTOR * 2));
    }

    #[test]
    fn the_longest_silence_outlives_a_crash_and_is_forgotten_with_the_last_who_lay_in_it() {
        let mut unknowns = unknown_at_start();
        let came = START - Span::secs(1);
        assert_eq!(unknowns.take_change(START), Some(Channel { heard: came, silence: Span::ZERO }));
        let back = START + Span::mins(20);
        unknowns.heard(back, back);
        let Some(kept) = unknowns.take_change(back) else { panic!("a silence of twenty minutes is news") };
        let longest = back.since(came);
        assert_eq!(kept, Channel { heard: back, silence: longest });
        unknowns.heard(back + Span::secs(59), back);
        assert_eq!(unknowns.take_change(back + Span::secs(59)), None, "a minute more or less does not matter");

        let mut next = Unknowns::new(kept);
        next.recovers();
        next.push_orphan(back + Span::mins(1), ONE, 1);
        next.recovered();
        next.push(back + Span::mins(1), MessageId(8), 1);
        let patient = back + Span::mins(1) + longest * SILENCE_FACTOR * 2;
        assert_eq!(next.wakes(true), Some(patient));
        assert_eq!(next.pop(patient, true), Some((ONE, 1)));
        assert_eq!(next.take_change(patient), Some(Channel { heard: back, silence: Span::ZERO }));
        assert_eq!(next.wakes(true), Some(back + Span::mins(1) + UNKNOWN_WAIT * 2), "it was POSTed after that silence");
    }

    #[test]
    fn a_clock_that_is_behind_whatsapps_takes_no_old_event_for_a_young_one() {
        let mut unknowns = unknown_at_start();
        let hour = Span::hours(1);
        for minute in 1..=9 {
            unknowns.heard(START + Span::mins(minute), START + Span::mins(minute) + hour);
        }
        assert_eq!(unknowns.wakes(false), None, "they are of now, and now is before the end of the wait");
        unknowns.heard(START + Span::mins(11), START + Span::mins(9) + hour);
        assert_eq!(unknowns.wakes(false), None, "an event of two minutes ago, told late");
        unknowns.heard(START + Span::mins(11), START + Span::mins(11) + hour);
        assert_eq!(unknowns.wakes(false), Some(START + UNKNOWN_WAIT));
    }

    #[test]
    fn time_in_which_nothing_was_left_that_could_cause_a_webhook_is_no_silence() {
        let mut unknowns = unknown_at_start();
        unknowns.push(START + Span::secs(1), MessageId(8), 1);
        unknowns.is_left(START + Span::secs(5), true);
        let over = START + UNKNOWN_WAIT * 2;
        assert_eq!(unknowns.pop(over, true), Some((ONE, 1)));
        // It is sent again, and WhatsApp says so: that proves the channel, and ends no silence of twenty minutes.
        unknowns.is_left(over, false);
        unknowns.heard(over + Span::secs(2), over + Span::secs(1));
        assert_eq!(unknowns.pop(over + Span::secs(2), false), Some((MessageId(8), 1)));
    }

    #[test]
    fn only_the_part_of_a_silence_after_the_post_counts() {
        let mut unknowns = heard(START - Span::hours(9));
        unknowns.push(START, ONE, 1);
        unknowns.heard(START + Span::mins(3), START + Span::mins(3));
        let silence = Span::mins(3) + ANSWER_WAIT;
        assert_eq!(unknowns.wakes(true), Some(START + silence * SILENCE_FACTOR * 2));
    }
}
