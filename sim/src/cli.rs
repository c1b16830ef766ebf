//! The command line: what is asked for, and the exit status that answers.
//!
//! 0: everything holds; 1: a promise or an expectation is broken; 2: the command or a scenario file is wrong, or a level
//! cannot carry a scenario out.

mod check;
mod replay;
mod run;
mod schema;
mod shrink;
mod swarm;

pub use crate::progress::Progress;

use crate::scenario::{CONTACTS_MOST, Diagnostic, Level, Scenario};
use crate::swarm::{Failure, MESSAGES_MOST, failure};
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(
    name = "campaign-sim",
    version,
    about = "Simulates WhatsApp campaigns from scenario files, and judges what came of them"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Plain text, without colours
    #[arg(long, env = "NO_COLOR", hide = true, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    no_color: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs scenarios and says whether everything held
    Run(RunArgs),
    /// Parses and lints scenarios without running them, and says how far their levels agree
    Check {
        /// Scenario files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Runs many variations of scenarios, one a seed, and says which seeds fail
    Swarm(SwarmArgs),
    /// Prints the JSON Schema of scenario files, for editors
    Schema,
    /// Runs a failure again that run or swarm wrote, and tells what happened
    Replay {
        /// A failure.json
        #[arg(value_name = "FAILURE.json")]
        file: PathBuf,
        /// Tells the story of this message too; may be given several times
        #[arg(long = "message", value_name = "ID")]
        messages: Vec<u32>,
    },
    /// Writes the smallest scenario that still fails as this failure did
    Shrink {
        /// A failure.json
        #[arg(value_name = "FAILURE.json")]
        file: PathBuf,
        /// The scenario file; by default shrunk-SEED.toml. Lists of contacts that it needs are written beside it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to run them, instead of the file's own levels; may be given several times
    #[arg(long = "level", value_name = "LEVEL")]
    levels: Vec<Level>,
    /// What all chance hangs on, instead of the file's seed
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many contacts each campaign has, instead of the file's number; lists of contacts stay as they are
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(CONTACTS_MOST)))]
    contacts: Option<u32>,
    /// Where result.json is written: one object a line, as with --format json; and failure.json where a check fails
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Where the checks are written as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// At level live: how many times faster than real time the clocks run
    #[arg(long, value_name = "X", default_value_t = 60.0, value_parser = time_scale)]
    time_scale: f64,
}

#[derive(Debug, Args)]
struct SwarmArgs {
    /// Scenario files; each seed takes one
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How many seeds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first seed
    #[arg(long, value_name = "N", default_value_t = 0)]
    from: u64,
    /// Threads; by default one for each core. They change nothing but the time that it takes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    jobs: Option<u16>,
    /// Only the seeds of this part: with 2/4, those that leave 1 when divided by 4
    #[arg(long, value_name = "I/N", default_value = "1/1", value_parser = shard)]
    shard: (u64, u64),
    /// Begin no seed after this time
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    minutes: Option<u64>,
    /// Where the seeds run
    #[arg(long, value_name = "LEVEL", default_value = "model")]
    level: Level,
    /// How often the engine dies in each run, whatever the seed draws
    #[arg(long, value_name = "KILLS", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    times: Option<u32>,
    /// How many messages one run has at most
    #[arg(long, value_name = "N", default_value_t = MESSAGES_MOST, value_parser = clap::value_parser!(u32).range(1..=i64::from(CONTACTS_MOST)))]
    messages: u32,
    /// Where failure-SEED.json is written for seeds that fail
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One object a line
    Json,
}

/// What the command line says about a run, beside the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunOptions {
    /// Instead of the file's seed.
    pub seed: Option<u64>,
    /// Contacts of each campaign that is not of a file, instead of the file's number.
    pub contacts: Option<u32>,
    /// How many times faster than real time the clocks of level live run.
    pub time_scale: f64,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { seed: None, contacts: None, time_scale: 60.0 }
    }
}

impl ValueEnum for Level {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Model, Self::Stack, Self::Live]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

fn time_scale(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(scale) if scale > 0.0 && scale <= 1e6 => Ok(scale),
        _ => Err("write a number above 0, as in 60".to_owned()),
    }
}

/// `2/4`: the part, from 0, and how many there are.
fn shard(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/').and_then(|(part, all)| Some((part.parse().ok()?, all.parse().ok()?)));
    match parts {
        Some((part @ 1.., all)) if part <= all => Ok((part - 1, all)),
        _ => Err("write a part and how many parts there are, as in 1/4 … 4/4".to_owned()),
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug)]
enum Error {
    /// A scenario file is wrong.
    Scenario(Box<Diagnostic>),
    /// A result could not be written.
    Unwritten(PathBuf, io::Error),
    /// The output is closed or full.
    Output(io::Error),
    /// The options do not go together with the file.
    Usage(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scenario(diagnostic) => diagnostic.fmt(f),
            Self::Unwritten(path, error) => write!(f, "error: {} cannot be written: {error}", path.display()),
            Self::Output(error) => write!(f, "error: the output cannot be written: {error}"),
            Self::Usage(what) => write!(f, "error: {what}"),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Scenario(Box::new(diagnostic))
    }
}

/// What a command found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Holds,
    Broken,
    Wrong,
}

/// The program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let stdout = io::stdout();
    let colours = stdout.is_terminal() && cli.no_color.is_none_or(|set| set.is_empty());
    let mut out = stdout.lock();
    let done = match &cli.command {
        Command::Run(args) => run::run(args, colours, &mut out),
        Command::Check { files } => check::check(files, &mut out),
        Command::Swarm(args) => swarm::swarm(args, &mut out),
        Command::Schema => schema::schema(&mut out),
        Command::Replay { file, messages } => replay::replay(file, messages, &mut out),
        Command::Shrink { file, out: to } => shrink::shrink(file, to.as_deref(), &mut out),
    };
    let done = done.and_then(|status| out.flush().map(|()| status).map_err(Error::Output));
    match done {
        Ok(Status::Holds) => ExitCode::SUCCESS,
        Ok(Status::Broken) => ExitCode::from(1),
        Ok(Status::Wrong) => ExitCode::from(2),
        // Whoever reads has seen enough, as `head` does.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say(&error);
            ExitCode::from(2)
        }
    }
}

/// A failure, with its scenario and its level.
fn failure_of(file: &Path) -> Result<(Failure, Scenario, Level), Error> {
    let whole = || {
        let failure = Failure::load(file)?;
        let (scenario, level) = (failure.scenario()?, failure.level()?);
        Ok((failure, scenario, level))
    };
    whole().map_err(|error: failure::Error| Error::Usage(format!("{}: {error}", file.display())))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Tells people what went wrong. Where even that cannot be written, the exit status is all that is left.
fn say(what: &dyn fmt::Display) {
    writeln!(io::stderr(), "{what}").unwrap_or_default();
}
