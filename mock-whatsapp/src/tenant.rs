//! One tenant: the model's world, the words that it does not know, and its dealings with the outside. One task owns all
//! tenants, so nothing here waits or locks.

pub mod account;
pub mod batches;
mod caps;
pub mod couriers;
pub mod dispatch;
pub mod events;
pub mod faults;
pub mod gestures;
pub mod handsets;
pub mod inbound;
pub mod journal;
pub mod journey;
pub mod judging;
pub mod matcher;
pub mod message_log;
pub mod notices;
pub mod numbers;
pub mod reload;
mod sending;
pub mod snapshot;
pub mod templates;
mod waiting;
pub mod webhook_log;

use crate::clock::VirtualClock;
use crate::config::Config;
use crate::graph::refusal::Refusal;
use crate::identity::Identity;
use crate::media::Media;
use crate::templates::Templates;
use crate::wamids::{self, Meaning, Wamids};
use account::Account;
use batches::{Batches, Held};
use cloud_api::reply::MessageStatus;
use cloud_api::time::Timestamp;
use couriers::Courier;
use dispatch::{Departure, Outside, Webhook};
use events::Listeners;
use faults::Armed;
use handsets::Handsets;
use inbound::Inbound;
use journal::Journal;
use journey::Journey;
use judging::{Asked, Owed};
use message_log::{Event, Happened, MessageLog};
use mock_whatsapp_model::fate::{digest, join};
use mock_whatsapp_model::handset::other_id;
use mock_whatsapp_model::input::{DeliveryId, HandsetId, MessageIndex, NumberId, PortfolioId};
use mock_whatsapp_model::output::{Garble, Manner, Update, What};
use mock_whatsapp_model::referee::{Referee, Rule};
use mock_whatsapp_model::spec::Kind;
use mock_whatsapp_model::world::Config as WorldConfig;
use mock_whatsapp_model::{Input, Output, World};
use notices::Notices;
use numbers::Numbers;
use snapshot::Snapshots;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use waiting::Waiting;
use webhook_log::WebhookLog;

/// How a send ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is taken.
    Accepted {
        /// The message's id.
        wamid: String,
        /// The contact's canonical number.
        wa_id: String,
        /// What becomes of it first, where that is told.
        status: Option<MessageStatus>,
    },
    /// It is refused.
    Refused(Box<Refusal>),
    /// The answer never comes.
    Silence,
    /// The connection breaks.
    Reset,
    /// Something comes that is no answer.
    Garbled(Garble),
    /// The connection ends in order.
    Close,
    /// One of these, in an unusual manner.
    Mannered(Box<Verdict>, Manner),
}

/// Where a verdict goes, with the tenant's time at which it is given.
pub type Reply = oneshot::Sender<(Verdict, Timestamp)>;

/// Tells what belongs to the time before a reset or a restore from what came after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Epoch(u32);

/// One tenant.
#[derive(Debug)]
pub struct Tenant {
    place: usize,
    identity: Identity,
    config: Arc<Config>,
    /// What it was made with, whatever the configuration became since.
    made_with: Arc<Config>,
    outside: Outside,
    /// Where virtual and real time met last: at its making or its reset.
    anchor: Timestamp,
    clock: VirtualClock,
    /// The last moment that the world was told of.
    time: Timestamp,
    epoch: Epoch,
    world: World,
    number: NumberId,
    own_portfolio: PortfolioId,
    wamids: Wamids,
    templates: Templates,
    /// Whom alone it may write to.
    allowed: Option<Vec<u64>>,
    handsets: Handsets,
    inbound: Inbound,
    media: Media,
    numbers: Numbers,
    account: Account,
    notices: Notices,
    messages: MessageLog,
    faults: Vec<Armed>,
    faults_made: u64,
    /// Those of them that the configuration armed.
    configured_faults: Vec<u64>,
    webhook: Option<Webhook>,
    webhooks: WebhookLog,
    /// The webhook that the next delivery is one more of.
    repeated: Option<u64>,
    waiting: Waiting,
    outbox: VecDeque<Departure>,
    held: Held,
    batches: Batches,
    nowhere: Vec<DeliveryId>,
    under_way: BTreeMap<DeliveryId, Update>,
    flights: JoinSet<()>,
    /// Those that carry nothing now.
    couriers: Vec<Courier>,
    /// Verdicts that are not due yet, by their time and the order of their making.
    replies: BTreeMap<(Timestamp, u64), (Reply, Verdict, Owed)>,
    replies_made: u64,
    journey: Option<Journey>,
    journal: Journal,
    referee: Referee,
    /// Rules that are left out of the judgement.
    ignored: Vec<Rule>,
    /// How many calls were written down, for whoever waits for one.
    written: watch::Sender<u64>,
    listeners: Listeners,
    snapshots: Snapshots,
    out: Vec<Output>,
}

impl Tenant {
    /// A tenant in whose world nothing has happened, and whose time begins now, unless the configuration says when.
    pub fn new(place: usize, identity: Identity, config: Arc<Config>, outside: Outside) -> Self {
        let anchor = config.anchor.unwrap_or_else(|| outside.clock.now());
        let clock = VirtualClock::new(config.pace, anchor);
        let start = clock.at(outside.clock.now());
        let seed = match identity.name.as_str() {
            crate::identity::DEFAULT => config.seed,
            name => join(config.seed, digest(name.as_bytes())),
        };
        let limit_throughput = limits_throughput(&config, &clock);
        let mut world = World::new(WorldConfig { seed, start, timing: config.timing.clone(), limit_throughput });
        world.limit_pairs(config.rules.pair);
        world.limit_windows(config.rules.window);
        world.tell_messaging_limit(config.messaging_limit_told);
        let portfolio = world.add_portfolio(config.messaging_limit);
        // A `tier` that is armed later is to know the contacts of before.
        world.count_contacts(portfolio);
        let number = world.add_number_in(config.throughput, portfolio);
        let templates = Templates::new(&identity, start, templates::review_of(&config.templates));
        let mut tenant = Self {
            place,
            // Whoever comes again under a name does not use an id again.
            wamids: Wamids::new(join(seed, place as u64), start),
            identity,
            outside,
            anchor,
            clock,
            time: start,
            epoch: Epoch::default(),
            world,
            number,
            own_portfolio: portfolio,
            templates,
            allowed: config.allowed_recipients.clone(),
            handsets: Handsets::default(),
            inbound: Inbound::default(),
            media: Media::with_room_for(config.media_bytes),
            numbers: Numbers::default(),
            account: Account::default(),
            notices: Notices::default(),
            messages: MessageLog::default(),
            faults: Vec::new(),
            faults_made: 0,
            configured_faults: Vec::new(),
            webhook: None,
            webhooks: WebhookLog::default(),
            repeated: None,
            waiting: Waiting::default(),
            outbox: VecDeque::new(),
            held: Held::default(),
            batches: Batches::default(),
            nowhere: Vec::new(),
            under_way: BTreeMap::new(),
            flights: JoinSet::new(),
            couriers: Vec::new(),
            replies: BTreeMap::new(),
            replies_made: 0,
            journey: None,
            journal: Journal::new(config.journal_bytes),
            referee: Referee::new(MessageIndex(0)),
            ignored: Vec::new(),
            written: watch::Sender::new(0),
            listeners: Listeners::default(),
            snapshots: Snapshots::default(),
            out: Vec::new(),
            made_with: config.clone(),
            config,
        };
        tenant.found(start);
        tenant.arm_configured(start);
        tenant
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its clock.
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// Its time at a real moment.
    pub fn now(&self, real: Timestamp) -> Timestamp {
        self.clock.at(real)
    }

    /// Its model, to be looked at.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Its telephones, to be looked at.
    pub fn handsets(&self) -> &Handsets {
        &self.handsets
    }

    /// Its messages, to be looked at.
    pub fn messages(&self) -> &MessageLog {
        &self.messages
    }

    /// Its webhooks, to be looked at.
    pub fn webhooks(&self) -> &WebhookLog {
        &self.webhooks
    }

    /// How its ids are made.
    pub fn wamids(&self) -> &Wamids {
        &self.wamids
    }

    /// What the business was told of its account.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// What contacts wrote by hand.
    pub fn inbound(&self) -> &Inbound {
        &self.inbound
    }

    /// The last moment that anything was told of.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// When its time began.
    pub fn started(&self) -> Timestamp {
        self.anchor
    }

    /// Its numbers.
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Its numbers, to be changed.
    pub fn numbers_mut(&mut self) -> &mut Numbers {
        &mut self.numbers
    }

    /// Its account.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Its account, to be changed.
    pub fn account_mut(&mut self) -> &mut Account {
        &mut self.account
    }

    /// What it uploaded.
    pub fn media(&self) -> &Media {
        &self.media
    }

    /// What it uploaded, to be changed.
    pub fn media_mut(&mut self) -> &mut Media {
        &mut self.media
    }

    /// The settings that it was made with.
    pub fn made_with(&self) -> &Config {
        &self.made_with
    }

    /// Its settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How much is still to come: events, webhooks that wait or will be sent again, answers.
    pub fn due(&self) -> usize {
        self.world.snapshot().due
            + self.outbox.len()
            + self.held.len()
            + self.replies.len()
            + self.templates.due()
            + usize::from(self.account.upgrade.is_some())
    }

    /// When the next of it is due, if it has a time.
    pub fn next_due(&self) -> Option<Timestamp> {
        let reply = self.replies.first_key_value().map(|((at, _), _)| *at);
        self.due_with(reply, self.templates.next_due())
    }

    /// When the next of it is due that somebody waits for: time settles without the ends of pauses.
    pub fn next_awaited(&self) -> Option<Timestamp> {
        let reply = self.replies.first_key_value().map(|((at, _), _)| *at);
        self.due_with(reply, self.templates.next_awaited())
    }

    fn due_with(&self, reply: Option<Timestamp>, templates: Option<Timestamp>) -> Option<Timestamp> {
        let others = [reply, self.held.until(), self.account.upgrade, templates];
        self.world.next_deadline().into_iter().chain(others.into_iter().flatten()).min()
    }

    /// Does what there is to do.
    pub fn go_on(&mut self, real: Timestamp) {
        let now = self.now(real);
        self.media.expire(now);
        if self.next_due().is_some_and(|due| due <= now) {
            self.tick(now);
        }
        self.dispatch();
        if self.let_in(real) {
            self.dispatch();
        }
        if self.journey.is_some() {
            self.move_on(real);
        }
    }

    /// Lets happen what is due, and gives the answers that are.
    pub fn tick(&mut self, now: Timestamp) {
        self.time = self.time.max(now);
        self.hand_in(Input::Tick);
        self.tend_templates();
        while let Some(entry) = self.replies.first_entry().filter(|entry| entry.key().0 <= self.time) {
            let ((at, _), (reply, verdict, owed)) = entry.remove_entry();
            self.give_late(reply, verdict, owed, at);
        }
        if self.held.until().is_some_and(|until| until <= self.time) {
            self.release();
        }
        if self.config.rules.tier_upgrade {
            self.raise_limit();
        }
        self.settle_nowhere();
    }

    /// The telephone of a number, which may be mentioned for the first time.
    pub(crate) fn telephone(&mut self, wa_id: u64) -> HandsetId {
        self.handsets.find_or_add(&mut self.world, self.time, wa_id, self.config.magic_numbers)
    }

    pub(crate) fn hand_in(&mut self, input: Input) {
        self.world.handle(self.time, input, &mut self.out);
        self.carry_out(None);
    }

    /// Carries out what the world wants. A reply is to the send that was just handed in.
    fn carry_out(&mut self, mut asked: Option<Asked<'_>>) {
        let mut out = std::mem::take(&mut self.out);
        let mut opted_out = Vec::new();
        for output in out.drain(..) {
            match output {
                Output::Reply { at, answer, .. } => {
                    if let Some(asked) = asked.take() {
                        self.rule(asked, answer, at);
                    }
                }
                Output::Webhook { delivery, update, sent_before } => {
                    match self.repeated.take().filter(|_| sent_before == 0) {
                        Some(webhook) => self.webhooks.repeat(delivery, webhook),
                        None if sent_before == 0 => self.open_webhook(Some(delivery), &update),
                        None => {}
                    }
                    self.depart(Departure { delivery, update }, sent_before == 0);
                }
                Output::Dropped { update, delivery: None } => {
                    self.open_webhook(None, &update);
                }
                // Whoever gave it up says so in the log.
                Output::Dropped { delivery: Some(_), .. } => {}
                Output::OptedOut { handset, number } => opted_out.push((handset, number)),
            }
        }
        self.out = out;
        for (handset, number) in opted_out {
            self.prefer(handset, number, "stop");
        }
    }

    /// Notes a webhook that is to be sent, or one that a fault took.
    fn open_webhook(&mut self, delivery: Option<DeliveryId>, update: &Update) {
        let dress = self.world.dress(self.time, update);
        let kind = self.kind_of(update);
        if let Some(journey) = &mut self.journey {
            journey.count(u64::from(kind.starts_with("status.") && !update.forged), 0);
        }
        let whom = self.named_in(update).unwrap_or_default();
        let webhook = self.webhooks.open(delivery, kind, *update, whom, dress);
        let what = match update.what {
            _ if update.forged => Happened::Forged,
            What::Sent => Happened::Sent,
            What::Delivered => Happened::Delivered,
            What::Read => Happened::Read,
            What::Failed(_) => Happened::Failed,
            What::Reply => Happened::Replied,
            What::Stop => Happened::Stopped,
            What::Says(_) | What::Notice(_) => Happened::Quoted,
        };
        if let Some(about) = update.about {
            self.messages.note(about, Event { at: update.at, what, webhook: Some(webhook) });
        }
        self.tell_of_webhook(webhook);
    }

    /// What a webhook tells, in a word.
    fn kind_of(&self, update: &Update) -> Cow<'static, str> {
        let kind = match update.what {
            What::Sent => "status.sent",
            What::Delivered => "status.delivered",
            What::Read => "status.read",
            What::Failed(_) => "status.failed",
            What::Reply => "message.text",
            What::Stop => {
                let record = update.about.and_then(|about| self.messages.get(about));
                if record.is_some_and(|record| !record.buttons().is_empty()) {
                    "message.button"
                } else {
                    "message.text"
                }
            }
            What::Says(text) => {
                return self.inbound.get(text).map_or(Cow::Borrowed("message.text"), |said| Cow::Owned(said.label()));
            }
            What::Notice(words) => {
                return self
                    .notices
                    .get(words)
                    .map_or(Cow::Borrowed("notice"), |notice| Cow::Owned(notice.field.to_string()));
            }
        };
        Cow::Borrowed(kind)
    }

    /// The id of an accepted message.
    pub fn wamid(&self, index: MessageIndex) -> Option<String> {
        let message = self.world.message(index)?;
        Some(self.wamids.outbound(&self.wa_id(message.handset), index))
    }

    /// The id of the message that an update carries: ours for statuses, the contact's own otherwise.
    pub fn wamid_of(&self, update: &Update) -> Option<String> {
        Some(self.wamids.id(&self.named_in(update)?.to_string(), wamids::meaning(update)?, update.at))
    }

    /// The contact whose number is in the id that an update carries.
    fn named_in(&self, update: &Update) -> Option<u64> {
        let handset = match wamids::meaning(update)? {
            Meaning::Outbound(index) => self.world.message(index)?.handset,
            Meaning::Answer(_) | Meaning::Said(_) => update.handset,
        };
        Some(self.canonical(handset))
    }

    /// The id that a webhook carries, with the number that the contact had when the webhook was made; empty where there is
    /// none.
    pub fn wamid_in(&self, webhook: &webhook_log::Record) -> String {
        let meaning = wamids::meaning(&webhook.update).filter(|_| webhook.whom != 0);
        meaning
            .map_or_else(String::new, |meaning| self.wamids.id(&webhook.whom.to_string(), meaning, webhook.update.at))
    }

    /// The number that WhatsApp calls a contact by; it can differ from the one that was given.
    pub fn wa_id(&self, handset: HandsetId) -> String {
        self.canonical(handset).to_string()
    }

    pub(crate) fn canonical(&self, handset: HandsetId) -> u64 {
        let given = self.handsets.wa_id(handset);
        if self.world.persona(handset).kind == Kind::OtherWaId { other_id(given) } else { given }
    }

    /// Lets time begin anew: everything that happened is gone; ids, webhook and templates stay.
    /// What is under way is ended by whoever waits for it.
    pub fn reset(&mut self, real: Timestamp) -> JoinSet<()> {
        self.let_all_in(real);
        let flights = self.let_go();
        self.anchor = self.config.anchor.unwrap_or(real);
        self.clock = VirtualClock::new(self.config.pace, self.anchor);
        self.time = self.now(real);
        self.world.reset(self.time);
        self.world.limit_throughput(limits_throughput(&self.config, &self.clock));
        self.handsets.reset(&mut self.world, self.time, self.config.magic_numbers);
        self.messages.clear();
        self.forget_calls();
        self.webhooks.clear();
        self.inbound.clear();
        self.wamids.forget_ages();
        self.media.renew(self.time);
        self.account.forget();
        self.notices.clear();
        self.templates.forget_messages();
        self.faults.clear();
        self.configured_faults.clear();
        flights
    }

    /// Drops all that is on its way, in or out; what is already under way is ended by whoever waits for it.
    fn let_go(&mut self) -> JoinSet<()> {
        self.flights.abort_all();
        self.held.clear();
        self.batches.clear();
        self.under_way.clear();
        self.outbox.clear();
        self.nowhere.clear();
        self.couriers.clear();
        self.replies.clear();
        self.journey = None;
        self.epoch.0 += 1;
        std::mem::take(&mut self.flights)
    }

    /// Stops or moves the clock by setting it; time that is due falls due.
    pub fn set_clock(&mut self, clock: VirtualClock, real: Timestamp) {
        self.clock = clock;
        self.world.limit_throughput(limits_throughput(&self.config, &clock));
        self.tick(self.clock.at(real));
    }

    /// Whether time is being moved by hand.
    pub fn is_moving(&self) -> bool {
        self.journey.is_some()
    }
}

/// Whether throughput is refused: frozen time refills nothing, so then it is only counted.
fn limits_throughput(config: &Config, clock: &VirtualClock) -> bool {
    config.rules.throughput && !matches!(clock, VirtualClock::Frozen { .. })
}

/// Gives a verdict to whoever waits for it.
/// Whether anybody did.
pub(crate) fn give(reply: Reply, verdict: Verdict, at: Timestamp) -> bool {
    let heard = reply.send((verdict, at)).is_ok();
    if !heard {
        tracing::debug!("the sender hung up before it was answered");
    }
    heard
}
