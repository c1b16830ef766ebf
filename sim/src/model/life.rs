//! One life of the engine's process: its core, what it has not yet made durable, and how it starts from what is.
//!
//! Everything here is gone when the process dies; what survives is the disk's.

use super::disk::Disk;
use super::setup::Setup;
use crate::scenario::OnUnknown;
use cloud_api::time::{Span, Timestamp};
use engine_core::campaign::{Counts, Spec};
use engine_core::engine::{OnUnknown as WhenUnknown, PortfolioSpec, SenderSpec};
use engine_core::gate::Gate;
use engine_core::id::{CampaignId, ContactId, GroupId, MessageId, PortfolioId, SenderId};
use engine_core::ledger::Limit;
use engine_core::quiet::Zones;
use engine_core::{Command, Engine};
use mock_whatsapp_model::spec::MessagingLimit;
use std::collections::BTreeSet;

/// A commit that is under way.
#[derive(Debug)]
pub struct Commit {
    /// When it is durable, if nothing happens before.
    pub done: Timestamp,
    /// What is written, in order.
    pub batch: Vec<Command>,
}

/// A process of the engine.
pub struct Life {
    /// Which one: requests carry it, so that no other life hears their answers.
    pub id: u16,
    /// The core.
    pub engine: Engine,
    /// What waits for its commit.
    pub gate: Gate,
    /// The commit that is under way.
    pub commit: Option<Commit>,
    /// Attempts of which it was told what was parked.
    pub told_parked: BTreeSet<(u32, u8)>,
    /// How far its clock is from the true time, in microseconds. It was read when the process began, and goes on by itself.
    pub skew: i64,
}

impl Life {
    /// Starts a process on a store. `limits` is what the API says that each portfolio may do now.
    pub fn start(
        id: u16,
        setup: &Setup,
        disk: &Disk<'_>,
        zones: Zones,
        now: Timestamp,
        limits: &[MessagingLimit],
        skew: i64,
    ) -> Self {
        let mut engine = Engine::new();
        engine.set_zones(zones);
        engine.set_on_unknown(match setup.on_unknown {
            OnUnknown::Resend => WhenUnknown::Resend,
            OnUnknown::Never => WhenUnknown::Never,
        });
        let own_time = by_clock(now, skew);
        for (place, limit) in limits.iter().enumerate() {
            let hold = disk.portfolio_holds[place];
            engine.set_portfolio(PortfolioId(place as u16), PortfolioSpec { limit: limit_of(*limit), hold });
        }
        for ((portfolio, contact), until) in &disk.ledger {
            engine.restore_count(own_time, PortfolioId(*portfolio), ContactId(*contact), *until);
        }
        for (place, sender) in setup.senders.iter().enumerate() {
            engine.add_sender(SenderSpec {
                portfolio: PortfolioId(sender.portfolio as u16),
                throughput: sender.throughput,
                channel: disk.channels[place],
                hold: disk.sender_holds[place],
                ..SenderSpec::default()
            });
        }
        let restored = id > 0;
        for (place, part) in setup.parts.iter().enumerate() {
            let campaign = &setup.campaigns[part.campaign];
            let counts = if restored {
                let mut counts = Counts::default();
                let rows = &disk.rows()[part.first as usize..part.end as usize];
                rows.iter().for_each(|row| counts.0[row.state() as usize] += 1);
                counts
            } else {
                Counts::all_queued(part.end - part.first)
            };
            let flags = disk.parts[place];
            let messages = MessageId(part.first)..MessageId(part.end);
            let spec = Spec {
                group: GroupId(part.campaign as u16),
                start: super::run::START + campaign.start,
                priority: campaign.priority,
                quiet: campaign.quiet,
                paused: flags.paused,
                cancelled: flags.cancelled,
                hold: flags.hold,
                ..Spec::new(CampaignId(place as u16), SenderId(part.sender as u16), messages)
            };
            engine.add_campaign(spec, counts, restored);
        }
        Self { id, engine, gate: Gate::default(), commit: None, told_parked: BTreeSet::new(), skew }
    }

    /// The time by its own clock.
    #[inline]
    pub fn time(&self, now: Timestamp) -> Timestamp {
        by_clock(now, self.skew)
    }

    /// When its next timer is due, in true time.
    #[inline]
    pub fn wakes(&self) -> Timestamp {
        match self.engine.next_deadline() {
            None => Timestamp::NEVER,
            Some(at) if self.skew == 0 => at,
            Some(at) => by_clock(at, -self.skew),
        }
    }
}

pub(super) fn by_clock(now: Timestamp, skew: i64) -> Timestamp {
    let by = Span(skew.unsigned_abs());
    if skew < 0 { now - by } else { now + by }
}

/// The limit as the engine writes it.
pub fn limit_of(limit: MessagingLimit) -> Limit {
    match limit {
        MessagingLimit::Unlimited => Limit::Unlimited,
        MessagingLimit::Contacts(contacts) => Limit::Contacts(contacts),
    }
}
