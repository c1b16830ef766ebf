//! What the sender was told by webhooks that it acknowledged, what it may not send after that, and how its receiver behaves.

use super::memory::{End, Memo};
use super::{Callback, Finding, Ground, Moment, Referee, Rule, Sent, Tally};
use crate::World;
use crate::input::{HandsetId, MessageIndex};
use cloud_api::catalogue::{Class, CodeIndex};
use cloud_api::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// Contacts of which it is remembered what the sender was told about them; about 50 bytes each.
const CONTACTS: usize = 250_000;

/// What a sender that is busy may have had under way when it acknowledged an opt-out: it writes intents down first.
const UNDER_WAY: Span = Span::millis(250);

/// Within this time one message in words may confirm an opt-out.
const CONFIRMED_WITHIN: Span = Span::mins(5);

/// Meta expects less than one answer in a hundred to take longer.
const SLOW_MS: u64 = 1_000;

/// So many slow answers, and more than one in ten, are no accident.
const SLOW: u64 = 3;

/// So many 500s in all are no accident.
const ERRORS: u32 = 3;

#[derive(Clone, Copy, Debug)]
struct OptOut {
    since: Moment,
    marketing_only: bool,
    busy: bool,
    confirmed: bool,
}

/// What the sender was told about contacts.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    opted_out: BTreeMap<HandsetId, OptOut>,
    /// When contacts wanted to hear from the business again: a failure of a message from before says nothing of now.
    opted_in: BTreeMap<HandsetId, Timestamp>,
    blocked: BTreeMap<HandsetId, Moment>,
    invalid: BTreeMap<HandsetId, (CodeIndex, Moment)>,
}

/// What an acknowledged webhook told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tidings {
    /// A message was accepted and is on its way, or further.
    Accepted(MessageIndex),
    /// A message failed.
    Failed(MessageIndex, CodeIndex),
    /// A contact wants nothing more: of marketing, or at all.
    OptOut {
        /// Who.
        handset: HandsetId,
        /// Whether it is only of marketing.
        marketing_only: bool,
    },
    /// A contact wants to hear from the business again.
    OptIn(HandsetId),
}

/// How a webhook was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// With a status, after so many milliseconds of real time.
    Status(u16, u64),
    /// Not within so many milliseconds.
    Timeout(u64),
    /// There was no connection, or it broke.
    NoAnswer,
}

impl Answered {
    /// Whether WhatsApp takes it for an acknowledgement.
    pub fn is_acknowledged(self) -> bool {
        matches!(self, Self::Status(200, _))
    }
}

/// How the receiver behaves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Receiver {
    answers: u64,
    slow: u64,
    errors: u32,
}

impl Receiver {
    /// Whether slow answers are an accident hangs on how many others there are.
    pub(super) fn weigh(&self, tally: &mut Tally) {
        if self.slow < SLOW || self.slow * 10 <= self.answers {
            return;
        }
        tally.certain += self.slow;
        tally.suspected -= self.slow;
        for finding in &mut tally.evidence {
            finding.certain = true;
        }
    }
}

impl Referee {
    /// The sender acknowledged a webhook with 200.
    pub fn told(&mut self, world: &World, now: Moment, tidings: Tidings, words: &dyn Fn(MessageIndex) -> Callback) {
        match tidings {
            Tidings::Accepted(message) => {
                if let Some(Memo { end: End::Unknown { proven, taken, .. }, .. }) = self.memory.unknown(message)
                    && *taken == Some(message)
                {
                    *proven = true;
                }
            }
            Tidings::Failed(message, code) => self.told_failed(world, now, message, code, words),
            Tidings::OptOut { handset, marketing_only } => {
                let busy = self.numbers.is_busy(now.real);
                let fits = self.told.opted_out.len() < CONTACTS;
                let new = OptOut { since: now, marketing_only, busy, confirmed: false };
                if fits || self.told.opted_out.contains_key(&handset) {
                    let known = self.told.opted_out.entry(handset).or_insert(new);
                    known.marketing_only &= marketing_only;
                } else {
                    self.forgot = true;
                }
            }
            Tidings::OptIn(handset) => {
                self.told.opted_out.remove(&handset);
                self.told.opted_in.insert(handset, now.at);
                // With so many the oldest telephone's is as good as any: its owner will not be told of a failure any more.
                if self.told.opted_in.len() > CONTACTS {
                    self.told.opted_in.pop_first();
                }
            }
        }
    }

    fn told_failed(
        &mut self,
        world: &World,
        now: Moment,
        message: MessageIndex,
        code: CodeIndex,
        words: &dyn Fn(MessageIndex) -> Callback,
    ) {
        let Some(view) = world.message(message) else { return };
        match code.class() {
            Class::Blocked
                if code.code() == 131_050
                    && self.told.opted_in.get(&view.handset).is_some_and(|opted_in| view.at <= *opted_in) => {}
            Class::Blocked if code.code() == 131_050 => {
                let tidings = Tidings::OptOut { handset: view.handset, marketing_only: true };
                self.told(world, now, tidings, words);
            }
            Class::Blocked if self.told.blocked.len() < CONTACTS => {
                self.told.blocked.entry(view.handset).or_insert(now);
            }
            // This only informs, so nothing is lost with what does not fit.
            Class::InvalidContact if self.told.invalid.len() < CONTACTS => {
                self.told.invalid.insert(view.handset, (code, now));
            }
            Class::Blocked => self.forgot = true,
            Class::InvalidContact
            | Class::Transient
            | Class::Throttled
            | Class::Pair
            | Class::MessagingLimit
            | Class::MarketingCap
            | Class::Refused
            | Class::TemplateWide
            | Class::NumberWide
            | Class::AccountWide
            | Class::Generic => {}
        }
        let request = self.index.request(message);
        let is_last = self.index.find(world, view.key) == Some(message);
        let later = self.memory.get(view.key).is_some_and(|memo| memo.request > request);
        if is_last && !later {
            let spoken = words(message);
            let callback = if spoken.whole == view.callback { spoken } else { Callback::of_whole(view.callback) };
            let memo = Memo { request, since: now, callback, end: End::Failed(code) };
            self.forgot |= !self.memory.set(now.at, view.key, memo);
        }
    }

    /// What is held against a send for the contact that it is to.
    pub(super) fn by_contact(&mut self, sent: &Sent) {
        if let Some(opt_out) = self.told.opted_out.get_mut(&sent.handset)
            && (sent.marketing || !opt_out.marketing_only)
        {
            let since = sent.now.since(opt_out.since);
            let is_words = sent.template == 0;
            let (certain, ground) = if opt_out.busy && sent.now.real.since(opt_out.since.real) < UNDER_WAY {
                (false, Ground::UnderWay(since))
            } else if is_words && !opt_out.confirmed && sent.now.at.since(opt_out.since.at) < CONFIRMED_WITHIN {
                opt_out.confirmed = true;
                (false, Ground::Confirmation(since))
            } else {
                (true, Ground::OptedOut(since))
            };
            self.find_of(sent, Rule::SentAfterOptOut, certain, 0, ground);
        }
        if let Some(since) = self.told.blocked.get(&sent.handset).copied() {
            let ground = Ground::BlockTold(sent.now.since(since));
            self.find_of(sent, Rule::SentToBlocked, true, 0, ground);
        } else if sent.blocked {
            self.find_of(sent, Rule::SentToBlocked, false, 0, Ground::Blocked);
        }
        if let Some((code, since)) = self.told.invalid.get(&sent.handset).copied()
            && self.memory.get(sent.key).is_none()
        {
            let ground = Ground::FinalContact(code, sent.now.since(since));
            self.find_of(sent, Rule::Wasteful, false, 0, ground);
        }
    }

    /// A webhook that was in order was answered, or not. `message` is the one that it would have told of; `is_last`: it is
    /// not sent again.
    pub fn webhook(
        &mut self,
        now: Moment,
        handset: Option<HandsetId>,
        message: Option<MessageIndex>,
        answered: Answered,
        is_last: bool,
    ) {
        let mut find = |rule, certain, ground| {
            self.find(Finding { rule, certain, handset, requests: [0, 0], at: now.at, ground });
        };
        let acknowledged = match answered {
            Answered::Status(status, ms) => {
                if ms > SLOW_MS {
                    find(Rule::WebhookSlow, false, Ground::Slow(ms));
                    self.receiver.slow += 1;
                }
                self.receiver.answers += 1;
                let certain = match status {
                    200 => None,
                    // "Not now": the webhook comes again, and nothing is lost.
                    429 | 502 | 503 | 504 => Some(is_last),
                    500..=599 => {
                        self.receiver.errors += 1;
                        Some(is_last || self.receiver.errors >= ERRORS)
                    }
                    _ => Some(true),
                };
                if let Some(certain) = certain {
                    let ground = Ground::Status(status);
                    self.find(Finding {
                        rule: Rule::WebhookRefused,
                        certain,
                        handset,
                        requests: [0, 0],
                        at: now.at,
                        ground,
                    });
                }
                status == 200
            }
            Answered::Timeout(ms) => {
                find(Rule::WebhookSlow, true, Ground::Timeout(ms));
                false
            }
            Answered::NoAnswer => {
                find(Rule::WebhookRefused, false, Ground::NoAnswer);
                false
            }
        };
        if !acknowledged
            && let Some(message) = message
            && let Some(Memo { end: End::Unknown { offered, .. }, .. }) = self.memory.unknown(message)
        {
            *offered = true;
        }
    }
}
