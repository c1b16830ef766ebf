//! What came of one run at one level: the object that `--format json` prints, and whether the file's expectations hold.
//!
//! Promises are judged by the checkers; their checks are handed in and only counted here.

mod judge;
mod measured;

pub use judge::expectations;
pub use measured::{Latencies, Measured, MeasuredCampaign, Quantiles};

use crate::scenario::{Level, Scenario};
use engine_core::message::State as MessageState;
use engine_core::rules::Marks;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// The result of one run. Its serialised form is a contract: fields may be added, none renamed.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// Where it ran.
    pub level: Level,
    /// What chance hung on.
    pub seed: u64,
    /// Whether everything held that could be judged.
    pub verdict: Verdict,
    /// The running hash of all deliveries, in 16 hexadecimal digits; absent where a run does not replay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// In the order of the file.
    pub campaigns: Vec<CampaignOutcome>,
    /// Promises first, then expectations.
    pub checks: Vec<Check>,
    /// Copies that handsets got beyond the first.
    pub duplicates: u64,
    /// POSTs.
    pub attempts: u64,
    /// Everything that happened.
    pub events: u64,
    /// From the start to the last event, in the run's own time.
    pub virtual_seconds: f64,
    /// How long somebody had to wait for it.
    pub wall_seconds: f64,
    /// Campaign messages a wall second.
    pub messages_per_second: f64,
    /// In the run's own time, from when a message was due.
    pub latency_ms: Latencies,
    /// The most memory that the engine's process held, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_memory_max: Option<u64>,
    /// From sending a webhook to its 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_lag_ms: Option<Quantiles>,
    /// The rules of the promise that the run reached, where the level can tell.
    #[serde(skip)]
    pub marks: Option<Marks>,
    /// Virtual minutes in which something happened, each with the fingerprint as of its end.
    #[serde(skip)]
    pub checkpoints: Vec<(u32, u64)>,
}

/// How one campaign ended.
#[derive(Clone, Debug, Serialize)]
pub struct CampaignOutcome {
    /// Its name.
    pub name: String,
    /// Its state, as the engine writes it.
    pub state: &'static str,
    /// How many messages it has.
    pub size: u32,
    /// How many messages ended in each state.
    pub messages: Messages,
    /// From its start until no message was in progress any more; absent if some still are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_seconds: Option<f64>,
}

/// Messages per state, in the order of [`MessageState::ALL`]; serialised under the states' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages(pub [u64; 10]);

/// Something that was asked, and the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// A promise's own name, or `expect.…`.
    pub name: String,
    /// The answer.
    pub verdict: Verdict,
    /// What was found; empty where there is nothing to say.
    pub detail: String,
    /// The messages that were found, those told in `detail` first: whose story to look at. Ids count across all campaigns.
    #[serde(skip)]
    pub messages: Vec<u32>,
}

/// The answer of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// It cannot be judged here.
    Skipped,
}

impl Messages {
    /// How many ended in a state.
    pub fn of(&self, state: MessageState) -> u64 {
        self.0[state as usize]
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl std::ops::AddAssign for Messages {
    fn add_assign(&mut self, other: Self) {
        for (sum, count) in self.0.iter_mut().zip(other.0) {
            *sum += count;
        }
    }
}

impl Serialize for Messages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for state in MessageState::ALL {
            map.serialize_entry(state.name(), &self.of(state))?;
        }
        map.end()
    }
}

impl Check {
    /// It holds.
    pub fn pass(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Pass, detail: detail.into(), messages: Vec::new() }
    }

    /// It does not hold.
    pub fn fail(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Fail, detail: detail.into(), messages: Vec::new() }
    }

    /// It cannot be judged, and why.
    pub fn skipped(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), verdict: Verdict::Skipped, detail: detail.into(), messages: Vec::new() }
    }
}

impl Verdict {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

impl Outcome {
    /// Puts together what was measured, the promises' checks and the file's expectations.
    pub fn new(scenario: &Scenario, measured: &Measured, promises: Vec<Check>) -> Self {
        let mut checks = promises;
        checks.extend(expectations(scenario, measured));
        let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
        let wall = measured.wall.as_secs_f64();
        let campaigns =
            scenario.campaigns.iter().zip(&measured.campaigns).map(|(campaign, measured)| CampaignOutcome {
                name: campaign.name.clone(),
                state: measured.state.name(),
                size: u32::try_from(measured.messages.total()).unwrap_or(u32::MAX),
                messages: measured.messages,
                finished_seconds: measured.finished_after.map(|span| span.0 as f64 / 1e6),
            });
        Self {
            scenario: scenario.name.clone(),
            level: measured.level,
            seed: measured.seed,
            verdict: if failed { Verdict::Fail } else { Verdict::Pass },
            fingerprint: measured.fingerprint.map(|hash| format!("{hash:016x}")),
            campaigns: campaigns.collect(),
            checks,
            duplicates: measured.duplicates,
            attempts: measured.attempts,
            events: measured.events,
            virtual_seconds: measured.virtual_time.0 as f64 / 1e6,
            wall_seconds: wall,
            messages_per_second: measured.messages_per_second(),
            latency_ms: measured.latency,
            engine_memory_max: measured.engine_memory_max,
            webhook_lag_ms: measured.webhook_lag,
            marks: None,
            checkpoints: Vec::new(),
        }
    }

    /// Whether a promise or an expectation is broken.
    pub fn failed(&self) -> bool {
        self.verdict == Verdict::Fail
    }
}
