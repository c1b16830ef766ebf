//! A scenario as the model level runs it: places and keys in place of names and files.

use crate::contacts::Contacts;
use crate::scenario::{Category, Scenario};
use cloud_api::message::SendRequest;
use cloud_api::template::{Component, Parameter, Template};
use cloud_api::time::Span;
use mock_whatsapp_model::content;
use mock_whatsapp_model::input::template_key;
use mock_whatsapp_model::spec::{FaultSpec, Timing};

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
}

/// A campaign.
#[derive(Debug)]
pub struct CampaignSetup {
    /// As the scenario names it.
    pub name: String,
    /// The sender's place.
    pub sender: usize,
    /// After the start of the run.
    pub start: Span,
    /// Messages.
    pub size: u32,
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
    /// In the order of the file.
    pub senders: Vec<SenderSetup>,
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
        let campaigns = scenario.campaigns.iter().enumerate().map(|(place, campaign)| {
            let size = contacts.audience(place).len();
            let key = |wording: &Vec<&str>| content_of(&campaign.template, &campaign.language, wording);
            let contents = contacts.wordings(place).iter().map(key).collect();
            CampaignSetup {
                name: campaign.name.clone(),
                sender: campaign.senders[0],
                start: campaign.start,
                size,
                template: template_key(&campaign.template),
                marketing: campaign.category == Category::Marketing,
                contents,
            }
        });
        let senders = scenario.senders.iter().zip(FIRST_PHONE_NUMBER_ID..).map(|(sender, phone_number_id)| {
            SenderSetup { name: sender.name.clone(), phone_number_id, throughput: sender.throughput }
        });
        Self {
            seed,
            timing: scenario.timing.clone(),
            faults: scenario.faults.clone(),
            senders: senders.collect(),
            campaigns: campaigns.collect(),
            contacts,
            plant: None,
        }
    }
}

/// The key of a template message's content, as the mock works it out from the request that the engine makes.
fn content_of(template: &str, language: &str, variables: &[&str]) -> u64 {
    let parameters = variables.iter().map(|text| Parameter::text(*text)).collect();
    let template = Template::new(template, language).with(Component::body(parameters));
    content::digest(&SendRequest::template("", template))
}
