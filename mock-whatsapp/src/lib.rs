//! WhatsApp in a box: the model of WhatsApp behind the Graph API's HTTP, its webhooks, and a control API for tests.
//!
//! In tests, [`MockWhatsApp`] runs one on a thread of its own. The binary and simulations call [`run`]. What WhatsApp does
//! is decided in `mock-whatsapp-model`; here is only what it takes to be talked to.

pub mod access;
#[cfg(feature = "cli")]
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod graph;
pub mod handshake;
pub mod identity;
pub mod instant;
#[cfg(feature = "cli")]
pub mod junit;
pub mod limits;
pub mod media;
mod mock;
pub mod net;
pub mod payload;
pub mod query;
pub mod respond;
pub mod server;
pub mod signing;
pub mod target;
pub mod templates;
pub mod tenant;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "tls")]
pub mod trust;
pub mod user_id;
pub mod verify;
pub mod wamids;
pub mod worlds;

pub use control::referee::{Evidence, Judged, Judgement};
pub use mock::{Builder, Clock as TenantClock, Error, Fault, Handset, MockWhatsApp, Settled, Tenant};
pub use verify::{Ended, Match, Verified, Verify};

use clock::Clock;
use config::Config;
use net::{Connector, Listener};
use server::Server;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Runs a server until `stop` turns true (or nobody is left to turn it) and its connections have ended.
pub async fn run(config: Config, listener: Listener, connector: Connector, clock: Clock, stop: watch::Receiver<bool>) {
    let (serving, _server) = prepare(config, listener, connector, clock, stop);
    serving.await;
}

/// A server that is yet to run, and what its connections share.
pub(crate) fn prepare(
    config: Config,
    listener: Listener,
    connector: Connector,
    clock: Clock,
    stop: watch::Receiver<bool>,
) -> (impl Future<Output = ()>, Arc<Server>) {
    let control_token = config.control_token.clone();
    let (worlds, running) = worlds::start(config, connector, clock);
    let server = Arc::new(Server::new(worlds, stop, control_token, listener.scheme()));
    let served = server.clone();
    let serving = async move {
        // Both end with this future, be it finished or dropped.
        let mut tasks = JoinSet::new();
        tasks.spawn(running);
        served.serve(listener).await;
        tasks.shutdown().await;
    };
    (serving, server)
}
