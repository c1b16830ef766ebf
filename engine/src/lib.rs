//! Runs the campaign engine's core: HTTP client, webhook receiver, store, operator API, command line.
//!
//! What to send, when, and what an answer means is decided in `engine-core`; here it is carried out. [`service::Service`]
//! is the entry: it takes its network and its clock from outside ([`net::Listener`], [`net::Connector`],
//! [`clock::Clock`]), so that a simulation runs the same lines as production. All tasks that it starts end when its
//! future is dropped.

pub mod api;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod contacts;
pub mod driver;
pub mod import;
pub mod net;
pub mod sender;
pub mod server;
pub mod service;
pub mod store;
pub mod webhook;
