//! A scenario as the model level runs it: numbers and functions in place of names and files.

use mock_whatsapp_model::handset::Persona;
use mock_whatsapp_model::spec::{FaultSpec, Timing};
use cloud_api::time::Span;

/// One contact of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// The canonical id, as a number.
    pub wa_id: u64,
    /// The key of what is said to this contact (`mock_whatsapp_model::content::digest`).
    pub content: u64,
}

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
    /// Contacts.
    pub size: u32,
    /// Whether its template is of the marketing category.
    pub marketing: bool,
    /// The contacts.
    pub people: People,
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
    /// One per `[[contacts]]` group, in the order of the file.
    pub personas: Vec<Persona>,
    /// The planted bug.
    pub plant: Option<Plant>,
}

/// The contacts of a campaign.
#[derive(Debug)]
pub enum People {
    Generated { seed: u64, content: u64, size: u32, bounds: Vec<u32> },
}
impl People {
    pub fn person(&self, index: u32) -> Person {
        match self { Self::Generated { seed, content, .. } => Person { wa_id: 4915_000_000_000 + mock_whatsapp_model::fate::permute(*seed, u64::from(index), 100_000_000), content: *content } }
    }
    pub fn persona(&self, index: u32) -> Option<usize> {
        match self { Self::Generated { seed, size, bounds, .. } => { let p = mock_whatsapp_model::fate::permute(seed ^ 1, u64::from(index), u64::from(*size)) as u32; let g = bounds.partition_point(|b| *b <= p); (g < bounds.len()).then_some(g) } }
    }
}
