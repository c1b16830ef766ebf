//! What happens to the engine from outside, as a list by time: crashes, old backups, clocks that jump, operators.
//!
//! When things happen is worked out here, from the scenario and its seed; what they do is the run's.

use super::setup::Setup;
use crate::scenario::Operator;
use cloud_api::time::{Span, Timestamp};
use engine_core::limits::DEADLINE;
use mock_whatsapp_model::fate::{Share, What, digest, fate, join};
use mock_whatsapp_model::spec::{FaultKind, FaultSpec};

/// How long an engine is down after a crash, where the fault does not say.
const DOWN_FOR: Span = Span::secs(5);

/// How long an engine that wakes up too late had slept, where the fault does not say: longer than a lease, and longer than
/// unknown outcomes wait.
const SLEEPS_FOR: Span = Span::mins(15);

/// A lease on a number: whoever does not renew it for so long loses it.
pub const LEASE: Span = Span::secs(10);

/// Something that happens to the engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mishap {
    /// It dies and is started again after this long.
    Crash(Span),
    /// It sleeps for this long; another takes its place when its lease is over.
    Sleep(Span),
    /// Its store is copied, by the fault's place.
    Backup(usize),
    /// It is started on that copy.
    Restore(usize),
    /// Its machine's clock jumps, by microseconds.
    ClockStep(i64),
    /// What WhatsApp allows a portfolio changes, or changes back.
    Tier,
    /// A person does something, by the place in the list.
    Operate(usize),
}

/// Everything that will happen to the engine, in order of time; at one instant in the order of the file.
pub fn timeline(setup: &Setup, start: Timestamp) -> Vec<(Timestamp, Mishap)> {
    let mut all: Vec<(Timestamp, Mishap)> = Vec::new();
    let last = setup.campaigns.iter().map(|campaign| campaign.start).max().unwrap_or(Span::ZERO) + DEADLINE;
    for (place, fault) in setup.faults.iter().enumerate() {
        let until = fault.until.unwrap_or(last.max(fault.from + Span::secs(1)));
        match fault.kind {
            FaultKind::EngineCrash => {
                for nth in 0..fault.times.unwrap_or(1) {
                    let draw = fate(setup.seed, join(key_of(fault, place), u64::from(nth)), What::Fault);
                    let after = Span(((u128::from(draw) * u128::from(until.0 - fault.from.0)) >> 64) as u64);
                    let crash = Mishap::Crash(fault.down_for.unwrap_or(DOWN_FOR));
                    all.push((start + fault.from + after, crash));
                }
            }
            FaultKind::EngineZombie => {
                all.push((start + fault.from, Mishap::Sleep(fault.down_for.unwrap_or(SLEEPS_FOR))));
            }
            FaultKind::StaleStore => {
                let age = fault.age.unwrap_or(Span::ZERO);
                let backup = start + Span(fault.from.0.saturating_sub(age.0));
                all.push((backup, Mishap::Backup(place)));
                all.push((start + fault.from, Mishap::Restore(place)));
            }
            FaultKind::ClockStep => {
                let by = step_of(fault);
                all.push((start + fault.from, Mishap::ClockStep(by)));
                if fault.until.is_some() {
                    all.push((start + until, Mishap::ClockStep(-by)));
                }
            }
            FaultKind::Tier => {
                all.push((start + fault.from, Mishap::Tier));
                if fault.until.is_some() {
                    all.push((start + until, Mishap::Tier));
                }
            }
            _ => {}
        }
    }
    for (place, Operator { at, .. }) in setup.operators.iter().enumerate() {
        all.push((start + *at, Mishap::Operate(place)));
    }
    all.sort_by_key(|(at, _)| *at);
    all
}

/// By how many microseconds a clock jumps: "-1h" goes back.
pub fn step_of(fault: &FaultSpec) -> i64 {
    let text = fault.by.as_deref().unwrap_or("0s");
    let (sign, span) = text.strip_prefix('-').map_or((1, text.trim_start_matches('+')), |back| (-1, back));
    span.parse::<Span>().map_or(0, |span| sign * i64::try_from(span.0).unwrap_or(0))
}

/// What draws about a fault without a message are keyed by.
fn key_of(fault: &FaultSpec, place: usize) -> u64 {
    let text = format!("{}|{}|{:?}|{}", fault.kind.name(), fault.from, fault.until, fault.share);
    // Two faults that are written alike are two faults.
    join(digest(text.as_bytes()), place as u64)
}

/// What is wrong with the disk.
#[derive(Clone, Debug)]
pub struct DiskFaults {
    seed: u64,
    start: Timestamp,
    faults: Vec<(u64, FaultSpec)>,
}

impl DiskFaults {
    /// Those of a scenario.
    pub fn of(setup: &Setup, start: Timestamp) -> Self {
        let is_disks = |fault: &FaultSpec| matches!(fault.kind, FaultKind::DiskFull | FaultKind::DiskSlow);
        let faults = setup.faults.iter().enumerate().filter(|(_, fault)| is_disks(fault));
        let keyed = faults.map(|(place, fault)| (key_of(fault, place), fault.clone()));
        Self { seed: setup.seed, start, faults: keyed.collect() }
    }

    /// The faults that act now: by windows, and by shares of slices of a second.
    fn acting(&self, now: Timestamp) -> impl Iterator<Item = (u64, &FaultSpec)> {
        let elapsed = now.since(self.start);
        let slice = elapsed.as_secs();
        self.faults.iter().filter_map(move |(key, fault)| {
            let within = elapsed >= fault.from && fault.until.is_none_or(|until| elapsed < until);
            let draw = fate(self.seed, join(*key, slice), What::Fault);
            (within && Share::millionths(fault.share).holds(draw)).then_some((join(*key, slice), fault))
        })
    }

    /// Whether a commit that begins now fails.
    pub fn is_full(&self, now: Timestamp) -> bool {
        self.acting(now).any(|(_, fault)| fault.kind == FaultKind::DiskFull)
    }

    /// How much longer a commit takes that begins now.
    pub fn delay(&self, now: Timestamp) -> Span {
        let slow = self.acting(now).filter(|(_, fault)| fault.kind == FaultKind::DiskSlow);
        let delay = |(key, fault): (u64, &FaultSpec)| {
            fault.delay.as_ref().map_or(Span::ZERO, |delay| delay.draw(fate(self.seed, key, What::FaultDelay)))
        };
        slow.map(delay).fold(Span::ZERO, |sum, delay| sum + delay)
    }
}

/// Whether the engine's writes must be modelled one commit at a time: where something can come between a write and the word
/// that it is durable. Elsewhere a store that is durable at once shows the same, and is faster.
pub fn commits_matter(setup: &Setup) -> bool {
    use FaultKind::{DiskFull, DiskSlow, EngineCrash, EngineZombie, StaleStore};
    let matters = |kind| matches!(kind, DiskFull | DiskSlow | EngineCrash | EngineZombie | StaleStore);
    setup.faults.iter().any(|fault| matters(fault.kind))
}
