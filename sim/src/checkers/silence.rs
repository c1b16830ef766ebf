//! The webhook channel of each sender, as it was seen: when it was silent, and how young the youngest news is.
//!
//! It judges nothing. How long an unknown outcome must wait for evidence hangs on it.

use cloud_api::time::{Span, Timestamp};

/// Every unknown outcome waits at least this long.
pub(crate) const WAIT: Span = Span::mins(10);

/// And this many times the longest silence meanwhile.
const FACTOR: u64 = 4;

/// The channel of one sender.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    /// When the last webhook was handed to the engine; 0 before the first.
    came: Timestamp,
    /// The latest event that one told of.
    heard: Timestamp,
    /// Silences long enough to matter: at most one in two and a half minutes, so some thousand in a run.
    silences: Vec<(Timestamp, Timestamp)>,
}

impl Channel {
    /// A webhook was handed to the engine, about something that happened at `at`.
    #[inline]
    pub fn heard(&mut self, now: Timestamp, at: Timestamp) {
        if self.came.0 > 0 && now.since(self.came) * FACTOR > WAIT {
            self.silences.push((self.came, now));
        }
        self.came = now;
        // A webhook's time is in whole seconds.
        self.heard = self.heard.max(Timestamp::from_unix_seconds(at.unix_seconds()));
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
