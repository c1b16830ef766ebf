//! What can be taken out of a scenario or set to what is usual: each reduction offers smaller scenarios, the boldest first.
//!
//! A reduction only ever takes away, so applying them again and again comes to an end.

use crate::scenario::{Act, Category, Engine, OnUnknown, Overlap, People, Scenario};
use crate::swarm::faults::{is_plain_delay, plain, stops_everything};
use crate::swarm::vary::resize;
use cloud_api::time::Span;
use mock_whatsapp_model::distribution::Distribution;
use mock_whatsapp_model::spec::{FaultSpec, Kind, MessagingLimit, Timing};

/// Offers scenarios that are smaller than this one; none where there is nothing of its part.
pub(super) type Reduction = fn(&Scenario) -> Vec<Scenario>;

/// Those that leave the contacts as they are.
const OF_EVENTS: [Reduction; 6] = [faults, operators, engine, senders, fault_keys, usual_campaigns];
const ALL: [Reduction; 11] =
    [campaigns, sizes, faults, operators, groups, engine, senders, lists, handsets, usual_campaigns, fault_keys];

/// The reductions in the order in which they help most.
pub(super) fn all(contacts_stay: bool) -> &'static [Reduction] {
    if contacts_stay { &OF_EVENTS } else { &ALL }
}

/// A copy with a change; nothing where it changes nothing.
fn changed(scenario: &Scenario, change: impl FnOnce(&mut Scenario) -> bool) -> Option<Scenario> {
    let mut copy = scenario.clone();
    change(&mut copy).then_some(copy)
}

/// Sets a value; says whether it was another.
fn set<T: PartialEq>(place: &mut T, value: T) -> bool {
    if *place == value {
        return false;
    }
    *place = value;
    true
}

fn campaigns(scenario: &Scenario) -> Vec<Scenario> {
    if scenario.campaigns.len() < 2 {
        return Vec::new();
    }
    (0..scenario.campaigns.len()).map(|place| without_campaign(scenario, place)).collect()
}

/// The scenario without one of its campaigns, which is not the only one.
pub(super) fn without_campaign(scenario: &Scenario, gone: usize) -> Scenario {
    let mut rest = scenario.clone();
    let moved = |place: usize| if place > gone { place - 1 } else { place };
    rest.campaigns.remove(gone);
    for campaign in &mut rest.campaigns {
        campaign.overlap = campaign.overlap.filter(|overlap| overlap.with != gone);
        campaign.overlap = campaign.overlap.map(|overlap| Overlap { with: moved(overlap.with), ..overlap });
    }
    rest.operators.retain_mut(|operator| {
        let (Act::Pause(place) | Act::Resume(place) | Act::Cancel(place)) = &mut operator.act else { return true };
        let stays = *place != gone;
        *place = moved(*place);
        stays
    });
    rest.expectations.retain_mut(|wanted| {
        let stays = wanted.campaign != Some(gone);
        wanted.campaign = wanted.campaign.map(moved);
        stays
    });
    let templates: Vec<String> = rest.campaigns.iter().map(|campaign| campaign.template.clone()).collect();
    rest.faults.retain(|fault| fault.template.as_ref().is_none_or(|template| templates.contains(template)));
    rest
}

fn sizes(scenario: &Scenario) -> Vec<Scenario> {
    let messages = scenario.messages();
    let floor = scenario.campaigns.len() as u64;
    let mut offers = Vec::new();
    for wanted in [messages / 10, messages / 2, messages * 3 / 4] {
        if wanted >= floor {
            offers.extend(changed(scenario, |copy| {
                resize(&mut copy.campaigns, wanted);
                copy.messages() < messages
            }));
        }
    }
    for place in 0..scenario.campaigns.len() {
        let size = scenario.campaigns[place].people.size();
        for wanted in [size / 2, size.saturating_sub(1)] {
            if wanted > 0 {
                offers.extend(changed(scenario, |copy| {
                    resize(&mut copy.campaigns[place..=place], u64::from(wanted));
                    copy.messages() < messages
                }));
            }
        }
    }
    offers
}

/// Contacts of a list become as many that are made.
fn lists(scenario: &Scenario) -> Vec<Scenario> {
    let offer = changed(scenario, |copy| {
        let mut any = false;
        for campaign in &mut copy.campaigns {
            if let People::Listed(_) = campaign.people {
                campaign.people = People::Generated(campaign.people.size());
                any = true;
            }
        }
        any
    });
    offer.into_iter().collect()
}

/// Everything, halves, quarters …, single ones.
fn parts<T: Clone>(all: &[T]) -> Vec<Vec<T>> {
    let mut offers = Vec::new();
    let mut length = all.len();
    while length > 0 {
        for from in (0..all.len()).step_by(length) {
            let until = (from + length).min(all.len());
            offers.push([&all[..from], &all[until..]].concat());
        }
        length /= 2;
    }
    offers
}

fn faults(scenario: &Scenario) -> Vec<Scenario> {
    parts(&scenario.faults).into_iter().map(|faults| Scenario { faults, ..scenario.clone() }).collect()
}

fn operators(scenario: &Scenario) -> Vec<Scenario> {
    parts(&scenario.operators).into_iter().map(|operators| Scenario { operators, ..scenario.clone() }).collect()
}

fn groups(scenario: &Scenario) -> Vec<Scenario> {
    let mut offers: Vec<Scenario> =
        parts(&scenario.groups).into_iter().map(|groups| Scenario { groups, ..scenario.clone() }).collect();
    for (place, group) in scenario.groups.iter().enumerate() {
        if let Some(away) = group.away {
            offers.extend(changed(scenario, |copy| {
                group.kind != Kind::Offline && set(&mut copy.groups[place].away, None)
            }));
            offers.extend(changed(scenario, |copy| set(&mut copy.groups[place].away, Some(whole_minutes(away)))));
        }
        // A share that is easy on the eye.
        if !matches!(group.share, 500_000 | 1_000_000) {
            for share in [1_000_000, 500_000] {
                offers.extend(changed(scenario, |copy| set(&mut copy.groups[place].share, share)));
            }
        }
    }
    offers
}

fn engine(scenario: &Scenario) -> Vec<Scenario> {
    let mut offers = Vec::new();
    let engine = &scenario.engine;
    if engine.on_unknown != OnUnknown::Resend || !engine.settings.is_empty() {
        offers.push(Scenario { engine: Engine::default(), ..scenario.clone() });
    }
    if engine.on_unknown == OnUnknown::Never && engine.settings.keys().any(|key| key != "on_unknown") {
        let engine = Engine { on_unknown: OnUnknown::Never, ..Engine::default() };
        offers.push(Scenario { engine, ..scenario.clone() });
    }
    offers.extend(changed(scenario, |copy| set(&mut copy.magic_numbers, false)));
    offers
}

fn senders(scenario: &Scenario) -> Vec<Scenario> {
    let mut offers = Vec::new();
    if scenario.senders.len() > 1 {
        for place in 0..scenario.senders.len() {
            offers.push(only_sender(scenario, place));
        }
        for place in 0..scenario.senders.len() {
            offers.extend(without_sender(scenario, place));
        }
    }
    for place in 0..scenario.senders.len() {
        let portfolio = scenario.senders[place].portfolio.clone();
        offers.extend(changed(scenario, |copy| {
            let its = copy.senders.iter_mut().filter(|sender| sender.portfolio == portfolio);
            its.fold(false, |any, sender| set(&mut sender.messaging_limit, MessagingLimit::Unlimited) | any)
        }));
        let usual = cloud_api::limits::DEFAULT_THROUGHPUT;
        offers.extend(changed(scenario, |copy| set(&mut copy.senders[place].throughput, usual)));
    }
    if scenario.senders.len() == 1 {
        offers.extend(changed(scenario, |copy| set(&mut copy.senders[0].portfolio, "default".to_owned())));
    }
    offers
}

/// All campaigns from one sender.
fn only_sender(scenario: &Scenario, place: usize) -> Scenario {
    let mut rest = scenario.clone();
    rest.senders = vec![scenario.senders[place].clone()];
    rest.campaigns.iter_mut().for_each(|campaign| campaign.senders = vec![0]);
    rest.faults.iter_mut().for_each(|fault| fault.sender = None);
    for operator in &mut rest.operators {
        if let Act::ResumeSender(sender) = &mut operator.act {
            *sender = 0;
        }
    }
    rest
}

/// Without a sender; its campaigns have others, or the first one.
fn without_sender(scenario: &Scenario, gone: usize) -> Option<Scenario> {
    let mut rest = scenario.clone();
    let name = rest.senders.remove(gone).name;
    let moved = |place: usize| if place > gone { place - 1 } else { place };
    for campaign in &mut rest.campaigns {
        campaign.senders.retain(|sender| *sender != gone);
        campaign.senders.iter_mut().for_each(|sender| *sender = moved(*sender));
        if campaign.senders.is_empty() {
            campaign.senders.push(0);
        }
    }
    rest.faults.retain(|fault| fault.sender.as_ref() != Some(&name));
    rest.operators.retain_mut(|operator| {
        let Act::ResumeSender(place) = &mut operator.act else { return true };
        let stays = *place != gone;
        *place = moved(*place);
        stays
    });
    (!rest.senders.is_empty()).then_some(rest)
}

fn handsets(scenario: &Scenario) -> Vec<Scenario> {
    let usual = Timing::default();
    if scenario.timing == usual {
        return Vec::new();
    }
    let mut offers = vec![Scenario { timing: usual.clone(), ..scenario.clone() }];
    type Field = fn(&mut Timing) -> &mut Distribution;
    let fields: [Field; 6] = [
        |timing| &mut timing.sent_after,
        |timing| &mut timing.delivered_after,
        |timing| &mut timing.read_after,
        |timing| &mut timing.reply_after,
        |timing| &mut timing.failed_after,
        |timing| &mut timing.answer_after,
    ];
    for field in fields {
        let value = field(&mut usual.clone()).clone();
        offers.extend(changed(scenario, |copy| set(field(&mut copy.timing), value)));
    }
    offers.extend(changed(scenario, |copy| set(&mut copy.timing.read_share, usual.read_share)));
    offers
}

fn usual_campaigns(scenario: &Scenario) -> Vec<Scenario> {
    let mut offers = Vec::new();
    for place in 0..scenario.campaigns.len() {
        let mut offer = |change: &dyn Fn(&mut crate::scenario::Campaign) -> bool| {
            offers.extend(changed(scenario, |copy| change(&mut copy.campaigns[place])));
        };
        offer(&|campaign| set(&mut campaign.quiet_hours, None));
        offer(&|campaign| set(&mut campaign.priority, 0));
        offer(&|campaign| set(&mut campaign.overlap, None));
        offer(&|campaign| set(&mut campaign.start, Span::ZERO));
        let start = whole_minutes(scenario.campaigns[place].start);
        offer(&|campaign| set(&mut campaign.start, start));
        offer(&|campaign| set(&mut campaign.category, Category::Marketing));
        offer(&|campaign| {
            let several = campaign.senders.len() > 1;
            campaign.senders.truncate(1);
            several
        });
    }
    for place in 0..scenario.operators.len() {
        let at = whole_minutes(scenario.operators[place].at);
        offers.extend(changed(scenario, |copy| set(&mut copy.operators[place].at, at)));
    }
    offers
}

/// Later, to the next minute.
fn whole_minutes(span: Span) -> Span {
    Span::mins(span.0.div_ceil(60_000_000))
}

fn fault_keys(scenario: &Scenario) -> Vec<Scenario> {
    let mut offers = Vec::new();
    for (place, fault) in scenario.faults.iter().enumerate() {
        let mut offer = |change: &dyn Fn(&mut FaultSpec) -> bool| {
            offers.extend(changed(scenario, |copy| change(&mut copy.faults[place])));
        };
        let bare = plain(fault.kind);
        // Without an end, what stops everything would be another failure, and a slow one.
        let bare = FaultSpec { until: fault.until.filter(|_| stops_everything(fault.kind)), ..bare };
        offer(&|fault| {
            let whole = (bare.from, bare.until, bare.share);
            let is_other = (fault.from, fault.until, fault.share) != whole;
            (fault.from, fault.until, fault.share) = whole;
            is_other
        });
        offer(&|fault| set(&mut fault.share, 1_000_000));
        offer(&|fault| set(&mut fault.from, Span::ZERO));
        offer(&|fault| set(&mut fault.until, bare.until));
        offer(&|fault| {
            let until = fault.until.map(whole_minutes);
            set(&mut fault.until, until)
        });
        offer(&|fault| set(&mut fault.sender, None));
        offer(&|fault| set(&mut fault.asynchronous, None));
        offer(&|fault| set(&mut fault.accepted, None));
        offer(&|fault| set(&mut fault.form, None));
        offer(&|fault| set(&mut fault.down_for, None));
        offer(&|fault| set(&mut fault.template, None));
        offer(&|fault| fault.times.is_some() && set(&mut fault.times, Some(1)));
        offer(&|fault| fault.copies.is_some() && set(&mut fault.copies, Some(1)));
        offer(&|fault| fault.code.is_some() && set(&mut fault.code, Some(131_000)));
        offer(&|fault| {
            let Some(delay) = fault.delay.clone().filter(|delay| !is_plain_delay(delay)) else { return false };
            set(&mut fault.delay, Some(Distribution::constant(Span::secs(delay.longest().0.div_ceil(1_000_000)))))
        });
    }
    offers
}
