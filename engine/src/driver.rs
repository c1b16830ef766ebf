//! The loop: one task that owns the core and its gate, and does what they say.
//!
//! Gather what is waiting, commit one batch, then carry out what the batch let go; what comes of it are the next events.
//! Nothing here decides anything about a message. A commit that fails ends the loop, and the process with it.

mod restored;
mod tickets;

pub use restored::Restored;

use crate::clock::Clock;
use crate::config::Settings;
use crate::sender::{Attempted, Sender};
use crate::store::{self, About, Batch, Campaign, Found, Keeper, Learned, Letter, Outcome, Query, Trouble};
use crate::webhook::{Incoming, Update};
use engine_core::attempt::Fact;
use engine_core::campaign::{Counts, Spec};
use engine_core::command::Merge;
use engine_core::engine::{SenderSpec, Status};
use engine_core::event::Answer;
use engine_core::gate::Gate;
use engine_core::hold::Memo;
use engine_core::id::{ContactId, MessageId, PortfolioId, SenderId};
use engine_core::limits::BATCH;
use engine_core::time::Timestamp;
use engine_core::unknown::Channel;
use engine_core::{Command, Engine, Event};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use tickets::Tickets;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// Webhooks that wait for the loop. Past this the receiver makes WhatsApp wait.
pub const WEBHOOKS: usize = 256;

/// Orders that wait for the loop: each caller has one.
pub const ORDERS: usize = 64;

/// Writes that may wait for the store before no further webhook is taken: four commits.
const BACKLOG: usize = 4 * BATCH;

/// Why the loop ended before it was told to.
#[derive(Debug)]
pub enum Failure {
    /// A commit failed. What it held was neither sent nor acknowledged.
    Store(store::Error),
    /// A task that sent an attempt died.
    Task(tokio::task::JoinError),
    /// WhatsApp refuses the account or its token before anything is sent: its words. Somebody must mend the settings.
    Refused(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(wrong) => write!(f, "{wrong}; nothing that was not stored was sent or acknowledged"),
            Self::Task(wrong) => write!(f, "a sending task died: {wrong}"),
            Self::Refused(text) => write!(
                f,
                "WhatsApp refuses the account: {text}. Nothing was sent; check WHATSAPP_TOKEN, and that WHATSAPP_BUSINESS_ACCOUNT_ID \
                 and WHATSAPP_PHONE_NUMBER_ID belong to it"
            ),
        }
    }
}

impl std::error::Error for Failure {}

impl From<store::Error> for Failure {
    fn from(wrong: store::Error) -> Self {
        Self::Store(wrong)
    }
}

/// What people and the service ask of the loop.
#[derive(Debug)]
pub enum Order {
    /// Take on a campaign whose list is in the store.
    Add {
        /// The campaign.
        campaign: Box<Campaign>,
        /// Told when it is taken on.
        done: oneshot::Sender<()>,
    },
    /// Hand this to the core.
    Tell {
        /// What an operator decided.
        event: Event,
        /// Told when what follows from it is durable.
        done: oneshot::Sender<()>,
    },
    /// Have the store find out whom this is about, and go on from there as with a webhook.
    Ask {
        /// What an operator said.
        about: About,
        /// Told when what follows from it is durable.
        done: oneshot::Sender<()>,
    },
    /// Say how things stand.
    Look(oneshot::Sender<Look>),
    /// Claim nothing more; end when what is under way is settled and stored.
    Stop,
}

/// How things stand.
#[derive(Clone, Debug)]
pub struct Look {
    /// The core's view.
    pub status: Status,
    /// The campaigns, in order of id.
    pub campaigns: Vec<Arc<Campaign>>,
    /// The senders' phone number ids, in order of id.
    pub senders: Vec<String>,
    /// The portfolio of each sender.
    pub portfolios: Vec<PortfolioId>,
    /// Webhooks taken in so far.
    pub webhooks: u64,
    /// The time.
    pub now: Timestamp,
}

type Committing = Pin<Box<dyn Future<Output = Result<Outcome, store::Error>> + Send>>;

/// The loop's state.
pub struct Driver {
    core: Engine,
    gate: Gate,
    clock: Clock,
    keeper: Keeper,
    sender: Arc<Sender>,
    orders: mpsc::Receiver<Order>,
    webhooks: mpsc::Receiver<Incoming>,
    /// POSTs under way, as many as the core lets out.
    attempts: JoinSet<(ContactId, Attempted)>,
    settings: Arc<Settings>,
    campaigns: Vec<Arc<Campaign>>,
    senders: Vec<String>,
    portfolio_of: Vec<PortfolioId>,
    /// Their names.
    portfolios: Vec<String>,
    committing: Option<Committing>,
    /// What goes into the next commit beside the gate's writes.
    next: Batch,
    /// Who waits for the campaigns of the commits that are to come, in order.
    adding: VecDeque<oneshot::Sender<()>>,
    letters: FxHashMap<MessageId, Letter>,
    tickets: Tickets,
    heard: u64,
    stopping: bool,
    commands: Vec<Command>,
}

impl Driver {
    /// A loop without campaigns.
    pub fn new(
        clock: Clock,
        keeper: Keeper,
        sender: Sender,
        settings: Arc<Settings>,
        orders: mpsc::Receiver<Order>,
        webhooks: mpsc::Receiver<Incoming>,
    ) -> Self {
        let mut core = Engine::new();
        core.set_on_unknown(settings.rules.on_unknown);
        core.set_zones(settings.rules.zones.clone());
        Self {
            core,
            gate: Gate::default(),
            clock,
            keeper,
            sender: Arc::new(sender),
            orders,
            webhooks,
            attempts: JoinSet::new(),
            settings,
            campaigns: Vec::new(),
            senders: Vec::new(),
            portfolio_of: Vec::new(),
            portfolios: Vec::new(),
            committing: None,
            next: Batch::default(),
            adding: VecDeque::new(),
            letters: FxHashMap::default(),
            tickets: Tickets::default(),
            heard: 0,
            stopping: false,
            commands: Vec::new(),
        }
    }

    /// Takes on a campaign. Campaigns come in order of id, and so do their senders.
    fn add(&mut self, campaign: Campaign, counts: Counts, hold: Option<Memo>, restored: bool) {
        if usize::from(campaign.sender.0) == self.senders.len() {
            self.add_sender(&campaign.phone_number_id, None, Channel::default());
        }
        let Campaign { id, sender, first, end, start, priority, quiet, paused, cancelled, .. } = campaign;
        let spec = Spec { start, priority, quiet, paused, cancelled, hold, ..Spec::new(id, sender, first..end) };
        self.core.add_campaign(spec, counts, restored);
        self.campaigns.push(Arc::new(campaign));
    }

    fn add_sender(&mut self, phone_number_id: &str, hold: Option<Memo>, channel: Channel) {
        let rules = &self.settings.rules;
        let name = rules.portfolio_of(phone_number_id);
        let place = self.portfolios.iter().position(|known| known == name).unwrap_or_default();
        let (portfolio, throughput) = (PortfolioId(place as u16), rules.throughput_of(phone_number_id));
        let spec = SenderSpec { portfolio, throughput, channel, hold, ..SenderSpec::default() };
        self.core.add_sender(spec);
        self.senders.push(phone_number_id.to_owned());
        self.portfolio_of.push(portfolio);
    }

    /// Takes in what was parked and is known by now.
    fn found(&mut self, found: Vec<Found>) {
        for found in found {
            self.next.troubles.extend(found.trouble);
            self.tell(found.event);
        }
    }

    /// Runs until it is told to stop, and all that was under way is settled.
    pub async fn run(mut self) -> Result<(), Failure> {
        loop {
            self.gather()?;
            self.begin_commit();
            if self.stopping && self.is_quiet() {
                return Ok(());
            }
            let wake = self.core.next_deadline().filter(|_| !self.stopping);
            let sleep = async {
                match wake {
                    Some(wake) => self.clock.sleep_toward(wake).await,
                    None => std::future::pending().await,
                }
            };
            let commit = async {
                match &mut self.committing {
                    Some(committing) => committing.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                outcome = commit => {
                    self.committing = None;
                    self.committed(outcome?);
                }
                Some(order) = self.orders.recv() => self.order(order),
                Some(attempted) = self.attempts.join_next() => self.answered(attempted.map_err(Failure::Task)?),
                Some(incoming) = self.webhooks.recv(), if self.gate.backlog() < BACKLOG => self.webhook(incoming),
                () = sleep => self.tell(Event::Tick),
            }
        }
    }

    /// What has come already goes into the same commit.
    fn gather(&mut self) -> Result<(), Failure> {
        for _ in 0..BATCH {
            let Some(attempted) = self.attempts.try_join_next() else { break };
            self.answered(attempted.map_err(Failure::Task)?);
        }
        while self.gate.backlog() < BATCH
            && let Ok(incoming) = self.webhooks.try_recv()
        {
            self.webhook(incoming);
        }
        Ok(())
    }

    fn begin_commit(&mut self) {
        if self.committing.is_some() || (!self.gate.has_writes() && self.next.is_empty()) {
            return;
        }
        let mut batch = std::mem::take(&mut self.next);
        self.gate.take(&mut batch.commands);
        if self.gate.has_writes() {
            // An update is matched after every write that came before it.
            self.next.queries = std::mem::take(&mut batch.queries);
        }
        batch.now = self.clock.now();
        let keeper = self.keeper.clone();
        self.committing = Some(Box::pin(async move { keeper.run(move |store| store.commit(&batch)).await }));
    }

    fn committed(&mut self, outcome: Outcome) {
        let mut due = Vec::new();
        self.gate.committed(&mut due);
        for effect in due {
            self.perform(effect);
        }
        self.letters.extend(outcome.letters.into_iter().map(|letter| (letter.message, letter)));
        for event in outcome.events {
            // A change in a campaign that is not taken on yet: it will be in the counts that come with it.
            if !matches!(event, Event::Merged(merged) if !self.knows(merged.message)) {
                self.tell(event);
            }
        }
        for added in outcome.added {
            self.add(added.campaign, added.counts, None, false);
            self.tell(Event::Tick);
            if self.adding.pop_front().is_some_and(|done| done.send(()).is_err()) {
                tracing::debug!("whoever asked for a campaign did not wait for it");
            }
        }
        self.found(outcome.found);
        for token in outcome.asked {
            if self.tickets.answered(token) {
                self.tell(Event::WebhookEnd { token });
            }
        }
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Add { campaign, done } => {
                self.next.added.push(*campaign);
                self.adding.push_back(done);
            }
            Order::Tell { event, done } => {
                let token = self.tickets.open(done);
                self.tell(event);
                self.tell(Event::WebhookEnd { token });
            }
            Order::Ask { about, done } => {
                let token = self.tickets.open(done);
                self.tickets.asks(token);
                self.next.queries.push(Query { token, about, at: self.clock.now() });
            }
            Order::Look(asked) => {
                let status = self.core.snapshot();
                let (campaigns, senders) = (self.campaigns.clone(), self.senders.clone());
                let (portfolios, now) = (self.portfolio_of.clone(), self.clock.now());
                let look = Look { status, campaigns, senders, portfolios, webhooks: self.heard, now };
                // Whoever asked may have gone.
                drop(asked.send(look));
            }
            Order::Stop => self.stopping = true,
        }
    }

    fn answered(&mut self, (contact, attempted): (ContactId, Attempted)) {
        let Attempted { message, number, answer, accepted, error } = attempted;
        if let Some(accepted) = accepted {
            let at = self.clock.now();
            let (wamid, wa_id) = (accepted.wamid, accepted.wa_id);
            self.next.learned.push(Learned { wamid, message, number, at, wa_id });
        }
        self.next.troubles.extend(error.map(|(code, text)| Trouble { message, code, text }));
        self.tell(Event::Answered { message, number, contact, answer });
    }

    fn webhook(&mut self, incoming: Incoming) {
        self.heard += 1;
        let token = self.tickets.open(incoming.stored);
        for (phone_number_id, at) in incoming.heard {
            if let Some(place) = self.senders.iter().position(|known| *known == phone_number_id) {
                self.tell(Event::Heard { sender: SenderId(place as u16), at });
            }
        }
        for update in incoming.updates {
            let Update { about, callback, recipient, at } = update;
            let ours = callback.filter(|callback| {
                let campaign = self.campaigns.get(usize::from(callback.campaign.0));
                campaign.is_some_and(|campaign| campaign.owns(callback.message))
            });
            match (about, ours) {
                (About::Status { wamid, status, error }, Some(ours)) => {
                    let (message, number) = (ours.message, ours.number);
                    self.next.learned.push(Learned { wamid, message, number, at, wa_id: recipient });
                    self.next.troubles.extend(error.map(|(code, text)| Trouble { message, code, text }));
                    self.tell(Event::Status { message, number, status, at });
                }
                (about, _) => {
                    self.tickets.asks(token);
                    self.next.queries.push(Query { token, about, at });
                }
            }
        }
        for (template, language) in incoming.templates {
            for place in 0..self.campaigns.len() {
                let campaign = &self.campaigns[place];
                if campaign.template == template && campaign.language == language {
                    self.tell(Event::TemplateBack { campaign: campaign.id });
                }
            }
        }
        if self.tickets.is_answered(token) {
            self.tell(Event::WebhookEnd { token });
        }
    }

    /// Hands an event to the core, and does what the core says.
    fn tell(&mut self, event: Event) {
        let mut commands = std::mem::take(&mut self.commands);
        self.core.handle(self.clock.now(), event, &mut commands);
        for command in commands.drain(..) {
            // Whoever stops begins nothing new.
            let begins = match command {
                Command::Merge(Merge { fact, .. }) => fact == Fact::Intended,
                Command::Count { until, .. } => until == Timestamp::NEVER,
                _ => false,
            };
            if self.stopping && begins {
                continue;
            }
            if let Some(effect) = self.gate.push(command) {
                self.perform(effect);
            }
        }
        self.commands = commands;
    }

    fn perform(&mut self, effect: Command) {
        match effect {
            Command::Acknowledge { token } => self.tickets.close(token),
            Command::Send { message, number, campaign, contact, .. } => {
                let campaign = self.campaigns.get(usize::from(campaign.0)).cloned();
                let letter = self.letters.remove(&message);
                let sender = Arc::clone(&self.sender);
                self.attempts.spawn(async move {
                    let attempted = match (campaign, letter) {
                        (Some(campaign), Some(letter)) => sender.attempt(&campaign, letter, number).await,
                        // The store gives a letter for every intent. Without one, nothing was written, and that is said.
                        _ => Attempted::without_reply(message, number, Answer::NeverWritten),
                    };
                    (contact, attempted)
                });
            }
            // The gate keeps these for the store.
            Command::Load { .. }
            | Command::Merge(_)
            | Command::Sweep { .. }
            | Command::Defer { .. }
            | Command::Suppress { .. }
            | Command::Flag { .. }
            | Command::Remember { .. }
            | Command::RememberChannel { .. }
            | Command::Count { .. } => {}
        }
    }

    /// Whether all that was under way is settled and stored.
    fn is_quiet(&self) -> bool {
        self.attempts.is_empty() && self.committing.is_none() && !self.gate.has_writes() && self.next.is_empty()
    }

    /// Whether the message is of a campaign that was taken on.
    fn knows(&self, message: MessageId) -> bool {
        let at = self.campaigns.partition_point(|campaign| campaign.end <= message);
        self.campaigns.get(at).is_some_and(|campaign| campaign.owns(message))
    }
}
