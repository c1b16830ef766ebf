//! What a level measured, before anything is judged.

use super::Messages;
use crate::scenario::{Level, Percentile};
use cloud_api::time::Span;
use engine_core::campaign::State as CampaignState;
use serde::Serialize;
use std::time::Duration;

/// Everything that one run found out.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Where it ran.
    pub level: Level,
    /// What chance hung on.
    pub seed: u64,
    /// Whether the command line gave other numbers of contacts than the file, so that the file's counts mean nothing.
    pub resized: bool,
    /// The running hash of all deliveries; `None` where a run does not replay.
    pub fingerprint: Option<u64>,
    /// In the order of the file.
    pub campaigns: Vec<MeasuredCampaign>,
    /// Copies that handsets got beyond the first, of all campaigns.
    pub duplicates: u64,
    /// POSTs.
    pub attempts: u64,
    /// Everything that happened.
    pub events: u64,
    /// From the start to the last event, in the run's own time.
    pub virtual_time: Span,
    /// How long somebody had to wait for it.
    pub wall: Duration,
    /// From when a message was due.
    pub latency: Latencies,
    /// The most memory that the engine's process held, in bytes, where there is such a process.
    pub engine_memory_max: Option<u64>,
    /// From sending a webhook to its 200.
    pub webhook_lag: Option<Quantiles>,
}

/// What one campaign came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeasuredCampaign {
    /// Its state at the end.
    pub state: CampaignState,
    /// Its messages' states at the end.
    pub messages: Messages,
    /// From its start until no message was in progress any more; `None` if some still are.
    pub finished_after: Option<Span>,
    /// Copies that handsets got beyond the first; `None` if they were not counted by campaign.
    pub duplicates: Option<u64>,
}

/// How long messages took from when they were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latencies {
    /// Until WhatsApp accepted them.
    pub accepted: Quantiles,
    /// Until they were delivered.
    pub delivered: Quantiles,
}

/// Percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// Nine of ten.
    pub p90: f64,
    /// 99 of 100.
    pub p99: f64,
    /// 999 of 1,000.
    pub p999: f64,
    /// All.
    pub max: f64,
}

impl Quantiles {
    /// From a histogram of microseconds.
    pub fn of(histogram: &hdrhistogram::Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: histogram.max() as f64 / 1e3 }
    }

    /// One of them, in milliseconds.
    pub fn at(&self, percentile: Percentile) -> f64 {
        match percentile {
            Percentile::P50 => self.p50,
            Percentile::P90 => self.p90,
            Percentile::P99 => self.p99,
            Percentile::P999 => self.p999,
            Percentile::Max => self.max,
        }
    }
}

impl Measured {
    /// Campaign messages a wall second; 0 where no time passed.
    pub fn messages_per_second(&self) -> f64 {
        let messages: u64 = self.campaigns.iter().map(|campaign| campaign.messages.total()).sum();
        let wall = self.wall.as_secs_f64();
        if wall > 0.0 { messages as f64 / wall } else { 0.0 }
    }
}
