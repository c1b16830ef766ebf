//! Promise: while a campaign of higher priority on the same sender has messages that could go, a lower one gets no turn; equals
//! take turns.

use super::findings::Findings;
use super::scene::Scene;
use cloud_api::time::{Span, Timestamp};
use engine_core::message::{Row, State};

/// A page may have to be read before the higher campaign's next claim, and what was claimed may be on its way to the disk.
const SETTLES: Span = Span::secs(5);

/// Messages of a queue that may be claimed already, at a quarter of a second of the largest throughput, and a page's end.
const CLAIMED: u32 = 512;

/// Turns that come by while the higher campaign's page is read, in percent of its own.
const BY_CHANCE: u64 = 2;

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    queued: u32,
    /// Since when it has had enough that could go, without a break; `NEVER` while it has not.
    since: Timestamp,
    /// Intents, all of them and since the last look.
    intents: u64,
    lately: u64,
    /// Intents while a higher one could go.
    out_of_turn: u64,
}

/// Whose turn it is.
#[derive(Clone, Debug)]
pub struct Priority {
    parts: Vec<Part>,
    looked: Timestamp,
    disturbed: Timestamp,
    /// What was found.
    pub findings: Findings,
}

impl Priority {
    /// Everything waits.
    pub fn new(scene: &Scene) -> Self {
        let part = |part: &super::scene::Part| {
            let queued = part.end - part.first;
            let since = if queued > CLAIMED { scene.campaigns[part.campaign].start } else { Timestamp::NEVER };
            Part { queued, since, ..Part::default() }
        };
        let parts = scene.parts.iter().map(part).collect();
        Self { parts, looked: scene.start, disturbed: scene.start, findings: Findings::default() }
    }

    /// A message's state changed, durably.
    #[inline]
    pub fn moved(&mut self, now: Timestamp, part: usize, before: State, after: State) {
        let own = &mut self.parts[part];
        own.queued =
            (own.queued + u32::from(after == State::Queued)).saturating_sub(u32::from(before == State::Queued));
        if own.queued <= CLAIMED {
            own.since = Timestamp::NEVER;
        } else if own.since == Timestamp::NEVER {
            own.since = now;
        }
    }

    /// Something else than turns decides who goes, for a moment.
    pub fn disturbed(&mut self, now: Timestamp) {
        self.disturbed = now;
    }

    /// An engine started anew.
    pub fn restarted(&mut self, scene: &Scene, now: Timestamp, rows: &[Row]) {
        self.disturbed = now + Span::mins(1);
        for (own, part) in self.parts.iter_mut().zip(&scene.parts) {
            let rows = &rows[part.first as usize..part.end as usize];
            own.queued = rows.iter().filter(|row| row.state() == State::Queued).count() as u32;
            own.since = if own.queued > CLAIMED { now } else { Timestamp::NEVER };
        }
    }

    /// An intent became durable. `free` says of a campaign whether nothing holds it that does not hold the sender.
    pub fn intended(&mut self, scene: &Scene, now: Timestamp, message: u32, free: impl Fn(usize) -> bool) {
        let place = scene.part_of(message);
        let part = &scene.parts[place];
        self.parts[place].intents += 1;
        self.parts[place].lately += 1;
        if !scene.arms.priorities || now <= self.disturbed + SETTLES + scene.slack() {
            return;
        }
        let own = scene.campaigns[part.campaign].priority;
        let higher = scene.parts.iter().zip(&self.parts).find(|(other, waits)| {
            let campaign = &scene.campaigns[other.campaign];
            let could = waits.since != Timestamp::NEVER
                && now > waits.since.max(campaign.start + scene.arms.clock) + SETTLES + scene.slack()
                && now < campaign.deadline;
            other.sender == part.sender
                && campaign.priority > own
                && campaign.quiet.is_none()
                && could
                && free(other.campaign)
        });
        let Some((higher, waits)) = higher else { return };
        let (name, before) = (&scene.campaigns[higher.campaign].name, waits.intents);
        let own = &mut self.parts[place];
        own.out_of_turn += 1;
        let by_chance = u64::from(CLAIMED) / 16 + before * BY_CHANCE / 100;
        if own.out_of_turn > by_chance {
            self.findings
                .add(Some(message), || format!("message {message} went while {name}, of higher priority, waited"));
        }
    }

    /// Once in a minute: have equals had equal shares since the last time?
    pub fn looked(&mut self, scene: &Scene, now: Timestamp, free: impl Fn(usize) -> bool) {
        let before = std::mem::replace(&mut self.looked, now);
        let steady = |place: usize, waits: &Part| {
            let campaign = &scene.campaigns[scene.parts[place].campaign];
            let waited = waits.since != Timestamp::NEVER
                && waits.since.max(campaign.start + scene.arms.clock) + SETTLES <= before;
            waited && now < campaign.deadline && campaign.quiet.is_none() && free(scene.parts[place].campaign)
        };
        for (place, one) in
            self.parts.iter().enumerate().filter(|(place, one)| scene.arms.shares && steady(*place, one))
        {
            for (at, other) in self.parts.iter().enumerate().take(place).filter(|(at, other)| steady(*at, other)) {
                let (own, its) = (&scene.parts[place], &scene.parts[at]);
                let (campaign, equal) = (&scene.campaigns[own.campaign], &scene.campaigns[its.campaign]);
                if own.sender != its.sender || campaign.priority != equal.priority || self.disturbed + SETTLES > before
                {
                    continue;
                }
                // Turns are taken one by one; a page that is read, and what comes back, shifts some.
                let (sum, apart) = (one.lately + other.lately, one.lately.abs_diff(other.lately));
                if apart > sum / 4 + 64 {
                    let (name, more) = (&campaign.name, &equal.name);
                    let (own, its) = (one.lately, other.lately);
                    self.findings.add(None, || {
                        format!("{name} had {own} turns and {more} {its} in {}, of equal priority", now.since(before))
                    });
                }
            }
        }
        self.parts.iter_mut().for_each(|part| part.lately = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::two;
    use super::*;

    fn turns(priorities: (u8, u8), turns: &[(u32, usize)]) -> String {
        let scene = two(priorities, 50_000);
        let mut priority = Priority::new(&scene);
        let mut now = scene.start;
        for minute in 0..5 {
            for second in 0..60 {
                for (count, part) in turns {
                    for _ in 0..*count {
                        now = scene.start + Span::secs(minute * 60 + second);
                        priority.moved(now, *part, State::Queued, State::Sending);
                        priority.intended(&scene, now, 50_000 * *part as u32, |_| true);
                    }
                }
            }
            priority.looked(&scene, now, |_| true);
        }
        priority.findings.detail()
    }

    #[test]
    fn a_lower_campaign_that_goes_first_is_found() {
        assert_eq!(turns((1, 0), &[(80, 0)]), "");
        assert!(turns((1, 0), &[(40, 0), (40, 1)]).contains("went while one, of higher priority"));
        assert_eq!(turns((0, 1), &[(80, 1)]), "");
    }

    #[test]
    fn equals_that_do_not_share_are_found() {
        assert_eq!(turns((3, 3), &[(40, 0), (40, 1)]), "");
        assert!(turns((3, 3), &[(80, 0)]).contains("of equal priority"));
    }
}
