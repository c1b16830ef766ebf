//! What an engine that starts takes over from the one before it: read in one go, handed to the core in the core's order.

use super::Driver;
use crate::config::Rules;
use crate::store::{Campaign, Entry, Error, Found, Store};
use cloud_api::limits::MESSAGING_LIMIT_WINDOW;
use engine_core::Event;
use engine_core::campaign::Counts;
use engine_core::command::Held;
use engine_core::engine::PortfolioSpec;
use engine_core::hold::Memo;
use engine_core::id::{PortfolioId, SenderId};
use engine_core::ledger::Limit;
use engine_core::time::Timestamp;
use engine_core::unknown::Channel;

/// All that a store holds beside its messages.
#[derive(Debug)]
pub struct Restored {
    now: Timestamp,
    portfolios: Vec<(String, Limit)>,
    senders: Vec<(String, Channel)>,
    campaigns: Vec<(Campaign, Counts)>,
    holds: Vec<(Held, Memo)>,
    ledger: Vec<Entry>,
    released: Vec<Found>,
}

impl Restored {
    /// Reads it. A list that a crash left half is removed.
    pub fn read(store: &mut Store, rules: &Rules, now: Timestamp) -> Result<Self, Error> {
        store.set_zones(rules.zones.clone());
        store.abandon()?;
        store.close_ledger(now + MESSAGING_LIMIT_WINDOW)?;
        store.purge_ledger(now)?;
        for (name, _) in rules.limits() {
            store.name_portfolio(name)?;
        }
        // One that the settings name no more has no sender: its limit is nobody's.
        let limit_of =
            |name: &str| rules.limits().find(|(known, _)| *known == name).map_or(Limit::Unlimited, |(_, limit)| limit);
        let portfolios = store.portfolios()?.into_iter().map(|name| {
            let limit = limit_of(&name);
            (name, limit)
        });
        let campaigns = store.campaigns()?.into_iter().map(|campaign| {
            let counts = store.counts(&campaign)?;
            Ok((campaign, counts))
        });
        Ok(Self {
            now,
            portfolios: portfolios.collect(),
            senders: store.senders()?.into_iter().zip(store.channels()?).collect(),
            campaigns: campaigns.collect::<Result<_, Error>>()?,
            holds: store.holds()?,
            ledger: store.ledger()?,
            released: store.released()?,
        })
    }

    fn hold(&self, held: Held) -> Option<Memo> {
        self.holds.iter().find(|(known, _)| *known == held).map(|(_, memo)| *memo)
    }
}

impl Driver {
    /// Takes over.
    pub fn restore(&mut self, restored: Restored) {
        for (place, (name, limit)) in (0u16..).zip(&restored.portfolios) {
            let id = PortfolioId(place);
            let hold = restored.hold(Held::Portfolio(id));
            self.core.set_portfolio(id, PortfolioSpec { limit: *limit, hold });
            self.portfolios.push(name.clone());
        }
        for Entry { portfolio, contact, until } in &restored.ledger {
            self.core.restore_count(restored.now, *portfolio, *contact, *until);
        }
        for (place, (phone_number_id, channel)) in (0u16..).zip(&restored.senders) {
            let hold = restored.hold(Held::Sender(SenderId(place)));
            self.add_sender(phone_number_id, hold, *channel);
        }
        for (campaign, counts) in &restored.campaigns {
            let hold = restored.hold(Held::Campaign(campaign.id));
            self.add(campaign.clone(), *counts, hold, true);
        }
        self.tell(Event::Tick);
        self.found(restored.released);
    }
}
