//! Who goes next: claims what the pace, the holds, the ledgers and the bounds of a sender allow now.

use super::{Engine, Sender};
use crate::attempt::Fact;
use crate::campaign::{Campaign, Item, Stage};
use crate::command::{Command, Merge};
use crate::hold::Hold;
use crate::id::MessageId;
use crate::ledger::Limit;
use crate::planted::{self, Bug};
use crate::rules::Rule;
use cloud_api::time::Timestamp;

impl Engine {
    /// Claims for one sender: those of the highest priority first, equals one after the other.
    pub(super) fn claim(&mut self, index: usize, out: &mut Vec<Command>) {
        let now = self.now;
        loop {
            let sender = &self.senders[index];
            let portfolio = &self.portfolios[usize::from(sender.spec.portfolio.0)];
            let admitted = sender.hold.admits(now) && sender.breaker.admits(now) && portfolio.hold.admits(now);
            if !has_room(sender) || now < sender.pace.next() || !admitted {
                return;
            }
            let Some((turn, campaign, item)) = self.choose(index, out) else { return };
            let sender = &mut self.senders[index];
            let portfolio = &mut self.portfolios[usize::from(sender.spec.portfolio.0)];
            let message = item.message;
            let probing = sender.hold.code().or(portfolio.hold.code()).or(self.campaigns[campaign].hold.code());
            if probing.is_some() {
                self.marks.reached(Rule::HaltProbed);
            }
            if sender.breaker.is_open() {
                self.marks.reached(Rule::BreakerProbed);
            }
            self.campaigns[campaign].hold.claimed(message);
            sender.hold.claimed(message);
            portfolio.hold.claimed(message);
            sender.breaker.claimed();
            sender.pace.claim(now);
            sender.pairs.claim(now, item.contact);
            sender.turn = turn + 1;
            sender.intending += 1;
            if portfolio.ledger.limit() != Limit::Unlimited {
                portfolio.ledger.claim(now, item.contact);
                let (portfolio, contact) = (sender.spec.portfolio, item.contact);
                out.push(Command::Count { portfolio, contact, until: Timestamp::NEVER });
            }
            let fact = Fact::Intended;
            out.push(Command::Merge(Merge { message, number: 0, fact, code: None, retry_after_seconds: 0 }));
        }
    }

    /// The next message of a sender, with the turn and the place of its campaign.
    fn choose(&mut self, index: usize, out: &mut Vec<Command>) -> Option<(usize, usize, Item)> {
        let now = self.now;
        let sender = &self.senders[index];
        if let [only] = sender.campaigns[..] {
            let campaign = usize::from(only.0);
            let item = if may_send(&self.campaigns[campaign], now) { self.next_of(index, campaign, out) } else { None };
            return item.map(|item| (0, campaign, item));
        }
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        let count = sender.campaigns.len();
        let first = if planted::on(Bug::UnfairTurns) { 0 } else { sender.turn };
        let turns = (0..count).map(|step| (first + step) % count);
        order.extend(turns.filter(|turn| may_send(&self.campaigns[usize::from(sender.campaigns[*turn].0)], now)));
        let campaign_at = |turn: usize| usize::from(sender.campaigns[turn].0);
        let priority = |turn: usize| self.campaigns[campaign_at(turn)].spec.priority;
        let highest = order.iter().map(|turn| priority(*turn)).max();
        if highest.is_some_and(|highest| order.iter().any(|turn| priority(*turn) != highest)) {
            self.marks.reached(Rule::PriorityWent);
            if !planted::on(Bug::PriorityIgnored) {
                let campaigns = &self.campaigns;
                order.sort_by_key(|turn| std::cmp::Reverse(campaigns[campaign_at(*turn)].spec.priority));
            }
        }
        let mut chosen = None;
        for turn in &order {
            let campaign = usize::from(self.senders[index].campaigns[*turn].0);
            chosen = self.next_of(index, campaign, out).map(|item| (*turn, campaign, item));
            if chosen.is_some() {
                break;
            }
        }
        self.order = order;
        chosen
    }

    /// The next message of a campaign that may go now. Those that may not for a time of their own are deferred.
    fn next_of(&mut self, index: usize, campaign: usize, out: &mut Vec<Command>) -> Option<Item> {
        let now = self.now;
        self.campaigns[campaign].full = false;
        for lane in self.campaigns[campaign].turns() {
            while let Some(item) = self.campaigns[campaign].lane(lane).peek() {
                let later = self.not_before(index, campaign, item);
                if let Some(until) = later {
                    self.campaigns[campaign].take(lane);
                    out.push(Command::Defer { message: item.message, until });
                    continue;
                }
                let admitted = self.portfolio_of(index).ledger.admits(now, item.contact);
                if !admitted && !planted::on(Bug::LedgerIgnored) {
                    self.marks.reached(Rule::LedgerFull);
                    self.campaigns[campaign].full = true;
                    break;
                }
                return self.campaigns[campaign].take(lane);
            }
        }
        None
    }

    /// When the message may go, if the contact may not be written to now.
    fn not_before(&mut self, index: usize, campaign: usize, item: Item) -> Option<Timestamp> {
        let now = self.now;
        if let Some(quiet) = self.campaigns[campaign].spec.quiet
            && !planted::on(Bug::QuietIgnored)
            && let Some(ends) = quiet.ends(now, self.offsets(item.zone))
        {
            self.marks.reached(Rule::QuietDeferred);
            return Some(ends);
        }
        let next = self.senders[index].pairs.next(now, item.contact);
        if next > now && !planted::on(Bug::PairsIgnored) {
            self.marks.reached(Rule::PairWaited);
            return Some(next);
        }
        None
    }

    /// When the sender could claim, if nothing happens before. Where an event must come first (an answer, a page), never.
    pub(super) fn sender_wakes(&self, sender: &Sender) -> Timestamp {
        if !has_room(sender) {
            return Timestamp::NEVER;
        }
        let portfolio = &self.portfolios[usize::from(sender.spec.portfolio.0)];
        let hold = |hold: &Hold| if hold.code().is_none() { Some(Timestamp(0)) } else { hold.wakes() };
        let breaker = if sender.breaker.is_open() { sender.breaker.wakes() } else { Some(Timestamp(0)) };
        let (Some(held), Some(limited), Some(broken)) = (hold(&sender.hold), hold(&portfolio.hold), breaker) else {
            return Timestamp::NEVER;
        };
        let own = sender.pace.next().max(held).max(limited).max(broken);
        let campaigns = sender.campaigns.iter().map(|id| &self.campaigns[usize::from(id.0)]);
        let waiting = campaigns.filter(|campaign| is_waiting(campaign));
        let earliest = waiting.filter_map(|campaign| {
            // Room that came since is there already: it is only the pace that is waited for.
            let full = campaign.full && portfolio.ledger.is_full(self.now);
            let room = if full { portfolio.ledger.wakes(self.now)? } else { Timestamp(0) };
            hold(&campaign.hold).map(|held| held.max(room))
        });
        earliest.min().map_or(Timestamp::NEVER, |campaign| campaign.max(own))
    }

    /// The intent of an attempt is durable, or the store refused it because evidence came first.
    pub(super) fn intended(&mut self, message: MessageId, number: Option<u8>, item: Item, out: &mut Vec<Command>) {
        let campaign = self.campaign_of(message);
        let spec = self.campaigns[campaign].spec;
        let index = usize::from(spec.sender.0);
        let was_full = !has_room(&self.senders[index]);
        self.senders[index].intending -= 1;
        match number {
            Some(number) => {
                let now = self.now;
                let sender = &mut self.senders[index];
                sender.in_flight += 1;
                sender.pace.posted(now);
                let contact = item.contact;
                self.each_hold(campaign, |hold| hold.posted((message, number)));
                out.push(Command::Send { message, number, sender: spec.sender, campaign: spec.id, contact });
                // With nothing left in memory the store may have to be read once more.
                self.stale |= was_full || self.campaigns[campaign].ready() == 0;
            }
            None => {
                self.marks.reached(Rule::ClaimRefused);
                let now = self.now;
                let sender = &mut self.senders[index];
                sender.pace.unclaimed();
                sender.breaker.unclaimed();
                sender.hold.unclaimed(message);
                sender.pairs.undo(now, item.contact);
                self.portfolio_of(index).hold.unclaimed(message);
                self.campaigns[campaign].hold.unclaimed(message);
                self.uncount(index, item.contact, out);
                self.stale = true;
            }
        }
    }
}

pub(super) fn has_room(sender: &Sender) -> bool {
    sender.intending + sender.in_flight < sender.spec.in_flight && sender.intending < sender.pace.intents_ahead()
}

fn is_waiting(campaign: &Campaign) -> bool {
    campaign.stage == Stage::Running && campaign.ready() > 0 && campaign.goes()
}

fn may_send(campaign: &Campaign, now: Timestamp) -> bool {
    is_waiting(campaign) && campaign.hold.admits(now)
}
