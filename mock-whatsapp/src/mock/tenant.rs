//! One tenant in the hands of a test: the settings of its sender, and everything that can be done to it.
//!
//! All of it goes through the control API, without HTTP: what a test in another language can do, this can, and the other way
//! round. It runs where the server runs, so any executor will do.

use super::{Clock, Error, Fault, Handset};
use crate::control;
use crate::control::messages::{Message, Wanted, find};
use crate::control::referee::{Judgement, judge};
use crate::identity::Identity;
use crate::limits::PAGE_MOST;
use crate::server::Server;
use crate::target::Target;
use crate::tenant::dispatch::Webhook;
use crate::verify::{Verified, Verify, verify};
use crate::worlds::Worlds;
use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use tokio::runtime::Handle;

/// A tenant of a running mock. Clones are the same tenant.
#[derive(Clone)]
pub struct Tenant {
    inner: Arc<Inner>,
}

struct Inner {
    identity: Identity,
    base_url: String,
    server: Arc<Server>,
    runtime: Handle,
}

impl fmt::Debug for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tenant({} at {})", self.inner.identity.name, self.inner.base_url)
    }
}

impl Tenant {
    pub(super) fn new(identity: Identity, base_url: String, server: Arc<Server>, runtime: Handle) -> Self {
        Self { inner: Arc::new(Inner { identity, base_url, server, runtime }) }
    }

    pub(super) fn other(&self, name: &str) -> Result<Self, Error> {
        let identity = Identity::of(name).ok_or_else(|| Error::Name(name.to_owned()))?;
        let Inner { base_url, server, runtime, .. } = &*self.inner;
        Ok(Self::new(identity, base_url.clone(), server.clone(), runtime.clone()))
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.inner.runtime
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.identity.name
    }

    /// In place of `https://graph.facebook.com`.
    pub fn base_url(&self) -> &str {
        &self.inner.base_url
    }

    /// The bearer token.
    pub fn token(&self) -> &str {
        &self.inner.identity.token
    }

    /// The business phone number's id.
    pub fn phone_number_id(&self) -> &str {
        &self.inner.identity.phone_number_id
    }

    /// The WhatsApp Business Account's id.
    pub fn waba_id(&self) -> &str {
        &self.inner.identity.waba_id
    }

    /// The app's id.
    pub fn app_id(&self) -> &str {
        &self.inner.identity.app_id
    }

    /// What webhooks are signed with.
    pub fn app_secret(&self) -> &str {
        &self.inner.identity.app_secret
    }

    /// What the webhook handshake carries.
    pub fn verify_token(&self) -> &str {
        &self.inner.identity.verify_token
    }

    /// All of these by the names of environment variables.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        self.inner.identity.env(&self.inner.base_url)
    }

    /// Sends webhooks to a URL from now on, without a handshake; `PUT /webhook` by [`Self::control`] does one.
    ///
    /// # Errors
    /// If it is no webhook URL, or the mock has ended.
    pub async fn set_webhook(&self, url: &str) -> Result<(), Error> {
        let target = Target::parse(url).map_err(Error::Url)?;
        let webhook = Webhook::new(target, self.inner.identity.verify_token.clone());
        self.with(move |tenant| tenant.set_webhook(Some(webhook))).await
    }

    /// The messages that were accepted, oldest first, at most [`PAGE_MOST`]; `GET /_mock/messages` has more.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn messages(&self) -> Result<Vec<Message>, Error> {
        let wanted = Wanted { limit: PAGE_MOST, ..Wanted::default() };
        self.with(move |tenant| find(tenant, &wanted).0).await
    }

    /// A contact's telephone.
    pub fn handset(&self, phone: impl fmt::Display) -> Handset {
        Handset::new(self.clone(), phone.to_string().trim_start_matches('+').to_owned())
    }

    /// Arms a fault, written as `POST /_mock/faults` takes it.
    ///
    /// ```
    /// # async fn example(whatsapp: &mock_whatsapp::MockWhatsApp) -> Result<(), mock_whatsapp::Error> {
    /// let fault = whatsapp.fault(serde_json::json!({ "kind": "error", "code": 131000, "share": 0.5 })).await?;
    /// fault.disarm().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// If there can be no such fault.
    pub async fn fault(&self, fault: impl Serialize) -> Result<Fault, Error> {
        let armed = self.control("POST", "/faults", fault).await?;
        Ok(Fault::new(self.clone(), &armed))
    }

    /// Asserts what was sent; whether it holds is in the answer, and what came closest where it does not.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use mock_whatsapp::{MockWhatsApp, Verify};
    /// use std::time::Duration;
    ///
    /// let whatsapp = MockWhatsApp::start().await?;
    /// // The service under test would send by now, or within 5 s.
    /// let verified = whatsapp.verify(Verify::to("+14155550123").count(0).within(Duration::from_millis(1))).await?;
    /// assert!(verified.pass, "{verified:?}");
    /// assert!(whatsapp.referee().await?.is_clean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn verify(&self, asked: Verify) -> Result<Verified, Error> {
        self.with(|_| ()).await?;
        let inner = self.inner.clone();
        let verifying =
            self.inner.runtime.spawn(async move { verify(&inner.server.worlds, &inner.identity.name, asked).await });
        verifying.await.map_err(|_| Error::Closed)?.map_err(|_| Error::Closed)?.ok_or(Error::Closed)
    }

    /// Its clock.
    pub fn clock(&self) -> Clock {
        Clock::new(self.clone())
    }

    /// What the referee says of the sender so far.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn referee(&self) -> Result<Judgement, Error> {
        self.with(|tenant| judge(tenant)).await
    }

    /// Forgets all that happened: messages, faults, handsets, the referee's findings. Ids, webhook and templates stay.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn reset(&self) -> Result<(), Error> {
        self.control("POST", "/reset", json!({ "tenant": self.name() })).await.map(|_: Value| ())
    }

    /// Keeps the tenant as it is now, and gives the snapshot's id. 16 are kept; the one that was not used for longest goes.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let whatsapp = mock_whatsapp::MockWhatsApp::start().await?;
    /// whatsapp.handset("+14155550123").says("hi").await?;
    /// let greeted = whatsapp.snapshot().await?;
    /// // What one test does from here, the next one does not see:
    /// whatsapp.restore(&greeted).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If time is being moved, a file is being uploaded, or there is no room.
    pub async fn snapshot(&self) -> Result<String, Error> {
        let kept: Value = self.control("POST", "/snapshot", ()).await?;
        Ok(kept["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Puts the tenant back as it was when a snapshot was taken. Nothing that happened since is delivered any more, and no id
    /// of a message comes twice. A clock that was frozen stands where it stood; one that was the real one runs on from where
    /// it was, so that what is due keeps its distance.
    ///
    /// # Errors
    /// If there is no such snapshot.
    pub async fn restore(&self, id: &str) -> Result<(), Error> {
        self.control("POST", "/restore", json!({ "id": id })).await.map(|_: Value| ())
    }

    /// Any call of the control API about this tenant: `path` is what stands behind `/_mock`, with its query. `()` is no body.
    ///
    /// # Errors
    /// If the control API refuses it.
    pub async fn control<R: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: impl Serialize,
    ) -> Result<R, Error> {
        let (_, answer) = self.ask(method, path, &body).await?;
        Ok(serde_json::from_value(answer)?)
    }

    /// The same with the status that it would have over HTTP.
    pub(super) async fn ask(&self, method: &str, path: &str, body: &impl Serialize) -> Result<(u16, Value), Error> {
        let body = match serde_json::to_value(body)? {
            Value::Null => Vec::new(),
            body => serde_json::to_vec(&body)?,
        };
        let Ok(method) = Method::from_bytes(method.as_bytes()) else {
            return Err(control::problem::Problem::unknown(format!("`{method}` is no method")).into());
        };
        // It is made by its first use.
        self.with(|_| ()).await?;
        let (inner, path) = (self.inner.clone(), path.to_owned());
        let calling = self.inner.runtime.spawn(async move {
            control::call(&inner.server, &inner.identity.name, &method, &path, body.into()).await
        });
        Ok(calling.await.map_err(|_| Error::Closed)??)
    }

    /// Does something where the tenant is.
    async fn with<R: Send + 'static>(
        &self,
        run: impl FnOnce(&mut crate::tenant::Tenant) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let identity = self.inner.identity.clone();
        let done = self.inner.server.worlds.with(move |worlds: &mut Worlds| worlds.enter(&identity).map(run));
        done.await.map_err(|_| Error::Closed)?.ok_or_else(|| Error::from(control::full()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::MockWhatsApp;
    use std::net::TcpStream;
    use std::sync::mpsc;
    use std::time::Duration;

    /// A mock where the tenants' task broke down while somebody looked up a name, and that somebody.
    async fn broken_down(builder: crate::Builder) -> (MockWhatsApp, mpsc::Sender<()>) {
        let whatsapp = builder.start().await.unwrap();
        let (found, look_up) = mpsc::channel::<()>();
        whatsapp.runtime().spawn_blocking(move || look_up.recv());
        let asked = whatsapp.with(|_| panic!("planted")).await;
        assert!(matches!(asked, Err(Error::Closed)), "{asked:?}");
        (whatsapp, found)
    }

    #[tokio::test]
    async fn a_mock_that_broke_down_says_so_to_every_call_and_is_dropped_at_once() {
        let (whatsapp, _found) = broken_down(MockWhatsApp::builder()).await;
        let other = whatsapp.tenant("w1").unwrap();
        for tenant in [&*whatsapp, &other] {
            let refused = [
                tenant.messages().await.err(),
                tenant.set_webhook("http://127.0.0.1:9/").await.err(),
                tenant.fault(json!({ "kind": "outage" })).await.err(),
                tenant.verify(Verify::to("+14155550123")).await.err(),
                tenant.clock().now().await.err(),
                tenant.handset("+14155550123").says("hi").await.err(),
                tenant.referee().await.err(),
                tenant.reset().await.err(),
            ];
            for (nth, error) in refused.iter().enumerate() {
                assert!(matches!(error, Some(Error::Closed)), "{nth}: {error:?}");
            }
        }
        let address = whatsapp.base_url().strip_prefix("http://").unwrap().to_owned();
        let (dropped, hear) = mpsc::channel();
        std::thread::spawn(move || {
            drop(whatsapp);
            dropped.send(()).unwrap();
        });
        assert_eq!(hear.recv_timeout(Duration::from_secs(20)), Ok(()), "it waits for a look-up that nobody needs");
        assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    }

    #[tokio::test]
    async fn a_judgement_that_a_break_down_prevents_is_no_good_one() {
        let (whatsapp, _found) = broken_down(MockWhatsApp::builder().verify_on_drop()).await;
        let dropped = std::thread::spawn(move || drop(whatsapp)).join().unwrap_err();
        let word = dropped.downcast_ref::<String>().unwrap();
        assert_eq!(word, "the referee cannot be asked: the mock does not run any more");
    }
}
