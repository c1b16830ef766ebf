//! Accounts, portfolios, apps and tokens; the quota of management calls; and where webhooks go.

use crate::client::{Mock, text};
use crate::receiver::Receiver;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

const ACCOUNT: &str = "/v23.0/200000000000001";
const APP: &str = "300000000000001";

#[tokio::test]
async fn an_account_shows_and_keeps_what_is_set() {
    let mock = Mock::start().await;
    let usual = mock.graph(Method::GET, ACCOUNT, Value::Null).await;
    assert_eq!((&usual.body["id"], &usual.body["timezone_id"]), (&json!("200000000000001"), &json!("1")));
    assert!(usual.body["message_template_namespace"].is_string());
    let fields = "name,currency,health_status,subscribed_apps,owner_business_info,on_behalf_of_business_info";
    let asked = mock.graph(Method::GET, &format!("{ACCOUNT}?fields={fields}"), Value::Null).await.body;
    assert_eq!(asked["currency"], "USD");
    assert_eq!(asked["health_status"]["can_send_message"], "AVAILABLE");
    assert_eq!(asked["subscribed_apps"]["data"][0]["whatsapp_business_api_data"]["id"], APP);
    let path = format!("{ACCOUNT}?fields=phone_numbers%7Bdisplay_phone_number%7D");
    let nested = mock.graph(Method::GET, &path, Value::Null).await.body;
    let one = json!([{ "display_phone_number": "+1 555-765-0001", "id": "100000000000001" }]);
    assert_eq!(nested["phone_numbers"]["data"], one);
    let set = json!({ "disable_marketing_messages_on_cloud_api": true });
    assert_eq!(mock.graph(Method::POST, ACCOUNT, set).await.body["success"], true);
    let path = format!("{ACCOUNT}?fields=disable_marketing_messages_on_cloud_api");
    assert_eq!(mock.graph(Method::GET, &path, Value::Null).await.body["disable_marketing_messages_on_cloud_api"], true);
    assert_eq!(mock.graph(Method::POST, ACCOUNT, json!({ "x": 1 })).await.status, 400);
    let business = asked["owner_business_info"]["id"].as_str().unwrap();
    let owned =
        mock.graph(Method::GET, &format!("/{business}/owned_whatsapp_business_accounts"), Value::Null).await.body;
    assert_eq!(owned["data"][0]["id"], "200000000000001");
    let shared =
        mock.graph(Method::GET, &format!("/{business}/client_whatsapp_business_accounts"), Value::Null).await.body;
    assert_eq!(shared, json!({ "data": [] }));
    assert_eq!(mock.graph(Method::GET, &format!("/{business}"), Value::Null).await.body["id"], business);
}

#[tokio::test]
async fn a_token_is_told_what_it_is_worth() {
    let mock = Mock::start().await;
    let debug =
        async |input: &str| mock.graph(Method::GET, &format!("/debug_token?input_token={input}"), Value::Null).await;
    let own = debug("mock-token").await.body;
    assert_eq!((&own["data"]["is_valid"], &own["data"]["app_id"]), (&json!(true), &json!(APP)));
    assert_eq!(own["data"]["granular_scopes"][1]["target_ids"], json!(["200000000000001"]));
    let expired = debug("mock-token~expired").await;
    assert_eq!((expired.status, &expired.body["data"]["is_valid"]), (200, &json!(false)));
    assert_eq!(expired.body["data"]["error"]["subcode"], 463);
    let weak = debug("mock-token~no_messaging").await.body;
    assert_eq!(weak["data"]["scopes"], json!(["whatsapp_business_management"]));
    assert_eq!(debug("mock-token-w2").await.body["data"]["is_valid"], false, "another tenant's is none of ours");
    assert_eq!(debug("").await.error().2, "(#100) The parameter input_token is required.");
    let me = mock.graph(Method::GET, "/v23.0/me", Value::Null).await.body;
    assert_eq!(me["id"], own["data"]["user_id"]);
    for path in ["/app".to_owned(), format!("/{APP}")] {
        assert_eq!(mock.graph(Method::GET, &path, Value::Null).await.body["id"], APP);
    }
    let path =
        format!("/oauth/access_token?client_id={APP}&client_secret=mock-app-secret&grant_type=client_credentials");
    let app = mock.raw(Method::GET, &path, "", Vec::new()).await.unwrap();
    assert_eq!((app.status, &app.body["token_type"]), (200, &json!("bearer")));
    let token = app.body["access_token"].as_str().unwrap();
    let by_app = mock.raw(Method::GET, "/debug_token?input_token=mock-token", token, Vec::new()).await.unwrap();
    assert_eq!(by_app.body["data"]["is_valid"], true);
    let not_for_numbers = mock.raw(Method::GET, ACCOUNT, token, Vec::new()).await.unwrap();
    assert_eq!((not_for_numbers.status, not_for_numbers.error().0), (403, 10));
    let wrong = mock.raw(Method::GET, &path.replace("app-secret", "secret"), "", Vec::new()).await.unwrap();
    assert_eq!(wrong.error().2, "Error validating client secret.");
}

#[tokio::test]
async fn management_calls_have_a_quota_that_headers_tell() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let first = mock.graph(Method::GET, ACCOUNT, Value::Null).await;
    assert!(!first.header("x-app-usage").is_empty() && !first.header("x-fb-request-id").is_empty());
    mock.graph(Method::POST, "/100000000000001/deregister", Value::Null).await;
    for _ in 0..199 {
        assert_eq!(mock.graph(Method::GET, ACCOUNT, Value::Null).await.status, 200);
    }
    let beyond = mock.graph(Method::GET, ACCOUNT, Value::Null).await;
    assert_eq!((beyond.status, beyond.error().0), (400, 80_007));
    let usage: Value = serde_json::from_str(beyond.header("x-business-use-case-usage")).unwrap();
    let usage = &usage["200000000000001"][0];
    assert_eq!((&usage["call_count"], &usage["estimated_time_to_regain_access"]), (&json!(101), &json!(60)));
    assert!(beyond.header("x-mock-why").contains("management = false"));
    assert_eq!(mock.graph(Method::GET, "/100000000000001", Value::Null).await.status, 200, "numbers are not counted");
    mock.done("POST", "/clock/advance", json!({ "by": "1h" })).await;
    assert_eq!(mock.graph(Method::GET, ACCOUNT, Value::Null).await.status, 200);
    let rules = mock_whatsapp::config::Rules { management: false, ..Default::default() };
    let mock = Mock::of(MockWhatsApp::builder().rules(rules)).await;
    mock.graph(Method::POST, "/100000000000001/deregister", Value::Null).await;
    for _ in 0..210 {
        assert_eq!(mock.graph(Method::GET, ACCOUNT, Value::Null).await.status, 200);
    }
}

#[tokio::test]
async fn paths_that_there_are_not_are_refused_as_they_are() {
    let mock = Mock::start().await;
    for (method, path, code, subcode) in [
        (Method::GET, "/v23.0/12345", 100, Some(33)),
        (Method::DELETE, "/200000000000001", 100, Some(33)),
        (Method::PUT, "/100000000000001/messages", 100, Some(33)),
        (Method::GET, "/100000000000001/settings/x/y", 2_500, None),
    ] {
        let answer = mock.graph(method, path, Value::Null).await;
        assert_eq!((answer.status, answer.error().0, answer.error().1), (400, code, subcode), "{path}");
        assert!(!answer.header("x-mock-why").is_empty());
    }
}

#[tokio::test]
async fn a_number_overrides_its_account_which_overrides_the_app() {
    let mock = Mock::start().await;
    let (mut app, mut account, mut number) =
        (Receiver::start("app").await, Receiver::start("account").await, Receiver::start("number").await);
    let subscribe = json!({ "object": "whatsapp_business_account", "callback_url": app.url, "verify_token": "app" });
    assert_eq!(mock.graph(Method::POST, &format!("/{APP}/subscriptions"), subscribe.clone()).await.status, 200);
    mock.send(&text("+14155550123", "x")).await.wamid();
    assert_eq!(app.kinds(3).await.len(), 3);

    let subscribed = format!("{ACCOUNT}/subscribed_apps");
    let to_account = json!({ "override_callback_uri": account.url, "verify_token": "account" });
    assert_eq!(mock.graph(Method::POST, &subscribed, to_account).await.status, 200);
    mock.send(&text("+14155550123", "x")).await.wamid();
    assert_eq!(account.kinds(3).await.len(), 3);
    let listed = mock.graph(Method::GET, &subscribed, Value::Null).await.body;
    assert_eq!(listed["data"][0]["override_callback_uri"], account.url.as_str());
    mock.done("PUT", "/numbers/100000000000001", json!({ "messaging_limit": 250 })).await;
    assert_eq!(app.next().await.body["entry"][0]["changes"][0]["field"], "business_capability_update");

    let over =
        |url: &str| json!({ "webhook_configuration": { "override_callback_uri": url, "verify_token": "number" } });
    let wrong = mock.graph(Method::POST, "/100000000000001", over("ftp://x/")).await;
    assert_eq!(wrong.error().2, "(#100) Param override_callback_uri must be a valid URI");
    assert_eq!(mock.graph(Method::POST, "/100000000000001", over(&number.url)).await.status, 200);
    mock.send(&text("+14155550123", "x")).await.wamid();
    assert_eq!(number.kinds(3).await.len(), 3);
    let shown = mock.graph(Method::GET, "/100000000000001?fields=webhook_configuration", Value::Null).await.body;
    let urls = json!({ "phone_number": number.url, "whatsapp_business_account": account.url, "application": app.url });
    assert_eq!(shown["webhook_configuration"], urls);

    assert_eq!(mock.graph(Method::POST, "/100000000000001", over("")).await.status, 200);
    assert_eq!(mock.graph(Method::POST, &subscribed, Value::Null).await.status, 200, "no override any more");
    mock.send(&text("+14155550123", "x")).await.wamid();
    assert_eq!(app.kinds(3).await.len(), 3);
    let shown = mock.graph(Method::GET, &format!("/{APP}/subscriptions"), Value::Null).await.body;
    assert_eq!(shown["data"][0]["callback_url"], app.url.as_str());

    assert_eq!(mock.graph(Method::DELETE, &subscribed, Value::Null).await.status, 200);
    assert_eq!(mock.graph(Method::GET, &subscribed, Value::Null).await.body, json!({ "data": [] }));
    mock.send(&text("+14155550123", "x")).await.wamid();
    assert!(mock.settled("").await.len() == 5 && app.ready().is_none());
    mock.graph(Method::POST, &subscribed, Value::Null).await;
    assert_eq!(mock.graph(Method::DELETE, &format!("/{APP}/subscriptions"), Value::Null).await.status, 200);
    let none = mock.graph(Method::GET, &format!("/{APP}/subscriptions"), Value::Null).await.body;
    assert_eq!(none, json!({ "data": [] }));
    let user = mock
        .graph(Method::POST, &format!("/{APP}/subscriptions"), json!({ "object": "user", "callback_url": app.url }))
        .await;
    assert_eq!(user.error().0, 100);
}
