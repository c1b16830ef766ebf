//! The mock from outside: over HTTP only, with a receiver of webhooks that the tests hold in their hands.

mod client;
mod clock;
mod faults;
mod handsets;
mod program;
mod receiver;
mod refusals;
mod server;
mod webhooks;
