//! The command line: what can be asked for, and how the program ends. What it does is below, one file a subcommand.

mod env;
mod junit;
mod lint;
mod names;
mod ready;
mod referee;
mod serve;
mod trust;

use crate::clock::Pace;
use crate::identity::DEFAULT;
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// WhatsApp in a box: a stateful mock of the Cloud API that injects faults.
#[derive(Debug, Parser)]
#[command(name = "mock-whatsapp", version, args_conflicts_with_subcommands = true)]
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
    /// Say what is wrong with a configuration file: exit status 0 if nothing is, 2 otherwise.
    Lint(Lint),
    /// Judge whoever sent to a running server: exit status 0 clean, 1 guilty, 2 no answer that proves anything.
    Referee(Referee),
}

#[derive(Debug, Args)]
struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "MOCK_WHATSAPP_LISTEN", default_value = "127.0.0.1:4080", value_parser = address)]
    listen: SocketAddr,
    /// A TOML file: seed, throughput, messaging_limit, marketing_cap, unknown_templates, magic_numbers, [rules], [handset],
    /// [[fault]] and more. It is read again when it changes, and on SIGHUP.
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
    /// Serve HTTPS, with a certificate for localhost, 127.0.0.1, ::1 and the address of --listen.
    #[arg(long, env = "MOCK_WHATSAPP_TLS", value_parser = FalseyValueParser::new())]
    tls: bool,
    /// Another name that the certificate is for, such as graph.facebook.com, for clients whose address cannot be changed: make
    /// that name this machine's, in /etc/hosts or a container's extra hosts. Several are separated by commas.
    #[arg(long, env = "MOCK_WHATSAPP_TLS_NAME", value_name = "NAME")]
    tls_name: Vec<names::Names>,
    /// Gets the certificate of the authority that made the server's, for clients to trust.
    #[arg(long, env = "MOCK_WHATSAPP_TLS_CA", value_name = "FILE", default_value = "mock-whatsapp-ca.pem")]
    tls_ca: PathBuf,
    /// Certificates in PEM whose authorities vouch for receivers of webhooks over HTTPS, beside the public ones and this
    /// server's own. Those of SSL_CERT_FILE do too.
    #[arg(long, env = "MOCK_WHATSAPP_WEBHOOK_CA", value_name = "FILE")]
    webhook_ca: Option<PathBuf>,
    /// What many programs read; it may be there for others, and so it may be missing.
    #[arg(long, env = "SSL_CERT_FILE", hide = true, value_name = "FILE")]
    ssl_cert_file: Option<PathBuf>,
    /// Shuts the control API to whoever does not send it as `Authorization: Bearer TOKEN`. Other users of the machine can read
    /// arguments, so rather set the variable.
    #[arg(long, env = "MOCK_WHATSAPP_CONTROL_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    // Judged later: clap repeats what it cannot parse.
    control_token: Option<String>,
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
    /// Where the server is; https:// if it was started with `--tls`.
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

#[derive(Debug, Args)]
struct Lint {
    /// The file.
    file: PathBuf,
}

#[derive(Debug, Args)]
struct Referee {
    /// Where the server is; https:// if it was started with `--tls`.
    #[arg(long, env = "MOCK_WHATSAPP_URL", default_value = "http://127.0.0.1:4080")]
    url: String,
    /// Whose sender is judged.
    #[arg(long, env = "MOCK_WHATSAPP_TENANT", default_value = DEFAULT, value_name = "NAME")]
    tenant: String,
    /// The certificate in PEM that vouches for an https:// server: what `--tls-ca` of the server wrote.
    #[arg(long, env = "MOCK_WHATSAPP_TLS_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// What many programs read; it may be there for others, and so it may be missing.
    #[arg(long, env = "SSL_CERT_FILE", hide = true, value_name = "FILE")]
    ssl_cert_file: Option<PathBuf>,
    /// Take any certificate of an https:// server.
    #[arg(long, env = "MOCK_WHATSAPP_INSECURE", value_parser = FalseyValueParser::new())]
    insecure: bool,
    /// Gets the judgement as JUnit XML, a case for each rule.
    #[arg(long, env = "MOCK_WHATSAPP_JUNIT", value_name = "FILE")]
    junit: Option<PathBuf>,
    /// What the server was started with, if it was.
    #[arg(long, env = "MOCK_WHATSAPP_CONTROL_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    control_token: Option<String>,
}

/// Where to listen.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an IP address and a port, as in 127.0.0.1:4080, or 0.0.0.0:4080 for all".to_owned())
}

/// Why the program ends.
#[derive(Debug)]
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
        None => serve::serve(cli.serve),
        Some(Command::Serve(options)) => serve::serve(*options),
        Some(Command::Env(options)) => env::print_settings(&options),
        Some(Command::Lint(options)) => lint::lint(&options.file),
        Some(Command::Referee(options)) => match referee::judge(&options) {
            Ok(code) => return code,
            Err(failure) => Err(failure),
        },
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
