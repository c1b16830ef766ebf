//! Bounds of the world and the limits that WhatsApp sets, with their sources.

use cloud_api::time::{Span, Timestamp};

/// Waits before each redelivery of a webhook that was not answered with 200. Exact steps are undocumented; "at once, then
/// with decreasing frequency for up to 7 days" is. After the last one the webhook is dropped.
pub const REDELIVERY: [Span; 9] = [
    Span::millis(100),
    Span::secs(5),
    Span::secs(30),
    Span::mins(2),
    Span::mins(10),
    Span::mins(30),
    Span::hours(1),
    Span::hours(3),
    Span::hours(6),
];

/// How long a webhook is redelivered (documented).
pub const REDELIVER_FOR: Span = Span::hours(7 * 24);

/// The throughput bucket holds this long a stretch of its rate. The algorithm is undocumented; a second of rate is
/// what the field assumes.
pub const BUCKET: Span = Span::secs(1);

/// A number's throughput: a bucket that empties at a rate, kept as the time at which it would be empty.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    rate: u32,
    empty_at: u64,
}

impl Bucket {
    /// An empty bucket of `rate` messages a second.
    pub fn new(rate: u32) -> Self {
        Self { rate: rate.max(1), empty_at: 0 }
    }

    /// The rate.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Sets the rate.
    pub fn set_rate(&mut self, rate: u32) {
        self.rate = rate.max(1);
    }

    /// Takes one message if it fits at `now`, at most at `cap` messages a second.
    #[inline]
    pub fn take(&mut self, now: Timestamp, cap: Option<u32>) -> bool {
        let rate = cap.map_or(self.rate, |cap| cap.min(self.rate).max(1));
        // Nanoseconds, so that the interval of every usual rate is whole.
        let now = now.0.saturating_mul(1_000);
        let interval = 1_000_000_000 / u64::from(rate);
        let level = self.empty_at.max(now);
        if level - now + interval > BUCKET.0 * 1_000 {
            return false;
        }
        self.empty_at = level + interval;
        true
    }

    /// Empties it.
    pub fn reset(&mut self) {
        self.empty_at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_takes_a_burst_of_one_second_and_then_the_rate() {
        let start = Timestamp::from_unix_seconds(1_000_000_000);
        let mut bucket = Bucket::new(80);
        let burst = (0..1_000).filter(|_| bucket.take(start, None)).count();
        assert_eq!(burst, 80);
        let second = (0..1_000).filter(|ms| bucket.take(start + Span::millis(*ms), None)).count();
        assert!((79..=80).contains(&second), "{second}");
        let throttled =
            (0..10_000).filter(|ms| bucket.take(start + Span::secs(10) + Span::millis(*ms), Some(10))).count();
        assert!((108..=110).contains(&throttled), "{throttled}");
    }
}
