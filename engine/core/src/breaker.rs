//! The breaker of one sender: when connections fail, nothing is claimed but a probe at a time.
//!
//! An outage therefore costs the messages in flight at most one attempt each. Errors that the API answers with are not
//! the breaker's: an answer proves that the way is open.

use crate::limits::{BREAKER_IN_A_ROW, BREAKER_PROBE, BREAKER_PROBE_MOST, BREAKER_WINDOW};
use crate::planted::{self, Bug};
use cloud_api::time::{Span, Timestamp};

/// Closed by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker {
    /// The last outcomes, newest in the lowest bit; 1 is bad.
    last: u32,
    seen: u32,
    in_a_row: u32,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    until: Timestamp,
    every: Span,
    probing: bool,
}

impl Breaker {
    /// Whether a message may be claimed now.
    pub fn admits(&self, now: Timestamp) -> bool {
        self.open.is_none_or(|open| now >= open.until && !open.probing)
    }

    /// A message was claimed: while the breaker is open it is the probe.
    pub fn claimed(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = true;
        }
    }

    /// The API answered, or a webhook proved that it took a message.
    pub fn good(&mut self) {
        if planted::on(Bug::BreakerNeverCloses) && self.open.is_some() {
            return self.unclaimed();
        }
        self.open = None;
        self.in_a_row = 0;
        self.push(0);
    }

    /// A connection failed, or the outcome is unknown.
    pub fn bad(&mut self, now: Timestamp) {
        self.in_a_row += 1;
        self.push(1);
        let opens = (self.in_a_row >= BREAKER_IN_A_ROW || self.half_bad()) && !planted::on(Bug::BreakerNeverOpens);
        match &mut self.open {
            Some(open) if open.probing => {
                let fast = planted::on(Bug::BreakerProbesFast);
                let every = if fast { Span::millis(100) } else { Span((open.every.0 * 2).min(BREAKER_PROBE_MOST.0)) };
                *open = Open { until: now + every, every, probing: false };
            }
            Some(_) => {}
            None if opens => {
                self.open = Some(Open { until: now + BREAKER_PROBE, every: BREAKER_PROBE, probing: false });
                self.last = 0;
                self.seen = 0;
            }
            None => {}
        }
    }

    /// The probe was claimed and then not sent after all: another may go.
    pub fn unclaimed(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = false;
        }
    }

    fn push(&mut self, bad: u32) {
        self.last = (self.last << 1 | bad) & ((1 << BREAKER_WINDOW) - 1);
        self.seen = (self.seen + 1).min(BREAKER_WINDOW);
    }

    fn half_bad(&self) -> bool {
        self.seen == BREAKER_WINDOW && self.last.count_ones() * 2 >= BREAKER_WINDOW
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// When a probe may go; `None` where it is closed or the probe is under way.
    pub fn wakes(&self) -> Option<Timestamp> {
        self.open.filter(|open| !open.probing).map(|open| open.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn five_bad_outcomes_in_a_row_open_it_and_probes_double_up_to_a_minute() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            breaker.bad(t(0));
        }
        assert!(breaker.admits(t(0)));
        breaker.bad(t(0));
        let mut waits = Vec::new();
        let mut now = t(0);
        for _ in 0..6 {
            let wake = breaker.wakes().unwrap();
            assert!(!breaker.admits(wake - Span::micros(1)));
            assert!(breaker.admits(wake));
            waits.push(wake.since(now).as_secs());
            breaker.claimed();
            assert!(!breaker.admits(wake + Span::hours(1)), "one probe at a time");
            now = wake;
            breaker.bad(now);
        }
        assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
        breaker.good();
        assert!(breaker.admits(now));
    }

    #[test]
    fn half_of_the_last_twenty_opens_it_too() {
        let mut breaker = Breaker::default();
        for n in 0..19 {
            if n % 2 == 0 { breaker.bad(t(n)) } else { breaker.good() }
        }
        assert!(!breaker.is_open());
        breaker.good();
        breaker.bad(t(20));
        assert!(breaker.is_open());
    }
}
