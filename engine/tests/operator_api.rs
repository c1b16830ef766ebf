//! The operator API as programs use it.
#![expect(clippy::unwrap_used, reason = "a test stops where its surroundings fail")]

mod running;

use mock_whatsapp::MockWhatsApp;
use running::{Running, list, settings};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(60);

struct Setup {
    folder: tempfile::TempDir,
    _mock: MockWhatsApp,
    running: Running,
}

async fn setup(more: &[(&str, &str)]) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockWhatsApp::builder().throughput(1_000).start().await.unwrap();
    let running = Running::ready(&folder.path().join("store.db"), settings(mock.base_url(), more)).await;
    Setup { folder, _mock: mock, running }
}

impl Setup {
    async fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.running.http("GET", path, &[], b"").await;
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    async fn post(&self, body: &Value) -> (u16, Value) {
        let (status, body) = self.running.http("POST", "/v1/campaigns", &[], body.to_string().as_bytes()).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    async fn settled(&self, name: &str) -> Value {
        let settled = async {
            loop {
                let (_, campaign) = self.get(&format!("/v1/campaigns/{name}")).await;
                if campaign["settled"] == true && campaign["messages"]["Sent"] == 0 {
                    return campaign;
                }
            }
        };
        timeout(SOON, settled).await.unwrap()
    }
}

#[tokio::test]
async fn a_campaign_from_a_file_is_created_followed_and_paged_through() {
    let setup = setup(&[]).await;
    let path = setup.folder.path().join("list.csv");
    std::fs::write(&path, list(25) + "+14155560000,Again\nhello,Bo\n").unwrap();
    let new = json!({"name": "spring 1", "template": "spring_sale", "contacts_file": path});
    let (status, created) = setup.post(&new).await;
    assert_eq!((status, &created["size"]), (201, &json!(25)), "{created}");
    assert_eq!((&created["rejected"], &created["duplicates"]), (&json!(1), &json!(1)));

    let campaign = setup.settled("spring%201").await;
    assert_eq!(campaign["state"], "Completed");
    let messages = campaign["messages"].as_object().unwrap();
    assert_eq!(messages.len(), 10, "all ten states, also those with nobody in them");
    assert_eq!(messages.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 25);

    let (mut after, mut phones) = (String::new(), Vec::new());
    loop {
        let (status, page) = setup.get(&format!("/v1/campaigns/spring%201/messages?limit=10{after}")).await;
        assert_eq!(status, 200, "{page}");
        for item in page["items"].as_array().unwrap() {
            assert_eq!(item["attempts"], 1);
            phones.push(item["phone"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next"].as_u64() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(phones.len(), 25);
    assert_eq!(phones[0], "+14155560000");
    let (_, campaigns) = setup.get("/v1/campaigns").await;
    assert_eq!(campaigns.as_array().unwrap().len(), 1);
    let (_, senders) = setup.get("/v1/senders").await;
    assert_eq!(senders[0]["phone_number_id"], running::NUMBER);
    assert_eq!(setup.running.http("GET", "/healthz", &[], b"").await.0, 200);
    assert_eq!(setup.running.http("GET", "/readyz", &[], b"").await.0, 200);
}

#[tokio::test]
async fn contacts_may_come_in_the_request_and_are_judged_the_same() {
    let setup = setup(&[]).await;
    let contacts = json!([
        {"phone": "+1 415 556 0001", "variables": ["Ana"]},
        {"phone": "14155560001", "variables": ["Ana again"]},
        {"phone": "nobody", "variables": ["Bo"]},
        {"phone": "+14155560002", "variables": []},
    ]);
    let mut new = json!({"name": "inline", "template": "spring_sale", "contacts": contacts});
    (new["priority"], new["quiet_hours"]) = (7.into(), "21:00-08:00".into());
    let (status, created) = setup.post(&new).await;
    assert_eq!(status, 201, "{created}");
    assert_eq!((&created["size"], &created["duplicates"], &created["rejected"]), (&json!(1), &json!(1), &json!(2)));
    let (status, again) = setup.post(&new).await;
    assert_eq!((status, &again["title"]), (409, &json!("Conflict")));
    let (_, view) = setup.get("/v1/campaigns/inline").await;
    assert_eq!((&view["priority"], &view["quiet_hours"]), (&json!(7), &json!("21:00-08:00")));
    assert_eq!((&view["paused"], &view["cancelled"]), (&json!(false), &json!(false)));
    let (_, page) = setup.get("/v1/campaigns/inline/outcome-unknown").await;
    assert_eq!(page, json!({"items": [], "next": null}));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said() {
    let setup = setup(&[]).await;
    let contacts = json!([{"phone": "nobody"}]);
    for (body, status, says) in [
        (json!({"name": "x"}), 400, "missing field `template`"),
        (json!({"name": "x", "template": "t", "colour": "red"}), 400, "unknown field `colour`"),
        (json!({"name": "", "template": "t", "contacts": contacts}), 400, "`name` is empty"),
        (json!({"name": "x", "template": "t"}), 400, "either `contacts_file` or `contacts`"),
        (json!({"name": "x", "template": "t", "contacts": contacts, "start": "soon"}), 400, "is not a time"),
        (json!({"name": "x", "template": "t", "contacts": contacts, "quiet_hours": "at night"}), 400, "quiet hours"),
        (json!({"name": "x", "template": "t", "contacts_file": "/nowhere.csv"}), 400, "cannot read the contacts"),
        (json!({"name": "x", "template": "t", "contacts": contacts}), 422, "not a phone number"),
    ] {
        let (found, problem) = setup.post(&body).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(found == status && detail.contains(says), "{body}: {found} {problem}");
    }
    for (path, status) in
        [("/v1/campaigns/none", 404), ("/v1/campaigns/none/messages", 404), ("/v2", 404), ("/v1/nothing", 404)]
    {
        assert_eq!(setup.get(path).await.0, status, "{path}");
    }
    assert_eq!(setup.running.http("DELETE", "/v1/campaigns", &[], b"").await.0, 405);
    let (_, campaigns) = setup.get("/v1/campaigns").await;
    assert_eq!(campaigns, json!([]), "a refused campaign leaves nothing");
    let long = vec![b' '; 17 * 1024 * 1024];
    assert_eq!(setup.running.http("POST", "/v1/campaigns", &[], &long).await.0, 413);
}

#[tokio::test]
async fn with_a_token_set_the_api_answers_only_to_it() {
    let setup = setup(&[("CAMPAIGN_ENGINE_API_TOKEN", "let-me-in")]).await;
    let get = async |headers: &[(&str, &str)]| setup.running.http("GET", "/v1/campaigns", headers, b"").await.0;
    assert_eq!(get(&[]).await, 401);
    assert_eq!(get(&[("Authorization", "Bearer guess")]).await, 401);
    assert_eq!(get(&[("Authorization", "Bearer let-me-in")]).await, 200);
    assert_eq!(setup.running.http("GET", "/healthz", &[], b"").await.0, 200);
}
