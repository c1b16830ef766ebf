//! What of a scenario the checkers must know: who sends what and when, and which faults are armed.
//!
//! What is not armed is decided here, once, so that it costs nothing on the way.

use crate::model::setup::{self, Setup};
use crate::scenario::{Act, OnUnknown, Operator};
use cloud_api::catalogue::{Class, CodeIndex, find};
use cloud_api::time::{Span, Timestamp};
use engine_core::limits::DEADLINE;
use mock_whatsapp_model::spec::{FaultKind, FaultSpec, Kind, MessagingLimit};

/// Everything that a checker asks of the scenario.
#[derive(Clone, Debug)]
pub struct Scene {
    /// When the run begins.
    pub start: Timestamp,
    /// Whether an attempt of unknown outcome must never be made again.
    pub never: bool,
    /// Where numbers live, as far as the scenario says: their beginning, and minutes ahead of UTC, least and greatest.
    pub offsets: Vec<(String, i32, i32)>,
    /// In the order of the file.
    pub senders: Vec<Sender>,
    /// In the order of the file.
    pub campaigns: Vec<Campaign>,
    /// In order of their messages.
    pub parts: Vec<Part>,
    /// In the order of the file.
    pub windows: Vec<Window>,
    /// What is armed.
    pub arms: Arms,
    /// When operators ask for the end of a campaign, with its place.
    pub cancels: Vec<(Timestamp, usize)>,
    /// How many contacts there are.
    pub contacts: u32,
}

/// A sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The place of its portfolio among the portfolios.
    pub portfolio: u16,
    /// Messages a second.
    pub throughput: u32,
    /// Distinct contacts in 24 h; `None` is no limit.
    pub limit: Option<u32>,
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its name.
    pub name: String,
    /// Its first message.
    pub first: u32,
    /// One past its last message.
    pub end: u32,
    /// When it starts.
    pub start: Timestamp,
    /// 72 hours later.
    pub deadline: Timestamp,
    /// Who sends it.
    pub senders: Vec<u16>,
    /// The key of its template.
    pub template: u32,
    /// Higher goes first.
    pub priority: u8,
    /// Minutes after midnight, of the contact's own day.
    pub quiet: Option<(u16, u16)>,
}

/// The messages of a campaign that one sender sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The campaign's place.
    pub campaign: usize,
    /// The sender's place.
    pub sender: u16,
    /// Its first message.
    pub first: u32,
    /// One past its last.
    pub end: u32,
}

/// The time in which a fault acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// What it does.
    pub kind: FaultKind,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends; [`Timestamp::NEVER`] if it does not.
    pub until: Timestamp,
    /// Of the requests or webhooks, in millionths.
    pub share: u32,
    /// The only sender that it acts on.
    pub sender: Option<u16>,
    /// The only template that it acts on.
    pub template: Option<u32>,
    /// The error that it answers with.
    pub code: Option<CodeIndex>,
    /// The error comes by webhook; or the message was taken.
    pub late: bool,
    /// The longest delay that it brings.
    pub delay: Span,
    /// The rate that it leaves.
    pub rate: u32,
    /// The limit that it leaves; `None` is no limit.
    pub limit: Option<u32>,
}

/// What is armed in a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arms {
    /// The engine dies, by itself or of a full disk, or another wakes up beside it.
    pub crashes: bool,
    /// The engine restarts on an old copy of its store.
    pub stale: bool,
    /// Some contact, or an error, may suppress a contact.
    pub opt_outs: bool,
    /// A person acts.
    pub operators: bool,
    /// A portfolio has a limit, or gets one, or an error says so.
    pub limits: bool,
    /// Two campaigns of one sender differ in priority.
    pub priorities: bool,
    /// Two campaigns of one sender have the same priority.
    pub shares: bool,
    /// Some campaign has quiet hours.
    pub quiet: bool,
    /// Contradictory statuses.
    pub oddities: bool,
    /// How far the engine's clock is off at most.
    pub clock: Span,
    /// How long it takes at most until a message that was accepted is said to be sent: so long a probe may be waited for.
    pub sent: Span,
    /// How much longer than a moment a commit may take; with a full disk, for ever.
    pub disk: Span,
}

impl Scene {
    /// That of a run which begins at `start`.
    pub fn of(setup: &Setup, start: Timestamp) -> Self {
        let place = |name: &String| setup.senders.iter().position(|sender| sender.name == *name).map(|at| at as u16);
        let windows: Vec<Window> = setup.faults.iter().map(|fault| Window::of(fault, start, place)).collect();
        let campaigns: Vec<Campaign> = setup
            .campaigns
            .iter()
            .map(|campaign| Campaign {
                name: campaign.name.clone(),
                first: campaign.first,
                end: campaign.first + campaign.size,
                start: start + campaign.start,
                deadline: start + campaign.start + DEADLINE,
                senders: campaign.senders.iter().map(|sender| *sender as u16).collect(),
                template: campaign.template,
                priority: campaign.priority,
                quiet: campaign.quiet.map(|quiet| (quiet.from, quiet.until)),
            })
            .collect();
        let part = |part: &setup::Part| {
            let (campaign, sender) = (part.campaign, part.sender as u16);
            Part { campaign, sender, first: part.first, end: part.end }
        };
        let senders: Vec<Sender> = setup
            .senders
            .iter()
            .map(|sender| Sender {
                portfolio: sender.portfolio as u16,
                throughput: sender.throughput,
                limit: contacts(sender.messaging_limit),
            })
            .collect();
        let mut arms = Arms { operators: !setup.operators.is_empty(), ..Arms::of(&windows, &setup.faults) };
        arms.opt_outs |= setup.contacts.has_kind(Kind::OptsOut);
        arms.limits |= senders.iter().any(|sender| sender.limit.is_some());
        arms.sent = setup.timing.sent_after.longest();
        arms.quiet = campaigns.iter().any(|campaign| campaign.quiet.is_some());
        for (at, one) in campaigns.iter().enumerate() {
            for other in &campaigns[..at] {
                if one.senders.iter().any(|sender| other.senders.contains(sender)) {
                    arms.priorities |= one.priority != other.priority;
                    arms.shares |= one.priority == other.priority;
                }
            }
        }
        let cancel = |operator: &Operator| match operator.act {
            Act::Cancel(campaign) => Some((start + operator.at, campaign)),
            Act::Pause(_) | Act::Resume(_) | Act::ResumeSender(_) => None,
        };
        let never = setup.on_unknown == OnUnknown::Never;
        let parts = setup.parts.iter().map(part).collect();
        Self {
            start,
            never,
            offsets: setup.offsets.clone(),
            senders,
            campaigns,
            parts,
            windows,
            arms,
            cancels: setup.operators.iter().filter_map(cancel).collect(),
            contacts: setup.contacts.len(),
        }
    }

    /// The campaign of a message.
    #[inline]
    pub fn campaign_of(&self, message: u32) -> usize {
        if self.campaigns.len() == 1 { 0 } else { self.campaigns.partition_point(|campaign| campaign.end <= message) }
    }

    /// Whether an operator asked for the end of a campaign, by then.
    pub fn asked_to_end(&self, campaign: usize, by: Timestamp) -> bool {
        self.cancels.iter().any(|(at, of)| *of == campaign && *at <= by)
    }

    /// The part of a message.
    #[inline]
    pub fn part_of(&self, message: u32) -> usize {
        if self.parts.len() == 1 { 0 } else { self.parts.partition_point(|part| part.end <= message) }
    }

    /// Whether a fault of this kind acts on the sender's traffic at a moment, or stopped less than `after` ago.
    pub fn acts(&self, kind: FaultKind, sender: u16, now: Timestamp, after: Span) -> bool {
        self.windows.iter().any(|window| {
            window.kind == kind
                && window.sender.is_none_or(|only| only == sender)
                && now >= window.from
                && (window.until == Timestamp::NEVER || now < window.until + after)
        })
    }

    /// Whether a fault of this kind is armed at all.
    pub fn has(&self, kind: FaultKind) -> bool {
        self.windows.iter().any(|window| window.kind == kind)
    }

    /// How long after an event a promise about commits may be late: a moment, and what a slow disk adds.
    pub fn slack(&self) -> Span {
        Span::secs(1) + self.arms.disk + self.arms.clock
    }

    /// Whether what is durable now may have been decided before what was told at `news`: a commit waits for the one before it.
    pub fn crosses(&self, now: Timestamp, news: Timestamp) -> bool {
        now.since(news) <= self.slack() + self.arms.disk
    }
}

impl Window {
    fn of(fault: &FaultSpec, start: Timestamp, place: impl Fn(&String) -> Option<u16>) -> Self {
        let code = match fault.kind {
            FaultKind::TokenRevoked => Some(190),
            FaultKind::TemplatePaused => Some(132_015),
            _ => fault.code,
        };
        Self {
            kind: fault.kind,
            from: start + fault.from,
            until: fault.until.map_or(Timestamp::NEVER, |until| start + until),
            share: fault.share,
            sender: fault.sender.as_ref().and_then(place),
            template: fault.template.as_deref().map(mock_whatsapp_model::input::template_key),
            code: code.map(|code| find(code, None)),
            late: fault.asynchronous.unwrap_or(false) || fault.accepted.unwrap_or(false),
            delay: fault.delay.as_ref().map_or(Span::ZERO, |delay| delay.longest()),
            rate: fault.rate.unwrap_or(u32::MAX),
            limit: fault.messaging_limit.and_then(contacts),
        }
    }

    /// Whether it ends or fails requests.
    pub fn ends_requests(&self) -> bool {
        use FaultKind::*;
        matches!(self.kind, Outage | Error | Reset | LostReply | GarbledReply | TokenRevoked | TemplatePaused)
    }

    /// Whether it holds at a moment.
    pub fn holds(&self, now: Timestamp) -> bool {
        now >= self.from && now < self.until
    }

    /// Whether two windows have a moment in common, on some sender.
    pub fn meets(&self, other: &Self) -> bool {
        let senders = self.sender.is_none() || other.sender.is_none() || self.sender == other.sender;
        senders && self.from < other.until && other.from < self.until
    }
}

impl Arms {
    fn of(windows: &[Window], faults: &[FaultSpec]) -> Self {
        let mut arms = Self::default();
        for (window, fault) in windows.iter().zip(faults) {
            let class = window.code.map(CodeIndex::class);
            match window.kind {
                FaultKind::EngineCrash | FaultKind::EngineZombie => arms.crashes = true,
                FaultKind::StaleStore => (arms.crashes, arms.stale) = (true, true),
                FaultKind::StatusOddity => arms.oddities = true,
                FaultKind::Tier => arms.limits = true,
                FaultKind::DiskFull => {
                    // An engine whose disk is full ends, and starts again.
                    arms.crashes = true;
                    let lasts = window.until.since(window.from);
                    arms.disk = Span(arms.disk.0.max(lasts.0));
                }
                FaultKind::DiskSlow => arms.disk = Span(arms.disk.0.max(window.delay.0 * 4)),
                FaultKind::ClockStep => {
                    let by = fault.by.as_deref().unwrap_or_default().trim_start_matches(['+', '-']).parse();
                    arms.clock = arms.clock + by.unwrap_or(Span::ZERO);
                }
                FaultKind::Error => {
                    arms.opt_outs |= window.code.is_some_and(|code| code.code() == 131_050);
                    arms.limits |= class == Some(Class::MessagingLimit);
                }
                FaultKind::Outage
                | FaultKind::Throttle
                | FaultKind::Latency
                | FaultKind::Reset
                | FaultKind::LostReply
                | FaultKind::GarbledReply
                | FaultKind::WebhookDelay
                | FaultKind::WebhookDuplicate
                | FaultKind::WebhookReorder
                | FaultKind::WebhookLoss
                | FaultKind::WebhookOutage
                | FaultKind::WebhookForged
                | FaultKind::TokenRevoked
                | FaultKind::TemplatePaused => {}
                // No scenario has these.
                FaultKind::Drip | FaultKind::Close | FaultKind::WebhookSignature | FaultKind::WebhookBatch => {}
            }
        }
        arms
    }
}

/// A limit as a number of contacts.
pub(crate) fn contacts(limit: MessagingLimit) -> Option<u32> {
    match limit {
        MessagingLimit::Unlimited => None,
        MessagingLimit::Contacts(contacts) => Some(contacts),
    }
}

/// A scene for tests: one sender of 80/s, one campaign of ten messages that starts with the run, no fault.
#[cfg(test)]
pub(crate) fn plain() -> Scene {
    plain_of(10)
}

/// The same of more messages.
#[cfg(test)]
pub(crate) fn plain_of(messages: u32) -> Scene {
    let start = Timestamp::from_unix_seconds(1_767_603_600);
    let campaign = Campaign {
        name: "sale".to_owned(),
        first: 0,
        end: messages,
        start,
        deadline: start + DEADLINE,
        senders: vec![0],
        template: 1,
        priority: 0,
        quiet: None,
    };
    Scene {
        start,
        never: false,
        offsets: Vec::new(),
        senders: vec![Sender { portfolio: 0, throughput: 80, limit: None }],
        campaigns: vec![campaign],
        parts: vec![Part { campaign: 0, sender: 0, first: 0, end: messages }],
        windows: Vec::new(),
        arms: Arms::default(),
        cancels: Vec::new(),
        contacts: messages,
    }
}

/// Two campaigns of one sender, named one and two, of these priorities and of so many messages each.
#[cfg(test)]
pub(crate) fn two(priorities: (u8, u8), messages: u32) -> Scene {
    let mut scene = plain_of(messages);
    let (name, priority) = ("one".to_owned(), priorities.0);
    let one = Campaign { name, priority, ..scene.campaigns[0].clone() };
    let (name, priority) = ("two".to_owned(), priorities.1);
    let two = Campaign { name, priority, first: messages, end: messages * 2, ..one.clone() };
    scene.parts.push(Part { campaign: 1, sender: 0, first: messages, end: messages * 2 });
    scene.campaigns = vec![one, two];
    scene.arms.priorities = priorities.0 != priorities.1;
    scene.arms.shares = !scene.arms.priorities;
    scene
}

/// A window of a fault for tests, on everybody.
#[cfg(test)]
pub(crate) fn window(kind: FaultKind, from: Timestamp, until: Timestamp) -> Window {
    Window {
        kind,
        from,
        until,
        share: 1_000_000,
        sender: None,
        template: None,
        code: None,
        late: false,
        delay: Span::ZERO,
        rate: u32::MAX,
        limit: None,
    }
}
