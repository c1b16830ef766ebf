//! What a number, a pair and a portfolio may send, and what a `tier` makes of it.

use crate::scene::{START, Scene};
use cloud_api::catalogue::{self, CodeIndex};
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::input::{HandsetId, MessageIndex, NumberId, PortfolioId};
use mock_whatsapp_model::output::{What, Why};
use mock_whatsapp_model::spec::{Kind, LimitTold, MessagingLimit};
use mock_whatsapp_model::world::Stage;
use serde_json::json;

const FULL: Result<(), (u32, Why)> = Err((131_048, Why::MessagingLimit));

/// Two numbers in a portfolio that may reach two contacts, and one number outside of it.
fn portfolio_of_two() -> (Scene, PortfolioId) {
    let mut scene = Scene::new();
    let portfolio = scene.world.add_portfolio(MessagingLimit::Contacts(2));
    for _ in 0..2 {
        scene.world.add_number_in(1_000, portfolio);
    }
    scene.world.add_number(1_000);
    scene.handsets(Kind::Plain, 20);
    (scene, portfolio)
}

#[test]
fn the_numbers_of_a_portfolio_share_its_limit_and_no_other_does() {
    let (mut scene, portfolio) = portfolio_of_two();
    assert_eq!([scene.send(0, 0), scene.send(1, 1), scene.send(1, 0)], [Ok(()), Ok(()), Ok(())]);
    assert_eq!([scene.send(0, 2), scene.send(1, 3)], [FULL, FULL]);
    assert_eq!([scene.send(2, 2), scene.send(2, 3), scene.send(2, 4)], [Ok(()), Ok(()), Ok(())]);
    assert_eq!((scene.world.ledger_used(portfolio, START), scene.world.snapshot().messages), (2, 6));
    assert_eq!(scene.world.portfolio_of(NumberId(2)), PortfolioId(0));
    assert_eq!(scene.world.ledger_used(PortfolioId(0), START), 0, "nothing is counted where nothing is limited");
}

#[test]
fn a_webhook_may_tell_what_goes_beyond_the_limit() {
    let (mut scene, portfolio) = portfolio_of_two();
    scene.world.tell_messaging_limit(LimitTold::Webhook);
    assert_eq!([scene.send(0, 0), scene.send(1, 1), scene.send(0, 2)], [Ok(()), Ok(()), Ok(())]);
    let beyond = |scene: &Scene| [0, 1, 2].map(|place| scene.world.is_beyond_limit(MessageIndex(place)));
    assert_eq!((beyond(&scene), scene.world.ledger_used(portfolio, START)), ([false, false, true], 2));
    scene.until(Span::hours(1));
    let stages = [0, 1, 2].map(|place| scene.world.message(MessageIndex(place)).unwrap().stage);
    assert_eq!(stages, [Stage::Read, Stage::Read, Stage::Failed]);
    let code = scene.world.message(MessageIndex(2)).unwrap().code.map(CodeIndex::code);
    let told: Vec<What> = scene.told.iter().filter(|it| it.handset == HandsetId(2)).map(|it| it.what).collect();
    assert_eq!((code, told), (Some(131_048), vec![What::Failed(catalogue::find(131_048, None))]));
    scene.world.reset(scene.now);
    assert_eq!([scene.send(0, 0), scene.send(1, 1), scene.send(0, 2)], [Ok(()), Ok(()), Ok(())], "it stays so");
}

#[test]
fn a_contact_stops_counting_24_hours_after_its_last_message() {
    let (mut scene, portfolio) = portfolio_of_two();
    assert_eq!([scene.send(0, 0), scene.send(0, 1)], [Ok(()), Ok(())]);
    scene.until(Span::hours(20));
    assert_eq!(scene.send(0, 1), Ok(()));
    scene.until(Span::hours(24) - Span::micros(1));
    assert_eq!(scene.send(0, 2), FULL);
    scene.until(Span::hours(24));
    assert_eq!([scene.send(0, 2), scene.send(0, 3)], [Ok(()), FULL]);
    assert_eq!(scene.world.ledger_used(portfolio, START + Span::hours(44)), 1, "the one that was prolonged ended too");
}

#[test]
fn a_message_inside_the_service_window_counts_nothing() {
    let (mut scene, portfolio) = portfolio_of_two();
    scene.handsets(Kind::Replies, 1);
    let replies = 20;
    assert_eq!([scene.send(0, 0), scene.send(0, replies)], [Ok(()), Ok(())]);
    scene.until(Span::hours(1));
    let last = scene.told.iter().rev().find(|update| update.handset == HandsetId(replies)).unwrap().at;
    scene.say(0, 5);
    assert_eq!(scene.send(0, 5), Ok(()), "it wrote, so it may be answered");
    assert_eq!(scene.send(1, 5), FULL, "the window is with the other number");
    assert_eq!(scene.world.ledger_used(portfolio, scene.now), 2);
    let shut = last + Span::hours(24);
    assert!(scene.world.is_window_open(HandsetId(replies), NumberId(0), Timestamp(shut.0 - 1)));
    assert!(!scene.world.is_window_open(HandsetId(replies), NumberId(0), shut));
    scene.until(Span::hours(24));
    assert_eq!(scene.world.ledger_used(portfolio, scene.now), 0);
    assert_eq!([scene.send(0, 1), scene.send(0, 2), scene.send(0, replies)], [Ok(()), Ok(()), Ok(())]);
    scene.until(Span::hours(25));
    assert_eq!(scene.send(0, 5), FULL, "the window is shut again");
}

#[test]
fn a_tier_is_raised_and_lowered_for_a_while() {
    let (mut scene, portfolio) = portfolio_of_two();
    scene.arm(&[
        json!({ "kind": "tier", "messaging_limit": 4, "from": "1h", "until": "2h", "sender": "1" }),
        json!({ "kind": "tier", "messaging_limit": 1, "from": "1h", "until": "30h" }),
    ]);
    assert_eq!([scene.send(0, 0), scene.send(0, 1), scene.send(0, 2)], [Ok(()), Ok(()), FULL]);
    scene.until(Span::hours(1));
    assert_eq!(scene.world.limit_of(portfolio, scene.now), MessagingLimit::Contacts(4), "the first one wins");
    assert_eq!(scene.world.limit_of(PortfolioId(0), scene.now), MessagingLimit::Contacts(1), "which is not about it");
    assert_eq!([scene.send(0, 2), scene.send(1, 3), scene.send(1, 4)], [Ok(()), Ok(()), FULL]);
    assert_eq!([scene.send(2, 4), scene.send(2, 5)], [Ok(()), FULL]);
    scene.until(Span::hours(24));
    assert_eq!((scene.send(0, 4), scene.send(0, 3)), (FULL, Ok(())), "two are left, and one of them may be written to");
    scene.until(Span::hours(25));
    assert_eq!(scene.world.ledger_used(portfolio, scene.now), 1);
    assert_eq!(scene.send(0, 4), FULL);
    scene.until(Span::hours(30));
    assert_eq!((scene.send(0, 4), scene.send(0, 5)), (Ok(()), FULL), "its own limit again");
}

#[test]
fn a_tier_with_a_share_holds_for_that_share_of_the_seconds() {
    let (mut scene, portfolio) = portfolio_of_two();
    scene.arm(&[json!({ "kind": "tier", "messaging_limit": 7, "share": 0.25 })]);
    let limit = |millis| scene.world.limit_of(portfolio, START + Span::millis(millis));
    let lowered = (0..1_000).filter(|second| limit(second * 1_000) == MessagingLimit::Contacts(7)).count();
    assert!((200..300).contains(&lowered), "{lowered}");
    assert!((0..1_000).all(|millis| limit(millis) == limit(0)), "a second is never cut in two");
}

#[test]
fn a_limit_that_comes_later_knows_those_that_were_counted() {
    let mut scene = Scene::new();
    let portfolio = scene.world.add_portfolio(MessagingLimit::Unlimited);
    scene.world.count_contacts(portfolio);
    scene.world.add_number_in(1_000, portfolio);
    scene.handsets(Kind::Plain, 4);
    assert_eq!([scene.send(0, 0), scene.send(0, 1), scene.send(0, 2)], [Ok(()), Ok(()), Ok(())]);
    scene.arm(&[json!({ "kind": "tier", "messaging_limit": 2 })]);
    assert_eq!((scene.send(0, 3), scene.send(0, 0)), (FULL, Ok(())));
    scene.arm(&[]);
    assert_eq!(scene.send(0, 3), Ok(()));
    scene.world.set_messaging_limit(portfolio, MessagingLimit::Contacts(4));
    assert_eq!(scene.send(0, 3), Ok(()));
    scene.world.reset(scene.now);
    assert_eq!(scene.world.ledger_used(portfolio, scene.now), 0);
    assert_eq!(scene.world.limit_of(portfolio, scene.now), MessagingLimit::Contacts(4));
}

#[test]
fn what_is_refused_counts_nowhere() {
    let mut scene = Scene::new();
    let portfolio = scene.world.add_portfolio(MessagingLimit::Contacts(1));
    scene.world.add_number_in(1, portfolio);
    scene.handsets(Kind::Plain, 3);
    assert_eq!([scene.send(0, 0), scene.send(0, 0)], [Ok(()), Err((130_429, Why::Throughput))]);
    scene.until(Span::hours(25));
    scene.arm(&[json!({ "kind": "token_revoked" })]);
    assert!(scene.send(0, 1).is_err_and(|(code, _)| code == 190));
    scene.arm(&[]);
    assert_eq!(scene.send(0, 2), Ok(()), "the one before did not count");
    assert_eq!(scene.send(0, 1), FULL);
}

#[test]
fn a_pair_has_a_burst_of_45_and_then_one_message_in_six_seconds() {
    let mut scene = Scene::with(Kind::Plain);
    scene.handsets(Kind::Plain, 1);
    scene.world.add_number(1_000);
    assert_eq!((0..50).filter(|_| scene.send(0, 0).is_ok()).count(), 50, "pairs are not limited, unless said");
    scene.world.limit_pairs(true);
    assert_eq!((0..45).filter(|_| scene.send(0, 0).is_ok()).count(), 45);
    assert_eq!(scene.send(0, 0), Err((131_056, Why::Pair)));
    assert_eq!([scene.send(0, 1), scene.send(1, 0)], [Ok(()), Ok(())]);
    scene.until(Span::secs(6));
    assert_eq!([scene.send(0, 0), scene.send(0, 0)], [Ok(()), Err((131_056, Why::Pair))]);
    scene.world.reset(scene.now);
    assert_eq!(scene.send(0, 0), Ok(()));
}
