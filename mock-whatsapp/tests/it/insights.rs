//! What the Graph API counts, and the templates that it has ready: analytics and the template library.

use crate::client::{Mock, sale, template, text};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

const ACCOUNT: &str = "/v25.0/200000000000001";

/// 2027-03-01, of which day the tests are.
const MARCH: u64 = 1_803_859_200;
const DAY: u64 = 86_400;

async fn in_march() -> Mock {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    mock.done("POST", "/clock/freeze", json!({ "at": "2027-03-01T10:00:00Z" })).await;
    mock
}

async fn settle(mock: &Mock) {
    mock.done("POST", "/clock/settle", json!({ "quiet": "0s" })).await;
}

#[tokio::test]
async fn an_account_counts_what_was_sent_and_delivered() {
    let mock = in_march().await;
    mock.send(&text("14155550123", "one")).await.wamid();
    mock.send(&text("4915112345678", "two")).await.wamid();
    mock.send(&text("14155550404", "nobody")).await.wamid();
    mock.done("POST", "/handsets/14155550124/offline", Value::Null).await;
    mock.send(&text("14155550124", "tomorrow")).await.wamid();
    mock.done("POST", "/clock/advance", json!({ "by": "24h" })).await;
    mock.done("POST", "/handsets/14155550124/online", Value::Null).await;
    settle(&mock).await;
    let counted = async |modifiers: &str| {
        let path = format!("{ACCOUNT}?fields=analytics{modifiers}");
        let answer = mock.graph(Method::GET, &path, Value::Null).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["analytics"].clone()
    };
    let point = |start: u64, length: u64, sent: u64, delivered: u64| json!({ "start": start, "end": start + length, "sent": sent, "delivered": delivered });
    let (start, end) = (MARCH, MARCH + 31 * DAY);
    let asked = format!(".start({start}).end({end})");
    let by_day = counted(&format!("{asked}.granularity(DAY).phone_numbers([]).country_codes([])")).await;
    assert_eq!(by_day["data_points"], json!([point(MARCH, DAY, 3, 2), point(MARCH + DAY, DAY, 0, 1)]));
    assert_eq!((&by_day["phone_numbers"], &by_day["granularity"]), (&json!(["15557650001"]), &json!("DAY")));
    assert_eq!(by_day["country_codes"], json!(["DE", "US"]));
    let by_month = counted(&format!("{asked}.granularity(MONTH)")).await;
    assert_eq!(by_month["data_points"], json!([point(MARCH, 31 * DAY, 3, 3)]));
    let of_germany = counted(&format!("{asked}.granularity(HALF_HOUR).country_codes([%22DE%22])")).await;
    assert_eq!(of_germany["data_points"], json!([point(MARCH + 36_000, 1_800, 1, 1)]));
    // As a client asks, which does not know modifiers.
    let beside =
        counted(&format!("&start={start}&end={}&granularity=DAY&phone_numbers=15557650001", MARCH + DAY)).await;
    assert_eq!(beside["data_points"], json!([point(MARCH, DAY, 3, 2)]));
    let of_nobody = counted(&format!("{asked}.granularity(DAY).phone_numbers([15550000000])")).await;
    assert_eq!(of_nobody["data_points"], json!([]));
    for (modifiers, message) in [
        ("", "(#100) The parameter start is required."),
        (".start(9).end(9).granularity(DAY)", "(#100) Param start must be before end."),
        (".start(1).end(9).granularity(YEAR)", "(#100) Param granularity must be one of {DAY, HALF_HOUR, MONTH}"),
    ] {
        let refused = mock.graph(Method::GET, &format!("{ACCOUNT}?fields=analytics{modifiers}"), Value::Null).await;
        assert!(refused.error().2.starts_with(message), "{modifiers}: {refused:?}");
    }
}

#[tokio::test]
async fn templates_are_counted_by_days() {
    let mock = in_march().await;
    let listed = mock.graph(Method::GET, &format!("{ACCOUNT}/message_templates?name=spring_sale"), Value::Null).await;
    let id = listed.body["data"][0]["id"].as_str().unwrap().to_owned();
    mock.done("PUT", "/handsets/14155550124", json!({ "reads": false })).await;
    for to in ["14155550123", "14155550124", "14155550403"] {
        mock.send(&sale(to, "Ana")).await.wamid();
    }
    mock.send(&template("14155550123", "hello_world", &[])).await.wamid();
    settle(&mock).await;
    let path = format!("{ACCOUNT}/template_analytics?start={MARCH}&end={}&granularity=daily", MARCH + DAY);
    let counted = mock.graph(Method::GET, &format!("{path}&template_ids=[{id}]"), Value::Null).await;
    let point = json!({ "template_id": id, "start": MARCH, "end": MARCH + DAY, "sent": 3, "delivered": 2, "read": 1 });
    let all = json!([{ "granularity": "DAILY", "product_type": "cloud_api", "data_points": [point] }]);
    assert_eq!(counted.body["data"], all);
    let only = format!("{path}&template_ids={id}&metric_types=sent,read");
    let counted = mock.graph(Method::GET, &only, Value::Null).await;
    assert_eq!(
        counted.body["data"][0]["data_points"][0],
        json!({ "template_id": id, "start": MARCH, "end": MARCH + DAY, "sent": 3, "read": 1 })
    );
    let many = format!("&template_ids={}", (1..=11).map(|id| id.to_string()).collect::<Vec<_>>().join(","));
    for (more, why) in [
        ("", "template_ids"),
        ("&template_ids=42", "42"),
        ("&template_ids=42&metric_types=opened", "taps"),
        (&many, "10 templates"),
    ] {
        let refused = mock.graph(Method::GET, &format!("{path}{more}"), Value::Null).await;
        assert!(refused.error().0 == 100 && refused.header("x-mock-why").contains(why), "{more}: {refused:?}");
    }
}

#[tokio::test]
async fn languages_of_a_template_are_counted_apart() {
    let mock = in_march().await;
    let draft = json!({ "name": "spring_sale", "language": "de", "category": "MARKETING",
                        "components": [{ "type": "BODY", "text": "Hallo" }] });
    let made = mock.graph(Method::POST, &format!("{ACCOUNT}/message_templates"), draft).await.body;
    let german = made["id"].as_str().unwrap();
    let path = format!("{ACCOUNT}/message_templates?language=en_US&name=spring_sale");
    let listed = mock.graph(Method::GET, &path, Value::Null).await;
    let english = listed.body["data"][0]["id"].as_str().unwrap().to_owned();
    mock.send(&sale("14155550123", "Ana")).await.wamid();
    for to in ["14155550123", "14155550124"] {
        let mut message = template(to, "spring_sale", &[]);
        message["template"]["language"]["code"] = json!("de");
        mock.send(&message).await.wamid();
    }
    settle(&mock).await;
    let path = format!("{ACCOUNT}/template_analytics?start={MARCH}&end={}&granularity=DAILY", MARCH + DAY);
    let path = format!("{path}&metric_types=sent&template_ids={english},{german}");
    let counted = mock.graph(Method::GET, &path, Value::Null).await.body;
    let point = |id: &str, sent: u32| json!({ "template_id": id, "start": MARCH, "end": MARCH + DAY, "sent": sent });
    assert_eq!(counted["data"][0]["data_points"], json!([point(&english, 1), point(german, 2)]));
}

#[tokio::test]
async fn templates_are_counted_once_each_and_taps_and_money_may_be_asked_for() {
    let mock = in_march().await;
    let listed = mock.graph(Method::GET, &format!("{ACCOUNT}/message_templates?limit=100"), Value::Null).await;
    let id = |name: &str| {
        let all = listed.body["data"].as_array().unwrap().iter();
        all.filter(|template| template["name"] == name).map(|template| template["id"].as_str().unwrap()).next().unwrap()
    };
    let (sale_id, hello_id) = (id("spring_sale"), id("hello_world"));
    mock.send(&sale("14155550123", "Ana")).await.wamid();
    mock.send(&template("14155550124", "hello_world", &[])).await.wamid();
    mock.send(&text("14155550123", "no template")).await.wamid();
    settle(&mock).await;
    let path = format!("{ACCOUNT}/template_analytics?start={MARCH}&end={}&granularity=DAILY", MARCH + DAY);
    let point = |id: &str| json!({ "template_id": id, "start": MARCH, "end": MARCH + DAY, "sent": 1, "delivered": 1, "read": 1 });
    // As many as there may be, one of them again and again.
    let ids = format!("{hello_id},{sale_id}{}", format!(",{hello_id}").repeat(20));
    for metrics in ["", "&metric_types=sent,delivered,read,clicked,cost"] {
        let counted = mock.graph(Method::GET, &format!("{path}&template_ids={ids}{metrics}"), Value::Null).await;
        assert_eq!(counted.body["data"][0]["data_points"], json!([point(hello_id), point(sale_id)]), "{counted:?}");
    }
    let taps = format!("{path}&template_ids={sale_id}&metric_types=[%22CLICKED%22]");
    let taps = mock.graph(Method::GET, &taps, Value::Null).await;
    let bare = json!([{ "template_id": sale_id, "start": MARCH, "end": MARCH + DAY }]);
    assert_eq!(taps.body["data"][0]["data_points"], bare);
}

#[tokio::test]
async fn a_cursor_far_behind_the_end_of_a_list_has_nothing_behind_it() {
    let mock = Mock::start().await;
    let listed = mock.graph(Method::GET, &format!("{ACCOUNT}/message_templates"), Value::Null).await;
    let template = listed.body["data"][0]["id"].as_str().unwrap().to_owned();
    let counted = format!("template_analytics?start=1&end=9&granularity=DAILY&template_ids={template}&");
    let farthest = URL_SAFE_NO_PAD.encode(format!("AQ{}", u64::MAX));
    for list in [
        format!("{ACCOUNT}/{counted}"),
        format!("{ACCOUNT}/phone_numbers?"),
        format!("/v25.0/{}/message_qrdls?", mock.number),
        format!("/v25.0/{}/block_users?", mock.number),
        "/v25.0/message_template_library?".to_owned(),
    ] {
        let after = mock.graph(Method::GET, &format!("{list}after={farthest}"), Value::Null).await;
        assert_eq!((after.status, &after.body["data"]), (200, &json!([])), "{list}: {after:?}");
        let before = mock.graph(Method::GET, &format!("{list}before={farthest}"), Value::Null).await;
        assert_eq!(before.status, 200, "{list}: {before:?}");
    }
}

#[tokio::test]
async fn the_library_of_templates_is_searched_and_used() {
    let mock = Mock::start().await;
    let found = async |query: &str| {
        let answer = mock.graph(Method::GET, &format!("/v25.0/message_template_library?{query}"), Value::Null).await;
        answer.body["data"].as_array().unwrap().clone()
    };
    let all = found("").await;
    assert!(all.len() > 5 && all.iter().all(|ready| ready["category"] == "UTILITY"));
    let payments = found("topic=payments&industry=FINANCIAL_SERVICES&search=due").await;
    assert_eq!(payments.len(), 1);
    assert_eq!(
        (&payments[0]["name"], &payments[0]["header"]),
        (&json!("payment_is_due_1"), &json!("A payment is due"))
    );
    assert_eq!(payments[0]["body_params"], json!(["$75.00", "May 3"]));
    assert_eq!(payments[0]["buttons"][0]["type"], "URL");
    assert_eq!(found("language=de").await, [] as [Value; 0]);
    assert_eq!(found("limit=2&fields=name").await.len(), 2);
    // A review that takes two hours is not for these.
    mock.done("PUT", "/templates", json!({ "review": "2h" })).await;
    let create = async |more: Value| {
        let mut body = json!({ "name": "pay", "language": "en_US", "category": "UTILITY", "library_template_name": "payment_is_due_1" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        mock.graph(Method::POST, &format!("{ACCOUNT}/message_templates"), body).await
    };
    for (more, why) in [
        (json!({ "library_template_name": "no_such" }), "payment_is_due_1"),
        (json!({ "library_template_name": [] }), "is a text"),
        (
            json!({ "library_template_name": {}, "components": [{ "type": "BODY", "text": "Hello there" }] }),
            "is a text",
        ),
        (json!({ "language": "de" }), "en_US alone"),
        (json!({ "library_template_button_inputs": [{ "type": "PHONE_NUMBER" }] }), "no further button"),
        (json!({ "library_template_body_inputs": { "add_contact_number": true } }), "takes none"),
    ] {
        let refused = create(more).await;
        assert!(refused.error().0 == 100 && refused.header("x-mock-why").contains(why), "{refused:?}");
    }
    // As the documentation has it: a list in a text.
    let url = r#"[{"type":"URL","url":{"base_url":"https://shop.example/{{1}}","url_suffix_example":"https://shop.example/a"}}]"#;
    let made = create(json!({ "library_template_button_inputs": url })).await;
    assert_eq!((made.status, &made.body["status"]), (200, &json!("APPROVED")), "{made:?}");
    let id = made.body["id"].as_str().unwrap();
    let shown = mock.graph(Method::GET, &format!("/v25.0/{id}"), Value::Null).await.body;
    assert_eq!(shown["components"][2]["buttons"][0]["url"], "https://shop.example/{{1}}");
    let mut pay = template("14155550123", "pay", &["$1", "today"]);
    let suffix =
        json!({ "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "a" }] });
    pay["template"]["components"].as_array_mut().unwrap().push(suffix);
    mock.send(&pay).await.wamid();
    for name in all.iter().map(|ready| ready["name"].as_str().unwrap()) {
        let made = create(json!({ "name": format!("mine_{name}"), "library_template_name": name })).await;
        assert_eq!(made.body["status"], "APPROVED", "{name}: {made:?}");
    }
}
