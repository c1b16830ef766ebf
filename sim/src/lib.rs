//! Simulates WhatsApp campaigns from scenario files, and judges what came of them.

pub mod checkers;
pub mod contacts;
pub mod model;
pub mod outcome;
pub mod scenario;
pub mod stopwatch;
