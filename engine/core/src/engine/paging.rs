//! Pages in, rows settled, deadlines: how a campaign moves through memory that does not grow with it.

use super::Engine;
use crate::attempt::{Fact, Phase};
use crate::campaign::{Campaign, Item, Stage};
use crate::command::Command;
use crate::event::{Lane, Merged};
use crate::id::{CampaignId, MessageId};
use crate::limits::{PAGE, PUT_BACK, READY_LOW, SWEEP};
use crate::message::{Decision, State};
use crate::planted::{self, Bug};
use crate::rules::Rule;
use cloud_api::time::Timestamp;

impl Engine {
    /// Part of a page.
    pub(super) fn loaded(&mut self, campaign: CampaignId, lane: Lane, first: Item, count: u32) {
        let campaign = &mut self.campaigns[usize::from(campaign.0)];
        if campaign.stage == Stage::Running && !campaign.spec.cancelled && count > 0 {
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
                if !campaign.spec.cancelled {
                    campaign.due_at = campaign.due_at.min(next);
                }
                if planted::on(Bug::DuePageDrops) {
                    campaign.again.pop();
                }
            }
        }
        self.stale = true;
    }

    /// A row changed, durably: keep the counts, and see to what follows.
    pub(super) fn merged(&mut self, merged: Merged, out: &mut Vec<Command>) {
        let index = self.campaign_of(merged.message);
        let item = Item { message: merged.message, contact: merged.contact, zone: merged.zone };
        if merged.changed {
            self.mark(index, &merged);
        }
        let campaign = &mut self.campaigns[index];
        let sender_index = usize::from(campaign.spec.sender.0);
        if merged.before != merged.after {
            campaign.counts.moved(merged.before, merged.after);
            if merged.after == State::Queued && campaign.stage == Stage::Running && !campaign.spec.cancelled {
                // While something is halted, what comes back waits behind all others: one odd message would be every probe
                // and hold the halt for ever. It stays in the store, which is read once more at the end.
                let halted = campaign.hold.code().or(self.senders[sender_index].hold.code());
                if halted.is_none() && campaign.back.len() < PUT_BACK {
                    if !planted::on(Bug::PutBackForgotten) {
                        campaign.back.push(item, 1);
                    }
                } else {
                    campaign.missed |= !planted::on(Bug::PutBackForgotten);
                }
                self.stale = true;
            }
        }
        if merged.due < campaign.due_at && campaign.stage != Stage::Closed && !campaign.spec.cancelled {
            campaign.due_at = merged.due;
            self.stale = true;
        }
        let stage = campaign.stage;
        let sender = &mut self.senders[sender_index];
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
                self.intended(merged.message, number, item, out);
            }
            Some(Fact::Unknown) | None
                if merged.phase == Phase::Unknown && merged.number > 0 && stage != Stage::Closed =>
            {
                let unknowns = &mut self.senders[sender_index].unknowns;
                if merged.fact.is_some() {
                    unknowns.push(self.now, merged.message, merged.number);
                } else {
                    unknowns.push_orphan(self.now, merged.message, merged.number);
                }
                self.stale = true;
            }
            // Only webhooks bring these: WhatsApp took an attempt whose answer is still awaited, or never came.
            Some(Fact::Sent | Fact::Delivered | Fact::Read | Fact::Replied)
                if merged.changed && matches!(merged.was, Phase::Intended | Phase::Unknown) =>
            {
                self.works(sender_index);
            }
            _ => {}
        }
    }

    /// Which rules the change is a case of.
    #[inline]
    fn mark(&mut self, index: usize, merged: &Merged) {
        let (was, is) = (merged.was, merged.phase);
        // Most changes are of none: a fact about an attempt of which all went well so far, and does.
        let well =
            |state| matches!(state, State::Sending | State::Sent | State::Delivered | State::Read | State::Responded);
        let early_read = is == Phase::Read && was < Phase::Delivered;
        let waited = matches!(was, Phase::Unknown | Phase::GivenUp | Phase::Abandoned) || is == Phase::Abandoned;
        let from_well = merged.before == State::Queued || well(merged.before);
        if merged.fact.is_none() || !from_well || !well(merged.after) || early_read || waited {
            self.mark_each(index, merged);
        }
    }

    #[cold]
    fn mark_each(&mut self, index: usize, merged: &Merged) {
        let (was, is) = (merged.was, merged.phase);
        let decided = merged.fact.is_none();
        let ended = decided && merged.before.is_in_progress() && merged.after.is_failure();
        let sweeping = self.campaigns[index].sweeping;
        let rules = [
            (merged.after == State::Queued && merged.fact == Some(Fact::Unspent), Rule::PutBack),
            (was == Phase::Unknown && is > Phase::Abandoned, Rule::EvidenceCame),
            (matches!(was, Phase::GivenUp | Phase::Abandoned) && is > Phase::Abandoned, Rule::EvidenceAfterGivingUp),
            (is == Phase::Abandoned, Rule::Abandoned),
            (merged.number >= 4 && merged.after.is_failure() && is == Phase::Failed, Rule::RetriesSpent),
            (ended && sweeping == Some(Decision::DeadlinePassed), Rule::DeadlineEnded),
            (ended && merged.after == State::BlockedOrSpam && sweeping.is_some(), Rule::DeadlineHeld),
            (ended && sweeping == Some(Decision::Cancelled), Rule::Cancelled),
            (ended && sweeping.is_none(), Rule::OptedOut),
            (decided && merged.number == 0 && merged.after == State::Sending, Rule::FollowedAfterDecision),
            (decided && was == Phase::Intended && is == Phase::Unknown, Rule::OutcomeUnknownByCrash),
            (
                merged.before == State::Retrying && !merged.after.is_in_progress() && !decided,
                Rule::EvidenceCancelsRetry,
            ),
            (merged.before == State::Sent && merged.after == State::Retrying, Rule::LateFailureRetried),
            (merged.before.is_failure() && !merged.after.is_failure(), Rule::FailureLifted),
            (is == Phase::Read && was < Phase::Delivered, Rule::LateRead),
        ];
        for (reached, rule) in rules {
            if reached {
                self.marks.reached(rule);
            }
        }
    }

    /// One step of a sweep is durable.
    pub(super) fn sweep_end(&mut self, campaign: CampaignId, next: MessageId, out: &mut Vec<Command>) {
        let index = usize::from(campaign.0);
        self.stale = true;
        let campaign = &mut self.campaigns[index];
        let Some(decision) = campaign.sweeping else { return };
        let stops = decision == Decision::DeadlinePassed && planted::on(Bug::DeadlineSweepStops);
        if next < campaign.spec.end && !stops {
            self.sweep(index, next, out);
            return;
        }
        campaign.sweeping = None;
        match decision {
            Decision::Recovered => {
                campaign.stage = Stage::Scheduled;
                self.senders[usize::from(campaign.spec.sender.0)].unknowns.recovered();
            }
            Decision::Cancelled => campaign.cancelling = false,
            Decision::DeadlinePassed => {
                let sender = &mut self.senders[usize::from(campaign.spec.sender.0)];
                sender.unknowns.forget(campaign.spec.first..campaign.spec.end);
                campaign.stage = Stage::Closed;
            }
            Decision::OptedOut => {}
        }
    }

    fn sweep(&mut self, index: usize, from: MessageId, out: &mut Vec<Command>) {
        let campaign = &self.campaigns[index];
        let Some(decision) = campaign.sweeping else { return };
        let held = self.holds_back(index).filter(|_| decision == Decision::DeadlinePassed);
        let limit = (campaign.spec.end.0 - from.0).min(u32::from(SWEEP)) as u16;
        out.push(Command::Sweep { campaign: campaign.spec.id, from, limit, decision, held });
    }

    /// What holds a campaign's messages back now: a halt, or else the messaging limit.
    fn holds_back(&self, index: usize) -> Option<cloud_api::catalogue::CodeIndex> {
        if planted::on(Bug::DeadlineForgetsHold) {
            return None;
        }
        let campaign = &self.campaigns[index];
        let sender = &self.senders[usize::from(campaign.spec.sender.0)];
        let portfolio = &self.portfolios[usize::from(sender.spec.portfolio.0)];
        let full = campaign.was_full.then(|| cloud_api::catalogue::find(131_048, None));
        campaign.hold.code().or(sender.hold.code()).or(portfolio.hold.code()).or(full)
    }

    /// Starts a sweep over all messages of a campaign.
    fn start_sweep(&mut self, index: usize, decision: Decision, out: &mut Vec<Command>) {
        self.campaigns[index].sweeping = Some(decision);
        let first = self.campaigns[index].spec.first;
        self.sweep(index, first, out);
    }

    /// What is due for one campaign.
    pub(super) fn advance_campaign(&mut self, index: usize, out: &mut Vec<Command>) {
        let now = self.now;
        let campaign = &mut self.campaigns[index];
        if campaign.sweeping.is_some() {
            return;
        }
        if campaign.stage == Stage::Recovering && planted::on(Bug::RecoveryForgets) {
            campaign.stage = Stage::Scheduled;
        }
        if campaign.stage == Stage::Recovering {
            return self.start_sweep(index, Decision::Recovered, out);
        }
        if campaign.stage == Stage::Scheduled && now >= campaign.spec.start {
            campaign.stage = Stage::Running;
        }
        if campaign.cancelling && matches!(campaign.stage, Stage::Scheduled | Stage::Running) {
            campaign.drop_ready();
            return self.start_sweep(index, Decision::Cancelled, out);
        }
        if campaign.stage != Stage::Running {
            return;
        }
        if now >= campaign.deadline() && !planted::on(Bug::DeadlineIgnored) {
            // A campaign that is paused is held back by that, and not by what was full when it was last looked at.
            campaign.was_full = campaign.full && !campaign.spec.paused;
            campaign.drop_ready();
            campaign.stage = Stage::Closing;
            return self.start_sweep(index, Decision::DeadlinePassed, out);
        }
        if campaign.spec.cancelled {
            return;
        }
        let sender = &self.senders[usize::from(campaign.spec.sender.0)];
        let idle = campaign.cursor.is_none() && campaign.ready() == 0 && !campaign.fresh_asked && sender.intending == 0;
        if idle && campaign.missed {
            campaign.missed = false;
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
        if campaign.sweeping.is_some() {
            return Timestamp::NEVER;
        }
        match campaign.stage {
            Stage::Recovering => self.now,
            Stage::Scheduled if campaign.cancelling => self.now,
            Stage::Scheduled => campaign.spec.start,
            Stage::Running if planted::on(Bug::DeadlineIgnored) && self.now >= campaign.deadline() => Timestamp::NEVER,
            Stage::Running => {
                let due = if due_page_wanted(campaign) { campaign.due_at } else { Timestamp::NEVER };
                due.min(campaign.deadline())
            }
            Stage::Closing | Stage::Closed => Timestamp::NEVER,
        }
    }
}

fn due_page_wanted(campaign: &Campaign) -> bool {
    !campaign.due_asked && campaign.again.len() < READY_LOW
}
