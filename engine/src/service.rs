//! The engine as a service: what runs beside what, and in which order it starts.
//!
//! The receiver listens first; then the webhook is registered, so that no message goes out whose statuses would come to
//! nobody; then the store's campaigns go to the core, which looks for the intents that a crash left behind; then the loop.

mod handle;

pub use handle::{Gone, Handle};

use crate::api::Api;
use crate::client::{Client, Exchange};
use crate::clock::Clock;
use crate::config::{self, Settings};
use crate::driver::{self, Driver, Failure, Restored};
use crate::net::{Connector, Listener};
use crate::sender::Sender;
use crate::server::Server;
use crate::store::{self, Keeper};
use crate::webhook::Receiver;
use cloud_api::catalogue::Class;
use engine_core::time::Span;
use engine_core::translate::{self, Reading};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Between two tries to register the webhook, in real time.
const REGISTER_AGAIN: Duration = Duration::from_secs(2);

/// What was parked and never claimed is kept this long, as long as WhatsApp redelivers.
const PARKED_FOR: Span = Span::hours(7 * 24);

/// Between two looks for parked webhooks that are too old, and for contacts that count no more.
const PURGE_EVERY: Span = Span::hours(1);

/// What a service runs on. A simulation brings its own.
pub struct Seams {
    /// Where webhooks and people come in.
    pub listener: Listener,
    /// How the API is reached.
    pub connector: Connector,
    /// The campaign clock.
    pub clock: Clock,
    /// The store.
    pub keeper: Keeper,
    /// The store's own id.
    pub store_id: u64,
}

/// How far the start has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The receiver listens; the webhook is being registered. With what went wrong last.
    Registering(Option<String>),
    /// Campaigns run.
    Running,
}

/// An engine, ready to run.
pub struct Service {
    settings: Arc<Settings>,
    clock: Clock,
    keeper: Keeper,
    listener: Listener,
    server: Server,
    client: Client,
    driver: Driver,
    callback: Option<Callback>,
    progress: watch::Sender<Progress>,
}

/// Where WhatsApp is told to post webhooks to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Callback {
    business_account_id: String,
    url: String,
}

impl Service {
    /// Puts a service together; nothing runs yet. `with_api`: whether the operator API is served beside the webhook.
    ///
    /// # Errors
    /// If the webhook is to be registered and the account's id is not known.
    pub fn new(settings: Settings, seams: Seams, with_api: bool) -> Result<(Self, Handle), config::Error> {
        let Seams { listener, connector, clock, keeper, store_id } = seams;
        let address = listener.address();
        let callback = callback(&settings, address)?;
        let settings = Arc::new(settings);
        let client =
            || Client::new(connector.clone(), settings.base.clone(), settings.token.clone(), settings.timeouts);
        let (order, orders) = mpsc::channel(driver::ORDERS);
        let (incoming, webhooks) = mpsc::channel(driver::WEBHOOKS);
        let sender = Sender::new(client(), store_id);
        let driver = Driver::new(clock.clone(), keeper.clone(), sender, Arc::clone(&settings), orders, webhooks);
        let (progress, watched) = watch::channel(Progress::Registering(None));
        let handle = Handle::new(order, keeper.clone(), clock.clone(), Arc::clone(&settings), watched, address);
        let receiver = Receiver::new(Arc::clone(&settings), store_id, clock.clone(), incoming);
        let is_open = address.is_some_and(|address| !address.ip().is_loopback());
        let api = with_api.then(|| Api::new(handle.clone(), settings.api_token.clone(), is_open));
        let server = Server { receiver, api };
        let client = client();
        let service = Self { settings, clock, keeper, listener, server, client, driver, callback, progress };
        Ok((service, handle))
    }

    /// Whether WhatsApp must be told by hand where to post webhooks to.
    pub fn needs_webhook_by_hand(&self) -> bool {
        self.callback.is_none()
    }

    /// Runs until it is told to stop. Everything it started ends with it, also when it is dropped.
    pub async fn run(self) -> Result<(), Failure> {
        let Self { settings, clock, keeper, listener, server, client, mut driver, callback, progress } = self;
        let work = async {
            if let Some(callback) = callback {
                register(&client, &settings, &callback, &progress).await?;
            }
            let (settings, now) = (Arc::clone(&settings), clock.now());
            driver.restore(keeper.run(move |store| Restored::read(store, &settings.rules, now)).await?);
            progress.send_replace(Progress::Running);
            driver.run().await
        };
        tokio::select! {
            biased;
            ended = work => ended,
            () = server.run(listener) => Ok(()),
            purged = purge(&clock, &keeper) => purged.map_err(Failure::Store),
        }
    }
}

fn callback(settings: &Settings, address: Option<SocketAddr>) -> Result<Option<Callback>, config::Error> {
    let own = address.filter(|_| settings.base.is_loopback()).map(|address| {
        let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
        format!("http://{}/webhook", SocketAddr::new(ip, address.port()))
    });
    let Some(url) = settings.webhook_url.clone().or(own) else { return Ok(None) };
    let business_account_id = settings.business_account_id.clone().ok_or_else(|| config::Error::Missing {
        what: "the WhatsApp business account's id, for which the webhook is registered,",
        key: "business_account_id",
        names: vec!["CAMPAIGN_ENGINE_BUSINESS_ACCOUNT_ID".into(), "WHATSAPP_BUSINESS_ACCOUNT_ID".into()],
    })?;
    Ok(Some(Callback { business_account_id, url }))
}

/// Tells WhatsApp where to post, until it takes it: before that a message's statuses would come to nobody.
///
/// What may pass is tried again; a token or an account that is refused is not.
async fn register(
    client: &Client,
    settings: &Settings,
    callback: &Callback,
    progress: &watch::Sender<Progress>,
) -> Result<(), Failure> {
    let body = serde_json::json!({
        "override_callback_uri": callback.url,
        "verify_token": settings.verify_token.reveal(),
    });
    let path = format!("{}/subscribed_apps", callback.business_account_id);
    loop {
        let wrong = match client.post(&path, body.to_string().into()).await {
            Exchange::Answered(reply) if reply.is_success() => return Ok(()),
            Exchange::Answered(reply) => match translate::read_answer(reply.status, None, &reply.body) {
                Reading::Refused { text, code, .. } if code.class() == Class::AccountWide => {
                    return Err(Failure::Refused(text));
                }
                Reading::Refused { text, .. } => format!("WhatsApp refused it: {text}"),
                Reading::Accepted { .. } | Reading::Unreadable => format!("HTTP status {}", reply.status),
            },
            Exchange::NeverWritten(why) | Exchange::Unanswered(why) => why,
        };
        tracing::warn!(wrong, url = callback.url, "cannot register the webhook; trying again");
        progress.send_replace(Progress::Registering(Some(wrong)));
        tokio::time::sleep(REGISTER_AGAIN).await;
    }
}

async fn purge(clock: &Clock, keeper: &Keeper) -> Result<(), store::Error> {
    loop {
        let now = clock.now();
        let purged = keeper.run(move |store| {
            store.purge_parked(now - PARKED_FOR)?;
            store.purge_ledger(now)
        });
        purged.await?;
        let next = now + PURGE_EVERY;
        while clock.now() < next {
            clock.sleep_toward(next).await;
        }
    }
}
