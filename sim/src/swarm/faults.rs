//! Draws faults of every kind: windows, shares, delays and what else a kind has.

use super::draw::Draw;
use super::options::Options;
use super::vary::delay;
use crate::scenario::Scenario;
use crate::scenario::faults::KINDS;
use cloud_api::catalogue;
use cloud_api::time::Span;
use mock_whatsapp_model::distribution::Distribution;
use mock_whatsapp_model::output::{Garble, Oddity};
use mock_whatsapp_model::spec::{FaultKind, FaultSpec, MessagingLimit};

/// Codes with a rule of their own: half of all errors are of these, the others of the whole catalogue.
const CODES: [u32; 14] = [
    131_000, 131_000, 130_429, 131_057, 131_056, 131_048, 131_049, 131_026, 131_050, 132_000, 132_015, 131_031, 190,
    131_042,
];

/// Adds the faults that the options say, in an order of their own, for a scenario that sends until `sending`.
pub(super) fn add(scenario: &mut Scenario, options: &Options, sending: Span, draw: &mut Draw) {
    let mut drawn: Vec<FaultSpec> = Vec::new();
    for (name, kind, _) in KINDS {
        for _ in 0..options.faults_of(name) {
            let fault = fault(kind, scenario, options, sending, draw);
            let place = draw.between(0, drawn.len() as u64) as usize;
            drawn.insert(place, fault);
        }
    }
    scenario.faults.extend(drawn);
}

/// A fault of a kind with nothing else said.
pub fn plain(kind: FaultKind) -> FaultSpec {
    FaultSpec {
        kind,
        from: Span::ZERO,
        until: None,
        share: 1_000_000,
        sender: None,
        code: None,
        asynchronous: None,
        rate: None,
        delay: None,
        accepted: None,
        form: None,
        copies: None,
        times: None,
        down_for: None,
        age: None,
        by: None,
        template: None,
        messaging_limit: None,
        size: None,
    }
}

fn fault(kind: FaultKind, scenario: &Scenario, options: &Options, sending: Span, draw: &mut Draw) -> FaultSpec {
    let (from, until) = window(kind, options, sending, draw);
    let mut fault = FaultSpec { from, until, share: share(options, draw), ..plain(kind) };
    if scenario.senders.len() > 1 && draw.chance(300) {
        let place = draw.below(scenario.senders.len() as u64) as usize;
        fault.sender = Some(scenario.senders[place].name.clone());
    }
    match kind {
        FaultKind::Error => {
            fault.code = Some(code(draw));
            fault.asynchronous = draw.chance(400).then_some(true);
        }
        FaultKind::Throttle => fault.rate = Some(draw.mostly_small(1, 200) as u32),
        FaultKind::Latency => fault.delay = Some(delay(draw, Span::mins(2))),
        FaultKind::LostReply => fault.delay = draw.chance(500).then(|| delay(draw, Span::mins(30))),
        FaultKind::WebhookDelay => {
            let most = draw.one_of(&[Span::mins(9), Span::hours(2), Span::hours(48)]);
            fault.delay = Some(delay(draw, most));
        }
        FaultKind::DiskSlow => fault.delay = Some(delay(draw, Span::secs(30))),
        FaultKind::Reset => fault.accepted = draw.chance(500).then_some(true),
        FaultKind::GarbledReply => {
            fault.accepted = draw.chance(500).then_some(true);
            fault.form = draw.chance(700).then(|| draw.one_of(&Garble::ALL).0.to_owned());
        }
        FaultKind::StatusOddity => fault.form = draw.chance(700).then(|| draw.one_of(&Oddity::ALL).0.to_owned()),
        FaultKind::WebhookDuplicate => fault.copies = Some(draw.mostly_small(1, 4) as u8),
        FaultKind::EngineCrash => {
            fault.times = Some(draw.mostly_small(1, 6) as u32);
            fault.down_for = draw.chance(700).then(|| draw.span(Span::millis(10), Span::hours(2)));
        }
        FaultKind::EngineZombie => fault.down_for = draw.chance(700).then(|| draw.span(Span::secs(1), Span::hours(2))),
        FaultKind::StaleStore => fault.age = Some(draw.span(Span::millis(10), Span::hours(1))),
        FaultKind::ClockStep => {
            let sign = if draw.chance(500) { "-" } else { "+" };
            fault.by = Some(format!("{sign}{}", draw.span(Span::millis(10), Span::hours(30))));
        }
        FaultKind::TemplatePaused => {
            let place = draw.below(scenario.campaigns.len() as u64) as usize;
            fault.template = draw.chance(500).then(|| scenario.campaigns[place].template.clone());
        }
        FaultKind::Tier => {
            let contacts = draw.between(1, scenario.messages().max(1) * 2) as u32;
            let unlimited = draw.chance(300);
            fault.messaging_limit =
                Some(if unlimited { MessagingLimit::Unlimited } else { MessagingLimit::Contacts(contacts) });
        }
        FaultKind::Outage
        | FaultKind::WebhookReorder
        | FaultKind::WebhookLoss
        | FaultKind::WebhookOutage
        | FaultKind::WebhookForged
        | FaultKind::DiskFull
        | FaultKind::TokenRevoked => {}
        // No scenario has these.
        FaultKind::Drip | FaultKind::Close | FaultKind::WebhookSignature | FaultKind::WebhookBatch => {}
    }
    fault
}

fn code(draw: &mut Draw) -> u32 {
    if draw.chance(500) {
        return draw.one_of(&CODES);
    }
    let all: Vec<u32> = catalogue::entries().map(|(_, entry)| entry.code).collect();
    draw.one_of(&all)
}

/// Whether nothing can get better before a fault of this kind is over.
pub fn stops_everything(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::Outage
            | FaultKind::TokenRevoked
            | FaultKind::TemplatePaused
            | FaultKind::DiskFull
            | FaultKind::WebhookOutage
            | FaultKind::EngineCrash
            | FaultKind::EngineZombie
            | FaultKind::StaleStore
    )
}

/// Mostly while messages are sent, since elsewhere a fault meets little.
fn window(kind: FaultKind, options: &Options, sending: Span, draw: &mut Draw) -> (Span, Option<Span>) {
    let far = draw.chance(options.far_windows);
    let from = match (far, draw.chance(400)) {
        (true, _) => draw.moment(Span::hours(80)),
        (false, true) => Span::ZERO,
        (false, false) => draw.moment(sending),
    };
    // What stops everything ends, in most runs; a window without an end has its place too.
    let endless = match kind {
        // Who can never write again can keep no promise.
        FaultKind::DiskFull => 0,
        _ if stops_everything(kind) => 80,
        _ => 400,
    };
    if draw.chance(endless) {
        return (from, None);
    }
    let most = if far { Span::hours(100) } else { (sending * 2).max(Span::mins(20)) };
    (from, Some(from + draw.span(Span::millis(10), most)))
}

fn share(options: &Options, draw: &mut Draw) -> u32 {
    if draw.chance(350) {
        return 1_000_000;
    }
    draw.mostly_small(100, (u64::from(options.share_most) * 1_000).max(100)) as u32
}

/// Adds a crash of the engine, so many times while messages are sent.
pub(super) fn crash(scenario: &mut Scenario, times: u32) {
    scenario.faults.retain(|fault| fault.kind != FaultKind::EngineCrash);
    let until = Some(Span::mins(10));
    let crash = FaultSpec { times: Some(times), until, ..plain(FaultKind::EngineCrash) };
    scenario.faults.push(crash);
}

/// Whether two delays are the same in all that is drawn of them.
pub fn is_plain_delay(delay: &Distribution) -> bool {
    delay.draw(0) == delay.longest()
}
