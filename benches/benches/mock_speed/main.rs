//! The mock beside a bare hyper server that answers the same bytes and beside wiremock's server, at the same load from a
//! process of its own; how soon the mock answers after its start, and what it takes of memory.
//!
//! `cargo bench --bench mock_speed` prints all of it. The servers are processes, asked in turn in short rounds; each round gives
//! a ratio, and told is the median of them. With `--test` it runs small sizes once, so that it cannot rot.
//!
//! There are two ratios, since neither says it all. By the clock is what a sender sees; but the load's own process and whatever
//! else runs take turns with the server, and what they take is in both halves of the ratio, which draws it towards one. By the
//! processor's time that a server took for a request, only what the server does counts; but not what it waits for. Where the
//! two agree, they can be believed. Processor times and memory are what Linux tells of a process; elsewhere they are left out.

mod load;
mod process;
mod servers;

use process::Server;
use std::time::Duration;

/// Connections of the load: as many as an ordinary client keeps.
const CONNECTIONS: usize = 16;

/// How long a load may take: a million sends take less on an idle machine.
const SECONDS: usize = 90;

/// What a round of one server gave.
#[derive(Clone, Copy, Debug)]
struct Round {
    /// Wall time of a request, in microseconds.
    wall: f64,
    /// Processor's time that the server took for it, in microseconds.
    cpu: Option<f64>,
}

fn round(server: &Server, requests: usize) -> Round {
    let before = server.cpu();
    let (took, sent) = process::load(server, requests, CONNECTIONS, SECONDS);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / sent as f64;
    let cpu = before.zip(server.cpu()).map(|(before, after)| each(after - before));
    Round { wall: each(took), cpu }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Each server's rounds, taken in turn.
fn rounds(servers: &[(&str, &Server)], requests: usize, count: usize) -> Vec<Vec<Round>> {
    let mut all = vec![Vec::new(); servers.len()];
    for (_, server) in servers {
        // Nobody is measured cold.
        round(server, requests / 4);
    }
    for _ in 0..count {
        for ((_, server), rounds) in servers.iter().zip(&mut all) {
            rounds.push(round(server, requests));
        }
    }
    all
}

/// How many times as fast as another a server is, round by round, in wall time and in the processor's.
fn ratio(one: &[Round], other: &[Round]) -> (f64, f64) {
    let pairs = || one.iter().zip(other);
    let wall = pairs().map(|(one, other)| other.wall / one.wall).collect();
    let cpu = pairs().filter_map(|(one, other)| Some(other.cpu? / one.cpu?)).collect();
    (median(wall), median(cpu))
}

#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn speed(requests: usize, count: usize) {
    let hyper = Server::start("hyper");
    let wiremock = Server::start("wiremock");
    let mock = Server::start("mock");
    let to_sink = Server::start("mock");
    let sink = Server::start("hyper");
    mock.freeze();
    to_sink.tell(&sink);
    let servers = [("hyper", &hyper), ("wiremock", &wiremock), ("mock", &mock), ("mock, delivering", &to_sink)];
    let all = rounds(&servers, requests, count);
    println!("mock_speed: {count} rounds of {requests} sends over {CONNECTIONS} connections, medians");
    for ((name, _), rounds) in servers.iter().zip(&all) {
        let wall = median(rounds.iter().map(|round| round.wall).collect());
        let cpu = median(rounds.iter().filter_map(|round| round.cpu).collect());
        println!("  {name:17} {:>9.0} sends a second, {cpu:>6.1} µs of the server's processor time each", 1e6 / wall);
    }
    let told = |what: &str, (wall, cpu): (f64, f64)| {
        println!("  ratio  {:.0} % of {what}, {:.0} % by processor time", wall * 100.0, cpu * 100.0);
    };
    told("a bare hyper server's speed, webhooks queued", ratio(&all[2], &all[0]));
    told("wiremock's", ratio(&all[2], &all[1]));
    told("a bare hyper server's, three webhooks delivered for each send", ratio(&all[3], &all[0]));
}

#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn start_and_memory(starts: usize, sends: usize) {
    let mut idle = Vec::new();
    let times = (0..starts).map(|_| {
        let (server, took) = Server::first_answer();
        idle.extend(server.memory("VmRSS"));
        took.as_secs_f64() * 1e3
    });
    let time = median(times.collect());
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!("  start  {time:.1} ms from the start of the process to its first answer, median of {starts}");
    println!("  idle   {:.1} MB resident", median(idle.into_iter().map(megabytes).collect()));
    let sink = Server::start("hyper");
    for how in ["without a webhook", "with a webhook that answers", "while time stands still"] {
        let server = Server::start("mock");
        match how {
            "with a webhook that answers" => server.tell(&sink),
            "while time stands still" => server.freeze(),
            _ => {}
        }
        let (_, sent) = process::load(&server, sends, CONNECTIONS, SECONDS);
        if let Some(peak) = server.memory("VmHWM") {
            println!("  memory {:.0} MB at the peak of {sent} sends to as many contacts, {how}", megabytes(peak));
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--serve", name] => return servers::serve(name),
        ["--load", address, requests, connections, first, seconds] => {
            return load::main(address, requests, connections, first, seconds);
        }
        _ => {}
    }
    let once = words.contains(&"--test");
    speed(if once { 200 } else { 20_000 }, if once { 1 } else { 11 });
    start_and_memory(if once { 1 } else { 11 }, if once { 1_000 } else { 1_000_000 });
}
