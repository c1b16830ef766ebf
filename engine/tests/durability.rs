//! Durable first, effects second, acknowledgements third: what goes out and what is answered 200 is in the store before.
#![expect(clippy::unwrap_used, reason = "a test stops where its surroundings fail")]

mod running;

use campaign_engine::import::{Ask, Given};
use campaign_engine::store::{Campaign, Message, Store, Which};
use engine_core::attempt::Phase;
use engine_core::message::State;
use engine_core::translate::CallbackData;
use running::{Running, STORE_ID, settings, status_webhook, statuses_webhook};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::timeout;
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// How long something is watched that must not happen.
const NEVER: Duration = Duration::from_millis(300);

/// How long something may take that must happen.
const SOON: Duration = Duration::from_secs(20);

/// An API that takes everything, and looks into the engine's store at the moment of each POST.
struct Api {
    server: MockServer,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// What the store held of an attempt when its POST came.
#[derive(Debug)]
struct Seen {
    callback: CallbackData,
    phase: Option<Phase>,
}

struct Look {
    store: PathBuf,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Respond for Look {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: serde_json::Value = request.body_json().unwrap();
        let text = body["biz_opaque_callback_data"].as_str().unwrap();
        let callback = CallbackData::read(text, STORE_ID).expect("callback data of this store");
        let message = stored(&self.store, callback.message.0);
        let attempt = message.row.attempts().find(|(number, _)| *number == callback.number);
        let phase = attempt.map(|(_, attempt)| attempt.phase());
        self.seen.lock().unwrap().push(Seen { callback, phase });
        let wamid = format!("wamid.{}", callback.message.0);
        ResponseTemplate::new(200).set_body_json(serde_json::json!({"messages": [{"id": wamid}]}))
    }
}

fn stored(path: &Path, message: u32) -> Message {
    let store = Store::read_sqlite(path).unwrap();
    let campaigns = store.campaigns().unwrap();
    let messages =
        campaigns.iter().flat_map(|campaign| store.messages(campaign, None, 1_000, Which::default()).unwrap());
    messages.into_iter().find(|found| found.id.0 == message).unwrap()
}

impl Api {
    async fn start(store: &Path) -> Self {
        let (server, seen) = (MockServer::start().await, Arc::new(Mutex::new(Vec::new())));
        let success = ResponseTemplate::new(200).set_body_json(serde_json::json!({"success": true}));
        let subscribe = Mock::given(method("POST")).and(path_regex("/subscribed_apps$"));
        subscribe.respond_with(success).mount(&server).await;
        let look = Look { store: store.to_owned(), seen: Arc::clone(&seen) };
        Mock::given(method("POST")).and(path_regex("/messages$")).respond_with(look).mount(&server).await;
        Self { server, seen }
    }

    fn posts(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn create(running: &Running, size: u64) -> Campaign {
    let contacts = (0..size).map(|nth| (format!("+1415556{nth:04}"), vec!["Ana".to_owned()])).collect();
    let ask = Ask {
        name: "one".into(),
        template: "spring_sale".into(),
        language: "en_US".into(),
        phone_number_id: running::NUMBER.into(),
        start: running.handle.clock().now(),
        priority: 0,
        quiet: None,
        contacts: Given::Inline(contacts),
    };
    running.handle.create(ask).await.unwrap()
}

/// Waits until the core counts so many in a state.
async fn wait_for(running: &Running, state: State, count: u32) {
    let reached = async {
        while running.handle.look().await.unwrap().status.campaigns[0].counts.of(state) != count {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, reached).await.unwrap_or_else(|_| panic!("never {count} {}", state.name()));
}

/// Keeps the engine from committing until it is dropped.
fn stalled(store: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(store).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

#[tokio::test]
async fn every_post_finds_its_own_intent_committed() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let api = Api::start(&store).await;
    let running = Running::ready(&store, settings(&api.server.uri(), &[])).await;
    create(&running, 50).await;
    let all = async {
        while api.posts() < 50 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, all).await.unwrap();
    for seen in api.seen.lock().unwrap().iter() {
        assert_eq!(seen.phase, Some(Phase::Intended), "{seen:?}");
        assert_eq!(seen.callback.number, 1, "{seen:?}");
    }
}

#[tokio::test]
async fn nothing_is_posted_while_the_store_cannot_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let api = Api::start(&store).await;
    {
        let running = Running::ready(&store, settings(&api.server.uri(), &[])).await;
        let start = running.handle.clock().now() + engine_core::time::Span::millis(200);
        let ask = Ask {
            name: "one".into(),
            template: "spring_sale".into(),
            language: "en_US".into(),
            phone_number_id: running::NUMBER.into(),
            start,
            priority: 0,
            quiet: None,
            contacts: Given::Inline(vec![("+14155560000".into(), vec!["Ana".into()])]),
        };
        running.handle.create(ask).await.unwrap();
        let stall = stalled(&store);
        let posted = async {
            while api.posts() == 0 {
                tokio::task::yield_now().await;
            }
        };
        assert!(timeout(NEVER + Duration::from_millis(200), posted).await.is_err(), "a POST before its commit");
        drop(stall);
        wait_for(&running, State::Sending, 1).await;
    }
    assert!(api.posts() <= 1);
}

#[tokio::test]
async fn a_webhook_is_answered_200_only_when_what_it_taught_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let api = Api::start(&store).await;
    let running = Running::ready(&store, settings(&api.server.uri(), &[])).await;
    let campaign = create(&running, 1).await;
    wait_for(&running, State::Sending, 1).await;
    let message = campaign.first.0;
    let callback = CallbackData { store: STORE_ID, campaign: campaign.id, message: campaign.first, number: 1 };
    let body = status_webhook(&format!("wamid.{message}"), "delivered", Some(&callback.to_string()));

    let stall = stalled(&store);
    let mut answered = Box::pin(running.webhook(&body));
    assert!(timeout(NEVER, &mut answered).await.is_err(), "200 before the commit");
    drop(stall);
    let (status, _) = timeout(SOON, answered).await.unwrap();
    assert_eq!(status, 200);
    assert_eq!(stored(&store, message).row.state(), State::Delivered);

    // Also what nobody can match yet is durable before its 200: it is parked.
    let stall = stalled(&store);
    let foreign = status_webhook("wamid.nobody", "failed", None);
    let mut answered = Box::pin(running.webhook(&foreign));
    assert!(timeout(NEVER, &mut answered).await.is_err(), "200 before it was parked");
    drop(stall);
    assert_eq!(timeout(SOON, answered).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_forged_webhook_is_refused_and_teaches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let api = Api::start(&store).await;
    let running = Running::ready(&store, settings(&api.server.uri(), &[])).await;
    let campaign = create(&running, 1).await;
    wait_for(&running, State::Sending, 1).await;
    let callback = CallbackData { store: STORE_ID, campaign: campaign.id, message: campaign.first, number: 1 };
    let body = status_webhook("wamid.1", "read", Some(&callback.to_string()));
    let other = cloud_api::signature::sign("another secret", body.as_bytes());
    let changed = cloud_api::signature::sign(running::APP_SECRET, b"another body");
    for (header, expected) in
        [(None, 401), (Some(other.as_str()), 403), (Some(&changed), 403), (Some("sha256=ff"), 403)]
    {
        let headers: Vec<_> = header.map(|value| ("X-Hub-Signature-256", value)).into_iter().collect();
        let (status, _) = running.http("POST", "/webhook", &headers, body.as_bytes()).await;
        assert_eq!(status, expected, "{header:?}");
    }
    let (status, _) = running.webhook(&status_webhook("wamid.x", "sent", Some("order-17"))).await;
    assert_eq!(status, 200, "what is another program's is taken and not kept");
    assert_eq!(stored(&store, campaign.first.0).row.state(), State::Sending);
    assert_eq!(running.handle.look().await.unwrap().webhooks, 1);
}

#[tokio::test]
async fn the_handshake_takes_the_right_token_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let api = Api::start(&store).await;
    let running = Running::ready(&store, settings(&api.server.uri(), &[])).await;
    let get = async |query: &str| running.http("GET", &format!("/webhook?{query}"), &[], b"").await;
    let right = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=mock-verify-token";
    assert_eq!(get(right).await, (200, "1158201444".into()));
    let wrong = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=guess";
    assert_eq!(get(wrong).await.0, 403);
    assert_eq!(get("").await.0, 403);
}

#[tokio::test]
async fn a_failed_webhook_without_callback_data_finds_its_message_by_the_wamid() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let api = Api::start(&store).await;
    let running = Running::ready(&store, settings(&api.server.uri(), &[])).await;
    let campaign = create(&running, 1).await;
    wait_for(&running, State::Sending, 1).await;
    let wamid = format!("wamid.{}", campaign.first.0);
    // The answer to the POST may come after its webhook: then the webhook waits in the store until the id is known.
    let (status, _) = running.webhook(&status_webhook(&wamid, "delivered", None)).await;
    assert_eq!(status, 200);
    wait_for(&running, State::Delivered, 1).await;
    assert_eq!(stored(&store, campaign.first.0).wamid, Some(wamid));
}

#[tokio::test]
async fn a_store_that_fails_ends_the_engine_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let api = Api::start(&store).await;
    let mut running = Running::ready(&store, settings(&api.server.uri(), &[])).await;
    let campaign = create(&running, 1).await;
    wait_for(&running, State::Sending, 1).await;
    rusqlite::Connection::open(&store).unwrap().execute_batch("DROP TABLE wamids").unwrap();
    let callback = CallbackData { store: STORE_ID, campaign: campaign.id, message: campaign.first, number: 1 };
    let answered = running.try_webhook(&status_webhook("wamid.2", "read", Some(&callback.to_string()))).await;
    assert_ne!(answered.map(|(status, _)| status), Some(200), "not acknowledged, so it will come again");
    let ended = timeout(SOON, &mut running.service).await.unwrap().unwrap();
    let said = ended.unwrap_err().to_string();
    assert!(said.contains("the store failed"), "{said}");
}

#[tokio::test]
async fn more_writes_than_one_commit_holds_keep_their_order_and_every_webhook_its_200() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let api = Api::start(&store).await;
    let running = Running::ready(&store, settings(&api.server.uri(), &[])).await;
    let campaign = create(&running, 1).await;
    wait_for(&running, State::Sending, 1).await;
    let callback = CallbackData { store: STORE_ID, campaign: campaign.id, message: campaign.first, number: 1 };
    let many = statuses_webhook("wamid.m", "sent", Some(&callback.to_string()), 900);
    let unmatched = status_webhook("wamid.m", "read", None);

    let stall = stalled(&store);
    let mut answered = Box::pin(async {
        tokio::join!(
            running.webhook(&many),
            running.webhook(&many),
            running.webhook(&many),
            running.webhook(&unmatched),
        )
    });
    let taken = async {
        while running.handle.look().await.unwrap().webhooks < 4 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        _ = &mut answered => panic!("200 before the commit"),
        taken = timeout(SOON, taken) => taken.unwrap(),
    }
    drop(stall);
    let (one, two, three, four) = timeout(SOON, answered).await.unwrap();
    assert_eq!([one.0, two.0, three.0, four.0], [200; 4]);
    wait_for(&running, State::Read, 1).await;
}
