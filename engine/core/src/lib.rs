//! Everything the campaign engine decides, and nothing that it does: events and the time in, commands out.
//!
//! There is no clock, no socket, no disk and no random number generator in this crate, and its manifest names none. The
//! facts of every message live in the store as [`message::Row`]s, changed only by [`message::Row::learn`] and
//! [`message::Row::decide`], which every store calls; [`Engine`] holds what is in flight, the pace, the holds and the
//! counts, and learns of every change by [`Event::Merged`]. What it holds does not grow with a campaign's size.
//!
//! The order of things, for whoever drives it: a [`Command::Merge`] is made durable, then its [`Event::Merged`] is handed
//! in, and only that lets the attempt's [`Command::Send`] out; a [`Command::Acknowledge`] waits in the [`gate::Gate`] until
//! every merge before it is durable.

pub mod attempt;
pub mod breaker;
pub mod campaign;
pub mod command;
pub mod engine;
pub mod event;
pub mod gate;
pub mod hold;
pub mod id;
pub mod ledger;
pub mod limits;
pub mod message;
pub mod pacing;
pub mod pairs;
pub mod plan;
pub mod planted;
pub mod quiet;
pub mod retry;
pub mod rules;
pub mod translate;
pub mod unknown;

pub use cloud_api::time;
pub use command::Command;
pub use engine::Engine;
pub use event::Event;
pub use message::State;
