//! Webhooks to receivers that speak HTTPS, and who vouches for these.

use crate::client::{Mock, sale};
use crate::receiver::Receiver;
use mock_whatsapp::{Error, MockWhatsApp};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedKey, IsCa, KeyPair, generate_simple_self_signed,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A certificate for a name that vouches for itself: in PEM, and what a receiver needs.
pub(crate) fn certificate(name: &str) -> (String, TlsAcceptor) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([name.to_owned()]).unwrap();
    shown(&cert, &signing_key)
}

/// The same as `openssl req -x509` makes it: an authority's and a server's at once.
fn authority(name: &str) -> (String, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new([name.to_owned()]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    shown(&parameters.self_signed(&key).unwrap(), &key)
}

fn shown(cert: &Certificate, signing_key: &KeyPair) -> (String, TlsAcceptor) {
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

fn detail(answer: &crate::client::Answer) -> &str {
    answer.body["detail"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_taken_only_by_whoever_says_so() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::start_behind(mock.whatsapp.verify_token(), Some(certificate("127.0.0.1").1)).await;
    for tls in [json!(null), json!("verify")] {
        let refused = mock.control("PUT", "/webhook", json!({ "url": receiver.url, "tls": tls })).await;
        assert_eq!((refused.status, &refused.body["received"]["status"]), (422, &json!(0)), "{refused:?}");
        assert!(detail(&refused).contains("its certificate is not trusted: "), "{refused:?}");
        assert!(detail(&refused).contains(r#"`"tls": "insecure"`"#), "{refused:?}");
    }
    assert_eq!(mock.done("GET", "/webhook", Value::Null).await["url"], Value::Null, "nothing has changed");
    let wish = json!({ "url": receiver.url, "tls": "insecure" });
    let taken = mock.done("PUT", "/webhook", wish).await;
    assert_eq!(taken["handshake"], json!({ "status": 200, "ok": true }));
    assert_eq!(mock.done("GET", "/webhook", Value::Null).await["tls"], "insecure");
    mock.send(&sale("+14155550123", "Ana")).await.wamid();
    for kind in ["sent", "delivered", "read"] {
        let webhook = receiver.next().await;
        assert_eq!((webhook.kind(), webhook.is_signed_with(mock.whatsapp.app_secret())), (kind, true));
    }
    mock.settled("").await;
    assert!(receiver.connections() <= 3 + 3, "{} connections", receiver.connections());
}

#[tokio::test]
async fn an_authority_vouches_for_its_receivers_by_their_names() {
    let ((pem, tls), (other_pem, other)) = (certificate("127.0.0.1"), certificate("hooks.example"));
    let mock = Mock::of(MockWhatsApp::builder().webhook_authority(pem).webhook_authority(other_pem)).await;
    let mut receiver = Receiver::start_behind(mock.whatsapp.verify_token(), Some(tls)).await;
    let stranger = Receiver::start_behind(mock.whatsapp.verify_token(), Some(other)).await;
    mock.done("PUT", "/webhook", json!({ "url": receiver.url })).await;
    let refused = mock.control("PUT", "/webhook", json!({ "url": stranger.url })).await;
    assert!(refused.status == 422 && detail(&refused).contains("its certificate is not trusted"), "{refused:?}");
    mock.whatsapp.handset("+14155550123").says("hi").await.unwrap();
    assert!(receiver.next().await.is_signed_with(mock.whatsapp.app_secret()));
}

#[tokio::test]
async fn an_authority_may_be_the_receiver_itself() {
    let ((pem, tls), (other_pem, other), (_, unknown)) =
        (authority("127.0.0.1"), authority("hooks.example"), authority("127.0.0.1"));
    let mock = Mock::of(MockWhatsApp::builder().webhook_authority(pem).webhook_authority(other_pem)).await;
    let receiver = Receiver::start_behind(mock.whatsapp.verify_token(), Some(tls)).await;
    mock.done("PUT", "/webhook", json!({ "url": receiver.url })).await;
    for (tls, why) in [(other, "of another name"), (unknown, "that nobody knows")] {
        let stranger = Receiver::start_behind(mock.whatsapp.verify_token(), Some(tls)).await;
        let refused = mock.control("PUT", "/webhook", json!({ "url": stranger.url })).await;
        assert!(
            refused.status == 422 && detail(&refused).contains("its certificate is not trusted"),
            "one {why}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_receiver_that_cannot_be_trusted_or_speaks_no_tls_gets_nothing_and_that_is_told() {
    let mock = Mock::start().await;
    let mut receiver = Receiver::start_behind("x", Some(certificate("127.0.0.1").1)).await;
    mock.whatsapp.set_webhook(&receiver.url).await.unwrap();
    mock.done("POST", "/webhooks", json!({ "field": "security", "value": {} })).await;
    let failed = async {
        loop {
            let webhooks = mock.done("GET", "/webhooks?state=retrying", Value::Null).await;
            if let Some(failure) = webhooks["items"][0]["attempts"][0]["failure"].as_str() {
                return failure.to_owned();
            }
            tokio::task::yield_now().await;
        }
    };
    let failure = tokio::time::timeout(crate::client::PATIENCE, failed).await.expect("the attempt fails");
    assert!(failure.starts_with("its certificate is not trusted"), "{failure}");
    assert!(receiver.ready().is_none());
    let plain = Receiver::start("x").await.url.replace("http:", "https:");
    let refused = mock.control("PUT", "/webhook", json!({ "url": plain })).await;
    assert!(refused.status == 422 && detail(&refused).contains("no TLS: "), "{refused:?}");
    assert!(!detail(&refused).contains("insecure"), "that would not help: {refused:?}");
}

#[tokio::test]
async fn an_authority_that_is_none_is_refused_at_the_start() {
    let started = MockWhatsApp::builder().webhook_authority("nothing").start().await;
    let Err(Error::Start(why)) = started else { panic!("it starts") };
    assert!(why.to_string().contains("no certificate"), "{why}");
}
