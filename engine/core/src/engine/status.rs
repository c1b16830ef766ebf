//! The core as a status page shows it.

use super::Engine;
use crate::campaign::{self, Counts, Stage};
use crate::id::{CampaignId, GroupId, PortfolioId, SenderId};
use crate::ledger::Limit;
use cloud_api::catalogue::CodeIndex;

/// What a status page shows of one campaign of one sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignStatus {
    /// Which.
    pub id: CampaignId,
    /// The campaign that the user knows.
    pub group: GroupId,
    /// Its state at the time asked for.
    pub state: campaign::State,
    /// Its messages per state.
    pub counts: Counts,
    /// Why nothing is claimed, if a template is halted.
    pub held_by: Option<CodeIndex>,
    /// An operator holds it.
    pub paused: bool,
    /// An operator ended it.
    pub cancelled: bool,
    /// Messages of it that wait in memory.
    pub loaded: u32,
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
    /// Claimed, the intent not yet durable.
    pub intending: u32,
    /// POSTs under way.
    pub in_flight: u32,
    /// Attempts of unknown outcome that are waited for.
    pub unknown: usize,
    /// Contacts in its pair ledger.
    pub pairs: usize,
    /// Why nothing is claimed, if the number or the account is halted.
    pub held_by: Option<CodeIndex>,
    /// Whether the breaker is open.
    pub breaker_open: bool,
}

/// What a status page shows of one portfolio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortfolioStatus {
    /// Which.
    pub id: PortfolioId,
    /// Distinct contacts in 24 hours.
    pub limit: Limit,
    /// Contacts that count now.
    pub used: u32,
    /// Why nothing is claimed, if WhatsApp said that the limit was reached.
    pub held_by: Option<CodeIndex>,
}

/// The core as a status page shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// In order of id.
    pub campaigns: Vec<CampaignStatus>,
    /// In order of id.
    pub senders: Vec<SenderStatus>,
    /// In order of id.
    pub portfolios: Vec<PortfolioStatus>,
}

impl Engine {
    /// The whole of it.
    pub fn snapshot(&self) -> Status {
        let mut status = self.glance();
        for (portfolio, shown) in self.portfolios.iter().zip(&mut status.portfolios) {
            shown.used = portfolio.ledger.used(self.now);
        }
        status
    }

    /// The same but for the contacts that count, of which there may be many to look at: `used` is 0.
    pub fn glance(&self) -> Status {
        let campaigns = self.campaigns.iter().map(|campaign| CampaignStatus {
            id: campaign.spec.id,
            group: campaign.spec.group,
            state: self.state_of(campaign),
            counts: campaign.counts,
            held_by: campaign.hold.code(),
            paused: campaign.spec.paused,
            cancelled: campaign.spec.cancelled,
            loaded: campaign.ready(),
            settled: campaign.counts.in_progress() == 0 || campaign.stage == Stage::Closed,
        });
        let senders = self.senders.iter().map(|sender| SenderStatus {
            id: sender.id,
            rate_milli: sender.pace.rate_milli(),
            intending: sender.intending,
            in_flight: sender.in_flight,
            unknown: sender.unknowns.len(),
            pairs: sender.pairs.len(),
            held_by: sender.hold.code(),
            breaker_open: sender.breaker.is_open(),
        });
        let portfolios = self.portfolios.iter().enumerate().map(|(place, portfolio)| PortfolioStatus {
            id: PortfolioId(place as u16),
            limit: portfolio.ledger.limit(),
            used: 0,
            held_by: portfolio.hold.code(),
        });
        Status { campaigns: campaigns.collect(), senders: senders.collect(), portfolios: portfolios.collect() }
    }

    /// A campaign as the user knows it: its parts taken together. `None` if there is none of this group.
    pub fn group(&self, group: GroupId) -> Option<(campaign::State, Counts)> {
        let mut parts = self.campaigns.iter().filter(|campaign| campaign.spec.group == group);
        let first = parts.next()?;
        let mut counts = first.counts;
        parts.for_each(|part| counts.add(&part.counts));
        Some((campaign::State::of(&counts, first.spec.start, first.deadline(), self.now), counts))
    }
}
