//! A halt outlives the engine until an operator or WhatsApp lifts it: against an API that refuses, then takes everything.
#![expect(clippy::unwrap_used, reason = "a test stops where its surroundings fail")]

mod running;

use campaign_engine::import::{Ask, Given};
use engine_core::engine::SenderStatus;
use engine_core::message::State;
use running::{Running, settings, webhook_of};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

const SOON: Duration = Duration::from_secs(20);

async fn api(messages: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let success = ResponseTemplate::new(200).set_body_json(json!({"success": true}));
    let subscribe = Mock::given(method("POST")).and(path_regex("/subscribed_apps$"));
    subscribe.respond_with(success).mount(&server).await;
    Mock::given(method("POST")).and(path_regex("/messages$")).respond_with(messages).mount(&server).await;
    server
}

async fn sender(running: &Running) -> SenderStatus {
    running.handle.look().await.unwrap().status.senders[0]
}

async fn create(running: &Running) {
    let ask = Ask {
        name: "one".into(),
        template: "spring_sale".into(),
        language: "en_US".into(),
        phone_number_id: running::NUMBER.into(),
        start: running.handle.clock().now(),
        priority: 0,
        quiet: None,
        contacts: Given::Inline(vec![("+14155560000".into(), vec!["Ana".into()])]),
    };
    running.handle.create(ask).await.unwrap();
}

async fn is_taken(running: &Running) {
    let taken = async {
        while running.handle.look().await.unwrap().status.campaigns[0].counts.of(State::Sending) == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, taken).await.unwrap();
}

fn taking() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"messages": [{"id": "wamid.1"}]}))
}

#[tokio::test]
async fn a_halt_stands_after_a_restart_until_an_operator_lifts_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let revoked = json!({"error": {"message": "(#190) Access token has expired", "code": 190}});
    let refusing = api(ResponseTemplate::new(401).set_body_json(revoked)).await;
    {
        let running = Running::ready(&store, settings(&refusing.uri(), &[])).await;
        create(&running).await;
        // An order is answered when all that came before it is durable: so the hold is, which came with the refusal.
        let held = async {
            while sender(&running).await.held_by.is_none() {
                tokio::task::yield_now().await;
            }
            running.handle.resume(engine_core::id::CampaignId(0)).await.unwrap();
        };
        timeout(SOON, held).await.unwrap();
    }
    let taking = api(taking()).await;
    let running = Running::ready(&store, settings(&taking.uri(), &[])).await;
    assert_eq!(sender(&running).await.held_by.map(|code| code.code()), Some(190));
    let (_, view) = running.http("GET", "/v1/campaigns/one", &[], b"").await;
    let view: Value = serde_json::from_str(&view).unwrap();
    assert_eq!((&view["held_by"], &view["messages"]["Queued"]), (&json!(190), &json!(1)), "nothing is spent");

    let path = format!("/v1/senders/{}/resume", running::NUMBER);
    let (status, view) = running.http("POST", &path, &[], b"").await;
    let view: Value = serde_json::from_str(&view).unwrap();
    assert_eq!((status, &view["held_by"]), (200, &Value::Null), "{view}");
    is_taken(&running).await;
}

#[tokio::test]
async fn a_paused_template_is_used_again_when_whatsapp_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let paused = json!({"error": {"message": "(#132015) Template is paused", "code": 132_015}});
    let server = api(taking()).await;
    let refused = ResponseTemplate::new(400).set_body_json(paused);
    let once = Mock::given(method("POST")).and(path_regex("/messages$")).respond_with(refused);
    once.up_to_n_times(1).with_priority(1).mount(&server).await;
    let running = Running::ready(&folder.path().join("store.db"), settings(&server.uri(), &[])).await;
    create(&running).await;
    let held = async {
        while running.handle.look().await.unwrap().status.campaigns[0].held_by.is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, held).await.unwrap();
    for (event, template) in [("APPROVED", "another"), ("PAUSED", "spring_sale"), ("APPROVED", "spring_sale")] {
        let held = running.handle.look().await.unwrap().status.campaigns[0].held_by;
        assert_eq!(held.map(|code| code.code()), Some(132_015), "before {event} of {template}");
        let status = json!({"event": event, "message_template_name": template, "message_template_language": "en-US"});
        let body = webhook_of("message_template_status_update", &status);
        assert_eq!(running.webhook(&body).await.0, 200);
    }
    is_taken(&running).await;
}
