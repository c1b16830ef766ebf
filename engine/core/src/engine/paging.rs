//! Pages in, rows settled, deadlines: how a campaign moves through memory that does not grow with it.

use super::Engine;
use crate::attempt::{Fact, Phase};
use crate::campaign::{Campaign, Stage};
use crate::command::Command;
use crate::event::{Lane, Merged};
use crate::id::{CampaignId, MessageId};
use crate::limits::{PAGE, PUT_BACK, READY_LOW, SWEEP};
use crate::message::{Decision, State};
use cloud_api::time::Timestamp;

impl Engine {
    /// Part of a page.
    pub(super) fn loaded(&mut self, campaign: CampaignId, lane: Lane, first: MessageId, count: u32) {
        let campaign = &mut self.campaigns[usize::from(campaign.0)];
        if campaign.stage == Stage::Running && count > 0 {
            match lane {
                Lane::Fresh => campaign.fresh.push(first, count),
                Lane::Due => campaign.again.push(first, count),
            }
        }
    }

    /// The page is complete.
    pub(super) fn page_end(
        &mut self,
        campaign: CampaignId,
        lane: Lane,
        cursor: (Timestamp, MessageId),
        next: Timestamp,
        more: bool,
    ) {
        let campaign = &mut self.campaigns[usize::from(campaign.0)];
        match lane {
            Lane::Fresh => {
                campaign.fresh_asked = false;
                campaign.cursor = campaign.cursor.and(more.then_some(cursor.1));
            }
            Lane::Due => {
                campaign.due_asked = false;
                // Forward, full page or not: what was read once waits here and is not read again.
                campaign.due_cursor = cursor;
                campaign.due_at = campaign.due_at.min(next);
            }
        }
        self.stale = true;
    }

    /// A row changed, durably: keep the counts, and see to what follows.
    pub(super) fn merged(&mut self, merged: Merged, out: &mut Vec<Command>) {
        let index = self.campaign_of(merged.message);
        let campaign = &mut self.campaigns[index];
        if merged.before != merged.after {
            campaign.counts.moved(merged.before, merged.after);
            if merged.after == State::Queued && campaign.stage == Stage::Running {
                // While something is halted, what comes back waits behind all others: one odd message would be every probe
                // and hold the halt for ever. It stays in the store, which is read once more at the end.
                let halted = campaign.hold.code().or(self.senders[usize::from(campaign.spec.sender.0)].hold.code());
                if halted.is_none() && campaign.back.len() < PUT_BACK {
                    campaign.back.push(merged.message, 1);
                }
                self.stale = true;
            }
        }
        if merged.due < campaign.due_at && campaign.stage != Stage::Closed {
            campaign.due_at = merged.due;
            self.stale = true;
        }
        let sender = &mut self.senders[usize::from(campaign.spec.sender.0)];
        let (was, is) = (merged.was == Phase::Unknown, merged.phase == Phase::Unknown);
        if is && (!was || (merged.fact.is_none() && merged.number > 0)) {
            sender.open_unknowns += 1;
        } else if was && !is {
            sender.open_unknowns = sender.open_unknowns.saturating_sub(1);
        }
        // What is left that could cause a webhook may be nothing now.
        self.stale |= !sender.unknowns.is_empty();
        match merged.fact {
            Some(Fact::Intended) => {
                let number = (merged.changed && merged.phase == Phase::Intended).then_some(merged.number);
                self.intended(merged.message, number, out);
            }
            Some(Fact::Unknown) | None
                if merged.phase == Phase::Unknown && merged.number > 0 && campaign.stage != Stage::Closed =>
            {
                let sender = usize::from(campaign.spec.sender.0);
                self.senders[sender].unknowns.push(self.now, merged.message, merged.number);
                self.stale = true;
            }
            _ => {}
        }
    }

    /// One step of a sweep is durable.
    pub(super) fn sweep_end(&mut self, campaign: CampaignId, next: MessageId, out: &mut Vec<Command>) {
        let index = usize::from(campaign.0);
        self.stale = true;
        if next < self.campaigns[index].spec.end {
            self.sweep(index, next, out);
            return;
        }
        let campaign = &mut self.campaigns[index];
        campaign.stage = match campaign.stage {
            Stage::Recovering => Stage::Scheduled,
            Stage::Closing => {
                let sender = &mut self.senders[usize::from(campaign.spec.sender.0)];
                sender.unknowns.forget(campaign.spec.first..campaign.spec.end);
                Stage::Closed
            }
            other => other,
        };
    }

    fn sweep(&mut self, index: usize, from: MessageId, out: &mut Vec<Command>) {
        let campaign = &self.campaigns[index];
        let decision = if campaign.stage == Stage::Recovering { Decision::Recovered } else { Decision::DeadlinePassed };
        let sender = &self.senders[usize::from(campaign.spec.sender.0)];
        let held = campaign.hold.code().or(sender.hold.code()).filter(|_| decision == Decision::DeadlinePassed);
        let limit = (campaign.spec.end.0 - from.0).min(u32::from(SWEEP)) as u16;
        out.push(Command::Sweep { campaign: campaign.spec.id, from, limit, decision, held });
    }

    /// What is due for one campaign.
    pub(super) fn advance_campaign(&mut self, index: usize, out: &mut Vec<Command>) {
        let now = self.now;
        let campaign = &mut self.campaigns[index];
        match campaign.stage {
            // Asked for once: `due_asked` marks that the sweep is under way.
            Stage::Recovering if !campaign.due_asked => {
                campaign.due_asked = true;
                let first = campaign.spec.first;
                self.sweep(index, first, out);
                return;
            }
            Stage::Scheduled if now >= campaign.spec.start => {
                campaign.stage = Stage::Running;
                campaign.due_asked = false;
            }
            Stage::Recovering | Stage::Scheduled | Stage::Running | Stage::Closing | Stage::Closed => {}
        }
        let campaign = &mut self.campaigns[index];
        if campaign.stage != Stage::Running {
            return;
        }
        if now >= campaign.deadline() {
            campaign.drop_ready();
            campaign.stage = Stage::Closing;
            let first = campaign.spec.first;
            self.sweep(index, first, out);
            return;
        }
        let sender = &self.senders[usize::from(campaign.spec.sender.0)];
        let idle = campaign.cursor.is_none() && campaign.ready() == 0 && !campaign.fresh_asked && sender.intending == 0;
        if idle && campaign.counts.of(State::Queued) > 0 {
            campaign.cursor = Some(campaign.spec.first);
        }
        if let Some(message) = campaign.cursor
            && !campaign.fresh_asked
            && campaign.fresh.len() < READY_LOW
        {
            campaign.fresh_asked = true;
            let due = Timestamp(0);
            out.push(Command::Load { campaign: campaign.spec.id, lane: Lane::Fresh, limit: PAGE, message, due });
        }
        if due_page_wanted(campaign) && now >= campaign.due_at {
            campaign.due_asked = true;
            campaign.due_at = Timestamp::NEVER;
            let (due, message) = campaign.due_cursor;
            out.push(Command::Load { campaign: campaign.spec.id, lane: Lane::Due, limit: PAGE, message, due });
        }
    }

    /// When the campaign needs the core, if nothing happens before.
    pub(super) fn campaign_wakes(&self, campaign: &Campaign) -> Timestamp {
        match campaign.stage {
            Stage::Recovering if !campaign.due_asked => self.now,
            Stage::Scheduled => campaign.spec.start,
            Stage::Running => {
                let due = if due_page_wanted(campaign) { campaign.due_at } else { Timestamp::NEVER };
                due.min(campaign.deadline())
            }
            Stage::Recovering | Stage::Closing | Stage::Closed => Timestamp::NEVER,
        }
    }
}

fn due_page_wanted(campaign: &Campaign) -> bool {
    !campaign.due_asked && campaign.again.len() < READY_LOW
}
