//! Plans against a simulation that sends message by message, second by second, and stories whose ends are known.

use super::*;
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_unix_seconds(20_000 * 86_400);
const NIGHT: Quiet = Quiet { from: 21 * 60, until: 9 * 60 };
const UTC: (i16, i16) = (0, 0);
const NO_LIMIT: Portfolio<'_> = Portfolio { limit: Limit::Unlimited, ends: &[] };

fn campaign<'a>(contacts: &'a [((i16, i16), u32)], priority: u8) -> Campaign<'a> {
    Campaign { senders: &[0], start: START, priority, quiet: None, contacts }
}

fn plan(portfolio: Portfolio<'_>, throughput: u32, campaigns: &[Campaign<'_>]) -> Vec<Forecast> {
    let senders = [Sender { throughput, portfolio: 0 }];
    let plan = Plan::of(&Ask { now: START, portfolios: &[portfolio], senders: &senders, campaigns });
    assert!(plan.is_whole);
    plan.campaigns
}

fn limited(most: u32) -> Portfolio<'static> {
    Portfolio { limit: Limit::Contacts(most), ends: &[] }
}

#[test]
fn a_million_at_the_default_pace_takes_three_and_a_half_hours() {
    let [million] = plan(NO_LIMIT, 80, &[campaign(&[(UTC, 1_000_000)], 0)])[..] else { panic!() };
    assert_eq!((million.first, million.last), (Some(START), Some(START + Span::secs(12_500))));
    assert_eq!((million.fits, million.does_not_fit, million.binds), (1_000_000, 0, Binds::Throughput));
    assert_eq!(million.waits, [Span::secs(12_500), Span::ZERO, Span::ZERO]);
}

#[test]
fn of_a_million_a_limit_of_100_000_a_day_lets_through_300_000() {
    let [million] = plan(limited(100_000), 80, &[campaign(&[(UTC, 1_000_000)], 0)])[..] else { panic!() };
    assert_eq!((million.fits, million.does_not_fit, million.binds), (300_000, 700_000, Binds::MessagingLimit));
    assert_eq!(million.last, Some(START + Span::hours(48) + Span::secs(1_250)));
    let [most] = plan(limited(100_000), 80, &[campaign(&[(UTC, 250_000)], 0)])[..] else { panic!() };
    assert_eq!((most.fits, most.last), (250_000, Some(START + Span::hours(48) + Span::secs(625))));
}

#[test]
fn what_was_used_before_comes_back_when_its_day_is_over() {
    let ends = [(START + Span::hours(6), 400), (START + Span::hours(2), 500)];
    let portfolio = Portfolio { limit: Limit::Contacts(1_000), ends: &ends };
    let [one] = plan(portfolio, 10, &[campaign(&[(UTC, 900)], 0)])[..] else { panic!() };
    assert_eq!((one.first, one.last), (Some(START), Some(START + Span::hours(6) + Span::secs(30))));
    let lowered = Portfolio { limit: Limit::Contacts(450), ends: &ends };
    let [one] = plan(lowered, 10, &[campaign(&[(UTC, 900)], 0)])[..] else { panic!() };
    assert_eq!(one.first, Some(START + Span::hours(2)), "more is used than the limit allows");
    assert_eq!(one.last, Some(START + Span::hours(30) + Span::secs(40)));
    assert_eq!((one.fits, one.binds), (900, Binds::MessagingLimit));
}

#[test]
fn a_full_ledger_of_the_highest_tier_is_planned_to_the_minute() {
    let ends: Vec<_> = (0..100_000).map(|n| (START + Span::hours(12) + Span::millis(n * 100), 1)).collect();
    let portfolio = Portfolio { limit: Limit::Contacts(100_000), ends: &ends };
    let [one] = plan(portfolio, 80, &[campaign(&[(UTC, 150_000)], 0)])[..] else { panic!() };
    let ideal = START + Span::hours(36) + Span::secs(5_000);
    let (first, last) = (one.first.unwrap(), one.last.unwrap());
    assert!(first.since(START + Span::hours(12)) <= Span::mins(1), "{first:?}");
    assert!(last.since(ideal) <= Span::mins(1) && ideal.since(last) <= Span::mins(1), "{last:?} for {ideal:?}");
}

#[test]
fn the_higher_priority_goes_first_and_equals_share_evenly() {
    let contacts = [(UTC, 9_000)];
    let campaigns = [campaign(&contacts, 1), campaign(&contacts, 5), campaign(&contacts, 1)];
    let plan = plan(NO_LIMIT, 10, &campaigns);
    let times: Vec<_> = plan.iter().map(|one| (one.first.unwrap(), one.last.unwrap())).collect();
    let [low, high, other] = times[..] else { panic!() };
    assert_eq!(high, (START, START + Span::secs(900)));
    assert_eq!(low, (START + Span::secs(900), START + Span::secs(2_700)));
    assert_eq!(other, low);
}

#[test]
fn a_campaign_that_starts_later_and_matters_more_pushes_in() {
    let contacts = [(UTC, 6_000)];
    let late = Campaign { start: START + Span::secs(100), ..campaign(&contacts, 9) };
    let plan = plan(NO_LIMIT, 10, &[campaign(&contacts, 0), late]);
    assert_eq!(plan[1].last, Some(START + Span::secs(700)));
    assert_eq!((plan[0].first, plan[0].last), (Some(START), Some(START + Span::secs(1_200))));
}

#[test]
fn quiet_nights_are_waited_for_in_each_zone() {
    // India's day is 3:30 to 15:30 by UTC. Its share is done when London wakes, and London has a second more than a day.
    let contacts = [(UTC, 432_010), ((330, 330), 198_000)];
    let quiet = Campaign { quiet: Some(NIGHT), ..campaign(&contacts, 0) };
    let [nights] = plan(NO_LIMIT, 10, &[quiet])[..] else { panic!() };
    assert_eq!(nights.first, Some(START + Span::hours(3) + Span::mins(30)));
    assert_eq!(nights.last, Some(START + Span::hours(33) + Span::secs(1)));
    assert_eq!(nights.waits[Binds::QuietHours as usize], Span::mins(3 * 60 + 30) + Span::hours(12));
    assert_eq!((nights.fits, nights.binds), (630_010, Binds::Throughput));
    let few = Campaign { quiet: Some(NIGHT), ..campaign(&[(UTC, 60)], 0) };
    assert_eq!(plan(NO_LIMIT, 10, &[few])[0].binds, Binds::QuietHours);
}

#[test]
fn zones_that_are_awake_together_are_sent_to_in_proportion() {
    let contacts = [(UTC, 10_000), ((60, 60), 30_000)];
    let night = Quiet { from: 90, until: 9 * 60 };
    let quiet = Campaign { quiet: Some(night), ..campaign(&contacts, 0) };
    let [both] = plan(NO_LIMIT, 10, &[quiet])[..] else { panic!() };
    // Together until 0:30, then London alone until 1:30, and at 8:00 the others again.
    assert_eq!(both.last, Some(START + Span::hours(8) + Span::secs(1_650)));
}

#[test]
fn the_deadline_counts_from_the_scheduled_start_and_what_is_past_fits_nowhere() {
    let contacts = [(UTC, 1_000_000)];
    let begun = Campaign { start: START - Span::hours(71), ..campaign(&contacts, 0) };
    let over = Campaign { start: START - Span::hours(72), ..campaign(&contacts, 9) };
    let none = campaign(&[], 9);
    let plan = plan(NO_LIMIT, 10, &[begun, over, none]);
    assert_eq!((plan[0].fits, plan[0].last), (36_000, Some(START + Span::hours(1))));
    assert_eq!((plan[1].fits, plan[1].does_not_fit, plan[1].first), (0, 1_000_000, None));
    assert_eq!((plan[2].fits, plan[2].does_not_fit, plan[2].first), (0, 0, None));
}

#[test]
fn numbers_of_one_portfolio_share_its_limit_and_a_campaign_may_have_several() {
    let senders = [Sender { throughput: 30, portfolio: 0 }, Sender { throughput: 10, portfolio: 0 }];
    let contacts = [(UTC, 400_000)];
    let both = Campaign { senders: &[0, 1], ..campaign(&contacts, 0) };
    let ask = Ask { now: START, portfolios: &[NO_LIMIT], senders: &senders, campaigns: &[both] };
    assert_eq!(Plan::of(&ask).campaigns[0].last, Some(START + Span::secs(10_000)));
    let apart = [campaign(&contacts, 0), Campaign { senders: &[1], ..campaign(&contacts, 9) }];
    let ask = Ask { now: START, portfolios: &[limited(4_000)], senders: &senders, campaigns: &apart };
    let fits: Vec<_> = Plan::of(&ask).campaigns.iter().map(|one| one.fits).collect();
    assert_eq!(fits, [9_000, 3_000], "three days, as their paces are");
}

#[test]
fn room_comes_back_as_unevenly_as_it_was_used() {
    let senders = [Sender { throughput: 30, portfolio: 0 }, Sender { throughput: 10, portfolio: 0 }];
    let day = Span::hours(24);
    let campaigns = [
        campaign(&[(UTC, 2_250)], 0),
        Campaign { senders: &[1], ..campaign(&[(UTC, 1_750)], 0) },
        Campaign { start: START + day, ..campaign(&[(UTC, 4_000)], 0) },
    ];
    let ask = Ask { now: START, portfolios: &[limited(4_000)], senders: &senders, campaigns: &campaigns };
    let plan = Plan::of(&ask).campaigns;
    assert_eq!((plan[0].last, plan[1].last), (Some(START + Span::secs(75)), Some(START + Span::secs(175))));
    // 75 s at 30/s while 40/s come back, 37.5 s at 30/s from what was saved, 62.5 s at the 10/s that come back.
    assert_eq!(plan[2].last, Some(START + day + Span::secs(175)));
    assert_eq!(plan[2].waits, [Span::millis(112_500), Span::millis(62_500), Span::ZERO]);
}

#[test]
fn a_plan_that_would_take_too_many_steps_says_so() {
    let quiet = Campaign { quiet: Some(NIGHT), ..campaign(&[(UTC, 1_000_000)], 0) };
    let senders = [Sender { throughput: 10, portfolio: 0 }];
    let ask = Ask { now: START, portfolios: &[NO_LIMIT], senders: &senders, campaigns: &[quiet] };
    // Until 9:00, until 21:00, until 9:00.
    let plan = Plan::within(3, &ask);
    assert_eq!((plan.is_whole, plan.campaigns[0].fits, plan.campaigns[0].does_not_fit), (false, 432_000, 568_000));
    assert!(Plan::of(&ask).is_whole);
}

/// One campaign of the simulation.
struct Sending {
    left: Vec<u32>,
    credit: Vec<i64>,
    first: Option<u64>,
    last: Option<u64>,
}

/// Sends message by message, all of a second at its beginning.
fn simulate(ask: &Ask<'_>) -> Vec<Sending> {
    let begin = |campaign: &Campaign<'_>| Sending {
        left: campaign.contacts.iter().map(|zone| zone.1).collect(),
        credit: vec![0; campaign.contacts.len()],
        first: None,
        last: None,
    };
    let mut sendings: Vec<_> = ask.campaigns.iter().map(begin).collect();
    let mut used: Vec<VecDeque<(Timestamp, u32)>> =
        ask.portfolios.iter().map(|one| one.ends.iter().copied().collect()).collect();
    let mut turns = vec![0; ask.senders.len()];
    let end = ask.campaigns.iter().map(|one| one.start + DEADLINE).max().unwrap();
    for second in 0..end.since(ask.now).as_secs() {
        let now = ask.now + Span::secs(second);
        for ends in &mut used {
            while ends.front().is_some_and(|end| end.0 <= now) {
                ends.pop_front();
            }
        }
        let is_awake = |at: usize, zone: usize| {
            let one = &ask.campaigns[at];
            now >= one.start
                && now < one.start + DEADLINE
                && one.quiet.and_then(|quiet| quiet.ends(now, one.contacts[zone].0)).is_none()
        };
        let awake: Vec<Vec<usize>> = (0..sendings.len())
            .map(|at| (0..sendings[at].left.len()).filter(|zone| is_awake(at, *zone)).collect())
            .collect();
        for (id, sender) in ask.senders.iter().enumerate() {
            for _ in 0..sender.throughput {
                let ends = &mut used[usize::from(sender.portfolio)];
                let counted: u32 = ends.iter().map(|end| end.1).sum();
                if matches!(ask.portfolios[usize::from(sender.portfolio)].limit, Limit::Contacts(most) if counted >= most)
                {
                    break;
                }
                let waits = |at: &usize| {
                    ask.campaigns[*at].senders.contains(&(id as u16))
                        && awake[*at].iter().any(|zone| sendings[*at].left[*zone] > 0)
                };
                let highest = (0..sendings.len()).filter(waits).map(|at| ask.campaigns[at].priority).max();
                let count = sendings.len();
                let turn = (0..count).map(|step| (turns[id] + step) % count);
                let Some(at) = turn.filter(waits).find(|at| Some(ask.campaigns[*at].priority) == highest) else {
                    break;
                };
                turns[id] = at + 1;
                let sending = &mut sendings[at];
                let all: u32 = awake[at].iter().map(|zone| sending.left[*zone]).sum();
                for zone in &awake[at] {
                    sending.credit[*zone] += i64::from(sending.left[*zone]);
                }
                let waiting = awake[at].iter().copied().filter(|zone| sending.left[*zone] > 0);
                let zone = waiting.max_by_key(|zone| sending.credit[*zone]).unwrap();
                sending.credit[zone] -= i64::from(all);
                sending.left[zone] -= 1;
                sending.first.get_or_insert(second);
                sending.last = Some(second);
                match ends.back_mut() {
                    Some(last) if last.0 == now + MESSAGING_LIMIT_WINDOW => last.1 += 1,
                    Some(_) | None => ends.push_back((now + MESSAGING_LIMIT_WINDOW, 1)),
                }
            }
        }
    }
    sendings
}

#[derive(Clone, Debug)]
struct Wish {
    senders: Vec<u16>,
    start: u64,
    priority: u8,
    quiet: Option<Quiet>,
    contacts: Vec<((i16, i16), u32)>,
}

fn wish() -> impl Strategy<Value = Wish> {
    let zone = (prop::sample::select(vec![UTC, (60, 120), (330, 330), (-300, -240)]), 0u32..4_000);
    let quiet =
        prop::option::of((0u16..24, 0u16..24).prop_map(|(from, until)| Quiet { from: from * 60, until: until * 60 }));
    let start = prop_oneof![Just(0), 0u64..200_000];
    (prop::sample::select(vec![0u16, 0, 1]), start, 0u8..3, quiet, prop::collection::vec(zone, 1..4)).prop_map(
        |(sender, start, priority, quiet, contacts)| Wish { senders: vec![sender], start, priority, quiet, contacts },
    )
}

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![1 => Just(Limit::Unlimited), 3 => (50u32..2_000).prop_map(Limit::Contacts)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_says_what_sending_message_by_message_does(
        wishes in prop::collection::vec(wish(), 1..5),
        paces in (1u32..12, 1u32..12),
        limits in (limit(), limit()),
        used in prop::collection::vec((1u64..86_400, 1u32..300), 0..4),
    ) {
        let mut ends: Vec<_> = used.iter().map(|(at, count)| (START + Span::secs(*at), *count)).collect();
        ends.sort_unstable();
        let portfolios = [Portfolio { limit: limits.0, ends: &ends }, Portfolio { limit: limits.1, ends: &[] }];
        let senders = [Sender { throughput: paces.0, portfolio: 0 }, Sender { throughput: paces.1, portfolio: 1 }];
        let campaigns: Vec<_> = wishes.iter().map(|wish| Campaign {
            senders: &wish.senders,
            start: START + Span::secs(wish.start),
            priority: wish.priority,
            quiet: wish.quiet,
            contacts: &wish.contacts,
        }).collect();
        let ask = Ask { now: START, portfolios: &portfolios, senders: &senders, campaigns: &campaigns };
        let plan = Plan::of(&ask);
        prop_assert!(plan.is_whole);
        for ((forecast, sending), wish) in plan.campaigns.iter().zip(simulate(&ask)).zip(&wishes) {
            let size: u32 = wish.contacts.iter().map(|zone| zone.1).sum();
            let sent = size - sending.left.iter().sum::<u32>();
            let pace = [paces.0, paces.1][usize::from(wish.senders[0])];
            prop_assert_eq!(forecast.fits + forecast.does_not_fit, size);
            prop_assert!(forecast.fits.abs_diff(sent) <= pace * 3, "{} fit, {sent} were sent", forecast.fits);
            if let (Some(planned), Some(real)) = (forecast.first, sending.first) {
                let real = START + Span::secs(real);
                prop_assert!(planned.since(real).max(real.since(planned)) <= Span::secs(60), "{planned:?} for {real:?}");
            }
        }
    }
}
