//! The levels at which a scenario runs. What a level cannot carry out yet, it refuses: nothing of a file is passed over.

pub mod live;
pub mod model;

use std::fmt;

/// Why a scenario is not run: something in it is beyond this level, and running the rest would prove nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}
