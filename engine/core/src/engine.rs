//! The dispatcher: which event goes to which lifecycle, what is due now, and when the next thing is.
//!
//! Decisions are in `engine/sending.rs` (claims and answers) and `engine/paging.rs` (pages, deadlines, settling). Nothing
//! here touches a row: rows belong to the store.

mod paging;
mod sending;

use crate::breaker::Breaker;
use crate::campaign::{self, Campaign, Counts, Stage};
use crate::command::{Command, Merge};
use crate::event::Event;
use crate::hold::Hold;
use crate::id::{CampaignId, MessageId, SenderId};
use crate::limits::IN_FLIGHT;
use crate::pacing::Pace;
use crate::unknown::Unknowns;
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::Timestamp;

/// What the core must know of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderSpec {
    /// Messages a second that WhatsApp allows this number.
    pub throughput: u32,
    /// POSTs under way at once; [`IN_FLIGHT`] where nothing else is wanted.
    pub in_flight: u32,
    /// When this sender's last webhook came, in a life before this one; 0 if none did.
    pub last_heard: Timestamp,
}

impl Default for SenderSpec {
    fn default() -> Self {
        Self { throughput: cloud_api::limits::DEFAULT_THROUGHPUT, in_flight: IN_FLIGHT, last_heard: Timestamp(0) }
    }
}

struct Sender {
    id: SenderId,
    spec: SenderSpec,
    pace: Pace,
    hold: Hold,
    breaker: Breaker,
    unknowns: Unknowns,
    /// Attempts whose outcome is unknown now: those that wait in `unknowns` and found no evidence.
    open_unknowns: u32,
    /// Claimed, intent not yet durable.
    intending: u32,
    in_flight: u32,
    campaigns: Vec<CampaignId>,
    /// Which of its campaigns has the next turn.
    turn: usize,
}

/// Everything the engine decides. See the crate's page for how to drive it.
pub struct Engine {
    now: Timestamp,
    senders: Vec<Sender>,
    campaigns: Vec<Campaign>,
    /// When something is due, if nothing happens before.
    wake: Timestamp,
    /// Something happened that may have moved `wake`.
    stale: bool,
}

/// What a status page shows of one campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignStatus {
    /// Which.
    pub id: CampaignId,
    /// Its state at the time asked for.
    pub state: campaign::State,
    /// Its messages per state.
    pub counts: Counts,
    /// Why nothing is claimed, if a template is halted.
    pub held_by: Option<CodeIndex>,
    /// Whether the core has nothing left to do for it but take in late webhooks.
    pub settled: bool,
}

/// What a status page shows of one sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderStatus {
    /// Which.
    pub id: SenderId,
    /// Thousandths of a message per second.
    pub rate_milli: u64,
    /// POSTs under way.
    pub in_flight: u32,
    /// Attempts of unknown outcome.
    pub unknown: usize,
    /// Why nothing is claimed, if the number or the account is halted.
    pub held_by: Option<CodeIndex>,
    /// Whether the breaker is open.
    pub breaker_open: bool,
}

/// The core as a status page shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// In order of id.
    pub campaigns: Vec<CampaignStatus>,
    /// In order of id.
    pub senders: Vec<SenderStatus>,
}

impl Default for Engine {
    fn default() -> Self {
        Self { now: Timestamp(0), senders: Vec::new(), campaigns: Vec::new(), wake: Timestamp::NEVER, stale: false }
    }
}

impl Engine {
    /// An engine without senders and campaigns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a sender known and gives its id: 0, 1, 2 and so on.
    pub fn add_sender(&mut self, spec: SenderSpec) -> SenderId {
        let id = SenderId(self.senders.len() as u16);
        self.senders.push(Sender {
            id,
            spec,
            pace: Pace::new(spec.throughput),
            hold: Hold::default(),
            breaker: Breaker::default(),
            unknowns: Unknowns::new(spec.last_heard),
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
    /// Gives the campaign's place, which is its id.
    ///
    /// # Panics
    /// If the id is not the next one, or the sender is not known: the caller's table is out of step.
    pub fn add_campaign(&mut self, spec: campaign::Spec, counts: Counts, restored: bool) {
        assert_eq!(usize::from(spec.id.0), self.campaigns.len(), "campaign ids are dense");
        self.senders[usize::from(spec.sender.0)].campaigns.push(spec.id);
        self.campaigns.push(Campaign::new(spec, counts, restored));
        self.wake = Timestamp(0);
    }

    /// Takes in an event. It cannot fail and never waits; what is to be done is added to `out`. Time that goes back is
    /// taken as standing still.
    pub fn handle(&mut self, now: Timestamp, event: Event, out: &mut Vec<Command>) {
        self.now = self.now.max(now);
        match event {
            Event::Loaded { campaign, lane, first, count } => self.loaded(campaign, lane, first, count),
            Event::PageEnd { campaign, lane, message, due, next, more } => {
                self.page_end(campaign, lane, (due, message), next, more);
            }
            Event::Merged(merged) => self.merged(merged, out),
            Event::SweepEnd { campaign, next } => self.sweep_end(campaign, next, out),
            Event::Answered { message, number, answer } => self.answered(message, number, answer, out),
            Event::Status { message, number, status, at } => self.status(message, number, status, at, out),
            Event::Replied { message, number, at } => self.replied(message, number, at, out),
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

    /// The whole of it at a glance.
    pub fn snapshot(&self) -> Status {
        let campaigns = self.campaigns.iter().map(|campaign| CampaignStatus {
            id: campaign.spec.id,
            state: self.state_of(campaign),
            counts: campaign.counts,
            held_by: campaign.hold.code(),
            settled: campaign.counts.in_progress() == 0 || campaign.stage == Stage::Closed,
        });
        let senders = self.senders.iter().map(|sender| SenderStatus {
            id: sender.id,
            rate_milli: sender.pace.rate_milli(),
            in_flight: sender.in_flight,
            unknown: sender.unknowns.len(),
            held_by: sender.hold.code(),
            breaker_open: sender.breaker.is_open(),
        });
        Status { campaigns: campaigns.collect(), senders: senders.collect() }
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

    fn merge(&mut self, merge: Merge, out: &mut Vec<Command>) {
        out.push(Command::Merge(merge));
    }

    /// Everything that is due at this moment: pages and deadlines first, then what waited too long, then claims.
    fn advance(&mut self, out: &mut Vec<Command>) {
        for index in 0..self.campaigns.len() {
            self.advance_campaign(index, out);
        }
        for index in 0..self.senders.len() {
            let nothing_left = self.nothing_left(&self.senders[index]);
            while let Some((message, number)) = self.senders[index].unknowns.pop(self.now, nothing_left) {
                let fact = crate::attempt::Fact::GivenUp;
                self.merge(Merge { message, number, fact, code: None, retry_after_seconds: 0 }, out);
            }
            self.claim(index, out);
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

    fn find_wake(&self) -> Timestamp {
        let campaigns = self.campaigns.iter().map(|campaign| self.campaign_wakes(campaign));
        let senders = self.senders.iter().map(|sender| {
            let unknown = sender.unknowns.wakes(self.nothing_left(sender)).unwrap_or(Timestamp::NEVER);
            unknown.min(self.sender_wakes(sender))
        });
        campaigns.chain(senders).min().unwrap_or(Timestamp::NEVER)
    }
}
