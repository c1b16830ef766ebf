//! What the plan says of a campaign is what becomes of it, as long as nothing goes wrong.
//!
//! Each scenario here is without faults. It is planned from its setup alone, and then run at level model; first and last POST
//! and the number of messages that fit are compared.
//!
//! Where they may differ, and by how much:
//! - The plan is a flow, the engine sends one message after the other, catches up 50 ms, and serves the campaigns of a number in
//!   turns: some intervals of the pace.
//! - An entry of the ledger ends a day after the outcome, which comes after the POST, so every day of waiting for the messaging
//!   limit is late by the time of an answer at most; and what is sent in the last moments before the deadline is less by that.
//! - The plan mixes the zones of a campaign evenly. The engine takes the contacts as they come, and those first that waited for
//!   their morning. So a zone has more or fewer left than planned when the last ones are sent or its night begins.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use campaign_sim::model::run::{Run, START};
use campaign_sim::model::setup::{Part, Setup};
use campaign_sim::scenario::Scenario;
use campaign_sim::story::Story;
use cloud_api::time::{Span, Timestamp};
use engine_core::ledger::Limit;
use engine_core::plan::{Ask, Binds, Campaign, Forecast, Plan, Portfolio, Sender};
use engine_core::quiet::Zones;
use mock_whatsapp_model::input::MessageIndex;
use mock_whatsapp_model::spec::MessagingLimit;
use std::collections::BTreeMap;
use std::path::Path;

/// From the engine to WhatsApp.
const TRANSIT: Span = Span::millis(20);

/// The longest time from a POST until its answer: three times the 99th percentile of 300 ms, and both ways.
const ANSWER: Span = Span::millis(3 * 300 + 2 * 20);

/// What came of one part of a campaign: its messages from one number.
struct Compared {
    planned: Forecast,
    /// The first and the last POST.
    first: Timestamp,
    last: Timestamp,
    sent: u32,
    /// A message's turn at the number.
    interval: Span,
    throughput: u32,
}

impl Compared {
    /// Fits and first and last POST are as planned; `limit_days` is how often the messaging limit had to be waited for.
    fn is_as_planned(&self, turns: u64, limit_days: u64) {
        let Self { planned, first, last, sent, .. } = self;
        let pace = Span::millis(50) + self.interval * (turns + 1);
        let late = ANSWER * limit_days;
        let (planned_first, planned_last) = (planned.first.unwrap(), planned.last.unwrap());
        assert!(
            *first >= planned_first && first.since(planned_first) <= pace + late,
            "{first:?} for {planned_first:?}"
        );
        let early = planned_last.since(*last);
        assert!(early <= pace, "{early} early: {last:?} for {planned_last:?}");
        let behind = last.since(planned_last);
        assert!(behind <= pace + late, "{behind} late: {last:?} for {planned_last:?}");
        assert_eq!(*sent, planned.fits);
    }
}

fn contacts_of(setup: &Setup, part: &Part, zones: &Zones) -> Vec<((i16, i16), u32)> {
    let mut by_zone = BTreeMap::new();
    for message in part.first..part.end {
        let phone = setup.contacts.phone(setup.contact_of(message));
        *by_zone.entry(zones.offsets(zones.of(phone))).or_default() += 1;
    }
    by_zone.into_iter().collect()
}

fn plan_of(setup: &Setup) -> Plan {
    let zones = Zones::default();
    let limit = |place| match setup.limit_of(place) {
        MessagingLimit::Unlimited => Limit::Unlimited,
        MessagingLimit::Contacts(most) => Limit::Contacts(most),
    };
    let portfolios = (0..setup.portfolios.len()).map(|place| Portfolio { limit: limit(place), ends: &[] });
    let portfolios: Vec<Portfolio<'_>> = portfolios.collect();
    let senders = setup.senders.iter();
    let senders = senders.map(|one| Sender { throughput: one.throughput, portfolio: one.portfolio as u16 });
    let senders: Vec<Sender> = senders.collect();
    let numbers: Vec<[u16; 1]> = setup.parts.iter().map(|part| [part.sender as u16]).collect();
    let contacts: Vec<_> = setup.parts.iter().map(|part| contacts_of(setup, part, &zones)).collect();
    let campaigns = setup.parts.iter().zip(&numbers).zip(&contacts).map(|((part, senders), contacts)| {
        let campaign = &setup.campaigns[part.campaign];
        let (start, priority, quiet) = (START + campaign.start, campaign.priority, campaign.quiet);
        Campaign { senders, start, priority, quiet, contacts }
    });
    let campaigns: Vec<Campaign<'_>> = campaigns.collect();
    let plan = Plan::of(&Ask { now: START, portfolios: &portfolios, senders: &senders, campaigns: &campaigns });
    assert!(plan.is_whole);
    plan
}

/// Plans a scenario and runs it. Its parts are those of each campaign, in the order of the numbers.
fn compare(sections: &[String], seed: u64) -> Vec<Compared> {
    let text = format!("name = \"plan\"\nstory = \"Nothing goes wrong.\"\nseed = {seed}\n{}", sections.concat());
    let scenario = Scenario::parse(&text, "plan.toml", Path::new("")).unwrap();
    let setup = Setup::new(&scenario, scenario.seed, None);
    let plan = plan_of(&setup);
    let mut run = Run::new(&setup, Story::untold()).unwrap();
    run.finish(|_, _| {});
    let posts: Vec<(u32, Timestamp)> = run
        .world()
        .messages(MessageIndex(0))
        .map(|view| ((view.callback >> 8) as u32, Timestamp(view.at.0 - TRANSIT.0)))
        .collect();
    assert_eq!(posts.len() as u64, run.attempts(), "every POST was accepted: no limit showed as an error");
    let each = setup.parts.iter().zip(plan.campaigns).map(|(part, planned)| {
        let own = posts.iter().filter(|(message, _)| (part.first..part.end).contains(message)).map(|(_, at)| *at);
        let throughput = setup.senders[part.sender].throughput;
        Compared {
            planned,
            first: own.clone().min().unwrap(),
            last: own.clone().max().unwrap(),
            sent: own.count() as u32,
            interval: Span::micros(1_000_000 / u64::from(throughput)),
            throughput,
        }
    });
    each.collect()
}

fn sender(name: &str, throughput: u32, more: &str) -> String {
    format!("[[sender]]\nname = \"{name}\"\nthroughput = {throughput}\n{more}\n")
}

fn campaign(name: &str, contacts: u32, more: &str) -> String {
    format!("[[campaign]]\nname = \"{name}\"\ncontacts = {contacts}\n{more}\n")
}

#[test]
fn one_campaign_is_done_when_the_pace_says() {
    for (throughput, contacts) in [(80, 20_000), (1_000, 50_000), (3, 2_000)] {
        let parts = compare(&[sender("main", throughput, ""), campaign("sale", contacts, "")], 5);
        parts[0].is_as_planned(1, 0);
        assert_eq!(parts[0].planned.binds, Binds::Throughput);
    }
}

#[test]
fn campaigns_of_one_number_share_it_by_priority_and_turns() {
    let parts = compare(
        &[
            sender("main", 20, ""),
            campaign("autumn", 5_000, ""),
            campaign("winter", 4_000, ""),
            campaign("recall", 3_000, "priority = 9\nstart = \"2m\""),
        ],
        5,
    );
    for part in &parts {
        part.is_as_planned(3, 0);
    }
    assert!(parts[2].last < parts[1].last && parts[1].last < parts[0].last);
}

#[test]
fn a_campaign_of_two_numbers_is_done_on_both_at_once() {
    let both = "senders = [\"fast\", \"slow\"]";
    let parts = compare(&[sender("fast", 40, ""), sender("slow", 20, ""), campaign("sale", 30_000, both)], 5);
    assert_eq!(parts.len(), 2);
    for part in &parts {
        part.is_as_planned(1, 0);
        assert_eq!(part.planned.last, parts[0].planned.last);
    }
}

#[test]
fn a_messaging_limit_over_three_days_is_waited_for_as_planned() {
    let parts = compare(&[sender("main", 80, "messaging_limit = 2_000"), campaign("sale", 5_000, "")], 5);
    parts[0].is_as_planned(1, 2);
    assert_eq!(parts[0].planned.binds, Binds::MessagingLimit);
    assert!(parts[0].last >= START + Span::hours(48));
}

#[test]
fn numbers_of_one_portfolio_and_their_campaigns_share_its_limit_as_planned() {
    let limit = "messaging_limit = 2_000";
    let parts = compare(
        &[
            sender("fast", 20, limit),
            sender("slow", 10, limit),
            campaign("sale", 4_000, "senders = [\"fast\", \"slow\"]"),
            campaign("later", 1_000, "sender = \"slow\"\nstart = \"10m\""),
        ],
        5,
    );
    for part in &parts {
        part.is_as_planned(2, 2);
    }
}

#[test]
fn a_campaign_that_does_not_fit_is_said_not_to_and_so_is_how_much_of_it_does() {
    let parts = compare(&[sender("main", 80, "messaging_limit = 2_000"), campaign("sale", 9_000, "")], 5);
    parts[0].is_as_planned(1, 2);
    assert_eq!((parts[0].planned.fits, parts[0].planned.does_not_fit), (6_000, 3_000));

    let parts = compare(&[sender("main", 1, ""), campaign("sale", 259_300, "")], 5);
    let (planned, sent) = (parts[0].planned, parts[0].sent);
    assert_eq!(planned.fits, 259_200, "three days at one a second");
    assert!(sent <= planned.fits + 1 && sent + 1 >= planned.fits, "{sent}: with the ends of both");
}

#[test]
fn what_the_limit_gives_back_just_before_the_deadline_fits_but_for_the_time_of_the_answers() {
    // The first campaign has the limit for two days. The other gets the third, and at the third day's end the ten minutes before
    // its deadline, at a pace of one a second.
    let limited = sender("main", 1, "messaging_limit = 1_000");
    let first = campaign("first", 2_000, "priority = 1");
    let parts = compare(&[limited, first, campaign("second", 2_500, "start = \"10m\"")], 5);
    parts[0].is_as_planned(2, 1);
    let (planned, sent) = (parts[1].planned, parts[1].sent);
    assert_eq!(planned.fits, 1_600);
    let slack = (ANSWER.as_millis() * 3 * u64::from(parts[1].throughput)).div_ceil(1_000) as u32 + 1;
    assert!(sent <= planned.fits && sent + slack >= planned.fits, "{sent} for {}", planned.fits);
}

/// Where many countries are left in peace at night: how far first and last POST may be off at a pace. The last ones are those
/// of a zone of some thousand contacts, of which four standard deviations more or fewer may be left.
fn is_as_planned_at_night(parts: &[Compared], largest_zone: u32) {
    let [part] = parts else { panic!("one campaign") };
    let few = u64::from((4 * largest_zone.isqrt()).div_ceil(part.throughput));
    let slack = Span::secs(few) + Span::secs(1);
    let (planned, last) = (part.planned.last.unwrap(), part.last);
    assert!(last.since(planned) <= slack && planned.since(last) <= slack, "{last:?} for {planned:?}, {slack}");
    assert_eq!((part.planned.fits, part.planned.does_not_fit), (part.sent, 0));
    assert!(part.first.since(part.planned.first.unwrap()) <= part.interval * 2);
}

#[test]
fn quiet_nights_in_many_countries_are_waited_for_as_planned() {
    for seed in 1..=4 {
        let night = "quiet_hours = \"21:00..08:00\"";
        // 64 ranges of numbers, of which the United States have four and no country has more.
        for (throughput, contacts) in [(1, 60_000), (8, 60_000), (80, 20_000)] {
            let parts = compare(&[sender("main", throughput, ""), campaign("polite", contacts, night)], seed);
            is_as_planned_at_night(&parts, contacts / 64 * 4);
        }
    }
}

#[test]
fn nights_and_the_limit_together_are_waited_for_as_planned() {
    let night = "quiet_hours = \"20:00..10:00\"";
    for seed in 1..=4 {
        let parts = compare(&[sender("main", 80, "messaging_limit = 2_000"), campaign("polite", 5_000, night)], seed);
        is_as_planned_at_night(&parts, 5_000 / 64 * 4);
    }
}

#[test]
fn of_a_campaign_that_does_not_fit_between_the_nights_as_much_is_sent_as_planned_within_a_hundredth() {
    // Towards the end some zones are done and others sleep, and which ones hangs on the order in which they were taken.
    for seed in 1..=2 {
        let night = "quiet_hours = \"20:00..10:00\"";
        let parts = compare(&[sender("main", 1, ""), campaign("polite", 270_000, night)], seed);
        let (planned, sent) = (parts[0].planned, parts[0].sent);
        assert!(planned.does_not_fit > 30_000, "{planned:?}");
        assert!(sent.abs_diff(planned.fits) <= planned.fits / 100, "{sent} for {}", planned.fits);
    }
}
