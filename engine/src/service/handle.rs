//! How people and the operator API speak with a running service.

use crate::clock::Clock;
use crate::config::Settings;
use crate::contacts;
use crate::driver::{Look, Order};
use crate::import::{self, Lines};
use crate::service::Progress;
use crate::store::{self, Campaign, Keeper, Line, NewCampaign};
use engine_core::campaign::Counts;
use engine_core::time::Timestamp;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc, oneshot, watch};

/// A campaign that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its name.
    pub name: String,
    /// The template's name.
    pub template: String,
    /// The template's language.
    pub language: String,
    /// Who sends it.
    pub phone_number_id: String,
    /// When it starts.
    pub start: Timestamp,
    /// Whom it goes to.
    pub contacts: Given,
}

/// A list of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A CSV file.
    File(PathBuf),
    /// Phone numbers and variables as they were given.
    Inline(Vec<(String, Vec<String>)>),
}

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
        let Ask { name, template, language, phone_number_id, start, contacts } = ask;
        let (lines, source, digest, columns) = match contacts {
            Given::File(path) => {
                let digest = contacts::Digest::of_file(&path)?;
                let list = contacts::List::open(&path, self.settings.default_region, digest)?;
                let columns = list.columns().to_vec();
                (Lines::List(Box::new(list)), path.display().to_string(), digest, columns)
            }
            Given::Inline(given) => {
                let (lines, digest, variables) = self.judge(given);
                let columns = (1..=variables).map(|nth| nth.to_string()).collect();
                (Lines::Judged(lines.into_iter()), "the request".to_owned(), digest, columns)
            }
        };
        let digest = digest.to_string();
        let new = NewCampaign { name, template, language, phone_number_id, start, columns, source, digest };
        let campaign = import::import(&self.keeper, new, lines).await?;
        let counts = Counts::all_queued(campaign.size());
        let order = Order::Add { campaign: Box::new(campaign.clone()), counts, restored: false };
        self.orders.send(order).await.map_err(|_| import::Error::Stopping)?;
        Ok(campaign)
    }

    /// Judges contacts that came in a request. The line is the place in the list, from 1.
    fn judge(&self, given: Vec<(String, Vec<String>)>) -> (Vec<Line>, contacts::Digest, usize) {
        let mut digest = contacts::Digest::default();
        let want = given.first().map_or(0, |(_, variables)| variables.len());
        let lines = given.into_iter().zip(1u32..).map(|((phone, variables), line)| {
            for part in std::iter::once(&phone).chain(&variables) {
                digest.add(part.as_bytes());
                digest.add(&[0]);
            }
            match judge(&phone, &variables, want, self.settings.default_region) {
                Ok(phone) => Line::Contact { line, phone, variables },
                Err(reason) => Line::Bad { line, text: phone.chars().take(40).collect(), reason },
            }
        });
        let lines = lines.collect();
        (lines, digest, want)
    }

    /// Messages per state of a campaign, counted anew from every row.
    pub async fn recount(&self, campaign: Campaign) -> Result<Counts, store::Error> {
        self.keeper.run(move |store| store.recount(&campaign)).await
    }
}

fn judge(
    phone: &str,
    variables: &[String],
    want: usize,
    region: Option<phonenumber::country::Id>,
) -> Result<u64, String> {
    if variables.len() != want {
        return Err(format!("{} variables instead of {want}, as the first contact has", variables.len()));
    }
    for (value, nth) in variables.iter().zip(1..) {
        contacts::check_variable(&nth.to_string(), value)?;
    }
    contacts::parse_phone(phone, region)
}
