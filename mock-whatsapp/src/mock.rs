//! WhatsApp in a box, for tests: on a thread and a runtime of its own, so that a static one outlives the test that made it.

use crate::clock::{Clock, Pace};
use crate::config::{Config, Rules, UnknownTemplates};
use crate::control::messages::{Message, Wanted, find};
use crate::control::referee::{Judgement, judge};
use crate::identity::{DEFAULT, Identity};
use crate::limits::PAGE_MOST;
use crate::net::{Connector, Listener};
use crate::target::Target;
use crate::tenant::dispatch::Webhook;
use crate::verify::{Verified, Verify};
use crate::worlds::Handle;
use mock_whatsapp_model::spec::{MessagingLimit, Timing};
use std::net::SocketAddr;
use std::{fmt, io, thread};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// Why the mock cannot do something.
#[derive(Debug)]
pub enum Error {
    /// No thread, no runtime or no port.
    Start(io::Error),
    /// It is no webhook URL; why.
    Url(String),
    /// It does not run any more.
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "the mock could not start: {error}"),
            Self::Url(why) => f.write_str(why),
            Self::Closed => f.write_str("the mock does not run any more"),
        }
    }
}

impl std::error::Error for Error {}

/// A WhatsApp that listens on a free port of the loopback address. Dropping it closes it.
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
    identity: Identity,
    base_url: String,
    worlds: Handle,
    stop: watch::Sender<bool>,
    thread: Option<thread::JoinHandle<()>>,
}

/// Settings of a [`MockWhatsApp`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    config: Config,
}

impl Builder {
    /// What all chance hangs on.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// How time begins: `Pace::Frozen` moves only by hand.
    #[must_use]
    pub fn clock(mut self, pace: Pace) -> Self {
        self.config.pace = pace;
        self
    }

    /// How long handsets take: [`Timing::quick`] unless said.
    #[must_use]
    pub fn timing(mut self, timing: Timing) -> Self {
        self.config.timing = timing;
        self
    }

    /// Messages a second that a number allows.
    #[must_use]
    pub fn throughput(mut self, messages_per_second: u32) -> Self {
        self.config.throughput = messages_per_second.max(1);
        self
    }

    /// Different contacts in 24 h that the portfolio may write to first; any number, unless said.
    #[must_use]
    pub fn messaging_limit(mut self, contacts: u32) -> Self {
        self.config.messaging_limit = MessagingLimit::Contacts(contacts);
        self
    }

    /// Which limits are kept: all, unless said.
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.config.rules = rules;
        self
    }

    /// Takes templates that it does not know.
    #[must_use]
    pub fn accept_unknown_templates(mut self) -> Self {
        self.config.unknown_templates = UnknownTemplates::Accept;
        self
    }

    /// Whether `+1 AAA 555 NNNN` have a meaning; they have, unless said.
    #[must_use]
    pub fn magic_numbers(mut self, meaning: bool) -> Self {
        self.config.magic_numbers = meaning;
        self
    }

    /// Everything else.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// If there is no port or no thread to be had.
    pub async fn start(self) -> Result<MockWhatsApp, Error> {
        let (started, starting) = oneshot::channel();
        let (stop, stopped) = watch::channel(false);
        let body = move || serve(self.config, stopped, started);
        let thread = thread::Builder::new().name("mock-whatsapp".to_owned()).spawn(body).map_err(Error::Start)?;
        let (address, worlds) = starting.await.map_err(|_| Error::Closed)?.map_err(Error::Start)?;
        let identity = Identity::of(DEFAULT).ok_or(Error::Closed)?;
        Ok(MockWhatsApp { identity, base_url: format!("http://{address}"), worlds, stop, thread: Some(thread) })
    }
}

type Started = oneshot::Sender<io::Result<(SocketAddr, Handle)>>;

/// What the thread does.
fn serve(config: Config, stop: watch::Receiver<bool>, started: Started) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tell(started, Err(error)),
    };
    runtime.block_on(async move {
        let bound = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await;
        let listening = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = match listening {
            Ok(listening) => listening,
            Err(error) => return tell(started, Err(error)),
        };
        let mut over = stop.clone();
        let (serving, worlds) = crate::prepare(config, Listener::Tcp(listener), Connector::Tcp, Clock::system(), stop);
        tell(started, Ok((address, worlds)));
        // Whoever drops a mock does not want to wait for its connections.
        tokio::select! {
            biased;
            _ = over.wait_for(|stop| *stop) => {}
            () = serving => {}
        }
    });
    // Nothing blocks in here but name look-ups, and nobody waits for these.
    runtime.shutdown_background();
}

fn tell(started: Started, outcome: io::Result<(SocketAddr, Handle)>) {
    if started.send(outcome).is_err() {
        tracing::debug!("nobody waits for the mock to start any more");
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

    /// In place of `https://graph.facebook.com`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The bearer token.
    pub fn token(&self) -> &str {
        &self.identity.token
    }

    /// The business phone number's id.
    pub fn phone_number_id(&self) -> &str {
        &self.identity.phone_number_id
    }

    /// The WhatsApp Business Account's id.
    pub fn waba_id(&self) -> &str {
        &self.identity.waba_id
    }

    /// What webhooks are signed with.
    pub fn app_secret(&self) -> &str {
        &self.identity.app_secret
    }

    /// What the webhook handshake carries.
    pub fn verify_token(&self) -> &str {
        &self.identity.verify_token
    }

    /// All of these by the names of environment variables.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        self.identity.env(&self.base_url)
    }

    /// Sends webhooks to a URL from now on, without a handshake; `PUT /_mock/webhook` does one.
    ///
    /// # Errors
    /// If it is no `http://` URL, or the mock has ended.
    pub async fn set_webhook(&self, url: &str) -> Result<(), Error> {
        let target = Target::parse(url).map_err(Error::Url)?;
        let webhook = Webhook::new(target, self.identity.verify_token.clone());
        let set = self.worlds.with(|worlds| {
            if let Some(tenant) = worlds.find(DEFAULT) {
                tenant.set_webhook(Some(webhook));
            }
        });
        set.await.map_err(|_| Error::Closed)
    }

    /// The messages that were accepted, oldest first, at most [`PAGE_MOST`]; `GET /_mock/messages` has more.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn messages(&self) -> Result<Vec<Message>, Error> {
        let wanted = Wanted { limit: PAGE_MOST, ..Wanted::default() };
        let found = self
            .worlds
            .with(move |worlds| worlds.find(DEFAULT).map_or_else(Vec::new, |tenant| find(tenant, &wanted).0));
        found.await.map_err(|_| Error::Closed)
    }
}

impl MockWhatsApp {
    /// Asserts what was sent; whether it holds is in the answer, and what came closest where it does not.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use mock_whatsapp::{MockWhatsApp, Verify};
    /// use std::time::Duration;
    ///
    /// let whatsapp = MockWhatsApp::start().await?;
    /// // The service under test would send by now, or within 5 s.
    /// let verified = whatsapp.verify(Verify::to("+14155550123").count(0).within(Duration::from_millis(1))).await?;
    /// assert!(verified.pass, "{verified:?}");
    /// assert!(whatsapp.referee().await?.is_clean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn verify(&self, verify: Verify) -> Result<Verified, Error> {
        let verified = crate::verify::verify(&self.worlds, DEFAULT, verify).await;
        verified.map_err(|_| Error::Closed)?.ok_or(Error::Closed)
    }

    /// The judgement of whoever sent.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn referee(&self) -> Result<Judgement, Error> {
        let judged = self.worlds.with(|worlds| worlds.find(DEFAULT).map(|tenant| judge(tenant)));
        judged.await.map_err(|_| Error::Closed)?.ok_or(Error::Closed)
    }
}

impl Drop for MockWhatsApp {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the mock's thread had panicked");
        }
    }
}
