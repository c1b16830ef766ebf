//! A tenant's time in the hands of a test.

use super::{Error, Tenant};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// A tenant's clock.
#[derive(Clone, Debug)]
pub struct Clock {
    tenant: Tenant,
}

/// What happened while time was moved.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Settled {
    /// The time that it is now, RFC 3339.
    pub now: String,
    /// What fell due.
    pub fired: Fired,
    /// Webhooks that are still not acknowledged.
    pub unacked: u64,
    /// Whether nothing is due any more.
    pub settled: bool,
}

/// What fell due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Fired {
    /// Status updates.
    pub statuses: u64,
    /// Webhooks that were answered, or not.
    pub webhooks: u64,
}

impl Clock {
    pub(super) fn new(tenant: Tenant) -> Self {
        Self { tenant }
    }

    async fn post(&self, verb: &str, body: Value) -> Result<Value, Error> {
        self.tenant.control("POST", &format!("/clock/{verb}"), body).await
    }

    /// The tenant's time, RFC 3339.
    ///
    /// # Errors
    /// If the mock has ended.
    pub async fn now(&self) -> Result<String, Error> {
        let clock: Value = self.tenant.control("GET", "/clock", ()).await?;
        Ok(clock["now"].as_str().unwrap_or_default().to_owned())
    }

    /// Stops it: it moves only by hand from now on.
    ///
    /// # Errors
    /// If somebody is moving it.
    pub async fn freeze(&self) -> Result<(), Error> {
        self.post("freeze", Value::Null).await.map(|_| ())
    }

    /// Lets it run at a multiple of real time.
    ///
    /// # Errors
    /// If the factor is not from 0.001 to 1,000,000.
    pub async fn run(&self, factor: f64) -> Result<(), Error> {
        self.post("run", json!({ "factor": factor })).await.map(|_| ())
    }

    /// Moves it; what falls due happens in order, and each webhook is awaited.
    ///
    /// # Errors
    /// If the clock is the real one: freeze it first.
    pub async fn advance(&self, by: Duration) -> Result<Settled, Error> {
        let by = humantime::format_duration(by).to_string();
        Ok(serde_json::from_value(self.post("advance", json!({ "by": by })).await?)?)
    }

    /// Moves it until nothing more is due, at most so far.
    ///
    /// # Errors
    /// If the clock is the real one: freeze it first.
    pub async fn settle(&self, most: Duration) -> Result<Settled, Error> {
        let most = humantime::format_duration(most).to_string();
        Ok(serde_json::from_value(self.post("settle", json!({ "max": most })).await?)?)
    }
}
