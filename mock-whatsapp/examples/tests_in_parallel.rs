//! Tests in Rust, in parallel, on one mock: it lives in a static and outlives each test's runtime; each test has a tenant of
//! its own, whose time stands still.
//!
//! In a project of your own, the first two functions go into `tests/`, and the client is the one that your service has.
//! `cargo test -p mock-whatsapp --example tests_in_parallel` runs these.

#[cfg(not(test))]
fn main() {}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cloud_api::signature;
    use http_body_util::{BodyExt, Full};
    use hyper::body::Incoming;
    use hyper::service::service_fn;
    use hyper::{Request, Response, client, server};
    use hyper_util::rt::TokioIo;
    use mock_whatsapp::{MockWhatsApp, Tenant, Verify};
    use serde_json::{Value, json};
    use std::convert::Infallible;
    use std::time::Duration;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::{OnceCell, mpsc};

    static WHATSAPP: OnceCell<MockWhatsApp> = OnceCell::const_new();

    /// A tenant of this test's own.
    async fn whatsapp(test: &str) -> Tenant {
        let mock = WHATSAPP.get_or_init(|| async { MockWhatsApp::start().await.unwrap() }).await;
        let tenant = mock.tenant(test).unwrap();
        tenant.clock().freeze().await.unwrap();
        tenant
    }

    /// The client under test; yours would be given `base_url`, `token` and `phone_number_id` as well.
    async fn send(whatsapp: &Tenant, to: &str) -> (u16, Value) {
        let stream = TcpStream::connect(whatsapp.base_url().strip_prefix("http://").unwrap()).await.unwrap();
        let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let template = json!({ "name": "hello_world", "language": { "code": "en_US" } });
        let message = json!({ "messaging_product": "whatsapp", "to": to, "type": "template", "template": template });
        let request = Request::post(format!("/v25.0/{}/messages", whatsapp.phone_number_id()))
            .header("host", "graph.facebook.com")
            .header("authorization", format!("Bearer {}", whatsapp.token()))
            .body(Full::new(Bytes::from(message.to_string())))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap())
    }

    /// Receives webhooks, and hands on those whose signature is right.
    async fn receive(whatsapp: &Tenant) -> mpsc::UnboundedReceiver<Value> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        whatsapp.set_webhook(&format!("http://{}/", listener.local_addr().unwrap())).await.unwrap();
        let (came, webhooks) = mpsc::unbounded_channel();
        let secret = whatsapp.app_secret().to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (came, secret) = (came.clone(), secret.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (came, secret) = (came.clone(), secret.clone());
                    async move {
                        let signed = request.headers()["x-hub-signature-256"].to_str().unwrap().to_owned();
                        let raw = request.into_body().collect().await.unwrap().to_bytes();
                        let right = signature::verify(&secret, &signed, &raw).is_ok();
                        if right {
                            came.send(serde_json::from_slice(&raw).unwrap()).unwrap();
                        }
                        let status = if right { 200 } else { 401 };
                        Ok::<_, Infallible>(Response::builder().status(status).body(Full::<Bytes>::default()).unwrap())
                    }
                });
                tokio::spawn(server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        webhooks
    }

    #[tokio::test]
    async fn statuses_come_by_signed_webhooks_in_order() {
        let whatsapp = whatsapp("statuses").await;
        let mut webhooks = receive(&whatsapp).await;
        assert_eq!(send(&whatsapp, "+4915112345678").await.0, 200);
        whatsapp.clock().settle(Duration::from_secs(60)).await.unwrap();
        for wanted in ["sent", "delivered", "read"] {
            let webhook = webhooks.recv().await.unwrap();
            assert_eq!(webhook["entry"][0]["changes"][0]["value"]["statuses"][0]["status"], wanted);
        }
        assert!(whatsapp.verify(Verify::to("+4915112345678").count(1)).await.unwrap().pass);
        assert!(whatsapp.referee().await.unwrap().is_clean());
    }

    #[tokio::test]
    async fn twelve_hours_pass_at_once() {
        // A client's own timers are moved by `#[tokio::test(start_paused = true)]` and `tokio::time::advance`, after the mock's.
        let whatsapp = whatsapp("twelve-hours").await;
        whatsapp.handset("+4915112345678").behave(json!({ "kind": "offline", "for": "12h" })).await.unwrap();
        send(&whatsapp, "+4915112345678").await;
        whatsapp.clock().advance(Duration::from_secs(11 * 3_600)).await.unwrap();
        assert_eq!(whatsapp.messages().await.unwrap()[0].status, "sent");
        whatsapp.clock().advance(Duration::from_secs(2 * 3_600)).await.unwrap();
        assert_eq!(whatsapp.messages().await.unwrap()[0].status, "read");
    }

    #[tokio::test]
    async fn an_error_on_demand_comes_while_it_is_armed() {
        let whatsapp = whatsapp("errors").await;
        let fault = whatsapp.fault(json!({ "kind": "error", "code": 131000 })).await.unwrap();
        assert_eq!(send(&whatsapp, "+4915112345678").await.1["error"]["code"], 131_000);
        fault.disarm().await.unwrap();
        assert_eq!(send(&whatsapp, "+4915112345678").await.0, 200);
    }
}
