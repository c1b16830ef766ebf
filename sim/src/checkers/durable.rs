//! Promise: what was acknowledged outlives a crash. An answer or a webhook that the engine was told of and had not yet made
//! durable may count after it or not; either is right. Everything before counts.
//!
//! Costs nothing where no crash is armed.

use super::belief::{self, Over};
use super::findings::Findings;
use super::held::Held;
use super::scene::Scene;
use super::seen::{Arrival, Known, Seen, Slot, Word, flag};
use cloud_api::time::Timestamp;
use engine_core::attempt::Fact;
use engine_core::message::{Row, State};
use std::collections::{BTreeMap, VecDeque};

/// Rows that are compared after crashes in one run: a hundred crashes of a hundred thousand messages.
const MOST: u64 = 10_000_000;

/// Facts of one message that may be lost at once; more than this many are not told apart.
const APART: usize = 6;

/// Something that the engine was told and need not have kept yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    message: u32,
    number: u8,
    word: Word,
    /// The webhook that told it; `None` for an answer.
    delivery: Option<u32>,
    /// What was known of the attempt, and how far the contact had come, without it and what is still pending before it.
    known: Known,
    arrival: Arrival,
}

impl Pending {
    fn is_arrival_of(&self, message: u32) -> bool {
        self.message == message && matches!(self.word, Word::Came(_))
    }
}

/// What may be lost, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    pending: VecDeque<Pending>,
    /// What was parked, was taken in, and is not durable yet as a fact of its message: parked it is still there.
    released: Vec<Pending>,
    compared: u64,
    restarts: u32,
    /// What was found.
    pub findings: Findings,
}

impl Durable {
    /// The engine was told of a fact that was news; `before` is as of before it.
    pub fn told(&mut self, message: u32, number: u8, word: Word, delivery: Option<u32>, before: &Seen) {
        let slot = before.slots.iter().find(|slot| slot.number == number);
        let known = slot.map_or(Known::Nothing, |slot| slot.known);
        let released = self.released.iter().filter(|one| one.is_arrival_of(message)).map(|one| one.arrival);
        let arrival = released.min().unwrap_or(before.arrival);
        self.pending.push_back(Pending { message, number, word, delivery, known, arrival });
    }

    /// Whether how far the contact came was taken in from what was parked, and is not durable: what comes short of it is news.
    pub fn is_ahead(&self, message: u32, word: Word) -> bool {
        matches!(word, Word::Came(_)) && self.released.iter().any(|one| one.is_arrival_of(message))
    }

    /// A pending fact is durable: without those that still pend, it is known all the same.
    fn settle(&mut self, place: usize) {
        if let Some(settled) = self.pending.remove(place) {
            self.settled(settled);
        }
    }

    fn settled(&mut self, settled: Pending) {
        let others = self.pending.iter_mut().chain(&mut self.released);
        for other in others.filter(|other| other.message == settled.message) {
            match settled.word {
                Word::Came(arrival) => other.arrival = other.arrival.max(arrival),
                Word::Is(known, _) if other.number == settled.number => other.known = other.known.max(known),
                Word::Is(..) => {}
            }
        }
    }

    /// The newest of what was told had been parked until now: its own fact is durable later than what released it.
    pub fn released(&mut self, message: u32, number: u8, word: Word) {
        let is_it = |one: &Pending| (one.message, one.number, one.word) == (message, number, word);
        if let Some(place) = self.pending.iter().rposition(is_it) {
            self.released.extend(self.pending.remove(place));
        }
    }

    /// The 200 of a webhook left: what it taught is durable.
    pub fn acknowledged(&mut self, delivery: u32) {
        // Acknowledgements come nearly in order: what is looked for stands near the front.
        while let Some(place) = self.pending.iter().position(|one| one.delivery == Some(delivery)) {
            self.settle(place);
        }
    }

    /// A change of an attempt is durable: so is the answer that taught it.
    pub fn changed(&mut self, message: u32, number: u8, fact: Fact) {
        let is_done = |one: &Pending| {
            let same = match one.word {
                Word::Came(_) => fact == Fact::Replied,
                Word::Is(..) => matches!(fact, Fact::Failed | Fact::Unspent),
            };
            same && (one.message, one.number) == (message, number)
        };
        while let Some(place) = self.released.iter().position(is_done) {
            let done = self.released.swap_remove(place);
            self.settled(done);
        }
        let is_its = |one: &Pending| one.delivery.is_none() && (one.message, one.number) == (message, number);
        if let Some(place) = self.pending.iter().position(is_its) {
            self.settle(place);
        }
    }

    /// What was parked and need not be durable otherwise: an engine that starts takes it in anew.
    pub fn parked(&self) -> Vec<(u32, u8, Word)> {
        self.released.iter().map(|one| (one.message, one.number, one.word)).collect()
    }

    /// The engine started at `now` on `rows`, which is an old copy if `is_old`. What outlived is taken over into `seen`.
    pub fn restarted(
        &mut self,
        scene: &Scene,
        (now, is_old): (Timestamp, bool),
        rows: &[Row],
        seen: &mut [Seen],
        cancelled: impl Fn(usize) -> bool,
    ) {
        self.restarts += 1;
        let mut lost: BTreeMap<u32, Vec<Pending>> = BTreeMap::new();
        for one in self.pending.drain(..).chain(self.released.drain(..)) {
            lost.entry(one.message).or_default().push(one);
        }
        let compares = self.compared + rows.len() as u64 <= MOST;
        if compares {
            self.compared += rows.len() as u64;
        }
        for (place, campaign) in scene.campaigns.iter().enumerate() {
            // By a clock that is ahead it may be past already.
            let past = now + scene.arms.clock >= campaign.deadline;
            let is_cancelled = cancelled(place);
            for id in campaign.first..campaign.end {
                let (row, own) = (&rows[id as usize], &mut seen[id as usize]);
                if is_old && (is_older(row, own) || !fits(row, own, past, is_cancelled, scene.never)) {
                    own.flags |= flag::STALE;
                    own.arrival = Arrival::None;
                    own.adopt(row);
                    continue;
                }
                if own.has(flag::STALE) {
                    // What it was told since then and did not write is gone too.
                    own.arrival = Arrival::None;
                    own.adopt(row);
                    continue;
                }
                let lost = lost.get(&id);
                if !compares && lost.is_none() {
                    continue;
                }
                let right = |seen: &Seen| fits(row, seen, past, is_cancelled, scene.never);
                let whole = *own;
                let may_be = match lost {
                    None => right(&whole),
                    Some(lost) if lost.len() > APART => true,
                    Some(lost) => (0..1u32 << lost.len()).any(|kept| right(&rebuilt(&whole, lost, kept))),
                };
                if !may_be {
                    self.findings.add(Some(id), || {
                        let known = belief::known(&whole);
                        format!("message {id} came back from a crash as {}, with {known}", row.state().name())
                    });
                }
                if lost.is_some() {
                    own.arrival = Arrival::None;
                    own.adopt(row);
                    own.flags |= whole.flags;
                }
            }
        }
    }

    /// How often the engine was started anew.
    pub fn restarts(&self) -> u32 {
        self.restarts
    }
}

/// Whether the store knows less of a message than was made durable once: it is an old copy.
fn is_older(row: &Row, seen: &Seen) -> bool {
    let known = seen.slots.iter().filter(|slot| slot.known != Known::Nothing).count();
    if row.posts() < seen.intents || row.attempts().count() < known {
        return true;
    }
    let mut told = Seen::default();
    told.adopt(row);
    let knows_less = |of: &Slot| told.slots.iter().any(|slot| slot.number == of.number && slot.known < of.known);
    told.arrival < seen.arrival || seen.slots.iter().any(knows_less)
}

/// The deadline's and a cancellation's sweeps may or may not have come to the message before the crash.
fn fits(row: &Row, seen: &Seen, past: bool, cancelled: bool, never: bool) -> bool {
    let held = Held::default();
    let state = row.state();
    let decisions = [(false, false), (past, false), (false, cancelled), (past, cancelled)];
    let fits = decisions.iter().any(|(deadline, cancelled)| {
        let over = Over { deadline: *deadline, cancelled: *cancelled, never, held: &held };
        belief::states(seen, over).has(state)
    });
    // What held it back at its deadline, and an opt-out that was durable and not yet acknowledged, are not looked into here.
    let held_or_out = state == State::BlockedOrSpam || (past && state == State::Failed);
    fits || (held_or_out && seen.arrival == Arrival::None)
}

/// The message as it is known if of the facts in `lost` only those in the bits of `kept` count.
fn rebuilt(whole: &Seen, lost: &[Pending], kept: u32) -> Seen {
    let mut seen = *whole;
    for one in lost.iter().rev() {
        match one.word {
            Word::Came(_) => seen.arrival = one.arrival,
            Word::Is(..) => {
                let slot = seen.slots.iter_mut().find(|slot| slot.number == one.number);
                slot.into_iter().for_each(|slot| slot.known = one.known);
            }
        }
    }
    // Facts are joined, so their order does not matter.
    for (_, one) in lost.iter().enumerate().filter(|(bit, _)| kept & 1 << bit != 0) {
        seen.learn(seen.since, one.number, one.word);
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::scene::plain;
    use super::*;
    use engine_core::attempt::Fact;
    use engine_core::command::Merge;
    use engine_core::id::MessageId;

    fn row(facts: &[Fact]) -> Row {
        let mut row = Row::default();
        for fact in facts {
            let number = u8::from(*fact != Fact::Intended);
            let merge = Merge { message: MessageId(0), number, fact: *fact, code: None, retry_after_seconds: 0 };
            row.learn(Timestamp(1), 0, &merge);
        }
        row
    }

    fn after_crash(acknowledged: bool, kept: &[Fact]) -> (String, Seen) {
        let scene = plain();
        let mut seen = vec![Seen::default(); 10];
        let mut durable = Durable::default();
        seen[0].intend(0, 1);
        let accepted = Word::Is(Known::Accepted, None);
        durable.told(0, 1, accepted, None, &seen[0]);
        seen[0].learn(1, 1, accepted);
        durable.changed(0, 1, Fact::Accepted);
        for word in [Word::Is(Known::Sent, None), Word::Came(Arrival::Delivered)] {
            durable.told(0, 1, word, Some(7), &seen[0]);
            seen[0].learn(2, 1, word);
        }
        if acknowledged {
            durable.acknowledged(7);
        }
        let mut rows = vec![Row::default(); 10];
        rows[0] = row(kept);
        durable.restarted(&scene, (scene.start, false), &rows, &mut seen, |_| false);
        (durable.findings.detail(), seen[0])
    }

    #[test]
    fn what_was_acknowledged_must_outlive_a_crash_and_what_was_not_may() {
        let (before, all) = ([Fact::Intended, Fact::Accepted], [Fact::Intended, Fact::Accepted, Fact::Delivered]);
        let (found, _) = after_crash(true, &before);
        assert!(found.contains("message 0 came back from a crash as Sending"), "{found}");
        assert_eq!(after_crash(true, &all).0, "");
        assert_eq!(after_crash(false, &all).0, "");
        let (found, seen) = after_crash(false, &before);
        assert_eq!((found.as_str(), seen.arrival), ("", Arrival::None));
        let (found, _) = after_crash(false, &[]);
        assert!(found.contains("as Queued"), "its intent was durable: {found}");
    }
}
