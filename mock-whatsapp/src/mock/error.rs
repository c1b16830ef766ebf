//! Why a mock cannot do what a test asks of it.

use crate::control::problem::Problem;
use std::{fmt, io};

/// Why the mock cannot do something.
#[derive(Debug)]
pub enum Error {
    /// No thread, no runtime or no port.
    Start(io::Error),
    /// It is no webhook URL; why.
    Url(String),
    /// It is no tenant's name.
    Name(String),
    /// The control API refuses it.
    Refused(Box<Problem>),
    /// What was handed in or what came back cannot be written or read as JSON.
    Form(serde_json::Error),
    /// It does not run any more.
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "the mock could not start: {error}"),
            Self::Url(why) => f.write_str(why),
            Self::Name(name) => {
                write!(f, "`{name}` is no tenant's name: 1 to 64 letters, digits, `-`, `_` or `.`")
            }
            Self::Refused(problem) => {
                write!(f, "{}: {}", problem.title, problem.detail)?;
                if let (Some(pointer), Some(expected)) = (&problem.pointer, &problem.expected) {
                    write!(f, " (at {pointer}, expected: {expected})")?;
                }
                Ok(())
            }
            Self::Form(error) => write!(f, "not of the expected form: {error}"),
            Self::Closed => f.write_str("the mock does not run any more"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Form(error)
    }
}
