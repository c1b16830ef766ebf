//! Simulates WhatsApp campaigns from scenario files, and judges what came of them.

pub mod contacts;
pub mod outcome;
pub mod scenario;
