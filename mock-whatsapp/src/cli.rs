//! The command line: the server as a program, and the settings that a sender needs to find it.

use crate::clock::{Clock, Pace};
use crate::config::Config;
use crate::identity::{DEFAULT, Identity};
use crate::net::{Connector, Listener};
use clap::{Args, Parser, Subcommand, ValueEnum};
use cloud_api::time::Timestamp;
use mock_whatsapp_model::spec::Timing;
use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

/// WhatsApp in a box: a stateful mock of the Cloud API that injects faults.
#[derive(Debug, Parser)]
#[command(name = "mock-whatsapp", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (what happens without a subcommand).
    Serve(Box<Serve>),
    /// Print a tenant's settings, for eval or a .env file.
    Env(Env),
}

#[derive(Debug, Args)]
struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "MOCK_WHATSAPP_LISTEN", default_value = "127.0.0.1:4080")]
    listen: SocketAddr,
    /// A TOML file: seed, throughput, messaging_limit, unknown_templates, magic_numbers, [rules], [handset], [[fault]].
    #[arg(long, env = "MOCK_WHATSAPP_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// What all chance hangs on.
    #[arg(long, env = "MOCK_WHATSAPP_SEED")]
    seed: Option<u64>,
    /// real, frozen, or how many times as fast as real time.
    #[arg(long, env = "MOCK_WHATSAPP_CLOCK", default_value = "real", value_name = "real|frozen|FACTOR")]
    clock: Pace,
    /// Where virtual and real time meet, in microseconds since 1970; the start, if not said.
    #[arg(long, env = "MOCK_WHATSAPP_CLOCK_ANCHOR", value_name = "UNIX_MICROS")]
    clock_anchor: Option<u64>,
    /// How long handsets take, unless [handset] says it.
    #[arg(long, env = "MOCK_WHATSAPP_HANDSETS", default_value = "quick")]
    handsets: Handsets,
    /// Gets the port's digits and a newline once the server listens.
    #[arg(long, env = "MOCK_WHATSAPP_PORT_FILE", value_name = "FILE")]
    port_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Handsets {
    /// Sent after 20 ms, delivered after 50 ms, read after 100 ms, always.
    Quick,
    /// Distributions as in the field.
    Realistic,
}

#[derive(Debug, Args)]
struct Env {
    /// Where the server is.
    #[arg(long, env = "MOCK_WHATSAPP_URL", default_value = "http://127.0.0.1:4080")]
    url: String,
    /// Whose settings.
    #[arg(long, env = "MOCK_WHATSAPP_TENANT", default_value = DEFAULT, value_name = "NAME")]
    tenant: String,
    /// The form.
    #[arg(long, env = "MOCK_WHATSAPP_FORMAT", default_value = "sh")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// `export NAME='value'` lines.
    Sh,
    /// `NAME=value` lines.
    Dotenv,
    /// One object.
    Json,
}

/// Why the program ends.
enum Failure {
    /// What was asked for makes no sense: 2.
    Usage(String),
    /// It makes sense and does not work: 1.
    Run(String),
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    main_from(std::env::args_os())
}

/// Runs the program with these arguments, of which the first is its name.
pub fn main_from(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = Cli::parse_from(arguments);
    let ended = match cli.command {
        None => serve(cli.serve),
        Some(Command::Serve(options)) => serve(*options),
        Some(Command::Env(options)) => env(&options),
    };
    let (message, code) = match ended {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => (message, 2),
        Err(Failure::Run(message)) => (message, 1),
    };
    #[expect(clippy::print_stderr, reason = "the program's last words")]
    {
        eprintln!("mock-whatsapp: {message}");
    }
    ExitCode::from(code)
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::Run(format!("the output cannot be written: {error}")))
}

fn env(options: &Env) -> Result<(), Failure> {
    let name = &options.tenant;
    let identity = Identity::of(name).ok_or_else(|| {
        Failure::Usage(format!("`{name}` is no tenant's name: 1 to 64 letters, digits, `-`, `_` or `.`"))
    })?;
    let settings = identity.env(options.url.trim_end_matches('/'));
    let lines = |line: fn(&str, &str) -> String| settings.iter().map(|(name, value)| line(name, value)).collect();
    let text: String = match options.format {
        Format::Sh => lines(|name, value| format!("export {name}='{}'\n", value.replace('\'', r"'\''"))),
        Format::Dotenv => lines(|name, value| format!("{name}={value}\n")),
        Format::Json => {
            let settings: serde_json::Map<_, _> =
                settings.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
            format!("{}\n", serde_json::Value::Object(settings))
        }
    };
    print(&text)
}

fn serve(options: Serve) -> Result<(), Failure> {
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

fn configure(options: &Serve) -> Result<Config, Failure> {
    let mut config = Config { pace: options.clock, anchor: options.clock_anchor.map(Timestamp), ..Config::default() };
    if matches!(options.handsets, Handsets::Realistic) {
        config.timing = Timing::default();
    }
    if let Some(file) = &options.config {
        let name = file.display();
        let text = fs::read_to_string(file).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
        config.read(&text).map_err(|error| Failure::Usage(format!("{name}:{error}")))?;
    }
    config.seed = options.seed.unwrap_or(config.seed);
    Ok(config)
}

async fn listen(options: Serve, config: Config) -> Result<(), Failure> {
    let refused = |error| Failure::Run(format!("cannot listen on {}: {error}", options.listen));
    let listener = TcpListener::bind(options.listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let (stop, stopped) = watch::channel(false);
    let signals = Signals::new().map_err(|error| Failure::Run(format!("no signals: {error}")))?;
    if let Some(file) = &options.port_file {
        let written = write_port(file, address.port());
        written.map_err(|error| Failure::Run(format!("{}: {error}", file.display())))?;
    }
    print(&format!("mock-whatsapp listening on http://{address}\n"))?;
    let server = crate::run(config, Listener::Tcp(listener), Connector::Tcp, Clock::system(), stopped);
    let mut server = std::pin::pin!(server);
    tokio::select! {
        biased;
        () = signals.any() => {
            tracing::info!("stopping");
            stop.send_replace(true);
            server.await;
        }
        () = &mut server => {}
    }
    Ok(())
}

/// The signals that end the program.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn any(mut self) {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Writes the port beside the file and renames it into place, so that nobody reads half of it.
fn write_port(file: &Path, port: u16) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = file.with_file_name(name);
    fs::write(&beside, format!("{port}\n"))?;
    fs::rename(&beside, file)
}
