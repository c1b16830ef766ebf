//! How people and the operator API speak with a running service.

use crate::clock::Clock;
use crate::config::Settings;
use crate::driver::{Look, Order};
use crate::import::{self, Ask};
use crate::service::Progress;
use crate::store::{self, About, Campaign, Choice, Chooser, Keeper};
use engine_core::Event;
use engine_core::campaign::Counts;
use engine_core::id::{CampaignId, GroupId, SenderId};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

/// How a suppression is known that an operator asked for.
const BY_AN_OPERATOR: &str = "operator";

/// The service has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the engine has stopped")
    }
}

impl std::error::Error for Gone {}

/// A handle on a running service.
#[derive(Clone)]
pub struct Handle {
    orders: mpsc::Sender<Order>,
    keeper: Keeper,
    clock: Clock,
    settings: Arc<Settings>,
    progress: watch::Receiver<Progress>,
    address: Option<SocketAddr>,
    /// One list at a time.
    importing: Arc<Mutex<()>>,
}

impl Handle {
    pub(super) fn new(
        orders: mpsc::Sender<Order>,
        keeper: Keeper,
        clock: Clock,
        settings: Arc<Settings>,
        progress: watch::Receiver<Progress>,
        address: Option<SocketAddr>,
    ) -> Self {
        Self { orders, keeper, clock, settings, progress, address, importing: Arc::default() }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The campaign clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The store.
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Where it listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// How far the start has come.
    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    /// Waits until the start has come further, and says how far.
    pub async fn progressed(&mut self) -> Result<Progress, Gone> {
        self.progress.changed().await.map_err(|_| Gone)?;
        Ok(self.progress.borrow_and_update().clone())
    }

    /// How things stand.
    pub async fn look(&self) -> Result<Look, Gone> {
        let (asked, answer) = oneshot::channel();
        self.orders.send(Order::Look(asked)).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }

    /// Claims nothing more, and lets [`super::Service::run`] end when what is under way is settled.
    pub async fn stop(&self) -> Result<(), Gone> {
        self.orders.send(Order::Stop).await.map_err(|_| Gone)
    }

    /// Makes a campaign: brings its list in, and runs it.
    pub async fn create(&self, ask: Ask) -> Result<Campaign, import::Error> {
        let _one_at_a_time = self.importing.lock().await;
        // Until then the store may hold half a list of the life before this one.
        let mut progress = self.progress.clone();
        progress.wait_for(|progress| *progress == Progress::Running).await.map_err(|_| import::Error::Stopping)?;
        let campaign = import::import(&self.keeper, ask, self.settings.rules.default_region).await?;
        let (done, taken_on) = oneshot::channel();
        let order = Order::Add { campaign: Box::new(campaign.clone()), done };
        self.orders.send(order).await.map_err(|_| import::Error::Stopping)?;
        taken_on.await.map_err(|_| import::Error::Stopping)?;
        Ok(campaign)
    }

    /// Nothing of the campaign is claimed until it is resumed. Durable when it returns, like all that follow.
    pub async fn pause(&self, campaign: CampaignId) -> Result<(), Gone> {
        self.tell(Event::Pause { group: GroupId(campaign.0) }).await
    }

    /// A paused campaign goes on.
    pub async fn resume(&self, campaign: CampaignId) -> Result<(), Gone> {
        self.tell(Event::Resume { group: GroupId(campaign.0) }).await
    }

    /// What waits of the campaign ends; what is in flight is followed.
    pub async fn cancel(&self, campaign: CampaignId) -> Result<(), Gone> {
        self.tell(Event::Cancel { group: GroupId(campaign.0) }).await
    }

    /// Whatever halts the sender, its portfolio and its campaigns' templates is lifted.
    pub async fn resume_sender(&self, sender: SenderId) -> Result<(), Gone> {
        self.tell(Event::ResumeSender { sender }).await
    }

    /// A contact gets nothing more: what waits for it ends, and what comes is not sent.
    pub async fn suppress(&self, phone: u64) -> Result<(), Gone> {
        let (chooser, choice) = (Chooser::Phone(phone), Choice::Stop { why: BY_AN_OPERATOR });
        let (done, durable) = oneshot::channel();
        let about = About::Choice { chooser, choice };
        self.orders.send(Order::Ask { about, done }).await.map_err(|_| Gone)?;
        durable.await.map_err(|_| Gone)
    }

    /// A contact may be written to again, from the next campaign on. Whether it might not before.
    pub async fn lift(&self, phone: u64) -> Result<bool, store::Error> {
        let now = self.clock.now();
        self.keeper.run(move |store| store.lift(phone, now)).await
    }

    async fn tell(&self, event: Event) -> Result<(), Gone> {
        let (done, durable) = oneshot::channel();
        self.orders.send(Order::Tell { event, done }).await.map_err(|_| Gone)?;
        durable.await.map_err(|_| Gone)
    }

    /// Messages per state of a campaign, counted anew from every row.
    pub async fn recount(&self, campaign: Campaign) -> Result<Counts, store::Error> {
        self.keeper.run(move |store| store.recount(&campaign)).await
    }
}
