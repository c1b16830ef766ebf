//! Statuses that are odd or forged, and opting out.

use crate::scene::Scene;
use cloud_api::catalogue;
use cloud_api::time::Span;
use mock_whatsapp_model::input::{HandsetId, MessageIndex};
use mock_whatsapp_model::output::What;
use mock_whatsapp_model::spec::{FaultKind, FaultSpec, Kind};
use mock_whatsapp_model::world::Stage;
use serde_json::json;

const MINUTE: Span = Span::mins(1);

fn undeliverable() -> What {
    What::Failed(catalogue::find(131_026, None))
}

fn stage(scene: &Scene) -> Stage {
    scene.world.message(MessageIndex(0)).unwrap().stage
}

#[test]
fn read_comes_without_delivered_where_a_read_follows() {
    for (kind, wanted) in
        [(Kind::Plain, vec![What::Sent, What::Read]), (Kind::ReceiptsOff, vec![What::Sent, What::Delivered])]
    {
        let mut scene = Scene::with(kind);
        scene.arm(&[json!({ "kind": "status_oddity", "form": "read_without_delivered" })]);
        scene.send(0, 0).unwrap();
        scene.until(MINUTE);
        assert_eq!(scene.statuses().iter().map(|status| status.0).collect::<Vec<_>>(), wanted, "{kind:?}");
    }
}

#[test]
fn a_message_that_arrived_can_be_told_to_have_failed_too() {
    let mut scene = Scene::with(Kind::ReceiptsOff);
    scene.arm(&[json!({ "kind": "status_oddity", "form": "delivered_and_failed" })]);
    let mut orders = [0; 2];
    for minute in 1..=100 {
        scene.send(0, 0).unwrap();
        scene.until(MINUTE * minute);
        let told: Vec<What> = scene.statuses().iter().map(|status| status.0).collect();
        let delivered_first = told == [What::Sent, What::Delivered, undeliverable()];
        assert!(delivered_first || told == [What::Sent, undeliverable(), What::Delivered], "{told:?}");
        orders[usize::from(delivered_first)] += 1;
    }
    assert!(orders.iter().all(|order| *order > 30), "either may come first: {orders:?}");
    assert_eq!(stage(&scene), Stage::Delivered, "it did arrive");
}

#[test]
fn a_failed_status_can_lack_the_callback_data() {
    let mut scene = Scene::with(Kind::NotOnWhatsapp);
    scene.arm(&[json!({ "kind": "status_oddity", "form": "failed_without_callback" })]);
    scene.send(0, 0).unwrap();
    scene.until(MINUTE);
    assert_eq!(scene.statuses(), [(undeliverable(), false, false)]);
    scene.arm(&[]);
    scene.send(0, 0).unwrap();
    scene.until(MINUTE * 2);
    assert_eq!(scene.statuses(), [(undeliverable(), true, false)]);
}

#[test]
fn without_a_form_every_oddity_is_drawn() {
    let mut scene = Scene::with(Kind::Plain);
    scene.handsets(Kind::NotOnWhatsapp, 1);
    scene.arm(&[json!({ "kind": "status_oddity" })]);
    let (mut unsaid, mut twofold) = (0, 0);
    for minute in 1..=100 {
        scene.send(0, 0).unwrap();
        scene.until(MINUTE * minute);
        let told: Vec<What> = scene.statuses().iter().map(|status| status.0).collect();
        match told.len() {
            2 => unsaid += 1,
            4 => twofold += 1,
            _ => panic!("{told:?}"),
        }
    }
    assert!(unsaid > 30 && twofold > 30, "{unsaid} and {twofold}");
    scene.send(0, 1).unwrap();
    scene.until(MINUTE * 101);
    assert!(!scene.statuses()[0].1);
}

#[test]
fn a_forged_webhook_is_false_and_comes_once() {
    for (kind, truth) in [
        (Kind::Blocked, Stage::Sent),
        (Kind::NotOnWhatsapp, Stage::Failed),
        (Kind::ReceiptsOff, Stage::Delivered),
        (Kind::Replies, Stage::Replied),
    ] {
        let mut scene = Scene::with(kind);
        scene.arm(&[json!({ "kind": "webhook_forged" })]);
        scene.send(0, 0).unwrap();
        scene.until(Span::hours(8 * 24));
        let told = scene.statuses();
        let forgeries = told.iter().filter(|status| status.2).count();
        assert_eq!(2 * forgeries, told.len(), "one beside each: {told:?}");
        for (place, (lie, _, _)) in told.iter().enumerate().filter(|(_, status)| status.2) {
            let is_false = match lie {
                What::Read => !told[..place].iter().any(|(what, _, forged)| *what == What::Read && !forged),
                What::Failed(_) => truth != Stage::Failed,
                _ => false,
            };
            assert!(is_false, "{kind:?}: {lie:?}");
        }
        assert_eq!((stage(&scene), scene.world.snapshot().unacknowledged), (truth, 0));
    }
}

#[test]
fn forgeries_say_that_it_was_read_and_that_it_failed() {
    let mut scene = Scene::with(Kind::Blocked);
    scene.arm(&[json!({ "kind": "webhook_forged", "share": 0.5 })]);
    let mut forged = Vec::new();
    for minute in 1..=100 {
        scene.send(0, 0).unwrap();
        scene.until(MINUTE * minute);
        forged.extend(scene.statuses().into_iter().filter(|status| status.2).map(|status| status.0));
    }
    assert!((30..70).contains(&forged.len()), "{}", forged.len());
    assert!(forged.contains(&What::Read) && forged.contains(&undeliverable()));
}

#[test]
fn the_world_knows_when_a_contact_opted_out() {
    let mut scene = Scene::with(Kind::OptsOut);
    scene.send(0, 0).unwrap();
    assert_eq!(scene.world.opted_out_at(HandsetId(0)), None);
    scene.until(MINUTE);
    let stop = scene.told.iter().find(|update| update.what == What::Stop).unwrap().at;
    assert_eq!(scene.world.opted_out_at(HandsetId(0)), Some(stop));
    scene.send(0, 0).unwrap();
    scene.until(MINUTE * 2);
    assert_eq!(scene.world.opted_out_at(HandsetId(0)), Some(stop), "once is enough");
    scene.world.reset(scene.now);
    assert_eq!(scene.world.opted_out_at(HandsetId(0)), None);
}

#[test]
fn kinds_and_forms_are_named_as_scenario_files_write_them() {
    for name in ["webhook_forged", "status_oddity", "token_revoked", "garbled_reply", "disk_full", "clock_step"] {
        let kind: FaultKind = serde_json::from_value(json!(name)).unwrap();
        assert_eq!(kind.name(), name);
    }
    let misfit = |fault| serde_json::from_value::<FaultSpec>(fault).unwrap().misfit();
    let (key, text) = misfit(json!({ "kind": "status_oddity", "form": "html" })).unwrap();
    assert!(key == "form" && text.contains("\"delivered_and_failed\""), "{text}");
    let (key, text) = misfit(json!({ "kind": "webhook_outage", "rate": 5 })).unwrap();
    assert!(key == "rate" && text.contains("(webhook_outage)"), "{text}");
    assert_eq!(misfit(json!({ "kind": "status_oddity", "form": "failed_without_callback" })), None);
}
