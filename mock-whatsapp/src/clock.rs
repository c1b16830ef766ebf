//! Time: where the real one comes from, and how a tenant's virtual one follows it.
//!
//! The only file of the package that asks the machine for the time. Everything else asks a [`Clock`], which a simulator
//! starts at a moment of its own and drives through the runtime's paused time.

use cloud_api::time::{Span, Timestamp};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The passing of real time, or of what the runtime takes for it. It never goes back.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: tokio::time::Instant,
    at: Timestamp,
}

impl Clock {
    /// Follows the machine's clock.
    pub fn system() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the source of the time")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::starting_at(Timestamp(micros(since_epoch)))
    }

    /// Begins at a given moment, now, and goes on as the runtime's time does.
    pub fn starting_at(at: Timestamp) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the source of the time")]
        let origin = tokio::time::Instant::now();
        Self { origin, at }
    }

    /// The moment that it is.
    pub fn now(&self) -> Timestamp {
        self.at + Span(micros(self.origin.elapsed()))
    }

    /// Waits for a moment.
    pub async fn sleep_until(&self, at: Timestamp) {
        tokio::time::sleep(at.since(self.now()).to_std()).await;
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// How a tenant's time begins.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pace {
    /// As the real time.
    #[default]
    Real,
    /// Only by hand.
    Frozen,
    /// This many times as fast.
    Factor(f64),
}

impl std::str::FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "real" => Ok(Self::Real),
            "frozen" => Ok(Self::Frozen),
            _ => match text.parse() {
                Ok(factor) if factor_is_usable(factor) => Ok(Self::Factor(factor)),
                _ => Err(format!("`{text}` is no clock: write real, frozen, or a factor from 0.001 to 1000000")),
            },
        }
    }
}

/// Whether time can run at this factor: what is due stays apart, and nothing overflows.
pub fn factor_is_usable(factor: f64) -> bool {
    (0.001..=1_000_000.0).contains(&factor)
}

/// A tenant's time: a straight line through the real time, or a standstill.
#[derive(Clone, Copy, Debug)]
pub enum VirtualClock {
    /// It is the real time.
    Real,
    /// It stands still.
    Frozen {
        /// Here.
        at: Timestamp,
    },
    /// It runs.
    Running {
        /// It was `at`…
        at: Timestamp,
        /// …at this real moment…
        real: Timestamp,
        /// …and has been this many times as fast.
        factor: f64,
    },
}

impl VirtualClock {
    /// The clock that a tenant starts with. `anchor` is where virtual and real time meet.
    pub fn new(pace: Pace, anchor: Timestamp) -> Self {
        match pace {
            Pace::Real => Self::Real,
            Pace::Frozen => Self::Frozen { at: anchor },
            Pace::Factor(factor) => Self::Running { at: anchor, real: anchor, factor },
        }
    }

    /// The virtual time at a real moment.
    pub fn at(&self, now: Timestamp) -> Timestamp {
        match *self {
            Self::Real => now,
            Self::Frozen { at } => at,
            Self::Running { at, real, factor } => at + Span((now.since(real).0 as f64 * factor) as u64),
        }
    }

    /// The first real moment at which it is at least `due`; `None` if it does not get there by itself.
    pub fn when(&self, due: Timestamp) -> Option<Timestamp> {
        match *self {
            Self::Real => Some(due),
            Self::Frozen { .. } => None,
            Self::Running { at, real, factor } => Some(real + Span((due.since(at).0 as f64 / factor).ceil() as u64)),
        }
    }

    /// What the control API calls it.
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Frozen { .. } => "frozen",
            Self::Running { .. } => "running",
        }
    }

    /// How fast it runs.
    pub fn factor(&self) -> f64 {
        match self {
            Self::Real => 1.0,
            Self::Frozen { .. } => 0.0,
            Self::Running { factor, .. } => *factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_clock_is_reached_when_it_says() {
        let clock = VirtualClock::new(Pace::Factor(60.0), Timestamp(1_000_000));
        assert_eq!(clock.at(Timestamp(2_000_000)), Timestamp(61_000_000));
        assert_eq!(clock.when(Timestamp(61_000_000)), Some(Timestamp(2_000_000)));
        for due in [1_000_001, 1_000_059, 1_234_567_891] {
            let real = clock.when(Timestamp(due)).unwrap();
            assert!(clock.at(real) >= Timestamp(due), "{due}");
        }
        assert_eq!(VirtualClock::new(Pace::Frozen, Timestamp(5)).when(Timestamp(6)), None);
    }

    #[test]
    fn a_pace_is_a_word_or_a_factor() {
        assert_eq!("60".parse(), Ok(Pace::Factor(60.0)));
        assert_eq!("frozen".parse(), Ok(Pace::Frozen));
        for text in ["", "fast", "0", "-1", "NaN", "inf"] {
            assert!(text.parse::<Pace>().is_err(), "{text}");
        }
    }
}
