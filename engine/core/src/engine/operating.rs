//! What people decide: opt-outs, pauses, cancellations, halts lifted by hand, and limits that the API tells anew.

use super::Engine;
use crate::command::{Command, Who};
use crate::id::{CampaignId, ContactId, GroupId, PortfolioId, SenderId};
use crate::ledger::Limit;
use crate::planted::{self, Bug};
use crate::rules::Rule;
use cloud_api::time::Timestamp;

impl Engine {
    /// A contact wants no more.
    pub(super) fn opted_out(&mut self, who: Who, out: &mut Vec<Command>) {
        if !planted::on(Bug::OptOutIgnored) {
            out.push(Command::Suppress { who });
        }
    }

    /// A campaign is paused, or goes on.
    pub(super) fn pause(&mut self, group: GroupId, paused: bool, out: &mut Vec<Command>) {
        for campaign in self.campaigns.iter_mut().filter(|campaign| campaign.spec.group == group) {
            if !paused && planted::on(Bug::ResumeForgotten) {
                continue;
            }
            campaign.spec.paused = paused;
            let (id, cancelled) = (campaign.spec.id, campaign.spec.cancelled);
            out.push(Command::Flag { campaign: id, paused, cancelled });
        }
        self.marks.reached(if paused { Rule::Paused } else { Rule::Resumed });
        self.stale = true;
    }

    /// A campaign is ended.
    pub(super) fn cancel(&mut self, group: GroupId, out: &mut Vec<Command>) {
        for campaign in self.campaigns.iter_mut().filter(|campaign| campaign.spec.group == group) {
            if !campaign.spec.cancelled {
                campaign.spec.cancelled = true;
                campaign.cancelling = true;
                campaign.drop_ready();
                let (id, paused) = (campaign.spec.id, campaign.spec.paused);
                out.push(Command::Flag { campaign: id, paused, cancelled: true });
            }
        }
        self.stale = true;
    }

    /// Whatever halts the sender is lifted.
    pub(super) fn resume_sender(&mut self, sender: SenderId) {
        let index = usize::from(sender.0);
        let mut lifted = self.senders[index].hold.lift();
        lifted |= self.portfolio_of(index).hold.lift();
        for campaign in self.campaigns.iter_mut().filter(|campaign| campaign.spec.sender == sender) {
            lifted |= campaign.hold.lift();
        }
        if lifted {
            self.marks.reached(Rule::HaltEndedByHand);
        }
        self.stale = true;
    }

    /// The template of a campaign may be used again.
    pub(super) fn template_back(&mut self, campaign: CampaignId) {
        self.stale |= self.campaigns[usize::from(campaign.0)].hold.lift();
    }

    /// The API says what it allows a portfolio.
    pub(super) fn limit_is(&mut self, portfolio: PortfolioId, limit: Limit) {
        self.portfolios[usize::from(portfolio.0)].ledger.set_limit(limit);
        self.stale = true;
    }

    /// The API says what it allows a number.
    pub(super) fn throughput_is(&mut self, sender: SenderId, throughput: u32) {
        let sender = &mut self.senders[usize::from(sender.0)];
        sender.spec.throughput = throughput;
        sender.pace.set(throughput);
        self.stale = true;
    }

    /// WhatsApp counts the contact from now on.
    pub(super) fn count(&mut self, index: usize, contact: ContactId, out: &mut Vec<Command>) {
        let now = self.now;
        let portfolio = self.senders[index].spec.portfolio;
        let ledger = &mut self.portfolios[usize::from(portfolio.0)].ledger;
        if ledger.limit() != Limit::Unlimited {
            ledger.settled(now, contact);
            let until = ledger.until(contact).unwrap_or(Timestamp(0));
            // What waits for room could not say until when while every entry's attempt was under way.
            let full = ledger.is_full(now);
            out.push(Command::Count { portfolio, contact, until });
            self.stale |= full;
        }
    }

    /// WhatsApp did not take the message: the contact does not count for it.
    pub(super) fn uncount(&mut self, index: usize, contact: ContactId, out: &mut Vec<Command>) {
        let now = self.now;
        let portfolio = self.senders[index].spec.portfolio;
        let ledger = &mut self.portfolios[usize::from(portfolio.0)].ledger;
        if ledger.limit() != Limit::Unlimited {
            ledger.refused(now, contact);
            let until = ledger.until(contact).unwrap_or(Timestamp(0));
            out.push(Command::Count { portfolio, contact, until });
            self.stale = true;
        }
    }
}
