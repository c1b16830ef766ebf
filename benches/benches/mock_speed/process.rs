//! Servers and loads as processes of this same program, and what the system tells of them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: String,
}

/// The contacts that were written to so far: nobody gets a second message.
static CONTACTS: AtomicUsize = AtomicUsize::new(0);

fn own(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a file"));
    command.args(arguments).env("RUST_LOG", "warn").stdin(Stdio::null());
    command
}

impl Server {
    /// Starts one, and waits until it listens.
    pub(crate) fn start(name: &str) -> Self {
        let mut child = own(&["--serve", name]).stdout(Stdio::piped()).spawn().expect("this program can be started");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output is a pipe");
        BufReader::new(out).read_line(&mut line).expect("it names its address");
        let (_, address) = line.trim_end().split_once("http://").expect("it names its address");
        Self { address: address.to_owned(), child }
    }

    /// Starts the mock as it is, and says how long its first answer took from the start of the process.
    #[expect(clippy::disallowed_methods, reason = "a benchmark is what a clock is for")]
    pub(crate) fn first_answer() -> (Self, Duration) {
        let begun = Instant::now();
        let server = Self::start("mock-as-it-is");
        server.call("GET", "/_mock/health", "");
        (server, begun.elapsed())
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Tells a mock where its webhooks go.
    pub(crate) fn tell(&self, receiver: &Server) {
        let url = receiver.url();
        self.call("PUT", "/_mock/webhook", &format!(r#"{{"url":"{url}","handshake":false,"retry":"none"}}"#));
    }

    /// Stops a mock's time, so that no webhook falls due.
    pub(crate) fn freeze(&self) {
        self.call("POST", "/_mock/clock/freeze", "");
    }

    fn call(&self, method: &str, path: &str, body: &str) {
        let mut stream = TcpStream::connect(&self.address).expect("the server listens");
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).expect("it takes the call");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{method} {path}: {answer}");
    }

    /// The processor's time that it has taken so far, where the system says it.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?;
        let of = |thread: std::fs::DirEntry| {
            let run = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            run.split(' ').next()?.parse().ok().map(Duration::from_nanos)
        };
        threads.map(|thread| of(thread.ok()?)).sum()
    }

    /// What the system says of its memory, in bytes: `VmRSS` now, `VmHWM` at the peak.
    pub(crate) fn memory(&self, which: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(which)?.strip_prefix(':'))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

/// Sends so many messages to a server from a process of its own, or as many as fit into some seconds; how long they took, and
/// how many they were.
pub(crate) fn load(server: &Server, requests: usize, connections: usize, seconds: usize) -> (Duration, usize) {
    let first = CONTACTS.fetch_add(requests, Ordering::Relaxed);
    let words = [requests, connections, first, seconds].map(|number| number.to_string());
    let arguments = ["--load", &server.address, &words[0], &words[1], &words[2], &words[3]];
    let output = own(&arguments).stderr(Stdio::inherit()).output().expect("this program can be started");
    let text = String::from_utf8(output.stdout).expect("digits");
    let (took, sent) = text.trim().split_once(' ').expect("the load went through");
    (Duration::from_micros(took.parse().expect("digits")), sent.parse().expect("digits"))
}
