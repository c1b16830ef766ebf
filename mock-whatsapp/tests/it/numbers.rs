//! Numbers: looked at, added, verified, registered, and set.

use crate::client::{Mock, sale};
use crate::receiver::Receiver;
use hyper::Method;
use mock_whatsapp::MockWhatsApp;
use mock_whatsapp::clock::Pace;
use serde_json::{Value, json};

const NUMBER: &str = "/v23.0/100000000000001";

#[tokio::test]
async fn a_number_shows_what_it_is_asked_for() {
    let mock = Mock::start().await;
    let usual = mock.graph(Method::GET, NUMBER, Value::Null).await.body;
    assert_eq!(usual["display_phone_number"], "+1 555-765-0001");
    assert_eq!((&usual["quality_rating"], &usual["throughput"]["level"]), (&json!("GREEN"), &json!("STANDARD")));
    assert!(usual.get("health_status").is_none());
    let path = format!("{NUMBER}?fields=health_status,name_status,is_pin_enabled,certificate");
    let asked = mock.graph(Method::GET, &path, Value::Null).await.body;
    assert_eq!(asked["health_status"]["can_send_message"], "AVAILABLE");
    assert_eq!(asked["health_status"]["entities"].as_array().unwrap().len(), 4);
    assert_eq!((&asked["name_status"], &asked["is_pin_enabled"]), (&json!("APPROVED"), &json!(false)));
    assert_eq!(asked["id"], "100000000000001");
    assert!(asked.get("verified_name").is_none() && asked.get("certificate").is_none(), "{asked}");
    let account =
        mock.graph(Method::GET, &format!("{NUMBER}?fields=whatsapp_business_account"), Value::Null).await.body;
    assert_eq!(account["whatsapp_business_account"], json!({ "id": "200000000000001" }), "clients find an account so");
    let unknown = mock.graph(Method::GET, &format!("{NUMBER}?fields=colour"), Value::Null).await;
    assert_eq!(unknown.status, 400);
    assert_eq!(
        unknown.error().2,
        "(#100) Tried accessing nonexisting field (colour) on node type (WhatsAppBusinessPhoneNumber)"
    );
    let other = mock.graph(Method::GET, "/100000000000002", Value::Null).await;
    assert_eq!((other.status, other.error().0, other.error().1), (400, 100, Some(33)));
}

#[tokio::test]
async fn a_number_is_added_verified_and_registered() {
    let mock = Mock::start().await;
    let add = json!({ "cc": "44", "phone_number": "20 7946 0188", "verified_name": "Ferry Shop" });
    let id = mock.graph(Method::POST, "/200000000000001/phone_numbers", add.clone()).await.body["id"].clone();
    let id = id.as_str().unwrap().to_owned();
    let again = mock.graph(Method::POST, "/200000000000001/phone_numbers", add).await;
    assert_eq!(again.body["error"]["error_user_title"], "Phone number already exists");
    let shown =
        mock.graph(Method::GET, &format!("/{id}?fields=status,code_verification_status"), Value::Null).await.body;
    assert_eq!((&shown["status"], &shown["code_verification_status"]), (&json!("UNVERIFIED"), &json!("NOT_VERIFIED")));

    let pin = json!({ "messaging_product": "whatsapp", "pin": "112233" });
    let early = mock.graph(Method::POST, &format!("/{id}/register"), pin.clone()).await;
    assert_eq!(early.error().0, 133_006);
    let uncalled = mock.graph(Method::POST, &format!("/{id}/verify_code?code=123456"), Value::Null).await;
    assert_eq!((uncalled.status, uncalled.error().0), (400, 136_025));
    let method =
        mock.graph(Method::POST, &format!("/{id}/request_code?code_method=MAIL&language=en"), Value::Null).await;
    assert_eq!(method.error().2, "(#100) Param code_method must be one of {SMS, VOICE} - got \"MAIL\".");
    let asked = json!({ "code_method": "SMS", "language": "en_US" });
    assert_eq!(
        mock.graph(Method::POST, &format!("/{id}/request_code"), asked.clone()).await.body,
        json!({ "success": true })
    );
    let wrong = mock.graph(Method::POST, &format!("/{id}/verify_code"), json!({ "code": "999999" })).await;
    assert!(wrong.header("x-mock-why").contains("123456"), "{wrong:?}");
    assert_eq!(mock.graph(Method::POST, &format!("/{id}/verify_code"), json!({ "code": "123-456" })).await.status, 200);
    assert_eq!(mock.graph(Method::POST, &format!("/{id}/request_code"), asked).await.error().0, 136_024);
    assert_eq!(mock.graph(Method::POST, &format!("/{id}/register"), pin).await.status, 200);
    let shown =
        mock.graph(Method::GET, &format!("/{id}?fields=status,platform_type,is_pin_enabled"), Value::Null).await.body;
    assert_eq!(shown, json!({ "id": id, "status": "CONNECTED", "platform_type": "CLOUD_API", "is_pin_enabled": true }));
}

#[tokio::test]
async fn a_number_that_is_added_may_have_its_country_code_already() {
    let mock = Mock::start().await;
    for (cc, number, shown) in [
        (json!("1"), "16315551000", "16315551000"),
        (json!("1"), "631-555-1001", "16315551001"),
        (json!("44"), "+44 20 7946 0188", "442079460188"),
        // A German town whose own code is 49 21.
        (json!("49"), "4921123456", "494921123456"),
        (Value::Null, "33612345678", "33612345678"),
    ] {
        let add = json!({ "cc": cc, "phone_number": number, "verified_name": "Ferry Shop" });
        let added = mock.graph(Method::POST, "/200000000000001/phone_numbers", add).await.body;
        let path = format!("/{}?fields=display_phone_number", added["id"].as_str().unwrap());
        let found = mock.graph(Method::GET, &path, Value::Null).await.body;
        let digits: String =
            found["display_phone_number"].as_str().unwrap().chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, shown, "{number}");
    }
    for (cc, number) in [("1", "123"), ("0", "151123456789"), ("", "0151123456789")] {
        let add = json!({ "cc": cc, "phone_number": number, "verified_name": "Ferry Shop" });
        assert_eq!(mock.graph(Method::POST, "/200000000000001/phone_numbers", add).await.error().0, 100, "{number}");
    }
}

#[tokio::test]
async fn a_number_takes_all_that_metas_description_lets_it_be_told() {
    let mock = Mock::start().await;
    let data = json!({ "pin": "123456", "show_security_notifications": true, "notify_user_change_number": false });
    for change in [
        json!({ "connection_status": "CONNECTED" }),
        json!({ "whatsapp_business_api_data": data, "search_visibility": "VISIBLE" }),
        json!({ "username": "Ferry.Shop" }),
    ] {
        assert_eq!(mock.graph(Method::POST, NUMBER, change).await.body, json!({ "success": true }));
    }
    let shown = mock.graph(Method::GET, &format!("{NUMBER}?fields=username,is_pin_enabled"), Value::Null).await.body;
    assert_eq!((&shown["username"], &shown["is_pin_enabled"]), (&json!("ferry.shop"), &json!(true)));
    for (change, what) in
        [(json!({ "username": "x y" }), "username"), (json!({ "whatsapp_business_api_data": { "pin": "1" } }), "pin")]
    {
        let refused = mock.graph(Method::POST, NUMBER, change).await;
        assert!(refused.error().0 == 100 && refused.error().2.contains(what), "{refused:?}");
    }
}

#[tokio::test]
async fn a_pin_guards_the_registration() {
    let mock = Mock::of(MockWhatsApp::builder().clock(Pace::Frozen)).await;
    let register = async |pin: &str| {
        let body = json!({ "messaging_product": "whatsapp", "pin": pin });
        mock.graph(Method::POST, &format!("{NUMBER}/register"), body).await
    };
    assert_eq!(register("12345").await.error().2, "(#100) Param pin must be 6 characters long.");
    assert_eq!(mock.graph(Method::POST, NUMBER, json!({ "pin": "123456" })).await.body, json!({ "success": true }));
    assert_eq!(register("654321").await.error().0, 133_005);
    let off = mock.graph(Method::POST, &format!("{NUMBER}/deregister"), Value::Null).await;
    assert_eq!(off.body, json!({ "success": true }));
    let health =
        mock.graph(Method::GET, &format!("{NUMBER}?fields=health_status,platform_type"), Value::Null).await.body;
    assert_eq!(
        (&health["health_status"]["can_send_message"], &health["platform_type"]),
        (&json!("BLOCKED"), &json!("NOT_APPLICABLE"))
    );
    assert_eq!(mock.graph(Method::POST, &format!("{NUMBER}/deregister"), Value::Null).await.error().0, 133_010);
    assert_eq!(register("123456").await.status, 200);
    for _ in 0..6 {
        assert_eq!(register("123456").await.status, 200);
    }
    assert_eq!(register("123456").await.error().0, 133_016);
    mock.done("POST", "/clock/advance", json!({ "by": "72h" })).await;
    assert_eq!(register("123456").await.status, 200);
    let nothing = mock.graph(Method::POST, NUMBER, json!({})).await;
    assert_eq!(nothing.error().0, 100);
}

#[tokio::test]
async fn an_account_lists_its_numbers_by_pages() {
    let mut config = mock_whatsapp::config::Config::default();
    let file = "[[number]]\nphone_number = \"+44 20 7946 0188\"\ncoexistence = true\n\n[[number]]\nphone_number = \"+49 151 1234567\"\n\
                throughput = 1000\n";
    config.read(file).unwrap();
    let mock = Mock::of(MockWhatsApp::builder().config(config)).await;
    let first = mock
        .graph(Method::GET, "/200000000000001/phone_numbers?limit=2&fields=is_on_biz_app,throughput", Value::Null)
        .await
        .body;
    assert_eq!(first["data"].as_array().unwrap().len(), 2);
    assert_eq!(first["data"][1]["is_on_biz_app"], true);
    let next = first["paging"]["next"].as_str().unwrap();
    let next = next.strip_prefix("http://graph.facebook.com").unwrap();
    let second = mock.graph(Method::GET, next, Value::Null).await.body;
    assert_eq!(second["data"][0]["throughput"]["level"], "HIGH");
    assert!(second["paging"].get("next").is_none() && second["paging"]["previous"].is_string(), "{second}");
    let after = second["paging"]["cursors"]["after"].as_str().unwrap();
    let end = mock.graph(Method::GET, &format!("/200000000000001/phone_numbers?after={after}"), Value::Null).await.body;
    assert_eq!(end, json!({ "data": [] }));
    let wrong = mock.graph(Method::GET, "/200000000000001/phone_numbers?after=x", Value::Null).await;
    assert_eq!(wrong.error().2, "(#100) Invalid cursor");
    assert_eq!(mock.graph(Method::GET, "/200000000000009/phone_numbers", Value::Null).await.error().1, Some(33));
}

#[tokio::test]
async fn a_profile_and_settings_are_kept() {
    let mock = Mock::start().await;
    let path = format!("{NUMBER}/whatsapp_business_profile");
    let none = mock.graph(Method::GET, &format!("{path}?fields=about,vertical"), Value::Null).await.body;
    assert_eq!(none, json!({ "data": [{ "messaging_product": "whatsapp", "vertical": "UNDEFINED" }] }));
    let set = json!({ "messaging_product": "whatsapp", "about": "Ferries", "websites": ["https://ferry.example"], "vertical": "TRAVEL",
                      "email": null });
    assert_eq!(mock.graph(Method::POST, &path, set).await.body, json!({ "success": true }));
    let shown = mock.graph(Method::GET, &path, Value::Null).await.body;
    assert_eq!(shown["data"][0]["websites"], json!(["https://ferry.example"]));
    let beside = "fields=status,whatsapp_business_profile{about}";
    let profile = json!({ "data": [{ "messaging_product": "whatsapp", "about": "Ferries" }] });
    for path in [NUMBER, "/200000000000001/phone_numbers"] {
        let shown = mock
            .graph(Method::GET, &format!("{path}?{beside}").replace('{', "%7B").replace('}', "%7D"), Value::Null)
            .await
            .body;
        let number = shown.get("data").map_or(&shown, |data| &data[0]);
        assert_eq!((&number["status"], &number["whatsapp_business_profile"]), (&json!("CONNECTED"), &profile));
    }
    let whole = mock.graph(Method::GET, &format!("{NUMBER}?fields=whatsapp_business_profile"), Value::Null).await.body;
    assert_eq!(whole["whatsapp_business_profile"], shown);
    let unknown =
        mock.graph(Method::GET, &format!("{NUMBER}?fields=whatsapp_business_profile%7Bage%7D"), Value::Null).await;
    assert_eq!(unknown.error().0, 100);
    for (key, value) in [
        ("about", json!("x".repeat(140))),
        ("websites", json!(["a", "b", "c"])),
        ("websites", json!({})),
        ("websites", json!(["ferry.example"])),
        ("vertical", json!("SPACE")),
        ("email", json!("nobody")),
        ("profile_picture_handle", json!("4::x")),
    ] {
        let mut body = json!({ "messaging_product": "whatsapp" });
        body[key] = value;
        assert_eq!(mock.graph(Method::POST, &path, body).await.status, 400, "{key}");
    }
    let settings = format!("{NUMBER}/settings");
    let calling = json!({ "calling": { "status": "ENABLED" } });
    assert_eq!(mock.graph(Method::POST, &settings, calling).await.status, 200);
    let shown = mock.graph(Method::GET, &settings, Value::Null).await.body;
    assert_eq!(
        (&shown["calling"]["status"], &shown["calling"]["call_icon_visibility"]),
        (&json!("ENABLED"), &json!("DEFAULT"))
    );
    assert_eq!(mock.graph(Method::POST, &settings, json!({ "colour": {} })).await.status, 400);

    let commerce = format!("{NUMBER}/whatsapp_commerce_settings");
    mock.graph(Method::POST, &format!("{commerce}?is_cart_enabled=true"), Value::Null).await;
    let shown = mock.graph(Method::GET, &commerce, Value::Null).await.body;
    assert_eq!(
        (&shown["data"][0]["is_cart_enabled"], &shown["data"][0]["is_catalog_visible"]),
        (&json!(true), &json!(false))
    );
    let automation = json!({ "prompts": ["Book a trip"], "commands": "[{\"command_name\":\"go\",\"command_description\":\"Goes\"}]" });
    mock.graph(Method::POST, &format!("{NUMBER}/conversational_automation"), automation).await;
    let shown = mock.graph(Method::GET, &format!("{NUMBER}?fields=conversational_automation"), Value::Null).await.body;
    assert_eq!(shown["conversational_automation"]["commands"][0]["command_name"], "go");
    let direct = mock.graph(Method::GET, &format!("{NUMBER}/conversational_automation"), Value::Null).await.body;
    assert_eq!(direct["conversational_automation"]["prompts"], json!(["Book a trip"]));
    let many = json!({ "prompts": ["1", "2", "3", "4", "5"] });
    assert_eq!(mock.graph(Method::POST, &format!("{NUMBER}/conversational_automation"), many).await.status, 400);

    assert_eq!(mock.graph(Method::GET, &format!("{NUMBER}/username"), Value::Null).await.status, 400);
    let named = mock.graph(Method::POST, &format!("{NUMBER}/username"), json!({ "username": "ferry.shop" })).await;
    assert_eq!(named.body["status"], "reserved");
    assert_eq!(
        mock.graph(Method::GET, &format!("{NUMBER}/username"), Value::Null).await.body["username"],
        "ferry.shop"
    );
    assert_eq!(mock.graph(Method::DELETE, &format!("{NUMBER}/username"), Value::Null).await.status, 200);
    let suggested = mock.graph(Method::GET, &format!("{NUMBER}/username_suggestions"), Value::Null).await.body;
    assert!(suggested["data"][0]["username_suggestions"].is_array());

    let key = format!("{NUMBER}/whatsapp_business_encryption");
    assert_eq!(mock.graph(Method::POST, &key, json!({ "business_public_key": "no key" })).await.status, 400);
    let pem = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----";
    assert_eq!(mock.graph(Method::POST, &key, json!({ "business_public_key": pem })).await.status, 200);
    assert_eq!(mock.graph(Method::GET, &key, Value::Null).await.body["data"][0]["business_public_key"], pem);
}

#[tokio::test]
async fn links_are_made_changed_listed_and_deleted() {
    let mock = Mock::start().await;
    let path = format!("{NUMBER}/message_qrdls");
    let made =
        mock.graph(Method::POST, &path, json!({ "prefilled_message": "Hi", "generate_qr_image": "PNG" })).await.body;
    let code = made["code"].as_str().unwrap().to_owned();
    assert_eq!(made["deep_link_url"], format!("https://wa.me/message/{code}"));
    assert!(made["qr_image_url"].as_str().unwrap().ends_with(".png"));
    let changed = mock.graph(Method::POST, &path, json!({ "code": code, "prefilled_message": "Hello" })).await.body;
    assert_eq!((&changed["code"], &changed["prefilled_message"]), (&json!(code), &json!("Hello")));
    let at = format!("{path}/{code}?prefilled_message=Bye");
    let changed = mock.graph(Method::POST, &at, Value::Null).await.body;
    assert_eq!((&changed["code"], &changed["prefilled_message"]), (&json!(code), &json!("Bye")), "some clients ask so");
    let one =
        mock.graph(Method::GET, &format!("{path}/{code}?fields=code,qr_image_url.format(SVG)"), Value::Null).await.body;
    assert!(one["data"][0]["qr_image_url"].as_str().unwrap().ends_with(".svg"), "{one}");
    let other = mock.graph(Method::POST, &path, json!({ "prefilled_message": "Hi" })).await.body["code"].clone();
    assert_ne!(other, json!(code));
    let all = mock.graph(Method::GET, &path, Value::Null).await.body;
    assert_eq!(all["data"].as_array().unwrap().len(), 2);
    let long = mock.graph(Method::POST, &path, json!({ "prefilled_message": "x".repeat(141) })).await;
    assert_eq!(long.error().0, 100);
    assert_eq!(
        mock.graph(Method::DELETE, &format!("{path}/{code}"), Value::Null).await.body,
        json!({ "success": true })
    );
    let again = mock.graph(Method::DELETE, &format!("{path}/{code}"), Value::Null).await;
    assert_eq!(again.error().1, Some(33));
    assert!(again.error().2.starts_with("Unsupported delete request."), "{again:?}");
    let change = json!({ "code": code, "prefilled_message": "x" });
    assert!(mock.graph(Method::POST, &path, change).await.error().2.starts_with("Unsupported post request."));
    let gone = mock.graph(Method::GET, &format!("{path}/{code}"), Value::Null).await;
    assert_eq!((gone.status, gone.body), (200, json!({ "data": [] })));
}

#[tokio::test]
async fn only_who_wrote_can_be_blocked() {
    let mock = Mock::start().await;
    let path = format!("{NUMBER}/block_users");
    mock.done("POST", "/handsets/14155550777/messages", json!({ "type": "text", "text": "hi" })).await;
    let body = |users: &[&str]| {
        let users: Vec<Value> = users.iter().map(|user| json!({ "user": user })).collect();
        json!({ "messaging_product": "whatsapp", "block_users": users })
    };
    let both = mock.graph(Method::POST, &path, body(&["+14155550777", "+14155550778"])).await;
    assert_eq!((both.status, both.body["error"]["code"].as_i64()), (400, Some(139_100)));
    assert_eq!(both.body["block_users"]["added_users"], json!([{ "input": "+14155550777", "wa_id": "14155550777" }]));
    assert_eq!(both.body["block_users"]["failed_users"][0]["errors"][0]["code"], 131_047);
    let again = mock.graph(Method::POST, &path, body(&["14155550777"])).await;
    assert_eq!((again.status, &again.body["block_users"]["added_users"][0]["wa_id"]), (200, &json!("14155550777")));
    let list = mock.graph(Method::GET, &path, Value::Null).await.body;
    assert_eq!(list["data"][0]["wa_id"], "14155550777");
    let unheard = mock.done("POST", "/handsets/14155550777/messages", json!({ "type": "text", "text": "hi" })).await;
    assert_eq!(unheard["webhook"], Value::Null, "it cannot write any more");
    let own = mock.graph(Method::POST, &path, body(&["+15557650001"])).await;
    assert_eq!(own.body["block_users"]["failed_users"][0]["errors"][0]["code"], 131_021);
    let gone = mock.graph(Method::DELETE, &path, body(&["+14155550777"])).await.body;
    assert_eq!(gone["block_users"]["removed_users"][0]["wa_id"], "14155550777");
    assert_eq!(mock.graph(Method::GET, &path, Value::Null).await.body, json!({ "data": [] }));
    assert_eq!(mock.graph(Method::POST, &path, json!({ "messaging_product": "whatsapp" })).await.error().0, 100);
}

#[tokio::test]
async fn the_control_api_changes_a_number_and_tells_of_it() {
    let mock = Mock::start().await;
    let put = json!({ "messaging_limit": 2000, "quality": "RED", "throughput": 1000 });
    let changed = mock.done("PUT", "/numbers/100000000000001", put).await;
    assert_eq!(
        (&changed["tier"], &changed["quality"], &changed["throughput"]),
        (&json!("TIER_2K"), &json!("RED"), &json!(1000))
    );
    let webhooks = mock.done("GET", "/webhooks", Value::Null).await;
    let told: Vec<Value> = webhooks["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| serde_json::from_str::<Value>(item["body_raw"].as_str().unwrap()).unwrap())
        .map(|body| {
            let change = &body["entry"][0]["changes"][0];
            json!([change["field"], change["value"]["event"]])
        })
        .collect();
    let wanted = [
        json!(["business_capability_update", null]),
        json!(["phone_number_quality_update", "FLAGGED"]),
        json!(["phone_number_quality_update", "THROUGHPUT_UPGRADE"]),
    ];
    assert_eq!(told, wanted);
    assert_eq!(changed["webhooks"].as_array().unwrap().len(), 3);
    let path =
        format!("{NUMBER}?fields=quality_rating,throughput,whatsapp_business_manager_messaging_limit,health_status");
    let shown = mock.graph(Method::GET, &path, Value::Null).await.body;
    assert_eq!((&shown["quality_rating"], &shown["throughput"]["level"]), (&json!("RED"), &json!("HIGH")));
    assert_eq!(shown["whatsapp_business_manager_messaging_limit"], "TIER_2K");
    assert_eq!(shown["health_status"]["can_send_message"], "LIMITED");
    let same = mock.done("PUT", "/numbers/100000000000001", json!({ "messaging_limit": 2000, "quality": "red" })).await;
    assert_eq!(same["webhooks"], json!([]), "nothing changed");
    let back = mock.done("PUT", "/numbers/100000000000001", json!({ "messaging_limit": "unlimited" })).await;
    assert_eq!(back["messaging_limit"], "unlimited");
    assert_eq!(mock.done("GET", "/numbers/100000000000001", Value::Null).await["quality"], "RED");
    for (body, pointer) in [
        (json!({ "quality": "blue" }), "/quality"),
        (json!({ "throughput": 0 }), "/throughput"),
        (json!({ "throughput": 5000 }), "/throughput"),
        (json!({ "messaging_limit": "no" }), "/messaging_limit"),
        (json!({ "tier": 1 }), "/tier"),
    ] {
        let answer = mock.control("PUT", "/numbers/100000000000001", body).await;
        assert_eq!((answer.status, answer.body["pointer"].as_str()), (400, Some(pointer)));
    }
    assert_eq!(mock.control("PUT", "/numbers/1", json!({})).await.status, 404);
}

#[tokio::test]
async fn a_limit_that_is_half_used_rises_by_rule() {
    let rules = mock_whatsapp::config::Rules { tier_upgrade: true, ..Default::default() };
    let builder = MockWhatsApp::builder().clock(Pace::Frozen).messaging_limit(4).rules(rules);
    let mock = Mock::of(builder).await;
    let tier = async || mock.done("GET", "/numbers/100000000000001", Value::Null).await["tier"].clone();
    mock.send(&sale("+14155550123", "Ana")).await.wamid();
    mock.done("POST", "/clock/advance", json!({ "by": "7h" })).await;
    assert_eq!(tier().await, "TIER_4", "a quarter is not half");
    mock.send(&sale("+14155550124", "Ben")).await.wamid();
    mock.done("POST", "/clock/advance", json!({ "by": "5h59m" })).await;
    assert_eq!(tier().await, "TIER_4");
    mock.done("POST", "/clock/advance", json!({ "by": "2m" })).await;
    assert_eq!(tier().await, "TIER_250");
    let webhooks = mock.done("GET", "/webhooks", Value::Null).await["items"].to_string();
    assert!(webhooks.contains("business_capability_update") && webhooks.contains("TIER_250"), "{webhooks}");
}

/// A message by link.
fn picture(to: &str, link: &str) -> Value {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "image", "image": { "link": link } })
}

#[tokio::test]
async fn a_further_number_sends_is_written_to_and_has_limits_of_its_own() {
    let mut config = mock_whatsapp::config::Config::default();
    config.read("[[number]]\nphone_number = \"+44 20 7946 0188\"\ncoexistence = true\n").unwrap();
    // A second takes a quarter of an hour, so that nothing is refilled meanwhile.
    let mut mock = Mock::of(MockWhatsApp::builder().config(config).clock(Pace::Factor(0.001))).await;
    let numbers = mock.graph(Method::GET, "/200000000000001/phone_numbers", Value::Null).await.body;
    let further = numbers["data"][1]["id"].as_str().unwrap().to_owned();
    let first = std::mem::replace(&mut mock.number, further.clone());
    assert_eq!(mock.send(&sale("+442079460188", "x")).await.error().0, 131_021);
    mock.send(&sale("+14155550123", "Ana")).await.wamid();
    mock.done("POST", "/clock/advance", json!({ "by": "2s" })).await;
    let webhooks = mock.done("GET", "/webhooks", Value::Null).await;
    let body: Value = serde_json::from_str(webhooks["items"][0]["body_raw"].as_str().unwrap()).unwrap();
    let metadata = &body["entry"][0]["changes"][0]["value"]["metadata"];
    assert_eq!(*metadata, json!({ "display_phone_number": "442079460188", "phone_number_id": further }));
    for contact in 1..21 {
        mock.send(&sale(&format!("+1415555{contact:04}"), "x")).await.wamid();
    }
    let beyond = mock.send(&sale("+14155550021", "x")).await;
    assert_eq!(beyond.error().0, 130_429, "a number that is shared with the app sends 20 a second");
    let say = json!({ "type": "text", "text": "hi", "phone_number_id": further });
    mock.done("POST", "/handsets/14155550777/messages", say).await;
    let webhooks = mock.done("GET", "/webhooks", Value::Null).await;
    let last = webhooks["items"].as_array().unwrap().last().unwrap();
    assert!(last["kind"] == "message.text" && last["body_raw"].as_str().unwrap().contains(&further), "{last}");
    let nobody = json!({ "type": "text", "text": "hi", "phone_number_id": "1" });
    assert_eq!(
        mock.control("POST", "/handsets/14155550777/messages", nobody).await.body["pointer"],
        "/phone_number_id"
    );
    mock.graph(Method::POST, &format!("/{further}/deregister"), Value::Null).await;
    assert_eq!(mock.send(&sale("+14155550123", "Ana")).await.error().0, 133_010);
    mock.number = first;
    mock.send(&sale("+14155550123", "Ana")).await.wamid();
}

#[tokio::test]
async fn who_is_blocked_gets_nothing() {
    let mock = Mock::start().await;
    mock.done("POST", "/handsets/14155550777/messages", json!({ "type": "text", "text": "hi" })).await;
    let block = json!({ "messaging_product": "whatsapp", "block_users": [{ "user": "14155550777" }] });
    assert_eq!(mock.graph(Method::POST, &format!("{NUMBER}/block_users"), block).await.status, 200);
    mock.send(&sale("+14155550777", "Ana")).await.wamid();
    let messages = mock.settled("").await;
    assert_eq!(
        (&messages[0]["status"], &messages[0]["error"]["code"]),
        (&json!("failed"), &json!(131_026)),
        "{messages:?}"
    );
}

#[tokio::test]
async fn links_are_fetched_from_hosts_that_are_allowed() {
    let mut config = mock_whatsapp::config::Config::default();
    config.read("link_hosts = [\"127.0.0.1\"]").unwrap();
    let mock = Mock::of(MockWhatsApp::builder().config(config)).await;
    let host = Receiver::start("secret").await;
    mock.done("POST", "/handsets/14155550777/messages", json!({ "type": "text", "text": "hi" })).await;
    let good = format!("{}&hub.mode=subscribe&hub.challenge=1&hub.verify_token=secret", host.url);
    for link in [good.as_str(), &host.url, "https://pictures.example/a.png"] {
        mock.send(&picture("+14155550777", link)).await.wamid();
    }
    let messages = mock.settled("").await;
    let ends: Vec<_> = messages.iter().map(|message| (&message["status"], &message["error"]["code"])).collect();
    let read = json!("read");
    assert_eq!(ends, [(&read, &Value::Null), (&json!("failed"), &json!(131_053)), (&read, &Value::Null)]);
}
