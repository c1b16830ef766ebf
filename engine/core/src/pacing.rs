//! The pace of one sender: evenly spaced claims, slower when WhatsApp says so, and back again.
//!
//! The wait is data: [`Pace::next`] says when the next claim may be, nothing here sleeps.

use crate::planted::{self, Bug};
use cloud_api::time::{Span, Timestamp};

/// How far behind the even spacing claims may catch up, when the driver woke late. WhatsApp's own bucket holds about a
/// second of pace, so this stays far inside it; where a second is hardly more than one message, there is nothing to catch up.
const CATCH_UP: Span = Span::millis(50);

/// Least time between two cuts of the pace: one burst of refusals is one signal.
const CUT_EVERY: Span = Span::secs(1);

/// Thousandths of a message per second below which the pace is never cut.
const LEAST: u64 = 100;

/// Even spacing at a rate that is halved by a throttle and grows back by a twentieth of the full rate a second.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    full: u64,
    rate: u64,
    next: Timestamp,
    cut_at: Timestamp,
    grown_at: Timestamp,
    /// Nobody knows when the life before this one POSTed last.
    afresh: bool,
}

impl Pace {
    /// At most `per_second` messages a second (at least 1).
    pub fn new(per_second: u32) -> Self {
        let full = u64::from(per_second.max(1)) * 1_000;
        let never = Timestamp(0);
        Self { full, rate: full, next: never, cut_at: never, grown_at: never, afresh: false }
    }

    /// The number is allowed another rate. A pace that was cut stays cut and grows to the new one.
    pub fn set(&mut self, per_second: u32) {
        let was_full = self.rate == self.full;
        self.full = u64::from(per_second.max(1)) * 1_000;
        self.rate = if was_full { self.full } else { self.rate.min(self.full) };
    }

    /// When the next message may be claimed.
    pub fn next(&self) -> Timestamp {
        self.next
    }

    /// An engine before this one may have POSTed a moment ago.
    pub fn restored(&mut self) {
        self.afresh = true;
    }

    /// The engine runs at `now`. One that was started anew begins with an interval of silence, so that what it POSTs first
    /// keeps its distance from what the life before POSTed last: a bucket of one message a second has no room for both.
    pub fn begin(&mut self, now: Timestamp) {
        if std::mem::take(&mut self.afresh) {
            self.next = self.next.max(now + self.interval());
        }
    }

    /// One message is claimed at `now`.
    pub fn claim(&mut self, now: Timestamp) {
        self.next = self.next.max(now - CATCH_UP.min(self.room())) + self.interval();
    }

    /// A message that was claimed is not POSTed after all: its turn goes to another, but none goes sooner after a cut.
    pub fn unclaimed(&mut self) {
        self.next = (self.next - self.interval()).max(self.cut_at + self.interval());
    }

    /// A message that was claimed is POSTed only now, its intent being durable. After a commit that took long, what comes next
    /// keeps its distance from the POST and not from the claim.
    pub fn posted(&mut self, now: Timestamp) {
        self.next = self.next.max(now + self.interval() - crate::limits::INTENT_AHEAD.min(self.room()));
    }

    /// What of a second is left beside the message before and the one after: so much may messages bunch up without going
    /// beyond WhatsApp's bucket.
    fn room(&self) -> Span {
        Span(Span::secs(1).0.saturating_sub(self.interval().0 * 2))
    }

    /// WhatsApp took a message: a pace that was cut grows back. Gives whether it is whole again just now.
    pub fn accepted(&mut self, now: Timestamp) -> bool {
        if self.rate < self.full && !planted::on(Bug::PaceNeverGrows) && now.since(self.grown_at) >= Span::secs(1) {
            self.rate = (self.rate + self.full / 20).min(self.full);
            self.grown_at = now;
            return self.rate == self.full;
        }
        false
    }

    fn interval(&self) -> Span {
        let rate = if planted::on(Bug::PaceTooFast) { self.rate + self.rate / 5 } else { self.rate };
        Span::micros(1_000_000_000u64.div_ceil(rate))
    }

    /// WhatsApp answered that this was too fast.
    pub fn throttled(&mut self, now: Timestamp) {
        if now.since(self.cut_at) >= CUT_EVERY && !planted::on(Bug::ThrottleIgnored) {
            self.rate = (self.rate / 2).max(LEAST);
            self.cut_at = now;
            self.grown_at = now;
            self.next = self.next.max(now + self.interval());
        }
    }

    /// Messages a second, in thousandths, as of now.
    pub fn rate_milli(&self) -> u64 {
        self.rate
    }

    /// How many intents may wait for their commit.
    pub fn intents_ahead(&self) -> u32 {
        let ahead = self.rate.saturating_mul(crate::limits::INTENT_AHEAD.as_millis()) / 1_000_000;
        u32::try_from(ahead).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_spaced_evenly_and_never_faster_than_the_rate() {
        let mut pace = Pace::new(300);
        let mut now = Timestamp::from_unix_seconds(1_000);
        let start = now;
        for _ in 0..3_000 {
            pace.claim(now);
            now = pace.next();
        }
        let took = now.since(start);
        assert!(took >= Span::millis(9_900) && took <= Span::millis(10_100), "{took}");
    }

    #[test]
    fn an_engine_that_starts_anew_is_silent_for_an_interval_first() {
        let now = Timestamp::from_unix_seconds(1_000);
        let mut pace = Pace::new(1);
        pace.begin(now);
        assert!(pace.next() <= now, "nobody was before it");
        pace.restored();
        pace.begin(now);
        assert_eq!(pace.next(), now + Span::secs(1));
        pace.begin(now + Span::secs(5));
        assert_eq!(pace.next(), now + Span::secs(1), "once");
    }

    #[test]
    fn a_claim_that_is_not_posted_gives_its_turn_back_but_not_after_a_cut() {
        let now = Timestamp::from_unix_seconds(1_000);
        let mut pace = Pace::new(1);
        pace.claim(now);
        pace.unclaimed();
        assert_eq!(pace.next(), now);
        pace.claim(now);
        pace.throttled(now);
        pace.unclaimed();
        assert_eq!(pace.next(), now + Span::secs(2));
    }

    #[test]
    fn a_throttle_halves_the_pace_once_a_second_and_it_grows_back() {
        let mut pace = Pace::new(80);
        let mut now = Timestamp::from_unix_seconds(1_000);
        pace.throttled(now);
        pace.throttled(now + Span::millis(10));
        assert_eq!(pace.rate_milli(), 40_000);
        for _ in 0..10_000 {
            pace.claim(now);
            pace.accepted(now);
            now = pace.next();
        }
        assert_eq!(pace.rate_milli(), 80_000);
        for n in 0..20 {
            pace.throttled(now + Span::secs(n * 2));
        }
        assert_eq!(pace.rate_milli(), LEAST, "it never stops altogether");
    }
}
