//! `referee`: asks a server for the judgement of a tenant's sender, says it in words, and writes it for CI.
//!
//! Exit status 0: clean. 1: guilty. 2: no answer, or none that can be trusted since evidence was forgotten.

use super::{Failure, Referee, junit, print, trust};
use crate::control::referee::{Judged, Judgement};
use crate::net::Connector;
use crate::target::{self, Target};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::Method;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper_util::rt::TokioIo;
use std::fmt::Write;
use std::process::ExitCode;
use std::time::Duration;

/// A judgement with all the evidence that a server keeps is below half a megabyte.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How long the server may take.
const WAIT: Duration = Duration::from_secs(30);

/// Asks, prints, and says how the program is to end.
pub(super) fn judge(options: &Referee) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Usage(format!("no runtime: {error}")))?;
    let asked = runtime.block_on(async { tokio::time::timeout(WAIT, ask(options)).await });
    let judgement = match asked {
        Ok(judgement) => judgement?,
        Err(_) => return Err(no_answer(options, &format!("it took longer than {} s", WAIT.as_secs()))),
    };
    if let Some(file) = &options.junit {
        let text = junit::write(&options.tenant, &judgement);
        std::fs::write(file, text).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    }
    print(&words(&options.tenant, &judgement))?;
    Ok(match judgement.verdict.as_str() {
        "clean" => ExitCode::SUCCESS,
        "guilty" => ExitCode::from(1),
        _ => ExitCode::from(2),
    })
}

fn no_answer(options: &Referee, why: &str) -> Failure {
    Failure::Usage(format!("{} gave no judgement: {why}", options.url))
}

async fn ask(options: &Referee) -> Result<Judgement, Failure> {
    let url = format!("{}/_mock/referee", options.url.trim_end_matches('/'));
    let target = Target::parse(&url).map_err(Failure::Usage)?.insecurely(options.insecure);
    let connector = match target.is_secure() {
        true => trust::connector(options.ca.as_deref(), options.ssl_cert_file.as_deref(), "--ca")?,
        // The file may be one that a server without TLS never wrote.
        false => Connector::tcp(),
    };
    let broken = |error: &dyn std::fmt::Display| no_answer(options, &error.to_string());
    let link = target.reach(&connector).await.map_err(|failure| match failure {
        target::Failure::Untrusted(_) => {
            broken(&format!("{failure}; --ca FILE says whom to trust, --insecure anybody"))
        }
        other => broken(&other),
    })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(link)).await.map_err(|error| broken(&error))?;
    let driving = tokio::spawn(connection);
    let query = format!("tenant={}", escape(&options.tenant));
    let mut request = target.request(Method::GET, &query, Bytes::new());
    if let Some(token) = &options.control_token {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let value = value.map_err(|_| Failure::Usage("the control token cannot stand in a header".to_owned()))?;
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await.map_err(|error| broken(&error))?;
    driving.abort();
    let body = body.to_bytes();
    if status != 200 {
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or("it says no more");
        return Err(no_answer(options, &format!("{status}: {detail}")));
    }
    serde_json::from_slice(&body).map_err(|error| no_answer(options, &format!("what it says is no judgement: {error}")))
}

/// Everything but letters, digits and `-_.`, percent-encoded.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    escaped
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase()
}

/// The judgement, to be read.
fn words(tenant: &str, judgement: &Judgement) -> String {
    let sum =
        |count: fn(&Judged) -> u64| -> u64 { judgement.rules.iter().filter(|rule| !rule.ignored).map(count).sum() };
    let (certain, suspected) = (sum(|rule| rule.certain), sum(|rule| rule.suspected));
    let Judgement { verdict, sends, .. } = judgement;
    let mut text = format!(
        "{verdict}: of {sends} sends of tenant {tenant}, {certain} faults are certain and {suspected} suspected\n"
    );
    if verdict == "incomplete" {
        text.push_str("Nothing is certain, but more happened than the referee can remember, so this proves nothing.\n");
    }
    for rule in judgement.rules.iter().filter(|rule| rule.certain + rule.suspected > 0) {
        let ignored = if rule.ignored { " (ignored)" } else { "" };
        let Judged { rule: name, certain, suspected, .. } = rule;
        // Writing to a text cannot fail.
        writeln!(text, "\n{name}{ignored}: {certain} certain, {suspected} suspected").unwrap_or_default();
        for evidence in &rule.evidence {
            let how = if evidence.certain { "certain  " } else { "suspected" };
            let to = evidence.to.as_deref().unwrap_or("-");
            let requests = evidence.requests.join(" ");
            writeln!(text, "  {how}  {to:<15}  {requests:<10}  {}", evidence.why).unwrap_or_default();
        }
        if rule.evidence_left_out > 0 {
            writeln!(text, "  … and {} more", rule.evidence_left_out).unwrap_or_default();
        }
    }
    text
}
