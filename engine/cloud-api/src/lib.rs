//! WhatsApp Cloud API: wire JSON, error catalogue and webhook signature, defined once for engine, mock and simulator.
//!
//! Types and pure functions only. Nothing here opens a socket, reads a clock, draws chance or decides what a sender does:
//! it says what the bytes are. What is parsed is parsed liberally, what is written is written as WhatsApp writes it.
//!
//! - [`message`], [`template`]: what a client posts to `/{phone-number-id}/messages`
//! - [`reply`], [`error`]: what it gets back
//! - [`webhook`]: what WhatsApp posts, with [`signature`] over the bytes that [`escape`] makes
//! - [`catalogue`]: what every error code means
//! - [`limits`], [`time`], [`wamid`]: bounds, instants and message ids

mod lenient;
#[macro_use]
mod open;

pub mod catalogue;
pub mod error;
pub mod escape;
pub mod limits;
pub mod message;
pub mod reply;
pub mod signature;
pub mod template;
pub mod time;
pub mod wamid;
pub mod webhook;
