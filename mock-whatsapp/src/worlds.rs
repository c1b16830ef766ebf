//! The task that owns all tenants: calls come in through a bounded queue, what is due happens at its time, webhooks go out
//! and their answers come back.
//!
//! A queue and not a lock, on purpose: calls that came in meanwhile are taken in one after the other, and answered one after the
//! other. Tried with a lock, each call went all the way alone, with fewer instructions and twice the time.

use crate::clock::Clock;
use crate::config::Config;
use crate::graph::refusal::Refusal;
use crate::graph::send::Sending;
use crate::identity::Identity;
use crate::limits::{BATCH, CALLS, TENANTS};
use crate::net::Connector;
use crate::tenant::couriers::Landed;
use crate::tenant::dispatch::Outside;
use crate::tenant::{Reply, Tenant, Verdict, give, reload};
use cloud_api::time::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

/// What the worlds are asked.
pub enum Call {
    /// To take in a send.
    Post(Box<(Arc<Identity>, Sending)>, Reply),
    /// Anything else.
    Run(Box<dyn FnOnce(&mut Worlds) + Send>),
}

/// The server stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server stops")
    }
}

/// The way to the worlds.
#[derive(Clone)]
pub struct Handle {
    calls: mpsc::Sender<Call>,
    /// How connections are made, for handshakes.
    pub connector: Connector,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

impl Handle {
    /// Hands in a send and waits for its verdict.
    ///
    /// # Errors
    /// If it will get none.
    pub async fn post(&self, identity: Arc<Identity>, sending: Sending) -> Result<(Verdict, Timestamp), Closed> {
        let (reply, verdict) = oneshot::channel();
        self.calls.send(Call::Post(Box::new((identity, sending)), reply)).await.map_err(|_| Closed)?;
        verdict.await.map_err(|_| Closed)
    }

    /// Runs something where the worlds are.
    ///
    /// # Errors
    /// If they are no more.
    pub async fn with<R: Send + 'static>(
        &self,
        run: impl FnOnce(&mut Worlds) -> R + Send + 'static,
    ) -> Result<R, Closed> {
        let (reply, result) = oneshot::channel();
        let run = move |worlds: &mut Worlds| {
            if reply.send(run(worlds)).is_err() {
                tracing::debug!("nobody waits for the result any more");
            }
        };
        self.calls.send(Call::Run(Box::new(run))).await.map_err(|_| Closed)?;
        result.await.map_err(|_| Closed)
    }
}

/// All tenants.
#[derive(Debug)]
pub struct Worlds {
    config: Arc<Config>,
    outside: Outside,
    /// By the order of their making; a place is never used twice.
    tenants: BTreeMap<usize, Tenant>,
    made: usize,
    names: BTreeMap<String, usize>,
}

/// Makes the worlds, the way to them, and the task that runs them until no way is left.
pub fn start(config: Config, connector: Connector, clock: Clock) -> (Handle, impl Future<Output = ()>) {
    let (calls, called) = mpsc::channel(CALLS);
    let (landings, landed) = mpsc::unbounded_channel();
    let outside = Outside { connector: connector.clone(), clock, landings };
    let mut worlds =
        Worlds { config: Arc::new(config), outside, tenants: BTreeMap::new(), made: 0, names: BTreeMap::new() };
    if let Some(identity) = Identity::of(crate::identity::DEFAULT) {
        worlds.enter(&identity);
    }
    (Handle { calls, connector }, worlds.run(called, landed))
}

impl Worlds {
    /// The real time.
    pub fn real(&self) -> Timestamp {
        self.outside.clock.now()
    }

    /// The tenant of an identity, made if it is new; `None` if there are too many.
    pub fn enter(&mut self, identity: &Identity) -> Option<&mut Tenant> {
        match self.names.get(&identity.name) {
            Some(place) => self.tenants.get_mut(place),
            None => self.make(identity, self.config.clone()),
        }
    }

    /// Makes a tenant that is not there, with settings of its own; `None` if there are too many.
    pub fn make(&mut self, identity: &Identity, config: Arc<Config>) -> Option<&mut Tenant> {
        if self.tenants.len() == TENANTS {
            return None;
        }
        let place = self.made;
        self.made += 1;
        let tenant = Tenant::new(place, identity.clone(), config, self.outside.clone());
        self.names.insert(identity.name.clone(), place);
        Some(self.tenants.entry(place).or_insert(tenant))
    }

    /// Removes a tenant and all that it has; what was under way for it is ended by whoever waits for it.
    pub fn remove(&mut self, name: &str) -> Option<JoinSet<()>> {
        let place = self.names.remove(name)?;
        let real = self.real();
        self.tenants.remove(&place).map(|mut tenant| tenant.reset(real))
    }

    /// The tenant of a name, if it is there.
    pub fn find(&mut self, name: &str) -> Option<&mut Tenant> {
        self.names.get(name).and_then(|place| self.tenants.get_mut(place))
    }

    /// All of them, oldest first.
    pub fn all(&mut self) -> impl Iterator<Item = &mut Tenant> {
        self.tenants.values_mut()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.tenants.len()
    }

    /// What a tenant starts with of which nothing is said.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Goes by another configuration, and says what that changes. What happened so far is kept.
    pub fn reconfigure(&mut self, config: Config) -> Vec<String> {
        let (old, real) = (self.config.clone(), self.real());
        let changes = reload::changes(&old, &config);
        for tenant in self.tenants.values_mut() {
            tenant.reconfigure(&old, &config, real);
        }
        // The seed stays: tenants that are yet to be made belong to the same run.
        self.config = Arc::new(Config { seed: old.seed, ..config });
        changes
    }

    async fn run(mut self, mut calls: mpsc::Receiver<Call>, mut landed: mpsc::UnboundedReceiver<Landed>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let wake = self.tenants.values().filter_map(Tenant::wake).min();
            let clock = self.outside.clock;
            tokio::select! {
                biased;
                () = clock.sleep_until(wake.unwrap_or_default()), if wake.is_some() => {}
                Some(landed) = landed.recv() => self.land(landed),
                taken = calls.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        return;
                    }
                }
            }
            // Whatever woke us, everyone gets a turn: neither calls nor time can starve the others.
            for call in batch.drain(..) {
                self.take(call);
            }
            for _ in 0..BATCH {
                let Ok(call) = calls.try_recv() else { break };
                self.take(call);
            }
            for _ in 0..BATCH {
                let Ok(landed) = landed.try_recv() else { break };
                self.land(landed);
            }
            let real = self.real();
            for tenant in self.tenants.values_mut() {
                tenant.go_on(real);
            }
        }
    }

    fn take(&mut self, call: Call) {
        match call {
            Call::Run(run) => run(self),
            Call::Post(sending, reply) => {
                let real = self.real();
                let (identity, sending) = *sending;
                match self.enter(&identity) {
                    Some(tenant) => tenant.take_in(real, sending, reply),
                    None => {
                        give(reply, Verdict::Refused(Box::new(too_many())), real);
                    }
                }
            }
        }
    }

    fn land(&mut self, landed: Landed) {
        let real = self.real();
        if let Some(tenant) = self.tenants.get_mut(&landed.tenant()) {
            tenant.land(real, landed);
        }
    }
}

/// The refusal of a tenant beyond the last.
pub(crate) fn too_many() -> Refusal {
    Refusal::token(
        None,
        format!(
            "there are {TENANTS} tenants, which is all there can be; use one of them, or DELETE /_mock/tenants/{{name}} one"
        ),
    )
}
