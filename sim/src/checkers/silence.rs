//! The webhook channel of each sender, as it was seen: when it was silent, and how young the youngest news is.
//!
//! It judges nothing. How long an unknown outcome must wait for evidence hangs on it.

use cloud_api::time::{Span, Timestamp};

/// Every unknown outcome waits at least this long.
pub(crate) const WAIT: Span = Span::mins(10);

/// And this many times the longest silence meanwhile.
pub(crate) const FACTOR: u64 = 4;

/// The channel of one sender.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    /// When the last webhook was handed to the engine, or something was left again that could cause one; 0 before the first.
    since: Timestamp,
    /// Messages in progress, and attempts of unknown outcome. Where only such are left, nothing is sure to cause a webhook: that
    /// none comes is no silence then.
    in_progress: u32,
    unknown: u32,
    /// When the last webhook was handed to the engine, or the run began; and the longest time from such a moment to an engine that
    /// started anew, or from the beginning to the first webhook.
    came: Timestamp,
    unheard: Span,
    /// The latest event that one told of.
    heard: Timestamp,
    /// Silences long enough to matter: at most one in two and a half minutes, so some thousand in a run.
    silences: Vec<(Timestamp, Timestamp)>,
}

impl Channel {
    /// The channel of a sender in a run that begins then.
    pub fn new(start: Timestamp) -> Self {
        Self { came: start, ..Self::default() }
    }

    /// The channel of a sender with so many messages in progress, and attempts of unknown outcome.
    pub fn has(&mut self, in_progress: u32, unknown: u32) {
        (self.in_progress, self.unknown) = (in_progress, unknown);
    }

    fn is_idle(&self) -> bool {
        self.unknown > 0 && self.in_progress <= self.unknown
    }

    /// A message is in progress now, or was until now; an attempt's outcome is unknown now, or was until now.
    #[inline]
    pub fn moved(&mut self, now: Timestamp, in_progress: (bool, bool), unknown: (bool, bool)) {
        if in_progress.0 == in_progress.1 && unknown.0 == unknown.1 {
            return;
        }
        let was_idle = self.is_idle();
        let step = |count: u32, (before, after): (bool, bool)| {
            count.saturating_add(u32::from(after)).saturating_sub(u32::from(before))
        };
        self.in_progress = step(self.in_progress, in_progress);
        self.unknown = step(self.unknown, unknown);
        match (was_idle, self.is_idle()) {
            (false, true) => self.ends(now),
            (true, false) => self.since = now,
            _ => {}
        }
    }

    fn ends(&mut self, now: Timestamp) {
        if self.since.0 > 0 && now.since(self.since) * FACTOR > WAIT {
            self.silences.push((self.since, now));
        }
    }

    /// A webhook was handed to the engine, about something that happened at `at`.
    #[inline]
    pub fn heard(&mut self, now: Timestamp, at: Timestamp) {
        if !self.is_idle() {
            self.ends(now);
        }
        if self.heard.0 == 0 {
            self.unheard = now.since(self.came);
        }
        (self.since, self.came) = (now, now);
        // A webhook's time is in whole seconds.
        self.heard = self.heard.max(Timestamp::from_unix_seconds(at.unix_seconds()));
    }

    /// The engine died at `died`, and started anew at `now`. Meanwhile nobody listened, whatever was left: what came was refused.
    pub fn restarted(&mut self, died: Timestamp, now: Timestamp) {
        if self.is_idle() {
            self.since = died;
            self.ends(now);
            self.since = now;
        }
        self.unheard = self.unheard.max(now.since(self.came));
    }

    /// How long an outcome that is unknown since `since` waits at most. An engine takes all of the time before its first webhook for
    /// a silence, and one that starts anew all since the last, though nothing may have been left: its store knows that time to
    /// the minute.
    pub fn patience(&self, since: Timestamp, now: Timestamp) -> Span {
        self.wait(since, now).max((self.unheard + Span::mins(1)) * FACTOR)
    }

    /// How long an outcome that is unknown since `since` must at least wait, as known at `now`. A silence that ended just
    /// now is not held against whoever decided in the same moment, nor one that still lasts: nobody knows its end.
    pub fn wait(&self, since: Timestamp, now: Timestamp) -> Span {
        let ended = self.silences.iter().rev().take_while(|(_, end)| *end > since);
        let lengths =
            ended.filter(|(_, end)| *end + Span::secs(2) < now).map(|(from, end)| end.since(since.max(*from)));
        WAIT.max(lengths.max().unwrap_or(Span::ZERO) * FACTOR)
    }

    /// Whether something as young as `at` was told.
    pub fn proves(&self, at: Timestamp) -> bool {
        self.heard + Span::secs(1) >= at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_only_unknown_outcomes_are_left_nothing_is_silent() {
        let start = Timestamp::from_unix_seconds(100_000);
        let at = |minutes| start + Span::mins(minutes);
        let mut channel = Channel::default();
        channel.has(3, 0);
        channel.heard(at(0), at(0));
        channel.moved(at(0), (true, true), (false, true));
        channel.moved(at(0), (true, true), (false, true));
        let mut busy = channel.clone();
        busy.heard(at(30), at(30));
        assert_eq!(busy.wait(at(0), at(31)), Span::mins(120), "one message was on its way");
        channel.moved(at(1), (true, false), (false, false));
        channel.heard(at(30), at(30));
        assert_eq!(channel.wait(at(0), at(31)), WAIT);
        channel.moved(at(31), (true, true), (true, false));
        channel.heard(at(40), at(40));
        assert_eq!(channel.wait(at(0), at(41)), Span::mins(36), "from when one was given up, to be sent again");
    }

    #[test]
    fn a_silence_prolongs_the_wait_by_the_part_of_it_that_was_waited_through() {
        let start = Timestamp::from_unix_seconds(100_000);
        let mut channel = Channel::default();
        for minute in 0..10 {
            channel.heard(start + Span::mins(minute), start + Span::mins(minute));
        }
        let last = start + Span::mins(9);
        assert_eq!(channel.wait(start, last + Span::mins(1)), WAIT);
        channel.heard(last + Span::mins(30), last + Span::mins(30));
        assert_eq!(channel.wait(start, last + Span::mins(30)), WAIT, "it ended just now");
        assert_eq!(channel.wait(start, last + Span::mins(31)), Span::mins(120));
        assert_eq!(channel.wait(last + Span::mins(20), last + Span::mins(31)), Span::mins(40));
        assert!(channel.proves(last + Span::mins(30)) && !channel.proves(last + Span::mins(31)));
    }
}
