//! `serve`: the server as a process, from its options to its last connection.

use super::{Failure, Handsets, Serve, print, ready, trust};
use crate::access::Unusable;
use crate::clock::Clock;
use crate::config::Config;
use crate::net::{Connector, Listener};
use crate::worlds::Handle;
use cloud_api::time::Timestamp;
use mock_whatsapp_model::spec::Timing;
use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// How often it is looked whether the configuration file has changed.
const LOOK: Duration = Duration::from_millis(500);

/// The longest configuration file: tens of thousands of faults, of which a tenant takes a thousand.
const CONFIG_BYTES: u64 = 4 * 1024 * 1024;

/// Runs a server until it is told to stop.
pub(super) fn serve(options: Serve) -> Result<(), Failure> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    let config = configure(&options)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Run(format!("no runtime: {error}")))?;
    runtime.block_on(listen(options, config))
}

/// What the options and the file say together.
fn configure(options: &Serve) -> Result<Config, Failure> {
    let control_token = options.control_token.as_deref().map(str::parse).transpose();
    let control_token = control_token.map_err(|why: Unusable| Failure::Usage(format!("--control-token: {why}")))?;
    let anchor = options.clock_anchor.map(Timestamp);
    let mut config = Config { pace: options.clock, anchor, control_token, ..Config::default() };
    if matches!(options.handsets, Handsets::Realistic) {
        config.timing = Timing::default();
    }
    if let Some(file) = &options.config {
        let name = file.display();
        let text = read(file).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
        config.read(&text).map_err(|error| Failure::Usage(format!("{name}:{error}")))?;
    }
    config.seed = options.seed.unwrap_or(config.seed);
    Ok(config)
}

/// What a configuration file says.
fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = fs::File::open(file)?.take(CONFIG_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > CONFIG_BYTES {
        return Err(io::Error::other(format!("a configuration has at most {CONFIG_BYTES} bytes")));
    }
    Ok(text)
}

async fn listen(options: Serve, config: Config) -> Result<(), Failure> {
    if !options.tls && options.tls_name.iter().any(|names| !names.0.is_empty()) {
        return Err(Failure::Usage("--tls-name names a certificate, and there is none without --tls".to_owned()));
    }
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => Failure::Run(format!(
            "cannot listen on {}: {error}; --listen 127.0.0.1:0 takes a free port",
            options.listen
        )),
        _ => Failure::Run(format!("cannot listen on {}: {error}", options.listen)),
    };
    let connector = trust::connector(options.webhook_ca.as_deref(), options.ssl_cert_file.as_deref(), "--webhook-ca")?;
    let listener = TcpListener::bind(options.listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    if !address.ip().is_loopback() {
        let shut = if options.control_token.is_some() { "" } else { "; --control-token shuts the control API" };
        tracing::warn!("whoever reaches {address} can use this server{shut}");
    }
    let (stop, stopped) = watch::channel(false);
    let mut signals = Signals::new().map_err(|error| Failure::Run(format!("no signals: {error}")))?;
    let (listener, connector) =
        if options.tls { secured(listener, connector, &options)? } else { (Listener::Tcp(listener), connector) };
    if let Some(file) = &options.port_file {
        let written = ready::place(file, &format!("{}\n", address.port()));
        written.map_err(|error| Failure::Run(format!("--port-file {}: {error}", file.display())))?;
    }
    print(&format!("mock-whatsapp listening on {}://{address}\n", listener.scheme()))?;
    let (server, shared) = crate::prepare(config, listener, connector, Clock::system(), stopped);
    let mut server = std::pin::pin!(server);
    let mut file = Watched::of(options.config.as_deref());
    loop {
        tokio::select! {
            biased;
            _ = signals.interrupt.recv() => break,
            _ = signals.terminate.recv() => break,
            () = &mut server => return Ok(()),
            _ = signals.hang_up.recv() => {
                file.look();
                reload(&options, &shared.worlds).await;
            }
            () = file.changes() => reload(&options, &shared.worlds).await,
        }
    }
    tracing::info!("stopping");
    stop.send_replace(true);
    server.await;
    Ok(())
}

/// Puts TLS before a listener, and its authority's certificate where clients find it. The server is a client that trusts it too.
#[cfg(feature = "tls")]
fn secured(listener: TcpListener, connector: Connector, options: &Serve) -> Result<(Listener, Connector), Failure> {
    let run = |error: &dyn std::fmt::Display| Failure::Run(error.to_string());
    let named = options.tls_name.iter().flat_map(|names| names.0.clone());
    let names: Vec<String> = std::iter::once(options.listen.ip().to_string()).chain(named).collect();
    let tls = crate::tls::Tls::new(&names).map_err(|error| Failure::Usage(format!("--tls-name: {error}")))?;
    let file = &options.tls_ca;
    let placed = ready::place(file, tls.authority()).and_then(|()| fs::canonicalize(file));
    let place = placed.map_err(|error| Failure::Run(format!("--tls-ca {}: {error}", file.display())))?;
    tracing::info!("clients must trust the certificate in {}", place.display());
    let trust = connector.trust().clone().with(tls.authority()).map_err(|error| run(&error))?;
    Ok((Listener::Tls(listener, tls), connector.trusting(trust)))
}

#[cfg(not(feature = "tls"))]
fn secured(_: TcpListener, _: Connector, _: &Serve) -> Result<(Listener, Connector), Failure> {
    Err(Failure::Usage("this program was built without TLS; build it with `--features cli,tls`".to_owned()))
}

/// Reads the configuration again. A file that is wrong changes nothing.
async fn reload(options: &Serve, worlds: &Handle) {
    let Some(file) = &options.config else {
        return tracing::info!("there is no configuration file to read again");
    };
    let config = match configure(options) {
        Ok(config) => config,
        Err(Failure::Usage(why) | Failure::Run(why)) => {
            return tracing::error!("the configuration is not changed: {why}");
        }
    };
    match worlds.with(move |worlds| worlds.reconfigure(config)).await {
        Ok(changes) if changes.is_empty() => tracing::info!("{}: read again, nothing has changed", file.display()),
        Ok(changes) => {
            for change in changes {
                tracing::info!("{}: {change}", file.display());
            }
        }
        Err(closed) => tracing::info!(%closed, "the configuration is not changed"),
    }
}

/// A file that is looked at now and then.
struct Watched {
    file: Option<PathBuf>,
    seen: Option<(SystemTime, u64)>,
}

impl Watched {
    fn of(file: Option<&Path>) -> Self {
        let mut watched = Self { file: file.map(Path::to_owned), seen: None };
        watched.look();
        watched
    }

    /// Whether it is not what it was when it was last looked at. A file that is gone for a moment is being written.
    fn look(&mut self) -> bool {
        let Some(file) = &self.file else { return false };
        let Ok(seen) = fs::metadata(file).and_then(|data| Ok((data.modified()?, data.len()))) else { return false };
        self.seen.replace(seen) != Some(seen)
    }

    /// Waits until it changes.
    async fn changes(&mut self) {
        if self.file.is_none() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LOOK).await;
            if self.look() {
                return;
            }
        }
    }
}

/// The signals that the program knows.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }
}
