//! A fault that a test armed.

use super::{Error, Tenant};
use serde_json::Value;

/// A fault that is armed until it is disarmed, a reset comes, or its own bounds end it. Dropping this changes nothing.
#[derive(Clone, Debug)]
pub struct Fault {
    tenant: Tenant,
    id: String,
}

impl Fault {
    pub(super) fn new(tenant: Tenant, armed: &Value) -> Self {
        let id = match &armed["id"] {
            Value::String(id) => id.clone(),
            other => other.to_string(),
        };
        Self { tenant, id }
    }

    /// Its id in the control API.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Disarms it.
    ///
    /// # Errors
    /// If it is not there any more.
    pub async fn disarm(self) -> Result<(), Error> {
        self.tenant.control("DELETE", &format!("/faults/{}", self.id), ()).await.map(|_: Value| ())
    }
}
