//! What a story is told of the engine as a whole, and of rows.

use super::Run;
use crate::story::{Held, Moment};
use cloud_api::catalogue::CodeIndex;
use cloud_api::time::Timestamp;
use engine_core::attempt::Fact;
use engine_core::event::Merged;
use engine_core::message::Decision;

impl Run<'_> {
    /// What changed of the engine as a whole, for a story.
    #[cold]
    pub(super) fn note_changes(&mut self) {
        let Some(life) = &self.life else { return };
        let (now, before) = (self.now, std::mem::replace(&mut self.status, life.engine.glance()));
        let (story, after) = (&mut self.story, &self.status);
        let mut held = |held, before: Option<CodeIndex>, after: Option<CodeIndex>| match (before, after) {
            (None, Some(code)) => story.note(now, None, Moment::HoldStarted { held, code }),
            (Some(_), None) => story.note(now, None, Moment::HoldEnded { held }),
            _ => {}
        };
        for (before, after) in before.senders.iter().zip(&after.senders) {
            held(Held::Sender(after.id.0), before.held_by, after.held_by);
        }
        for (before, after) in before.portfolios.iter().zip(&after.portfolios) {
            held(Held::Portfolio(after.id.0), before.held_by, after.held_by);
        }
        for (before, after) in before.campaigns.iter().zip(&after.campaigns) {
            held(Held::Campaign(after.group.0), before.held_by, after.held_by);
        }
        for (before, after) in before.senders.iter().zip(&after.senders) {
            let (sender, rate) = (after.id.0, (after.rate_milli / 1_000) as u32);
            match (before.breaker_open, after.breaker_open) {
                (false, true) => story.note(now, None, Moment::BreakerOpened { sender }),
                (true, false) => story.note(now, None, Moment::BreakerClosed { sender }),
                _ => {}
            }
            if after.rate_milli < before.rate_milli {
                story.note(now, None, Moment::PaceCut { sender, rate });
            } else if after.rate_milli > before.rate_milli && rate >= self.setup.senders[usize::from(sender)].throughput
            {
                story.note(now, None, Moment::PaceRestored { sender, rate });
            }
        }
    }
}

/// A durable change of a row, as a story tells it.
pub(super) fn moment_of(merged: &Merged, decision: Decision) -> Moment {
    let Merged { number, phase, before, after, due, .. } = *merged;
    match merged.fact {
        Some(Fact::Intended) if !merged.changed => Moment::ClaimRefused,
        Some(Fact::Intended) => Moment::Intended { number },
        Some(fact) => Moment::Merged { number, fact, phase, before, after, due },
        None if before == after && due != Timestamp::NEVER => Moment::Deferred { until: due },
        None => Moment::Decided { decision, before, after },
    }
}
