//! What the answers to POSTs and the webhooks teach about a message, its sender and its template.

use super::Engine;
use super::claiming::has_room;
use crate::attempt::Fact;
use crate::command::{Command, Merge, Who};
use crate::event::{Answer, Status};
use crate::hold::{Attempt, Hold};
use crate::id::{ContactId, MessageId};
use crate::limits::{HALT_PROBE, LIMIT_WAIT, MAINTENANCE_HOLD};
use crate::planted::{self, Bug};
use crate::retry;
use crate::rules::Rule;
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};

/// The error that says that the contact wants no marketing messages.
const OPTED_OUT: u32 = 131_050;

impl Engine {
    /// A POST ended.
    pub(super) fn answered(
        &mut self,
        message: MessageId,
        number: u8,
        contact: ContactId,
        answer: Answer,
        out: &mut Vec<Command>,
    ) {
        let (now, attempt) = (self.now, (message, number));
        let campaign = self.campaign_of(message);
        let index = usize::from(self.campaigns[campaign].spec.sender.0);
        let sender = &mut self.senders[index];
        let was_full = !has_room(sender);
        if !(answer == Answer::Unknown && planted::on(Bug::UnknownLeaksItsPlace)) {
            sender.in_flight = sender.in_flight.saturating_sub(1);
        }
        self.stale |= was_full || sender.breaker.is_open();
        let retry_after = answer.retry_after();
        let (fact, code) = match answer {
            Answer::Accepted => {
                self.works(index);
                if self.senders[index].pace.accepted(now) {
                    self.marks.reached(Rule::PaceGrew);
                }
                self.passed(campaign, attempt, true);
                self.count(index, contact, out);
                (Fact::Accepted, None)
            }
            Answer::Refused { code, .. } => {
                self.works(index);
                self.refused(campaign, attempt, code, Some(retry_after), out);
                if code.class() == Class::Throttled {
                    self.senders[index].pairs.undo(now, contact);
                }
                self.uncount(index, contact, out);
                (fact_of(code), Some(code))
            }
            Answer::NeverWritten | Answer::Unknown => {
                let sender = &mut self.senders[index];
                let was_open = sender.breaker.is_open();
                sender.breaker.bad(now);
                if !was_open && sender.breaker.is_open() {
                    self.marks.reached(Rule::BreakerOpened);
                }
                self.stale = true;
                if answer == Answer::Unknown {
                    self.outcome_open(campaign, attempt);
                    self.marks.reached(Rule::OutcomeUnknown);
                    self.count(index, contact, out);
                    if planted::on(Bug::TimeoutIsFailure) { (Fact::Failed, None) } else { (Fact::Unknown, None) }
                } else {
                    self.undecided(campaign, attempt);
                    self.senders[index].pairs.undo(now, contact);
                    self.uncount(index, contact, out);
                    (Fact::Unspent, None)
                }
            }
        };
        let retry_after_seconds = u16::try_from(retry_after.as_secs()).unwrap_or(u16::MAX);
        self.merge(Merge { message, number, fact, code, retry_after_seconds }, out);
    }

    /// The way to WhatsApp is open: it answered, or a webhook proved that it took a message.
    pub(super) fn works(&mut self, index: usize) {
        let breaker = &mut self.senders[index].breaker;
        let was_open = breaker.is_open();
        breaker.good();
        if was_open && !breaker.is_open() {
            self.marks.reached(Rule::BreakerClosed);
            self.stale = true;
        }
    }

    /// WhatsApp took the message, or answered with something that is the message's own: what it probes is over.
    fn passed(&mut self, campaign: usize, attempt: Attempt, taken: bool) {
        let now = self.now;
        let index = usize::from(self.campaigns[campaign].spec.sender.0);
        let mut ended = self.senders[index].hold.passed(now, attempt, taken);
        ended |= self.campaigns[campaign].hold.passed(now, attempt, taken);
        let portfolio = self.portfolio_of(index);
        if taken {
            ended |= portfolio.hold.passed(now, attempt, taken);
        } else {
            portfolio.hold.undecided(now, attempt);
        }
        if ended {
            self.marks.reached(Rule::HaltEnded);
        }
        // Where a hold stands all the same, its next probe has its time.
        let stands = |hold: &Hold| hold.code().is_some() && !planted::on(Bug::HaltProbeOverslept);
        self.stale |= ended || stands(&self.senders[index].hold);
        self.stale |= stands(&self.campaigns[campaign].hold) || stands(&self.portfolio_of(index).hold);
    }

    /// What became of the message says nothing yet about what it probes: a status may.
    fn outcome_open(&mut self, campaign: usize, attempt: Attempt) {
        let now = self.now;
        self.each_hold(campaign, |hold| hold.outcome_open(now, attempt));
    }

    /// What became of the message says nothing about what it probes.
    fn undecided(&mut self, campaign: usize, attempt: Attempt) {
        let now = self.now;
        self.each_hold(campaign, |hold| hold.undecided(now, attempt));
    }

    /// Everything that a message of the campaign may be a probe of.
    pub(super) fn each_hold(&mut self, campaign: usize, what: impl Fn(&mut Hold)) {
        let index = usize::from(self.campaigns[campaign].spec.sender.0);
        what(&mut self.senders[index].hold);
        what(&mut self.portfolio_of(index).hold);
        what(&mut self.campaigns[campaign].hold);
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
        let campaign = self.campaign_of(message);
        let index = usize::from(self.campaigns[campaign].spec.sender.0);
        // What failed for a reason of its own came as far as what went.
        let own = |code: CodeIndex| {
            use Class::{Blocked, InvalidContact, MarketingCap, Pair, Refused};
            matches!(code.class(), InvalidContact | Blocked | Refused | MarketingCap | Pair)
        };
        if !matches!(status, Status::Failed(code) if !own(code)) {
            let attempt = (message, number);
            let mut ended = self.campaigns[campaign].hold.proven(attempt);
            ended |= self.senders[index].hold.proven(attempt);
            ended |= self.portfolio_of(index).hold.proven(attempt);
            if ended {
                self.marks.reached(Rule::HaltEnded);
                self.stale = true;
            }
        }
        let (fact, code) = match status {
            Status::Sent => (Fact::Sent, None),
            Status::Delivered if planted::on(Bug::DeliveredIsRead) => (Fact::Read, None),
            Status::Delivered => (Fact::Delivered, None),
            Status::Read => (Fact::Read, None),
            Status::Failed(code) => {
                if is_wide(code.class()) {
                    self.refused(campaign, (message, number), code, None, out);
                } else {
                    self.undecided(campaign, (message, number));
                    self.concerns_message(message, code, out);
                }
                let fact = fact_of(code);
                if fact == Fact::Unspent && !planted::on(Bug::PairsForgetThrottled) {
                    // WhatsApp took it, and counts it: what is put back now may be one of many to its contact.
                    self.senders[index].pairs.watch();
                }
                (fact, Some(code))
            }
        };
        self.heard(index, at);
        self.merge(Merge { message, number, fact, code, retry_after_seconds: 0 }, out);
    }

    /// The contact answered the message.
    pub(super) fn replied(&mut self, message: MessageId, number: u8, at: Timestamp, out: &mut Vec<Command>) {
        let campaign = self.campaign_of(message);
        self.heard(usize::from(self.campaigns[campaign].spec.sender.0), at);
        self.marks.reached(Rule::Responded);
        self.merge(Merge { message, number, fact: Fact::Replied, code: None, retry_after_seconds: 0 }, out);
    }

    pub(super) fn heard(&mut self, index: usize, at: Timestamp) {
        if at == Timestamp(0) {
            return;
        }
        let now = self.now;
        let unknowns = &mut self.senders[index].unknowns;
        unknowns.heard(now, at);
        self.stale |= !unknowns.is_empty();
    }

    /// What an error of one message's own means for it. Whether the contact wants no more, too.
    fn concerns_message(&mut self, message: MessageId, code: CodeIndex, out: &mut Vec<Command>) {
        match code.class() {
            Class::Transient | Class::Generic => self.marks.reached(Rule::RetriedQuickly),
            Class::Pair => self.marks.reached(Rule::RetriedAfterPair),
            Class::MarketingCap => self.marks.reached(Rule::RetriedAfterCap),
            Class::InvalidContact => self.marks.reached(Rule::FinalInvalid),
            Class::Blocked => self.marks.reached(Rule::FinalBlocked),
            Class::Refused => self.marks.reached(Rule::FinalRefused),
            Class::Throttled | Class::MessagingLimit | Class::TemplateWide | Class::NumberWide | Class::AccountWide => {
            }
        }
        if code.code() == OPTED_OUT {
            self.opted_out(Who::ContactOf(message), out);
        }
    }

    /// What an error says about the sender, its account or the template. `retry_after` is that of a reply; `None` says that
    /// the error came by webhook.
    fn refused(
        &mut self,
        campaign: usize,
        attempt: Attempt,
        code: CodeIndex,
        retry_after: Option<Span>,
        out: &mut Vec<Command>,
    ) {
        let now = self.now;
        let late = retry_after.is_none();
        let retry_after = retry_after.unwrap_or(Span::ZERO);
        let index = usize::from(self.campaigns[campaign].spec.sender.0);
        match code.class() {
            Class::Throttled => {
                self.undecided(campaign, attempt);
                let sender = &mut self.senders[index];
                if code.code() == 131_057 {
                    sender.hold.start(now, MAINTENANCE_HOLD.max(retry_after), code, late);
                } else {
                    sender.pace.throttled(now);
                    self.marks.reached(Rule::PaceCut);
                    if retry_after > Span::ZERO {
                        sender.hold.start(now, retry_after, code, late);
                    }
                }
            }
            Class::TemplateWide => {
                self.marks.reached(Rule::TemplateHalted);
                self.senders[index].hold.passed(now, attempt, false);
                self.portfolio_of(index).hold.undecided(now, attempt);
                self.campaigns[campaign].hold.start(now, HALT_PROBE, code, late);
            }
            Class::NumberWide | Class::AccountWide => {
                self.marks.reached(Rule::SenderHalted);
                self.undecided(campaign, attempt);
                self.senders[index].hold.start(now, HALT_PROBE, code, late);
            }
            Class::MessagingLimit => {
                self.marks.reached(Rule::LimitHeld);
                self.marks.reached(Rule::RetriedAfterLimit);
                self.passed(campaign, attempt, false);
                let wait = if planted::on(Bug::LimitHoldShort) { Span::hours(1) } else { LIMIT_WAIT };
                self.portfolio_of(index).hold.start(now, wait, code, late);
            }
            Class::Transient | Class::Generic => {
                self.undecided(campaign, attempt);
                self.concerns_message(attempt.0, code, out);
            }
            // That it is refused for a reason of its own does not say that the limit would have let it pass.
            Class::Pair | Class::MarketingCap | Class::InvalidContact | Class::Blocked | Class::Refused => {
                self.passed(campaign, attempt, false);
                self.concerns_message(attempt.0, code, out);
            }
        }
        self.stale = true;
    }
}

/// Errors that are about more than one message.
fn is_wide(class: Class) -> bool {
    matches!(
        class,
        Class::Throttled | Class::TemplateWide | Class::NumberWide | Class::AccountWide | Class::MessagingLimit
    )
}

fn fact_of(code: CodeIndex) -> Fact {
    if retry::is_spent(code.class()) { Fact::Failed } else { Fact::Unspent }
}
