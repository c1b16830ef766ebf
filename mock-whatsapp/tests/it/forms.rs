//! How clients that were not made for JSON write a call: names with brackets, and the token in the body.

use crate::client::Mock;
use hyper::Method;
use serde_json::Value;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const BEARER: (&str, &str) = ("authorization", "Bearer mock-token");

async fn call(mock: &Mock, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let (parts, body) = mock.exchange(method, path, headers, body.into()).await.unwrap();
    (parts.status.as_u16(), serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_forms_names_may_say_where_their_values_stand() {
    let mock = Mock::start().await;
    let path = format!("/v23.0/{}/messages", mock.number);
    let body = "messaging_product=whatsapp&to=14155550123&type=template&template%5Bname%5D=spring_sale\
                &template%5Blanguage%5D%5Bcode%5D=en_US&template[components][0][type]=body\
                &template[components][0][parameters][][type]=text&template[components][0][parameters][0][text]=Ana";
    let (status, answer) = call(&mock, Method::POST, &path, &[FORM, BEARER], body).await;
    assert_eq!(status, 200, "{answer}");
    let part =
        |name: &str, value: &str| format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let body: String = [
        ("messaging_product", "whatsapp"),
        ("to", "14155550123"),
        ("type", "text"),
        ("text[body]", "hi"),
        ("text[preview_url]", "false"),
    ]
    .map(|(name, value)| part(name, value))
    .concat();
    let multipart = ("content-type", "multipart/form-data; boundary=b");
    let (status, answer) = call(&mock, Method::POST, &path, &[multipart, BEARER], &format!("{body}--b--\r\n")).await;
    assert_eq!(status, 200, "{answer}");
    let rendered: Vec<Value> = mock.messages("").await.iter().map(|message| message["rendered"].clone()).collect();
    assert!(rendered[0].as_str().unwrap().contains("Ana") && rendered[1] == "hi", "{rendered:?}");
}

#[tokio::test]
async fn a_query_may_have_lists() {
    let mock = Mock::start().await;
    for query in ["fields[]=id&fields[]=status", "fields%5B0%5D=id&fields%5B1%5D=status", "fields=id,status"] {
        let path = format!("/v23.0/{}?{query}", mock.number);
        let (status, answer) = call(&mock, Method::GET, &path, &[BEARER], "").await;
        let keys: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((status, keys), (200, vec!["id", "status"]), "{answer}");
    }
}

#[tokio::test]
async fn a_token_may_stand_in_the_body() {
    let mock = Mock::start().await;
    let path = format!("/v23.0/{}/messages", mock.number);
    let form = "access_token=mock-token-other&messaging_product=whatsapp&to=14155550123&text[body]=hi";
    let json =
        r#"{"access_token":"mock-token","messaging_product":"whatsapp","to":"14155550123","text":{"body":"hi"}}"#;
    // The number is the default tenant's: so far the token is found, and is another's.
    let (status, answer) = call(&mock, Method::POST, &path, &[FORM], form).await;
    assert_eq!((status, &answer["error"]["error_subcode"]), (400, &33.into()), "{answer}");
    assert_eq!(call(&mock, Method::POST, &path, &[FORM], &form.replace("-other", "")).await.0, 200);
    assert_eq!(call(&mock, Method::POST, &path, &[], json).await.0, 200);
    assert_eq!(call(&mock, Method::POST, &path, &[("authorization", "Bearer x")], json).await.0, 401, "the head wins");
    let others = mock.done("GET", "/requests?tenant=other", Value::Null).await;
    assert_eq!(others["items"][0]["outcome"], "refused", "it is in the journal of whose token it was");
    let wrong = json.replace("\"mock-token\"", "7");
    assert_eq!(call(&mock, Method::POST, &path, &[], &wrong).await.0, 401);
}

#[tokio::test]
async fn an_apps_own_token_can_be_asked_for_in_a_form() {
    let mock = Mock::start().await;
    let (id, secret) = (mock.whatsapp.app_id(), mock.whatsapp.app_secret());
    let form = format!("client_id={id}&client_secret={secret}&grant_type=client_credentials");
    let (status, answer) = call(&mock, Method::POST, "/v19.0/oauth/access_token", &[FORM], &form).await;
    assert_eq!((status, &answer["access_token"]), (200, &format!("{id}|{secret}").into()));
    let (status, _) = call(&mock, Method::POST, "/v19.0/oauth/access_token", &[FORM], "client_id=1").await;
    assert_eq!(status, 400);
}
