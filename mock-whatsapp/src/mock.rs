//! WhatsApp in a box, for tests: on a thread and a runtime of its own, so that a static one outlives the test that made it.
//!
//! What can be done to it is in [`Tenant`], to which every mock is one: the default tenant's.

mod builder;
mod clock;
mod error;
mod fault;
mod handset;
mod tenant;

pub use builder::Builder;
pub use clock::{Clock, Settled};
pub use error::Error;
pub use fault::Fault;
pub use handset::Handset;
pub use tenant::Tenant;

use crate::config::Config;
use crate::control::referee::Judgement;
use crate::net::{Connector, Listener};
use crate::server::Server;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

/// How long `verify_on_drop` waits for the judgement.
const LAST_WORD: Duration = Duration::from_secs(5);

/// A WhatsApp that listens on a free port of the loopback address. Dropping it closes it.
///
/// It derefs to its default [`Tenant`], which has the settings that a sender needs and everything that a test can do.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let whatsapp = mock_whatsapp::MockWhatsApp::start().await?;
/// whatsapp.set_webhook("http://127.0.0.1:9/webhook").await?;
/// // The sender under test gets these:
/// assert!(whatsapp.base_url().starts_with("http://127.0.0.1:"));
/// assert_eq!(whatsapp.token(), "mock-token");
/// // And this is what it sent:
/// assert!(whatsapp.messages().await?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MockWhatsApp {
    tenant: Tenant,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
    verify_on_drop: bool,
}

/// What the thread hands out once it listens.
struct Started {
    address: SocketAddr,
    server: Arc<Server>,
    runtime: Handle,
}

/// What the thread does.
fn serve(
    config: Config,
    connector: Connector,
    stop: watch::Receiver<bool>,
    started: oneshot::Sender<io::Result<Started>>,
) {
    let tell = |outcome| {
        if started.send(outcome).is_err() {
            tracing::debug!("nobody waits for the mock to start any more");
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tell(Err(error)),
    };
    let run = async {
        let bound = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await;
        let listening = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = match listening {
            Ok(listening) => listening,
            Err(error) => return tell(Err(error)),
        };
        let mut over = stop.clone();
        let clock = crate::clock::Clock::system();
        let (serving, server) = crate::prepare(config, Listener::Tcp(listener), connector, clock, stop);
        tell(Ok(Started { address, server, runtime: Handle::current() }));
        // Whoever drops a mock does not want to wait for its connections.
        tokio::select! {
            biased;
            _ = over.wait_for(|stop| *stop) => {}
            () = serving => {}
        }
    };
    let ran = catch_unwind(AssertUnwindSafe(|| runtime.block_on(run)));
    // Nothing blocks in here but name look-ups, and nobody waits for these, however it ended.
    runtime.shutdown_background();
    if let Err(panic) = ran {
        resume_unwind(panic);
    }
}

impl MockWhatsApp {
    /// Starts one with the defaults.
    ///
    /// # Errors
    /// If there is no port or no thread to be had.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Settings, to start one with.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Another tenant, made when it is first used: its ids, messages, faults and clock are its own, and no other sees them.
    ///
    /// # Errors
    /// If it is no tenant's name: 1 to 64 letters, digits, `-`, `_` or `.`.
    pub fn tenant(&self, name: &str) -> Result<Tenant, Error> {
        self.tenant.other(name)
    }

    /// The referee's last word, if it can be had: what a guilty sender did.
    fn last_word(&self) -> Option<String> {
        let tenant = self.tenant.clone();
        let (told, hear) = sync_channel(1);
        self.tenant.runtime().spawn(async move {
            let word = match tenant.referee().await {
                Ok(judgement) if judgement.verdict == "guilty" => Some(reproach(&judgement)),
                Ok(_) => None,
                Err(error) => Some(format!("the referee cannot be asked: {error}")),
            };
            if told.send(word).is_err() {
                tracing::debug!("nobody waits for the judgement any more");
            }
        });
        hear.recv_timeout(LAST_WORD).unwrap_or_else(|error| {
            Some(match error {
                RecvTimeoutError::Timeout => "the referee does not answer".to_owned(),
                // Its task went with the runtime.
                RecvTimeoutError::Disconnected => format!("the referee cannot be asked: {}", Error::Closed),
            })
        })
    }
}

/// What is certain of a judgement, in words.
fn reproach(judgement: &Judgement) -> String {
    let mut words = format!("the referee finds the sender guilty after {} sends", judgement.sends);
    for judged in judgement.rules.iter().filter(|judged| judged.certain > 0 && !judged.ignored) {
        words += &format!("\n{}, {} times", judged.rule, judged.certain);
        for evidence in judged.evidence.iter().filter(|evidence| evidence.certain) {
            words += &format!("\n  {} {}: {}", evidence.at, evidence.requests.join(", "), evidence.why);
        }
    }
    words
}

impl Deref for MockWhatsApp {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.tenant
    }
}

impl Drop for MockWhatsApp {
    /// Closes it. It panics only where [`Builder::verify_on_drop`] asked for that.
    fn drop(&mut self) {
        let word = if self.verify_on_drop && !thread::panicking() { self.last_word() } else { None };
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the mock's thread had panicked");
        }
        if let Some(word) = word {
            panic!("{word}");
        }
    }
}
