//! A scenario as the model level runs it: places and keys in place of names and files.

use crate::contacts::Contacts;
use crate::scenario::{Act, Category, OnUnknown, Operator, Scenario};
use cloud_api::message::SendRequest;
use cloud_api::template::{Component, Parameter, Template};
use cloud_api::time::Span;
use engine_core::quiet::{Quiet, Zones};
use mock_whatsapp_model::content;
use mock_whatsapp_model::input::template_key;
use mock_whatsapp_model::spec::{FaultSpec, MessagingLimit, Timing};

/// The first sender's id at WhatsApp, which is the mock's default; the others follow.
pub const FIRST_PHONE_NUMBER_ID: u64 = 100_000_000_000_001;

/// A sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderSetup {
    /// As the scenario names it.
    pub name: String,
    /// Its id at WhatsApp.
    pub phone_number_id: u64,
    /// Messages a second.
    pub throughput: u32,
    /// Its portfolio's place in [`Setup::portfolios`].
    pub portfolio: usize,
    /// Its portfolio's messaging limit.
    pub messaging_limit: MessagingLimit,
}

/// The messages of a campaign that one of its senders sends: ids follow each other across all parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The campaign's place.
    pub campaign: usize,
    /// The sender's place.
    pub sender: usize,
    /// The id of its first message.
    pub first: u32,
    /// One past its last.
    pub end: u32,
}

/// A campaign.
#[derive(Debug)]
pub struct CampaignSetup {
    /// As the scenario names it.
    pub name: String,
    /// The senders' places.
    pub senders: Vec<usize>,
    /// After the start of the run.
    pub start: Span,
    /// Messages.
    pub size: u32,
    /// The id of its first message.
    pub first: u32,
    /// Higher goes first.
    pub priority: u8,
    /// When nothing is sent, by the contacts' own clocks.
    pub quiet: Option<Quiet>,
    /// The key of its template's name.
    pub template: u32,
    /// Whether its template is of the marketing category.
    pub marketing: bool,
    /// The key of each wording ([`Contacts::wordings`]).
    pub contents: Vec<u64>,
}

/// A bug put in on purpose, to show that a check sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// A delivered message is said to go back to Sent.
    FlipTransition,
    /// A delivery is acknowledged and not merged.
    DropMerge,
    /// An attempt is POSTed twice.
    SendTwice,
    /// A webhook with a wrong signature is believed.
    BelieveForged,
    /// An engine whose lease is over still POSTs what it had claimed, and its writes are taken.
    NoFence,
    /// What is learned of an id that is not known yet is dropped.
    DropParked,
}

/// Everything a run starts from.
#[derive(Debug)]
pub struct Setup {
    /// What all chance hangs on.
    pub seed: u64,
    /// How long handsets take.
    pub timing: Timing,
    /// In the order of the file.
    pub faults: Vec<FaultSpec>,
    /// The names of the portfolios.
    pub portfolios: Vec<String>,
    /// In the order of the file.
    pub senders: Vec<SenderSetup>,
    /// In order of their messages.
    pub parts: Vec<Part>,
    /// In order of time.
    pub operators: Vec<Operator>,
    /// What becomes of messages whose outcome stays unknown.
    pub on_unknown: OnUnknown,
    /// Where contacts live, as far as the scenario says.
    pub zones: Zones,
    /// The same for those who judge.
    pub offsets: Vec<(String, i32, i32)>,
    /// In the order of the file.
    pub campaigns: Vec<CampaignSetup>,
    /// Who gets what.
    pub contacts: Contacts,
    /// The planted bug.
    pub plant: Option<Plant>,
}

impl Setup {
    /// From a scenario; `contacts` is the size of made campaigns, where the command line gives one.
    pub fn new(scenario: &Scenario, seed: u64, contacts: Option<u32>) -> Self {
        let contacts = Contacts::new(scenario, seed, contacts);
        let mut portfolios: Vec<String> = Vec::new();
        for sender in &scenario.senders {
            if !portfolios.contains(&sender.portfolio) {
                portfolios.push(sender.portfolio.clone());
            }
        }
        let mut first = 0;
        let campaigns = scenario.campaigns.iter().enumerate().map(|(place, campaign)| {
            let size = contacts.audience(place).len();
            let key = |wording: &Vec<&str>| content_of(&campaign.template, &campaign.language, wording);
            let contents = contacts.wordings(place).iter().map(key).collect();
            first += size;
            CampaignSetup {
                name: campaign.name.clone(),
                senders: campaign.senders.clone(),
                start: campaign.start,
                size,
                first: first - size,
                priority: campaign.priority,
                quiet: campaign.quiet_hours.map(|hours| Quiet { from: hours.from, until: hours.until }),
                template: template_key(&campaign.template),
                marketing: campaign.category == Category::Marketing,
                contents,
            }
        });
        let campaigns: Vec<CampaignSetup> = campaigns.collect();
        let senders =
            scenario.senders.iter().zip(FIRST_PHONE_NUMBER_ID..).map(|(sender, phone_number_id)| SenderSetup {
                name: sender.name.clone(),
                phone_number_id,
                throughput: sender.throughput,
                portfolio: portfolios.iter().position(|name| *name == sender.portfolio).unwrap_or(0),
                messaging_limit: sender.messaging_limit,
            });
        let senders: Vec<SenderSetup> = senders.collect();
        Self {
            seed,
            timing: scenario.timing.clone(),
            faults: scenario.faults.clone(),
            parts: parts_of(&campaigns, &senders),
            portfolios,
            operators: scenario.operators.clone(),
            on_unknown: scenario.engine.on_unknown,
            zones: scenario.engine.zones.clone(),
            offsets: scenario.engine.offsets.clone(),
            senders,
            campaigns,
            contacts,
            plant: None,
        }
    }

    /// How many messages all campaigns have.
    pub fn messages(&self) -> u32 {
        self.parts.last().map_or(0, |part| part.end)
    }

    /// The part that a message is of.
    #[inline]
    pub fn part_of(&self, message: u32) -> usize {
        if self.parts.len() == 1 { 0 } else { self.parts.partition_point(|part| part.end <= message) }
    }

    /// The contact of a message.
    #[inline]
    pub fn contact_of(&self, message: u32) -> u32 {
        let campaign = self.parts[self.part_of(message)].campaign;
        self.contacts.audience(campaign).contact(message - self.campaigns[campaign].first)
    }

    /// The limit that a portfolio has when nothing else is said.
    pub fn limit_of(&self, portfolio: usize) -> MessagingLimit {
        let mut senders = self.senders.iter().filter(|sender| sender.portfolio == portfolio);
        senders.next().map_or(MessagingLimit::Unlimited, |sender| sender.messaging_limit)
    }

    /// The campaign that an operator's act is about.
    pub fn act_on(act: Act) -> Option<usize> {
        match act {
            Act::Pause(campaign) | Act::Resume(campaign) | Act::Cancel(campaign) => Some(campaign),
            Act::ResumeSender(_) => None,
        }
    }
}

/// Cuts campaigns of several senders into parts as large as the senders are fast, so that all are done at the same time.
fn parts_of(campaigns: &[CampaignSetup], senders: &[SenderSetup]) -> Vec<Part> {
    let mut parts = Vec::new();
    for (place, campaign) in campaigns.iter().enumerate() {
        let all: u64 = campaign.senders.iter().map(|sender| u64::from(senders[*sender].throughput)).sum();
        let (mut first, mut before) = (campaign.first, 0);
        for sender in &campaign.senders {
            before += u64::from(senders[*sender].throughput);
            let end = campaign.first + (u64::from(campaign.size) * before / all.max(1)) as u32;
            if end > first {
                parts.push(Part { campaign: place, sender: *sender, first, end });
            }
            first = end;
        }
    }
    parts
}

/// The key of a template message's content, as the mock works it out from the request that the engine makes.
fn content_of(template: &str, language: &str, variables: &[&str]) -> u64 {
    let parameters = variables.iter().map(|text| Parameter::text(*text)).collect();
    let template = Template::new(template, language).with(Component::body(parameters));
    content::digest(&SendRequest::template("", template))
}
