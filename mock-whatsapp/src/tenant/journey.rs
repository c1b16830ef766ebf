//! Moving a tenant's time by hand: from one thing that is due to the next, each webhook's answer awaited before time goes
//! on, so that what an answer provokes happens at the time at which it was provoked.

use super::Tenant;
use crate::clock::VirtualClock;
use cloud_api::time::{Span, Timestamp};
use tokio::sync::oneshot;

/// Steps at a stretch, before others get their turn.
const STRETCH: u32 = 4_096;

/// Steps one after the other that may leave the same due at the same moment. What a moment provokes at that moment is done in
/// a few; more than this are a fault of this program, which would otherwise never arrive.
const STANDSTILL: u32 = 1_000;

/// How time is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// To this moment, whatever happens.
    Until(Timestamp),
    /// Until nothing more is due, at most to this moment; after each webhook so much real time for what it provokes.
    Settled(Timestamp, Span),
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The time that it is now.
    pub now: Timestamp,
    /// Status updates that fell due.
    pub statuses: u64,
    /// Webhooks that were answered, or not.
    pub webhooks: u64,
    /// Webhooks that are still not acknowledged.
    pub unacknowledged: usize,
    /// Whether nothing is due any more.
    pub settled: bool,
}

#[derive(Debug)]
pub(super) struct Journey {
    aim: Aim,
    statuses: u64,
    webhooks: u64,
    /// Whether a webhook was sent since time moved last.
    flew: bool,
    /// The real moment until which it is waited for what the last webhooks provoke.
    quiet_until: Option<Timestamp>,
    /// The factor with which time runs again afterwards.
    resume: Option<f64>,
    steps: Steps,
    arrived: oneshot::Sender<Arrival>,
}

impl Journey {
    pub(super) fn count(&mut self, statuses: u64, webhooks: u64) {
        self.statuses += statuses;
        self.webhooks += webhooks;
    }
}

/// The steps since something came of one.
#[derive(Clone, Copy, Debug, Default)]
struct Steps {
    due: Option<Timestamp>,
    times: u32,
}

impl Steps {
    /// Counts a step to what is due next. Whether it leads nowhere.
    fn lead_nowhere(&mut self, due: Timestamp) -> bool {
        if self.due.replace(due) != Some(due) {
            self.times = 0;
        }
        self.times += 1;
        self.times > STANDSTILL
    }
}

/// Why time cannot be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// The clock is the real one.
    Real,
    /// Somebody else moves it.
    Moving,
    /// It would have to go back.
    Past,
}

impl Tenant {
    /// Begins to move time; the receiver hears of the arrival.
    ///
    /// # Errors
    /// If it cannot be moved.
    pub fn travel(&mut self, real: Timestamp, aim: Aim) -> Result<oneshot::Receiver<Arrival>, Stuck> {
        let now = self.now(real);
        let resume = match self.clock {
            VirtualClock::Real => return Err(Stuck::Real),
            VirtualClock::Frozen { .. } => None,
            VirtualClock::Running { factor, .. } => Some(factor),
        };
        if self.journey.is_some() {
            return Err(Stuck::Moving);
        }
        if matches!(aim, Aim::Until(until) if until < now) {
            return Err(Stuck::Past);
        }
        self.clock = VirtualClock::Frozen { at: now };
        let (arrived, arrival) = oneshot::channel();
        let flew = !self.under_way.is_empty();
        let steps = Steps::default();
        self.journey = Some(Journey { aim, statuses: 0, webhooks: 0, flew, quiet_until: None, resume, steps, arrived });
        Ok(arrival)
    }

    /// The real moment at which there is something to do, if nothing happens before.
    pub fn wake(&self) -> Option<Timestamp> {
        let wake = match self.journey {
            Some(_) => self.journey_wake(),
            None => self.next_due().and_then(|due| self.clock.when(due)),
        };
        wake.into_iter().chain(self.waiting.until()).min()
    }

    /// When the journey goes on by itself, in real time.
    fn journey_wake(&self) -> Option<Timestamp> {
        let journey = self.journey.as_ref()?;
        let waits_for_answers = !self.under_way.is_empty() || !self.outbox.is_empty();
        if waits_for_answers { None } else { Some(journey.quiet_until.unwrap_or(Timestamp(0))) }
    }

    /// Moves on, as far as nothing has to be waited for.
    pub(super) fn move_on(&mut self, real: Timestamp) {
        for _ in 0..STRETCH {
            self.dispatch();
            let waits_for_answers = !self.under_way.is_empty() || !self.outbox.is_empty();
            let Some(journey) = &mut self.journey else { return };
            if waits_for_answers {
                journey.flew = true;
                journey.steps = Steps::default();
                return;
            }
            let (until, quiet) = match journey.aim {
                Aim::Until(until) => (until, Span::ZERO),
                Aim::Settled(until, quiet) => (until, quiet),
            };
            if std::mem::take(&mut journey.flew) && quiet > Span::ZERO {
                journey.quiet_until = Some(real + quiet);
            }
            if journey.quiet_until.is_some_and(|until| real < until) {
                return;
            }
            journey.quiet_until = None;
            let next = match journey.aim {
                Aim::Until(_) => self.next_due(),
                Aim::Settled(..) => self.next_awaited(),
            };
            match next.filter(|due| *due <= until) {
                Some(due) if self.journey.as_mut().is_some_and(|journey| journey.steps.lead_nowhere(due)) => {
                    let name = &self.identity.name;
                    tracing::error!(tenant = %name, "what is due stays due, so time is not moved on: please report this");
                    return self.arrive(real, false);
                }
                Some(due) => {
                    let at = due.max(self.now(real));
                    self.clock = VirtualClock::Frozen { at };
                    self.tick(at);
                }
                None => return self.arrive(real, true),
            }
        }
    }

    /// Ends the journey; `done`, unless it leads nowhere.
    fn arrive(&mut self, real: Timestamp, done: bool) {
        let Some(journey) = self.journey.take() else { return };
        let mut now = self.now(real);
        if let Aim::Until(until) = journey.aim {
            now = now.max(until);
            self.clock = VirtualClock::Frozen { at: now };
            self.tick(now);
        }
        if let Some(factor) = journey.resume {
            self.clock = VirtualClock::Running { at: now, real, factor };
        }
        let arrival = Arrival {
            now,
            statuses: journey.statuses,
            webhooks: journey.webhooks,
            unacknowledged: self.world.snapshot().unacknowledged,
            settled: done && self.next_awaited().is_none(),
        };
        if journey.arrived.send(arrival).is_err() {
            tracing::debug!("nobody waits for the time to be moved any more");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_leave_the_same_due_lead_nowhere_in_the_end() {
        let mut steps = Steps::default();
        let lead_nowhere =
            |steps: &mut Steps, times: u32, due: u64| (0..times).filter(|_| steps.lead_nowhere(Timestamp(due))).count();
        assert_eq!(lead_nowhere(&mut steps, STANDSTILL, 7), 0, "a moment may have much to do");
        assert_eq!(lead_nowhere(&mut steps, STANDSTILL, 8), 0, "time has moved");
        assert_eq!(lead_nowhere(&mut steps, 2, 8), 2);
        assert_eq!(lead_nowhere(&mut steps, 1, 9), 0);
    }
}
