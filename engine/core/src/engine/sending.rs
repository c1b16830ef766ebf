//! Claims, and what the answers to POSTs and the webhooks teach about the sender.

use super::{Engine, Sender};
use crate::attempt::Fact;
use crate::campaign::{Campaign, Stage};
use crate::command::{Command, Merge};
use crate::event::{Answer, Status};
use crate::hold::Hold;
use crate::id::MessageId;
use crate::limits::{HALT_PROBE, LIMIT_WAIT, MAINTENANCE_HOLD};
use crate::retry;
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};

impl Engine {
    /// Claims what the pace, the holds and the bounds of the sender allow now, one campaign after the other.
    pub(super) fn claim(&mut self, index: usize, out: &mut Vec<Command>) {
        let now = self.now;
        loop {
            let sender = &mut self.senders[index];
            if !has_room(sender) || now < sender.pace.next() || !sender.hold.admits(now) || !sender.breaker.admits(now)
            {
                return;
            }
            let count = sender.campaigns.len();
            let turns = (0..count).map(|step| (sender.turn + step) % count);
            let campaigns = &mut self.campaigns;
            let mut ready = turns.map(|turn| (turn, usize::from(sender.campaigns[turn].0)));
            let Some((turn, campaign)) = ready.find(|(_, campaign)| may_send(&campaigns[*campaign], now)) else {
                return;
            };
            let Some(message) = campaigns[campaign].pop() else { return };
            campaigns[campaign].hold.claimed(message);
            sender.turn = turn + 1;
            sender.hold.claimed(message);
            sender.breaker.claimed();
            sender.pace.claim(now);
            sender.intending += 1;
            let fact = Fact::Intended;
            out.push(Command::Merge(Merge { message, number: 0, fact, code: None, retry_after_seconds: 0 }));
        }
    }

    /// When the sender could claim, if nothing happens before. Where an event must come first (an answer, a page), never.
    pub(super) fn sender_wakes(&self, sender: &Sender) -> Timestamp {
        if !has_room(sender) {
            return Timestamp::NEVER;
        }
        let hold = |hold: &Hold| if hold.code().is_none() { Some(Timestamp(0)) } else { hold.wakes() };
        let breaker = if sender.breaker.is_open() { sender.breaker.wakes() } else { Some(Timestamp(0)) };
        let (Some(held), Some(broken)) = (hold(&sender.hold), breaker) else { return Timestamp::NEVER };
        let own = sender.pace.next().max(held).max(broken);
        let campaigns = sender.campaigns.iter().map(|id| &self.campaigns[usize::from(id.0)]);
        let waiting = campaigns.filter(|campaign| campaign.stage == Stage::Running && campaign.ready() > 0);
        let earliest = waiting.filter_map(|campaign| hold(&campaign.hold)).min();
        earliest.map_or(Timestamp::NEVER, |campaign| campaign.max(own))
    }

    /// The intent of an attempt is durable, or the store refused it because evidence came first.
    pub(super) fn intended(&mut self, message: MessageId, number: Option<u8>, out: &mut Vec<Command>) {
        let campaign = self.campaign_of(message);
        let spec = self.campaigns[campaign].spec;
        let sender = &mut self.senders[usize::from(spec.sender.0)];
        let was_full = !has_room(sender);
        sender.intending -= 1;
        match number {
            Some(number) => {
                sender.in_flight += 1;
                out.push(Command::Send { message, number, sender: spec.sender, campaign: spec.id });
                // With nothing left in memory the store may have to be read once more.
                self.stale |= was_full || self.campaigns[campaign].ready() == 0;
            }
            None => {
                sender.breaker.unclaimed();
                sender.hold.unclaimed(message);
                self.campaigns[campaign].hold.unclaimed(message);
                self.stale = true;
            }
        }
    }

    /// A POST ended.
    pub(super) fn answered(&mut self, message: MessageId, number: u8, answer: Answer, out: &mut Vec<Command>) {
        let now = self.now;
        let campaign = self.campaign_of(message);
        let sender = &mut self.senders[usize::from(self.campaigns[campaign].spec.sender.0)];
        let was_full = !has_room(sender);
        sender.in_flight = sender.in_flight.saturating_sub(1);
        self.stale |= was_full || sender.hold.code().is_some() || sender.breaker.is_open();
        let retry_after = answer.retry_after();
        let (fact, code) = match answer {
            Answer::Accepted => {
                sender.breaker.good();
                sender.pace.accepted(now);
                self.stale |= sender.hold.passed(now, message);
                self.stale |= self.campaigns[campaign].hold.passed(now, message);
                (Fact::Accepted, None)
            }
            Answer::Refused { code, .. } => {
                sender.breaker.good();
                self.refused(campaign, message, code, Some(retry_after));
                (fact_of(code), Some(code))
            }
            Answer::NeverWritten | Answer::Unknown => {
                sender.breaker.bad(now);
                sender.hold.undecided(now, message);
                self.campaigns[campaign].hold.undecided(now, message);
                self.stale = true;
                (if answer == Answer::Unknown { Fact::Unknown } else { Fact::Unspent }, None)
            }
        };
        let retry_after_seconds = u16::try_from(retry_after.as_secs()).unwrap_or(u16::MAX);
        self.merge(Merge { message, number, fact, code, retry_after_seconds }, out);
    }

    /// A status webhook.
    pub(super) fn status(
        &mut self,
        message: MessageId,
        number: u8,
        status: Status,
        at: Timestamp,
        out: &mut Vec<Command>,
    ) {
        if !matches!(status, Status::Failed(_)) {
            let campaign = self.campaign_of(message);
            let sender = usize::from(self.campaigns[campaign].spec.sender.0);
            self.stale |= self.campaigns[campaign].hold.proven(message);
            self.stale |= self.senders[sender].hold.proven(message);
        }
        let (fact, code) = match status {
            Status::Sent => (Fact::Sent, None),
            Status::Delivered => (Fact::Delivered, None),
            Status::Read => (Fact::Read, None),
            Status::Failed(code) => {
                let campaign = self.campaign_of(message);
                // An error of this one message, hours later, proves nothing about a probe that is under way.
                if is_wide(code.class()) {
                    self.refused(campaign, message, code, None);
                }
                (fact_of(code), Some(code))
            }
        };
        self.heard(message, at);
        self.merge(Merge { message, number, fact, code, retry_after_seconds: 0 }, out);
    }

    /// The contact answered the message.
    pub(super) fn replied(&mut self, message: MessageId, number: u8, at: Timestamp, out: &mut Vec<Command>) {
        self.heard(message, at);
        self.merge(Merge { message, number, fact: Fact::Replied, code: None, retry_after_seconds: 0 }, out);
    }

    fn heard(&mut self, message: MessageId, at: Timestamp) {
        let now = self.now;
        let campaign = self.campaign_of(message);
        let unknowns = &mut self.senders[usize::from(self.campaigns[campaign].spec.sender.0)].unknowns;
        unknowns.heard(now, at);
        self.stale |= !unknowns.is_empty();
    }

    /// What an error says about the sender, its account or the template. `retry_after` is that of a reply; `None` says that
    /// the error came by webhook.
    fn refused(&mut self, campaign: usize, message: MessageId, code: CodeIndex, retry_after: Option<Span>) {
        let now = self.now;
        let late = retry_after.is_none();
        let retry_after = retry_after.unwrap_or(Span::ZERO);
        let sender = &mut self.senders[usize::from(self.campaigns[campaign].spec.sender.0)];
        let template = &mut self.campaigns[campaign].hold;
        match code.class() {
            Class::Throttled if code.code() == 131_057 => {
                sender.hold.start(now, MAINTENANCE_HOLD.max(retry_after), code, late);
            }
            Class::Throttled => {
                sender.pace.throttled(now);
                sender.hold.undecided(now, message);
                template.undecided(now, message);
                if retry_after > Span::ZERO {
                    sender.hold.start(now, retry_after, code, late);
                }
            }
            Class::TemplateWide => {
                sender.hold.passed(now, message);
                template.start(now, HALT_PROBE, code, late);
            }
            Class::NumberWide | Class::AccountWide => sender.hold.start(now, HALT_PROBE, code, late),
            Class::MessagingLimit => sender.hold.start(now, LIMIT_WAIT, code, late),
            Class::Transient | Class::Generic => {
                sender.hold.undecided(now, message);
                template.undecided(now, message);
            }
            Class::Pair | Class::MarketingCap | Class::InvalidContact | Class::Blocked | Class::Refused => {
                sender.hold.passed(now, message);
                template.passed(now, message);
            }
        }
        self.stale = true;
    }
}

fn has_room(sender: &Sender) -> bool {
    sender.intending + sender.in_flight < sender.spec.in_flight && sender.intending < sender.pace.intents_ahead()
}

fn may_send(campaign: &Campaign, now: Timestamp) -> bool {
    campaign.stage == Stage::Running && campaign.ready() > 0 && campaign.hold.admits(now)
}

/// Errors that are about more than one message.
fn is_wide(class: Class) -> bool {
    !retry::is_spent(class) || class == Class::MessagingLimit
}

fn fact_of(code: CodeIndex) -> Fact {
    if retry::is_spent(code.class()) { Fact::Failed } else { Fact::Unspent }
}
