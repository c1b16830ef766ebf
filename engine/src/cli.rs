//! The command line: what it takes, and which exit status says what.

mod list;
mod operate;
mod plan;
mod report;
mod screen;
mod send;
mod serve;

use crate::config::{self, Layers};
use crate::driver::Failure;
use crate::store::{self, Campaign, Keeper, Store};
use clap::{Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Sends WhatsApp campaigns: every contact once, whatever fails in between.
#[derive(Debug, Parser)]
#[command(name = "campaign-engine", version)]
struct Arguments {
    /// A configuration file (TOML). The environment wins over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a template to every contact of a CSV file; go on where an earlier run was stopped.
    Send(send::Arguments),
    /// Say what `send` would do: when it would be finished, and what would not fit into 72 hours. Sends nothing.
    Plan(plan::Arguments),
    /// Run the engine with its operator API, until it is stopped.
    Serve(serve::Arguments),
    /// Show campaigns and their messages per state.
    Status(report::StatusArguments),
    /// Hold a campaign: what is in flight is followed, nothing more is sent until it is resumed.
    Pause(operate::Arguments),
    /// Let a paused campaign go on.
    Resume(operate::Arguments),
    /// End a campaign for good: what is in flight is followed, the rest is not sent.
    Cancel(operate::Arguments),
    /// Write the messages of a campaign, one a line.
    Export(report::ExportArguments),
    /// Write the lines of a campaign's list that became no message.
    Rejects(report::RejectsArguments),
    /// Count a campaign's messages anew from their facts, and compare.
    Check(report::CheckArguments),
}

/// The ending of the file beside the store in which an engine says where its operator API listens.
const ADDRESS: &str = ".address";

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Why the program ends early, by what the caller must do.
#[derive(Debug)]
enum Problem {
    /// Mend the command line, the settings or the list: exit status 2.
    Usage(String),
    /// Something broke: exit status 1.
    Broken(String),
    /// Stopped by hand: exit status 130.
    Stopped(String),
}

impl Problem {
    fn usage(wrong: impl fmt::Display) -> Self {
        Self::Usage(wrong.to_string())
    }

    fn broken(wrong: impl fmt::Display) -> Self {
        Self::Broken(wrong.to_string())
    }
}

impl From<config::Error> for Problem {
    fn from(wrong: config::Error) -> Self {
        Self::usage(wrong)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(_) => Self::usage(failure),
            Failure::Store(_) | Failure::Task(_) => Self::broken(failure),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(wrong: store::Error) -> Self {
        Self::broken(wrong)
    }
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    main_from(std::env::args_os())
}

/// Runs the program with these arguments, of which the first is its name.
pub fn main_from(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = Arguments::parse_from(arguments);
    let result = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(wrong) => Err(Problem::Broken(format!("cannot start: {wrong}"))),
    };
    match result {
        Ok(code) => code,
        Err(problem) => {
            let (code, text) = match problem {
                Problem::Usage(text) => (2, text),
                Problem::Broken(text) => (1, text),
                Problem::Stopped(text) => (130, text),
            };
            screen::error(&text);
            ExitCode::from(code)
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Problem> {
    let environment = &config::environment;
    config::refuse_unknown(config::environment_names())?;
    let layers = Layers::read(arguments.config.as_deref(), environment)?;
    match arguments.command {
        Command::Send(arguments) => send::run(&layers, arguments).await,
        Command::Plan(arguments) => plan::run(&layers, &arguments),
        Command::Pause(arguments) => operate::run(&layers, operate::Act::Pause, &arguments).await,
        Command::Resume(arguments) => operate::run(&layers, operate::Act::Resume, &arguments).await,
        Command::Cancel(arguments) => operate::run(&layers, operate::Act::Cancel, &arguments).await,
        Command::Serve(arguments) => serve::run(&layers, arguments).await,
        Command::Status(arguments) => report::status(&layers, &arguments),
        Command::Export(arguments) => report::export(&layers, &arguments),
        Command::Rejects(arguments) => report::rejects(&layers, &arguments),
        Command::Check(arguments) => report::check(&layers, &arguments),
    }
}

/// A store that this process works on, and no other. The lock goes with the process, however it ends.
struct OwnStore {
    keeper: Keeper,
    id: u64,
    path: PathBuf,
    _lock: std::fs::File,
}

impl OwnStore {
    fn open(path: &Path) -> Result<Self, Problem> {
        Self::open_if_free(path)?.ok_or_else(|| {
            Problem::Usage(format!(
                "another campaign-engine works on the store {}: wait for it, use its HTTP API, or name another store \
                 with CAMPAIGN_ENGINE_STORE",
                path.display()
            ))
        })
    }

    /// None where another process works on it.
    fn open_if_free(path: &Path) -> Result<Option<Self>, Problem> {
        let bad = |wrong: std::io::Error| Problem::Usage(format!("cannot open the store {}: {wrong}", path.display()));
        let lock = beside(path, ".lock");
        let lock = std::fs::File::options().create(true).append(true).open(lock).map_err(bad)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
            Err(std::fs::TryLockError::Error(wrong)) => return Err(bad(wrong)),
        }
        // What an engine left that did not end well.
        match std::fs::remove_file(beside(path, ADDRESS)) {
            Err(wrong) if wrong.kind() != std::io::ErrorKind::NotFound => return Err(bad(wrong)),
            Ok(()) | Err(_) => {}
        }
        let store = Store::open_sqlite(path, None)?;
        let id = store.id();
        let keeper = Keeper::thread(store).map_err(bad)?;
        Ok(Some(Self { keeper, id, path: path.to_owned(), _lock: lock }))
    }

    /// Says where the operator API of this process listens, for commands that find the store taken.
    fn announce(&self, address: SocketAddr) -> std::io::Result<()> {
        let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
        std::fs::write(beside(&self.path, ADDRESS), SocketAddr::new(ip, address.port()).to_string())
    }

    /// Where the process that works on a store listens.
    fn address(path: &Path) -> Option<SocketAddr> {
        std::fs::read_to_string(beside(path, ADDRESS)).ok()?.trim().parse().ok()
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Opens the store beside whoever works on it, for reading.
fn read_store(layers: &Layers<'_>) -> Result<Store, Problem> {
    let path = layers.store();
    if !path.exists() {
        return Err(Problem::Usage(format!(
            "there is no store {}: name it with CAMPAIGN_ENGINE_STORE, or send something first",
            path.display()
        )));
    }
    Ok(Store::read_sqlite(&path)?)
}

fn find_campaign(store: &Store, name: &str) -> Result<Campaign, Problem> {
    find_in(&store.campaigns()?, name)
}

fn find_in(campaigns: &[Campaign], name: &str) -> Result<Campaign, Problem> {
    let names: Vec<&str> = campaigns.iter().map(|campaign| campaign.name.as_str()).collect();
    let known = if names.is_empty() { "there is none".into() } else { format!("there are: {}", names.join(", ")) };
    let missing = Problem::Usage(format!("there is no campaign `{name}`; {known}"));
    campaigns.iter().find(|campaign| campaign.name == name).cloned().ok_or(missing)
}

/// Logs to stderr; `RUST_LOG` decides what, and warnings are on by default.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let started = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    if started.is_err() {
        // A log was started before, in this process: it goes on.
    }
}
