//! Everything WhatsApp does, as a pure state machine: requests and the time in, replies and webhooks out.
//!
//! There is no clock, no socket and no shared random stream in this crate: time is handed in, delay is data, and chance is
//! keyed ([`fate`]), so neither order of arrival nor concurrency can change an outcome. Text (telephone numbers, wamids,
//! callback data) stays with the shells; here a message, a handset and a number are integers.

pub mod content;
pub mod delivery;
pub mod distribution;
pub mod fate;
pub mod faults;
pub mod handset;
pub mod input;
pub mod limits;
pub mod magic;
pub mod output;
mod pair;
mod portfolio;
pub mod referee;
pub mod spec;
pub mod wheel;
pub mod world;

pub use input::Input;
pub use output::Output;
pub use world::World;
