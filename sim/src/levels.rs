//! The levels at which a scenario runs. What a level cannot carry out yet, it refuses: nothing of a file is passed over.

pub mod live;
pub mod model;

use crate::scenario::{Level, Scenario};
use std::fmt;

/// The first thing in a scenario that a level of this build cannot carry out.
pub fn beyond(scenario: &Scenario, level: Level) -> Option<Refusal> {
    let what = match level {
        Level::Model => model::beyond(scenario)?,
        Level::Live => live::beyond(scenario)?,
        Level::Stack => return Some(Refusal("this build has no level stack yet".to_owned())),
    };
    Some(Refusal(format!("{what}: level {level} does not carry that out yet")))
}

/// Why a scenario is not run: something in it is beyond this level, and running the rest would prove nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}
