//! Simulates WhatsApp campaigns from scenario files, and judges what came of them.

pub mod checkers;
pub mod cli;
pub mod contacts;
pub mod levels;
pub mod model;
pub mod outcome;
pub mod program;
pub mod progress;
pub mod replay;
pub mod report;
pub mod scenario;
pub mod schema;
pub mod shrink;
pub mod stopwatch;
pub mod story;
pub mod swarm;
