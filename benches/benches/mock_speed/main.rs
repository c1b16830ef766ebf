//! The mock beside a bare hyper server that answers the same bytes and beside wiremock's server, at the same load from a
//! process of its own; how soon the mock answers after its start, and what it takes of memory.
//!
//! `cargo bench --bench mock_speed` prints all of it. The servers are processes, asked in turn in short rounds, and each round
//! gives a ratio: what else happens on the machine hits all alike. Beside the time stands the processor's time that the server
//! took for a request, which hangs on nothing else. With `--test` it runs small sizes once, so that it cannot rot. Processor
//! times and memory are what Linux tells of a process; elsewhere they are left out.

mod load;
mod process;
mod servers;

use process::Server;
use std::time::Duration;

/// Connections of the load: as many as an ordinary client keeps.
const CONNECTIONS: usize = 16;

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
    let took = process::load(server, requests, CONNECTIONS);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / requests as f64;
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
    mock.set_up("http://127.0.0.1:9/", "frozen");
    to_sink.set_up(&sink.url(), "real");
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
    for clock in ["real", "frozen"] {
        let server = Server::start("mock");
        server.set_up("http://127.0.0.1:9/", clock);
        process::load(&server, sends, CONNECTIONS);
        if let Some(peak) = server.memory("VmHWM") {
            println!(
                "  memory {:.0} MB at the peak after {sends} sends to as many contacts, clock {clock}",
                megabytes(peak)
            );
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--serve", name] => return servers::serve(name),
        ["--load", address, requests, connections, first] => return load::main(address, requests, connections, first),
        _ => {}
    }
    let once = words.contains(&"--test");
    speed(if once { 200 } else { 20_000 }, if once { 1 } else { 11 });
    start_and_memory(if once { 1 } else { 11 }, if once { 1_000 } else { 1_000_000 });
}
