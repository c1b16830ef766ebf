//! A contact's telephone in the hands of a test.

use super::{Error, Tenant};
use serde::Serialize;
use serde_json::{Value, json};

/// A contact's telephone.
#[derive(Clone, Debug)]
pub struct Handset {
    tenant: Tenant,
    wa_id: String,
}

impl Handset {
    pub(super) fn new(tenant: Tenant, wa_id: String) -> Self {
        Self { tenant, wa_id }
    }

    async fn put(&self, method: &str, path: &str, body: impl Serialize) -> Result<Value, Error> {
        self.tenant.control(method, &format!("/handsets/{}{path}", self.wa_id), body).await
    }

    async fn act(&self, verb: &str) -> Result<(), Error> {
        self.put("POST", verb, ()).await.map(|_| ())
    }

    /// Makes it behave, as `PUT /_mock/handsets/{wa_id}` takes it: `{"kind": "offline", "for": "20h"}`.
    ///
    /// # Errors
    /// If there is no such behaviour.
    pub async fn behave(&self, how: impl Serialize) -> Result<(), Error> {
        self.put("PUT", "", how).await.map(|_| ())
    }

    /// The contact writes a text; its wamid.
    ///
    /// # Errors
    /// If it cannot.
    pub async fn says(&self, text: &str) -> Result<String, Error> {
        self.writes(json!({ "type": "text", "text": text })).await
    }

    /// The contact presses a quick-reply button of the last message that has one, by its label; the wamid.
    ///
    /// # Errors
    /// If there is no such button.
    pub async fn presses(&self, button: &str) -> Result<String, Error> {
        self.writes(json!({ "type": "button", "button": button })).await
    }

    /// The contact sends anything that `POST /_mock/handsets/{wa_id}/messages` takes; its wamid.
    ///
    /// # Errors
    /// If it cannot.
    pub async fn writes(&self, message: impl Serialize) -> Result<String, Error> {
        let written = self.put("POST", "/messages", message).await?;
        Ok(written["wamid"].as_str().unwrap_or_default().to_owned())
    }

    /// The contact opens the chat and reads everything.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn read(&self) -> Result<(), Error> {
        self.act("/read").await
    }

    /// The contact blocks the business.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn block(&self) -> Result<(), Error> {
        self.act("/block").await
    }

    /// The contact unblocks it.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn unblock(&self) -> Result<(), Error> {
        self.act("/unblock").await
    }

    /// The contact reports the business.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn report(&self) -> Result<(), Error> {
        self.act("/report").await
    }

    /// The contact stops promotions.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn opt_out(&self) -> Result<(), Error> {
        self.act("/opt-out").await
    }

    /// The contact allows promotions again.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn opt_in(&self) -> Result<(), Error> {
        self.act("/opt-in").await
    }

    /// The telephone finds a network; what waits is delivered.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn online(&self) -> Result<(), Error> {
        self.act("/online").await
    }

    /// The telephone is off.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn offline(&self) -> Result<(), Error> {
        self.act("/offline").await
    }
}
