//! Settings of a mock that a test starts.

use super::{Error, MockWhatsApp, Started, Tenant, serve};
use crate::clock::Pace;
use crate::config::{Config, MarketingCap, Rules, UnknownTemplates};
use crate::identity::{DEFAULT, Identity};
use crate::net::Connector;
#[cfg(feature = "tls")]
use crate::trust::Trust;
use mock_whatsapp_model::spec::{FaultSpec, LimitTold, MessagingLimit, Timing};
#[cfg(feature = "tls")]
use std::io;
use std::thread;
use tokio::sync::{oneshot, watch};

/// Settings of a [`MockWhatsApp`].
#[derive(Clone, Debug, Default)]
pub struct Builder {
    config: Config,
    verify_on_drop: bool,
    /// Certificates, in PEM.
    #[cfg(feature = "tls")]
    authorities: Vec<String>,
}

impl Builder {
    /// What all chance hangs on.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// How time begins: `Pace::Frozen` moves only by hand.
    #[must_use]
    pub fn clock(mut self, pace: Pace) -> Self {
        self.config.pace = pace;
        self
    }

    /// How long handsets take: [`Timing::quick`] unless said.
    #[must_use]
    pub fn timing(mut self, timing: Timing) -> Self {
        self.config.timing = timing;
        self
    }

    /// Messages a second that a number allows.
    #[must_use]
    pub fn throughput(mut self, messages_per_second: u32) -> Self {
        self.config.throughput = messages_per_second.max(1);
        self
    }

    /// Different contacts in 24 h that the portfolio may write to first; any number, unless said.
    #[must_use]
    pub fn messaging_limit(mut self, contacts: u32) -> Self {
        self.config.messaging_limit = MessagingLimit::Contacts(contacts);
        self
    }

    /// Refuses what goes beyond the messaging limit in the answer; it is taken and fails in a webhook, unless said.
    #[must_use]
    pub fn refuse_beyond_messaging_limit(mut self) -> Self {
        self.config.messaging_limit_told = LimitTold::Answer;
        self
    }

    /// How many marketing messages reach a contact in 24 h outside its service window; any number, unless said.
    #[must_use]
    pub fn marketing_cap(mut self, messages: u32) -> Self {
        self.config.marketing_cap = MarketingCap::Messages(messages);
        self
    }

    /// Which limits are kept: all, unless said.
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.config.rules = rules;
        self
    }

    /// Whether what is no template reaches a contact only within 24 h after it wrote; it does, unless said.
    #[must_use]
    pub fn window(mut self, kept: bool) -> Self {
        self.config.rules.window = kept;
        self
    }

    /// Takes templates that it does not know.
    #[must_use]
    pub fn accept_unknown_templates(mut self) -> Self {
        self.config.unknown_templates = UnknownTemplates::Accept;
        self
    }

    /// Whether `+1 AAA 555 NNNN` have a meaning; they have, unless said.
    #[must_use]
    pub fn magic_numbers(mut self, meaning: bool) -> Self {
        self.config.magic_numbers = meaning;
        self
    }

    /// Arms a fault in every tenant from its start; [`Tenant::fault`] arms one later.
    #[must_use]
    pub fn fault(mut self, fault: FaultSpec) -> Self {
        self.config.faults.push(fault);
        self
    }

    /// Lets authorities vouch for receivers of webhooks over HTTPS, beside the public ones: their certificates in PEM.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn webhook_authority(mut self, pem: impl Into<String>) -> Self {
        self.authorities.push(pem.into());
        self
    }

    fn connector(&self) -> Result<Connector, Error> {
        #[cfg(feature = "tls")]
        {
            let trust = self.authorities.iter().try_fold(Trust::default(), |trust, pem| trust.with(pem));
            let trust = trust.map_err(|why| Error::Start(io::Error::new(io::ErrorKind::InvalidInput, why)))?;
            Ok(Connector::tcp().trusting(trust))
        }
        #[cfg(not(feature = "tls"))]
        Ok(Connector::tcp())
    }

    /// Everything else.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Lets the test fail when the mock is dropped, if the referee finds the sender guilty. A test that has failed already is
    /// left in peace.
    #[must_use]
    pub fn verify_on_drop(mut self) -> Self {
        self.verify_on_drop = true;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// If there is no port or no thread to be had, or an authority is none.
    pub async fn start(self) -> Result<MockWhatsApp, Error> {
        let (started, starting) = oneshot::channel();
        let (stop, stopped) = watch::channel(false);
        let connector = self.connector()?;
        let body = move || serve(self.config, connector, stopped, started);
        let thread = thread::Builder::new().name("mock-whatsapp".to_owned()).spawn(body).map_err(Error::Start)?;
        let Started { address, server, runtime } = starting.await.map_err(|_| Error::Closed)?.map_err(Error::Start)?;
        let identity = Identity::of(DEFAULT).ok_or(Error::Closed)?;
        let tenant = Tenant::new(identity, format!("http://{address}"), server, runtime);
        Ok(MockWhatsApp { tenant, stop, thread: Some(thread), verify_on_drop: self.verify_on_drop })
    }
}
