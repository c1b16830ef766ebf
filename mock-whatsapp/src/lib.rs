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
use tokio::task::{JoinError, JoinSet};

/// Runs a server until `stop` turns true (or nobody is left to turn it) and its connections have ended.
///
/// # Panics
/// If the task that owns all tenants does: what it left behind is nothing to go on with.
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
        tokio::select! {
            biased;
            () = served.serve(listener) => tasks.shutdown().await,
            Some(ended) = tasks.join_next() => fail(ended),
        }
    };
    (serving, server)
}

/// Passes on why there are no tenants any more. Without them nothing can be answered, and a server that only accepts
/// connections would look as if it lived.
fn fail(ended: Result<(), JoinError>) {
    let Err(error) = ended else { return tracing::error!("there are no tenants any more, so the server ends") };
    tracing::error!(%error, "the task that owns all tenants broke down, so the server ends");
    if let Ok(panic) = error.try_into_panic() {
        std::panic::resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloud_api::time::Timestamp;
    use std::time::Duration;
    use tokio::sync::mpsc;

    #[tokio::test(start_paused = true)]
    async fn a_panic_where_the_tenants_live_ends_the_server() {
        let (_links, accepted) = mpsc::channel(1);
        let (dials, _) = mpsc::channel(1);
        let (_stop, stopped) = watch::channel(false);
        let clock = Clock::starting_at(Timestamp::from_unix_seconds(1_000_000_000));
        let (serving, server) =
            prepare(Config::default(), Listener::Links(accepted), Connector::links(dials), clock, stopped);
        let serving = tokio::spawn(serving);
        let asked = server.worlds.with(|_| -> u8 { panic!("planted") }).await;
        assert_eq!(asked, Err(worlds::Closed));
        let ended = tokio::time::timeout(Duration::from_secs(1), serving).await.unwrap().unwrap_err();
        assert_eq!(ended.into_panic().downcast_ref(), Some(&"planted"));
    }
}
