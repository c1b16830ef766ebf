//! The dispatcher: which event goes to which lifecycle, what is due now, and when the next thing is.
//!
//! Decisions are in `engine/claiming.rs` (who goes next), `engine/sending.rs` (answers and webhooks), `engine/paging.rs`
//! (pages, deadlines, settling) and `engine/operating.rs` (what people decide). Nothing here touches a row: rows belong to
//! the store.

mod claiming;
mod operating;
mod paging;
mod sending;
mod status;

pub use status::{CampaignStatus, PortfolioStatus, SenderStatus, Status};

use crate::attempt::Fact;
use crate::breaker::Breaker;
use crate::campaign::{self, Campaign, Counts};
use crate::command::{Command, Held, Merge};
use crate::event::Event;
use crate::hold::{Hold, Memo};
use crate::id::{CampaignId, ContactId, MessageId, PortfolioId, SenderId};
use crate::ledger::{Ledger, Limit};
use crate::limits::IN_FLIGHT;
use crate::pacing::Pace;
use crate::pairs::Pairs;
use crate::quiet::{Zone, Zones};
use crate::rules::{Marks, Rule};
use crate::unknown::{Channel, Unknowns};
use cloud_api::time::{Span, Timestamp};

/// What the core must know of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderSpec {
    /// The portfolio whose messaging limit it shares.
    pub portfolio: PortfolioId,
    /// Messages a second that WhatsApp allows this number.
    pub throughput: u32,
    /// POSTs under way at once; [`IN_FLIGHT`] where nothing else is wanted.
    pub in_flight: u32,
    /// What a store was told to keep of its webhook channel; see [`Command::RememberChannel`].
    pub channel: Channel,
    /// What halted it before a crash.
    pub hold: Option<Memo>,
}

impl Default for SenderSpec {
    fn default() -> Self {
        Self {
            portfolio: PortfolioId(0),
            throughput: cloud_api::limits::DEFAULT_THROUGHPUT,
            in_flight: IN_FLIGHT,
            channel: Channel::default(),
            hold: None,
        }
    }
}

/// What the core must know of a portfolio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortfolioSpec {
    /// Distinct contacts in 24 hours.
    pub limit: Limit,
    /// The wait after the messaging limit that stood before a crash.
    pub hold: Option<Memo>,
}

/// What becomes of a message whose outcome stays unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// It is sent again: nobody is left out, and somebody may get two copies.
    #[default]
    Resend,
    /// It ends as failed: nobody gets two copies, and somebody may get none.
    Never,
}

struct Sender {
    id: SenderId,
    spec: SenderSpec,
    pace: Pace,
    hold: Hold,
    breaker: Breaker,
    unknowns: Unknowns,
    pairs: Pairs,
    /// Attempts whose outcome is unknown now: those that wait in `unknowns` and found no evidence.
    open_unknowns: u32,
    /// Claimed, intent not yet durable.
    intending: u32,
    in_flight: u32,
    campaigns: Vec<CampaignId>,
    /// Which of its campaigns has the next turn.
    turn: usize,
}

struct Portfolio {
    ledger: Ledger,
    hold: Hold,
}

/// Everything the engine decides. See the crate's page for how to drive it.
pub struct Engine {
    now: Timestamp,
    on_unknown: OnUnknown,
    zones: Zones,
    portfolios: Vec<Portfolio>,
    senders: Vec<Sender>,
    campaigns: Vec<Campaign>,
    marks: Marks,
    /// Campaigns of the sender that claims, in the order in which they may go: kept for its memory only.
    order: Vec<usize>,
    /// When something is due, if nothing happens before.
    wake: Timestamp,
    /// Something happened that may have moved `wake`.
    stale: bool,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            now: Timestamp(0),
            on_unknown: OnUnknown::Resend,
            zones: Zones::default(),
            portfolios: vec![Portfolio { ledger: Ledger::new(Limit::Unlimited), hold: Hold::default() }],
            senders: Vec::new(),
            campaigns: Vec::new(),
            marks: Marks::default(),
            order: Vec::new(),
            wake: Timestamp::NEVER,
            stale: false,
        }
    }
}

impl Engine {
    /// An engine without senders and campaigns, and with one portfolio that has no limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what becomes of messages whose outcome stays unknown, from now on.
    pub fn set_on_unknown(&mut self, on_unknown: OnUnknown) {
        self.on_unknown = on_unknown;
    }

    /// Sets where contacts live.
    pub fn set_zones(&mut self, zones: Zones) {
        self.zones = zones;
    }

    /// Makes a portfolio known, in place of an unlimited one. Ids are dense: those before it that are not known are unlimited.
    pub fn set_portfolio(&mut self, id: PortfolioId, spec: PortfolioSpec) {
        while self.portfolios.len() <= usize::from(id.0) {
            self.portfolios.push(Portfolio { ledger: Ledger::new(Limit::Unlimited), hold: Hold::default() });
        }
        self.portfolios[usize::from(id.0)] =
            Portfolio { ledger: Ledger::new(spec.limit), hold: Hold::restored(spec.hold) };
    }

    /// An entry of a portfolio's ledger that a store kept: the contact counts until then. An attempt that was under way when
    /// the store was left has no end yet: it gets one 24 hours from `now`.
    pub fn restore_count(&mut self, now: Timestamp, portfolio: PortfolioId, contact: ContactId, until: Timestamp) {
        let until = if until == Timestamp::NEVER { now + cloud_api::limits::MESSAGING_LIMIT_WINDOW } else { until };
        self.portfolios[usize::from(portfolio.0)].ledger.restore(contact, until);
    }

    /// Makes a sender known and gives its id: 0, 1, 2 and so on.
    ///
    /// # Panics
    /// If its portfolio is not known.
    pub fn add_sender(&mut self, spec: SenderSpec) -> SenderId {
        assert!(usize::from(spec.portfolio.0) < self.portfolios.len(), "a sender's portfolio is known before it");
        let id = SenderId(self.senders.len() as u16);
        self.senders.push(Sender {
            id,
            spec,
            pace: Pace::new(spec.throughput),
            hold: Hold::restored(spec.hold),
            breaker: Breaker::default(),
            unknowns: Unknowns::new(spec.channel),
            pairs: Pairs::new(false),
            open_unknowns: 0,
            intending: 0,
            in_flight: 0,
            campaigns: Vec::new(),
            turn: 0,
        });
        id
    }

    /// Makes a campaign known. `counts` is a count over the store's rows; `restored` says that an engine worked on it
    /// before this one, so that its intents are looked for first. Campaigns come in order of their messages' ids; ranges
    /// do not overlap.
    ///
    /// # Panics
    /// If the id is not the next one, or the sender is not known: the caller's table is out of step.
    pub fn add_campaign(&mut self, spec: campaign::Spec, counts: Counts, restored: bool) {
        assert_eq!(usize::from(spec.id.0), self.campaigns.len(), "campaign ids are dense");
        let sender = &mut self.senders[usize::from(spec.sender.0)];
        sender.campaigns.push(spec.id);
        // One campaign makes at most four attempts that count to a contact, far below what the pair limit allows: a ledger is
        // kept from the second one on.
        if sender.campaigns.len() == 2 {
            sender.pairs = Pairs::new(true);
        }
        self.campaigns.push(Campaign::new(spec, counts, restored));
        if restored {
            sender.pace.restored();
            sender.unknowns.recovers();
            self.marks.reached(Rule::Recovered);
        }
        self.wake = Timestamp(0);
    }

    /// Takes in an event. It cannot fail and never waits; what is to be done is added to `out`. Time that goes back is
    /// taken as standing still.
    pub fn handle(&mut self, now: Timestamp, event: Event, out: &mut Vec<Command>) {
        self.now = self.now.max(now);
        match event {
            Event::Loaded { campaign, lane, first, count, contact, zone } => {
                self.loaded(campaign, lane, campaign::Item { message: first, contact, zone }, count);
            }
            Event::PageEnd { campaign, lane, message, due, next, more } => {
                self.page_end(campaign, lane, (due, message), next, more);
            }
            Event::Merged(merged) => self.merged(merged, out),
            Event::SweepEnd { campaign, next } => self.sweep_end(campaign, next, out),
            Event::Answered { message, number, contact, answer } => {
                self.answered(message, number, contact, answer, out);
            }
            Event::Status { message, number, status, at } => self.status(message, number, status, at, out),
            Event::Replied { message, number, at } => self.replied(message, number, at, out),
            Event::Heard { sender, at } => self.heard(usize::from(sender.0), at),
            Event::OptedOut { who } => self.opted_out(who, out),
            Event::Pause { group } => self.pause(group, true, out),
            Event::Resume { group } => self.pause(group, false, out),
            Event::Cancel { group } => self.cancel(group, out),
            Event::ResumeSender { sender } => self.resume_sender(sender),
            Event::TemplateBack { campaign } => self.template_back(campaign),
            Event::LimitIs { portfolio, limit } => self.limit_is(portfolio, limit),
            Event::ThroughputIs { sender, throughput } => self.throughput_is(sender, throughput),
            Event::WebhookEnd { token } => out.push(Command::Acknowledge { token }),
            Event::Tick => self.stale = true,
        }
        if self.stale || self.now >= self.wake {
            self.stale = false;
            self.advance(out);
            self.wake = self.find_wake();
        }
    }

    /// When to hand in [`Event::Tick`], if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        (self.wake != Timestamp::NEVER).then_some(self.wake)
    }

    /// The rules of the promise that were reached so far.
    pub fn marks(&self) -> Marks {
        self.marks
    }

    fn state_of(&self, campaign: &Campaign) -> campaign::State {
        campaign::State::of(&campaign.counts, campaign.spec.start, campaign.deadline(), self.now)
    }

    /// The campaign that owns the message: ranges are in order.
    fn campaign_of(&self, message: MessageId) -> usize {
        if self.campaigns.len() == 1 {
            return 0;
        }
        self.campaigns.partition_point(|campaign| campaign.spec.first <= message).saturating_sub(1)
    }

    /// The portfolio of a sender.
    fn portfolio_of(&mut self, sender: usize) -> &mut Portfolio {
        &mut self.portfolios[usize::from(self.senders[sender].spec.portfolio.0)]
    }

    fn merge(&mut self, merge: Merge, out: &mut Vec<Command>) {
        out.push(Command::Merge(merge));
    }

    /// Everything that is due at this moment: pages and deadlines first, then what waited too long, then claims.
    fn advance(&mut self, out: &mut Vec<Command>) {
        for index in 0..self.campaigns.len() {
            self.advance_campaign(index, out);
        }
        for index in 0..self.senders.len() {
            self.give_up(index, out);
        }
        // Before any intent: an engine that finds one knows since when nobody listened.
        self.remember(out);
        for index in 0..self.senders.len() {
            self.senders[index].pace.begin(self.now);
            self.claim(index, out);
        }
    }

    /// Ends the wait of unknown outcomes that waited long enough.
    fn give_up(&mut self, index: usize, out: &mut Vec<Command>) {
        let nothing_left = self.nothing_left(&self.senders[index]);
        self.senders[index].unknowns.is_left(self.now, nothing_left);
        let fact = match self.on_unknown {
            OnUnknown::Never if !crate::planted::on(crate::planted::Bug::NeverResends) => Fact::Abandoned,
            OnUnknown::Never | OnUnknown::Resend => Fact::GivenUp,
        };
        while let Some((prolonged, proven)) = self.senders[index].unknowns.standing() {
            let Some((message, number)) = self.senders[index].unknowns.pop(self.now, nothing_left) else { break };
            self.marks.reached(if proven { Rule::GivenUpByProof } else { Rule::GivenUpByTime });
            if prolonged {
                self.marks.reached(Rule::WaitProlonged);
            }
            self.merge(Merge { message, number, fact, code: None, retry_after_seconds: 0 }, out);
        }
    }

    /// Whether no message of the sender could cause a webhook but those whose outcome is unknown.
    fn nothing_left(&self, sender: &Sender) -> bool {
        if sender.unknowns.is_empty() {
            return false;
        }
        let campaigns = sender.campaigns.iter().map(|id| &self.campaigns[usize::from(id.0)]);
        let in_progress: u32 = campaigns.map(|campaign| campaign.counts.in_progress()).sum();
        in_progress <= sender.open_unknowns
    }

    /// Has the store keep the holds that began or ended, and silences.
    fn remember(&mut self, out: &mut Vec<Command>) {
        for sender in &mut self.senders {
            if let Some(hold) = sender.hold.take_change() {
                out.push(Command::Remember { held: Held::Sender(sender.id), hold });
            }
            if let Some(channel) = sender.unknowns.take_change(self.now) {
                out.push(Command::RememberChannel { sender: sender.id, channel });
            }
        }
        for (place, portfolio) in self.portfolios.iter_mut().enumerate() {
            if let Some(hold) = portfolio.hold.take_change() {
                out.push(Command::Remember { held: Held::Portfolio(PortfolioId(place as u16)), hold });
            }
        }
        for campaign in &mut self.campaigns {
            if let Some(hold) = campaign.hold.take_change() {
                out.push(Command::Remember { held: Held::Campaign(campaign.spec.id), hold });
            }
        }
    }

    fn find_wake(&self) -> Timestamp {
        let campaigns = self.campaigns.iter().map(|campaign| self.campaign_wakes(campaign));
        let senders = self.senders.iter().map(|sender| {
            let unknown = sender.unknowns.wakes(self.nothing_left(sender)).unwrap_or(Timestamp::NEVER);
            unknown.min(self.sender_wakes(sender))
        });
        let wake = campaigns.chain(senders).min().unwrap_or(Timestamp::NEVER);
        if crate::planted::on(crate::planted::Bug::NeverRests) {
            return wake.min(self.now + Span::hours(1));
        }
        wake
    }

    /// The UTC offsets of a zone, in minutes.
    fn offsets(&self, zone: Zone) -> (i16, i16) {
        if crate::planted::on(crate::planted::Bug::QuietByUtc) { (0, 0) } else { self.zones.offsets(zone) }
    }
}
