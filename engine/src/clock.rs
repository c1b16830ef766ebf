//! Time, from one place: the campaign clock, which may run faster than the world, and the world's own for timeouts.
//!
//! Nothing else in this crate reads a clock.

use engine_core::time::{Span, Timestamp};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// The longest sleep before the clock is read again, so that a wall clock that was set is noticed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The last microsecond that has a name: years have four digits.
const END_OF_9999: u64 = 253_402_300_799_999_999;

/// The campaign clock. All due times, deadlines and stored times are in its time.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// anchor + (wall − anchor) × factor: both clocks show the same at the anchor.
    Wall { anchor: Timestamp, factor: f64 },
    /// `start` plus what the tokio runtime's clock, which a simulation pauses, has run since.
    Runtime { start: Timestamp, since: Instant },
}

impl Clock {
    /// The wall clock as it is.
    pub fn real() -> Self {
        Self { source: Source::Wall { anchor: Timestamp(0), factor: 1.0 } }
    }

    /// The wall clock, `factor` times as fast from `anchor` on.
    pub fn scaled(anchor: Timestamp, factor: f64) -> Self {
        Self { source: Source::Wall { anchor, factor } }
    }

    /// The runtime's clock, which shows `start` now.
    pub fn runtime(start: Timestamp) -> Self {
        Self { source: Source::Runtime { start, since: monotonic() } }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match self.source {
            Source::Wall { factor: 1.0, .. } => wall(),
            Source::Wall { anchor, factor } => {
                let real = wall();
                let ahead = (real.since(anchor).0 as f64 * factor) as u64;
                let behind = (anchor.since(real).0 as f64 * factor) as u64;
                Timestamp(anchor.0.saturating_add(ahead).saturating_sub(behind))
            }
            Source::Runtime { start, since } => {
                let run = monotonic().saturating_duration_since(since);
                Timestamp(start.0.saturating_add(u64::try_from(run.as_micros()).unwrap_or(u64::MAX)))
            }
        }
    }

    /// Waits until the clock shows `due` or something near it: whoever waits looks at the clock again.
    pub async fn sleep_toward(&self, due: Timestamp) {
        let wait = due.since(self.now()).to_std();
        let wait = match self.source {
            Source::Wall { factor, .. } => wait.div_f64(factor).min(LOOK_AGAIN),
            Source::Runtime { .. } => wait,
        };
        tokio::time::sleep(wait).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "this module is the source of time")]
fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

/// For the ages of connections and waits of people: the runtime's own clock, never the campaign's.
#[expect(clippy::disallowed_methods, reason = "this module is the source of time")]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// A time that a person gives: RFC 3339, or a length of time from now, as in `2h`.
pub fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(span) = text.trim_start_matches('+').parse::<Span>() {
        return Ok(now + span);
    }
    let parsed = humantime::parse_rfc3339_weak(text).map_err(|_| {
        format!("`{text}` is not a time: write 2026-11-27T09:00:00Z, or a length of time from now, as in 2h")
    })?;
    let since = parsed.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| format!("`{text}` is before 1970"))?;
    Ok(Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX)))
}

/// A time as people and programs read it: RFC 3339, to the second.
pub fn time_name(at: Timestamp) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_micros(at.0.min(END_OF_9999));
    humantime::format_rfc3339_seconds(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_clock_and_the_wall_agree_at_the_anchor_and_part_from_there() {
        let anchor = wall() - Span::secs(100);
        let clock = Clock::scaled(anchor, 60.0);
        let run = clock.now().since(anchor);
        assert!(run >= Span::secs(6_000) && run < Span::secs(6_600), "{run}");
        let ahead = Clock::scaled(wall() + Span::secs(100), 2.0);
        assert!(ahead.now() <= wall() - Span::secs(99), "before the anchor it is behind");
    }

    #[tokio::test]
    async fn the_runtimes_clock_shows_the_given_time_and_runs_with_the_runtime() {
        let start = Timestamp::from_unix_seconds(1_000);
        let clock = Clock::runtime(start);
        let due = start + Span::millis(2);
        clock.sleep_toward(due).await;
        assert!(clock.now() >= due && clock.now() < start + Span::hours(1));
    }

    #[test]
    fn people_give_a_moment_or_a_wait() {
        let now = Timestamp::from_unix_seconds(1_000);
        assert_eq!(parse_time("2h", now), Ok(now + Span::hours(2)));
        assert_eq!(parse_time("1970-01-01T00:00:07Z", now), Ok(Timestamp::from_unix_seconds(7)));
        assert!(parse_time("tomorrow", now).is_err());
        assert_eq!(time_name(Timestamp::from_unix_seconds(7)), "1970-01-01T00:00:07Z");
    }
}
