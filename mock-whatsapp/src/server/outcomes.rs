//! How requests ended, counted by API: for whoever watches a server.

use hyper::StatusCode;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which API a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// The Graph API.
    Graph,
    /// The control API.
    Control,
}

impl Api {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Graph, Self::Control];

    /// As metrics spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Control => "control",
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a status below 400.
    Done,
    /// With a status from 400 on.
    Refused,
    /// With a status from 500 on.
    Failed,
    /// Without an answer.
    Cut,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Done, Self::Refused, Self::Failed, Self::Cut];

    /// As metrics spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Cut => "cut",
        }
    }

    /// Of an answer.
    pub fn of(status: Option<StatusCode>) -> Self {
        match status.map(|status| status.as_u16()) {
            None => Self::Cut,
            Some(..400) => Self::Done,
            Some(400..500) => Self::Refused,
            Some(500..) => Self::Failed,
        }
    }
}

/// The counts.
#[derive(Debug, Default)]
pub struct Outcomes {
    counts: [[AtomicU64; 4]; 2],
}

impl Outcomes {
    /// Counts one.
    pub fn add(&self, api: Api, outcome: Outcome) {
        self.counts[api as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn count(&self, api: Api, outcome: Outcome) -> u64 {
        self.counts[api as usize][outcome as usize].load(Ordering::Relaxed)
    }
}
