//! Varies a scenario as a seed's options say: sizes, senders, campaigns, contacts, handsets, operators. Faults are drawn next
//! door.
//!
//! What comes out is a scenario that a file could say: `settled` sees to that.

use super::draw::Draw;
use super::faults;
use super::options::Options;
use crate::contacts::ContactList;
use crate::scenario::faults::HANDSETS;
use crate::scenario::{
    Act, Campaign, Category, Engine, Group, OnUnknown, Operator, Overlap, People, QuietHours, Scenario, Sender,
};
use cloud_api::time::Span;
use mock_whatsapp_model::distribution::Distribution;
use mock_whatsapp_model::spec::{Kind, MessagingLimit, Timing};
use std::sync::Arc;

/// The scenario of a seed: of the file, as the options say. Gives `false` where nothing but the seed is other than in the
/// file, so that its expectations can be judged.
pub fn vary(base: &Scenario, seed: u64, options: &Options, messages_most: u32) -> (Scenario, bool) {
    let mut scenario = Scenario { seed, ..base.clone() };
    if options.varied == 0 && base.messages() <= u64::from(messages_most) {
        return (scenario, false);
    }
    scenario.expectations.clear();
    if options.varied == 0 {
        resize(&mut scenario.campaigns, u64::from(messages_most));
        settled(&mut scenario);
        return (scenario, true);
    }
    let mut draw = Draw::new(seed, 1);
    senders(&mut scenario, options, &mut draw);
    campaigns(&mut scenario, options, &mut draw);
    if options.crowd > 0 {
        crowd(&mut scenario, options);
    }
    resize(&mut scenario.campaigns, u64::from(options.messages));
    limits(&mut scenario, options, &mut draw);
    contacts(&mut scenario, options, &mut draw);
    handsets(&mut scenario, options, &mut draw);
    if options.never_resend == 1 {
        scenario.engine = Engine { on_unknown: OnUnknown::Never, ..scenario.engine };
    }
    let sending = sending(&scenario);
    operators(&mut scenario, options, sending, &mut draw);
    if options.keep_faults == 0 {
        scenario.faults.clear();
    }
    faults::add(&mut scenario, options, sending, &mut draw);
    settled(&mut scenario);
    (scenario, true)
}

fn senders(scenario: &mut Scenario, options: &Options, draw: &mut Draw) {
    if options.senders > 0 {
        let portfolios = draw.between(1, u64::from(options.senders));
        scenario.senders = (1..=options.senders)
            .map(|number| Sender {
                name: format!("s{number}"),
                portfolio: format!("p{}", draw.below(portfolios) + 1),
                throughput: cloud_api::limits::DEFAULT_THROUGHPUT,
                messaging_limit: MessagingLimit::Unlimited,
            })
            .collect();
        let count = scenario.senders.len();
        for campaign in &mut scenario.campaigns {
            campaign.senders = some_senders(count, options, draw);
        }
        for fault in &mut scenario.faults {
            fault.sender = None;
        }
        scenario.operators.retain(|operator| !matches!(operator.act, Act::ResumeSender(_)));
    }
    if options.throughput > 0 {
        for sender in &mut scenario.senders {
            sender.throughput = draw.mostly_small(1, u64::from(options.throughput)) as u32;
            if draw.chance(500) {
                sender.throughput = options.throughput;
            }
        }
    }
}

/// Some of so many senders, in an order of their own.
fn some_senders(count: usize, options: &Options, draw: &mut Draw) -> Vec<usize> {
    let wanted = draw.between(1, u64::from(options.senders_each.max(1))).min(count as u64) as usize;
    let mut all: Vec<usize> = (0..count).collect();
    (0..wanted).map(|_| all.remove(draw.below(all.len() as u64) as usize)).collect()
}

fn campaigns(scenario: &mut Scenario, options: &Options, draw: &mut Draw) {
    if options.campaigns > 0 {
        let count = scenario.senders.len();
        scenario.campaigns = (1..=options.campaigns)
            .map(|number| Campaign {
                name: format!("c{number}"),
                senders: some_senders(count, options, draw),
                people: People::Generated(draw.between(1, 1_000) as u32),
                // Now and then two campaigns send the same template.
                template: format!("t{}", draw.between(1, u64::from(options.campaigns))),
                language: "en_US".to_owned(),
                category: draw.one_of(&[Category::Marketing, Category::Marketing, Category::Utility]),
                start: Span::ZERO,
                priority: 0,
                quiet_hours: None,
                overlap: None,
            })
            .collect();
        for fault in &mut scenario.faults {
            fault.template = None;
        }
        scenario.operators.retain(|operator| matches!(operator.act, Act::ResumeSender(_)));
    }
    for place in 0..scenario.campaigns.len() {
        let earlier: Vec<usize> =
            (0..place).filter(|place| matches!(scenario.campaigns[*place].people, People::Generated(_))).collect();
        let campaign = &mut scenario.campaigns[place];
        let is_made = matches!(campaign.people, People::Generated(_));
        if is_made && !earlier.is_empty() && draw.chance(options.overlaps) {
            let share = if draw.chance(300) { 1_000_000 } else { draw.between(1, 1_000) as u32 * 1_000 };
            // The first one has contacts of its own, whatever the others share.
            let with = if draw.chance(500) { earlier[0] } else { draw.one_of(&earlier) };
            campaign.overlap = Some(Overlap { share, with });
        }
        if draw.chance(options.late_starts) {
            campaign.start = draw.span(Span::secs(1), Span::hours(30));
        }
        if draw.chance(options.priorities) {
            campaign.priority = draw.between(1, 3) as u8;
        }
        if draw.chance(options.quiet_hours) {
            let from = draw.below(24 * 60);
            let until = (from + draw.between(1, QuietHours::LONGEST.into())) % (24 * 60);
            campaign.quiet_hours = Some(QuietHours { from: from as u16, until: until as u16 });
        }
    }
}

/// Many campaigns, each to all contacts of the first.
fn crowd(scenario: &mut Scenario, options: &Options) {
    let first = Campaign {
        people: People::Generated(100),
        senders: vec![scenario.campaigns[0].senders[0]],
        start: Span::ZERO,
        overlap: None,
        ..scenario.campaigns[0].clone()
    };
    let later = (1..options.crowd).map(|number| Campaign {
        name: format!("{}-{number}", first.name),
        template: format!("{}_{number}", first.template),
        overlap: Some(Overlap { share: 1_000_000, with: 0 }),
        ..first.clone()
    });
    scenario.campaigns = [first.clone()].into_iter().chain(later).collect();
    scenario.operators.retain(|operator| matches!(operator.act, Act::ResumeSender(_)));
    scenario.faults.iter_mut().for_each(|fault| fault.template = None);
}

/// Makes all campaigns together about as large as `total`, each in proportion; one message each at least. Lists lose rows and
/// get none.
pub fn resize(campaigns: &mut [Campaign], total: u64) {
    let now: u64 = campaigns.iter().map(|campaign| u64::from(campaign.people.size())).sum();
    for campaign in campaigns {
        let size = u64::from(campaign.people.size());
        let wanted = (size * total / now.max(1)).max(1);
        campaign.people = match &campaign.people {
            People::Generated(_) => People::Generated(wanted as u32),
            People::Listed(list) => People::Listed(Arc::new(shortened(list, wanted as usize))),
        };
    }
}

fn shortened(list: &ContactList, rows: usize) -> ContactList {
    let rows = list.rows.iter().take(rows).cloned().collect();
    ContactList { rows, columns: list.columns.clone(), path: list.path.clone(), rejected: Vec::new(), repeated: 0 }
}

fn limits(scenario: &mut Scenario, options: &Options, draw: &mut Draw) {
    let messages = scenario.messages();
    let mut portfolios: Vec<String> = scenario.senders.iter().map(|sender| sender.portfolio.clone()).collect();
    portfolios.sort();
    portfolios.dedup();
    for portfolio in portfolios {
        if draw.chance(options.messaging_limits) {
            let limit = MessagingLimit::Contacts(draw.between(1, messages * 3 / 2) as u32);
            let its = scenario.senders.iter_mut().filter(|sender| sender.portfolio == portfolio);
            its.for_each(|sender| sender.messaging_limit = limit);
        }
    }
}

fn contacts(scenario: &mut Scenario, options: &Options, draw: &mut Draw) {
    if options.keep_contacts == 0 {
        scenario.groups.clear();
    }
    for _ in 0..options.contact_groups {
        let (_, kind) = draw.one_of(&HANDSETS);
        let share = draw.mostly_small(1_000, 600_000) as u32;
        let away = match kind {
            Kind::Offline => Some(draw.span(Span::secs(10), Span::hours(100))),
            Kind::MarketingCapped if draw.chance(500) => Some(draw.span(Span::mins(10), Span::hours(100))),
            _ => None,
        };
        scenario.groups.push(Group { share, kind, away });
    }
}

fn handsets(scenario: &mut Scenario, options: &Options, draw: &mut Draw) {
    scenario.timing = match options.handsets {
        0 => return,
        1 => Timing::quick(),
        2 => Timing::default(),
        _ => Timing {
            sent_after: delay(draw, Span::mins(20)),
            delivered_after: delay(draw, Span::hours(2)),
            read_after: delay(draw, Span::hours(20)),
            read_share: draw.between(0, 1_000) as u32 * 1_000,
            reply_after: delay(draw, Span::hours(80)),
            failed_after: delay(draw, Span::hours(20)),
            answer_after: delay(draw, Span::secs(40)),
        },
    };
}

/// A constant or a spread delay, mostly short.
pub(super) fn delay(draw: &mut Draw, most: Span) -> Distribution {
    let median = draw.span(Span::millis(1), most);
    if draw.chance(300) {
        return Distribution::constant(median);
    }
    let p99 = draw.span(median, most);
    Distribution::log_normal(median, p99.max(median)).unwrap_or(Distribution::constant(median))
}

/// When the last message is sent if nothing goes wrong: what windows and acts are drawn for.
fn sending(scenario: &Scenario) -> Span {
    let mut longest = Span::secs(1);
    for (place, sender) in scenario.senders.iter().enumerate() {
        let its = scenario.campaigns.iter().filter(|campaign| campaign.senders.contains(&place));
        let (messages, start) = its.fold((0, Span::ZERO), |(messages, start), campaign| {
            (messages + u64::from(campaign.people.size()) / campaign.senders.len() as u64, start.max(campaign.start))
        });
        longest = longest.max(start + Span::micros(messages * 1_000_000 / u64::from(sender.throughput)));
    }
    longest
}

fn operators(scenario: &mut Scenario, options: &Options, sending: Span, draw: &mut Draw) {
    if scenario.operators.len() > options.operators as usize {
        scenario.operators.truncate(options.operators as usize);
    }
    for _ in 0..options.operators {
        let campaign = draw.below(scenario.campaigns.len() as u64) as usize;
        let sender = draw.below(scenario.senders.len() as u64) as usize;
        let most = if draw.chance(options.far_windows) { Span::hours(80) } else { sending + sending / 2 };
        let at = draw.moment(most);
        let act = match draw.below(7) {
            0..3 => Act::Pause(campaign),
            3 => Act::Resume(campaign),
            4 => Act::Cancel(campaign),
            _ => Act::ResumeSender(sender),
        };
        scenario.operators.push(Operator { at, act });
        if matches!(act, Act::Pause(_)) && draw.chance(750) {
            let at = at + draw.span(Span::secs(1), sending.max(Span::mins(5)) * 2);
            scenario.operators.push(Operator { at, act: Act::Resume(campaign) });
        }
    }
}

/// Mends what a file could not say: shares that add up to more than all, overlaps that the other campaign is too small for,
/// acts out of order.
pub fn settled(scenario: &mut Scenario) {
    let mut room = 1_000_000;
    for group in &mut scenario.groups {
        group.share = group.share.min(room);
        room -= group.share;
    }
    scenario.groups.retain(|group| group.share > 0);
    for place in 0..scenario.campaigns.len() {
        let size = u64::from(scenario.campaigns[place].people.size());
        let Some(overlap) = scenario.campaigns[place].overlap else { continue };
        let other = scenario.campaigns.get(overlap.with).filter(|_| overlap.with < place);
        let own = other.map_or(0, |other| match other.people {
            People::Generated(size) => {
                u64::from(size) * u64::from(1_000_000 - other.overlap.map_or(0, |overlap| overlap.share))
            }
            People::Listed(_) => 0,
        });
        let share = u64::from(overlap.share).min(own / size.max(1)) as u32;
        let is_made = matches!(scenario.campaigns[place].people, People::Generated(_));
        scenario.campaigns[place].overlap = (share > 0 && is_made).then_some(Overlap { share, ..overlap });
    }
    scenario.operators.sort_by_key(|operator| operator.at);
}
