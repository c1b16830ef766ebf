//! The program: its one line on stdout, its port file, its exit codes.

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring};

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_mock-whatsapp"));
    // What the tests themselves are started with says nothing.
    program.env_remove("SSL_CERT_FILE");
    program
}

#[test]
fn the_server_says_where_it_listens_and_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("port");
    let mut server = program()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--clock",
            "frozen",
            "--clock-anchor",
            "1772366400000000",
            "--port-file",
        ])
        .arg(&file)
        .env("MOCK_WHATSAPP_SEED", "7")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(server.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("mock-whatsapp listening on http://").unwrap().to_owned();
    let port = std::fs::read_to_string(&file).unwrap();
    assert_eq!(address, format!("127.0.0.1:{}", port.strip_suffix('\n').unwrap()));
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /_mock/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("x-mock-time: 2026-03-01T12:00:00.000000Z"), "{answer}");
    let killed = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "stdout carries the address only");
}

#[test]
fn a_bad_configuration_is_told_by_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mock.toml");
    std::fs::write(&file, "seed = 1\n[[fault]]\nkind = \"throttle\"\n").unwrap();
    let output = program().arg("--config").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    let wanted = format!("mock-whatsapp: {}:2:1: a fault of this kind", file.display());
    assert!(message.starts_with(&wanted), "{message}");
    assert_eq!(program().args(["--clock", "sometimes"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn settings_are_printed_for_a_shell_a_file_or_a_program() {
    let print = |arguments: &[&str]| {
        let output = program().arg("env").args(arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let shell = print(&["--url", "http://127.0.0.1:5000/"]);
    assert!(
        shell.starts_with("export WHATSAPP_BASE_URL='http://127.0.0.1:5000'\nexport WHATSAPP_TOKEN='mock-token'\n"),
        "{shell}"
    );
    assert!(print(&["--format", "dotenv", "--tenant", "w1"]).contains("\nWHATSAPP_TOKEN=mock-token-w1\n"));
    let object: serde_json::Value = serde_json::from_str(&print(&["--format", "json"])).unwrap();
    assert_eq!(object["WHATSAPP_PHONE_NUMBER_ID"], "100000000000001");
    assert_eq!(program().args(["env", "--tenant", "a b"]).output().unwrap().status.code(), Some(2));
}

/// A running program, ended when it is dropped.
struct Running {
    child: Child,
    /// What stands behind `listening on `.
    url: String,
    log: Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn start(arguments: &[&str], folder: &Path, variables: &[(&str, &str)]) -> Self {
        let child = program()
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self::of(child)
    }

    /// A program that was just started, once it says where it listens.
    fn of(mut child: Child) -> Self {
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("mock-whatsapp listening on ").unwrap().to_owned();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, url, log }
    }

    fn address(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// The status and the whole of the answer to a call over plain HTTP.
    fn call(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let length = body.len();
        let head =
            format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer)
    }

    /// The next line of the log that has these words.
    fn says(&mut self, words: &str) -> String {
        let line = self.log.by_ref().map(|line| line.unwrap()).find(|line| line.contains(words));
        line.unwrap_or_else(|| panic!("the log ends without `{words}`"))
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(|_| ()).unwrap_or_default();
    }
}

const SEND: &str = r#"{"messaging_product":"whatsapp","to":"+4915112345678","type":"text","text":{"body":"hello"}}"#;

const SALE: &str = r#"{"messaging_product":"whatsapp","to":"+4915112345678","type":"template","template":{"name":"spring_sale","language":{"code":"en_US"},"components":[{"type":"body","parameters":[{"type":"text","text":"Ana"}]}]}}"#;

#[test]
fn https_is_trusted_by_whoever_trusts_the_authority_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--tls", "--tls-ca", "ca.pem", "--tls-name", "graph.facebook.com,lookaside.fbsbx.com"];
    let mut running = Running::start(&arguments, folder.path(), &[]);
    assert!(running.url.starts_with("https://127.0.0.1:"), "{}", running.url);
    let said = running.says("clients must trust the certificate in ");
    let file = said.split_once("certificate in ").unwrap().1.to_owned();
    assert!(file.ends_with("/ca.pem"), "{file}");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&file).unwrap()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Arc::new(client);
    for name in ["localhost", "127.0.0.1", "::1", "graph.facebook.com", "lookaside.fbsbx.com"] {
        let connection = ClientConnection::new(client.clone(), ServerName::try_from(name).unwrap()).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(running.address()).unwrap());
        stream.write_all(b"GET /_mock/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        // The other end may leave out TLS's farewell.
        stream.read_to_string(&mut answer).unwrap_or_default();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{name}: {answer}");
    }
}

#[test]
fn a_server_that_may_open_no_more_files_says_so_and_what_helps_and_goes_on_when_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let server = env!("CARGO_BIN_EXE_mock-whatsapp");
    let child = Command::new("sh")
        .args(["-c", "ulimit -n 40 && exec \"$0\" --listen 127.0.0.1:0", server])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut running = Running::of(child);
    let many: Vec<TcpStream> = (0..60).map(|_| TcpStream::connect(running.address()).unwrap()).collect();
    let said = running.says("no further connection is accepted");
    assert!(said.contains("`ulimit -n 8192`"), "{said}");
    drop(many);
    assert_eq!(running.call("GET", "/_mock/health", "", "").0, 200);
}

#[test]
fn an_address_that_is_none_and_a_configuration_without_an_end_are_told() {
    for (arguments, why) in [
        (["--listen", "localhost:4080"], "an IP address and a port, as in 127.0.0.1:4080"),
        (["--listen", "4080"], "an IP address and a port, as in 127.0.0.1:4080"),
        (["--config", "/dev/zero"], "a configuration has at most"),
    ] {
        let output = program().args(["--clock", "frozen"]).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(why), "{arguments:?}: {said}");
    }
    for (option, file) in [("--port-file", "none/port"), ("--tls-ca", "none/ca.pem")] {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["--listen", "127.0.0.1:0", "--tls", "--tls-ca", "ca.pem", option, file];
        // The last says it, but --tls-ca can be there only once.
        let arguments =
            if option == "--tls-ca" { [&arguments[..3], &arguments[5..]].concat() } else { arguments.to_vec() };
        let output = program().current_dir(folder.path()).args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let why = format!("mock-whatsapp: {option} {file}: No such file or directory");
        assert!(output.status.code() == Some(1) && said.contains(&why), "{option}: {said}");
    }
}

#[test]
fn a_name_for_a_certificate_is_refused_where_there_is_none_or_it_is_no_name() {
    // A server that takes one after all writes its authority there.
    let folder = tempfile::tempdir().unwrap();
    let program = || {
        let mut program = program();
        program.current_dir(folder.path()).args(["--listen", "127.0.0.1:0"]);
        program
    };
    for (arguments, why) in [
        (&["--tls-name", "x.example"][..], "--tls"),
        (&["--tls", "--tls-name", "ü.example"], "--tls-name"),
        (&["--tls", "--tls-name", "x.example,https://y.example"], "`https://y.example` is no name"),
        (&["--tls", "--tls-name", "x.example:443"], "without https://, port and path"),
        (&["--tls", "--tls-name", "x example"], "`x example` is no name"),
    ] {
        let output = program().args(arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(why), "{arguments:?}: {said}");
    }
    let named = program().arg("--tls").env("MOCK_WHATSAPP_TLS_NAME", "a_b.example/x").output();
    let said = String::from_utf8(named.unwrap().stderr).unwrap();
    assert!(said.contains("`a_b.example/x` is no name"), "{said}");
}

#[test]
fn names_for_a_certificate_may_be_none_or_have_blanks_around() {
    let folder = tempfile::tempdir().unwrap();
    let ready = |arguments: &[&str], names: &str| {
        Running::start(arguments, folder.path(), &[("MOCK_WHATSAPP_TLS_NAME", names)]).url.clone()
    };
    assert!(ready(&[], "").starts_with("http://"), "an empty variable is as good as none");
    assert!(ready(&["--tls"], " graph.facebook.com , ,10.0.0.7,").starts_with("https://"));
}

#[tokio::test]
async fn receivers_are_vouched_for_by_a_file_of_an_option_or_of_the_usual_variable() {
    let folder = tempfile::tempdir().unwrap();
    let (pem, tls) = crate::https::certificate("127.0.0.1");
    std::fs::write(folder.path().join("ca.pem"), pem).unwrap();
    let receiver = crate::receiver::Receiver::start_behind("mock-verify-token", Some(tls)).await;
    let wish = format!(r#"{{"url":"{}"}}"#, receiver.url);
    for (arguments, variables, status) in [
        (&["--webhook-ca", "ca.pem"][..], &[][..], 200),
        (&[], &[("SSL_CERT_FILE", "ca.pem")], 200),
        (&[], &[("SSL_CERT_FILE", "missing.pem")], 422),
    ] {
        let running = Running::start(arguments, folder.path(), variables);
        let wish = wish.clone();
        // The receiver lives on this thread.
        let called = tokio::task::spawn_blocking(move || running.call("PUT", "/_mock/webhook", "", &wish));
        let (answered, answer) = called.await.unwrap();
        assert_eq!(answered, status, "{arguments:?} {variables:?}: {answer}");
    }
    let missing = program().args(["--webhook-ca", "missing.pem"]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(missing.stderr).unwrap();
    assert!(missing.status.code() == Some(2) && said.contains("--webhook-ca: missing.pem: "), "{said}");
}

#[test]
fn the_referee_asks_over_https_whom_it_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&["--tls", "--tls-ca", "ca.pem"], folder.path(), &[]);
    let judge = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut judge = program();
        judge.arg("referee").env("MOCK_WHATSAPP_URL", &running.url).args(arguments).envs(variables.iter().copied());
        let output = judge.current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), said)
    };
    for (arguments, variables) in
        [(&["--ca", "ca.pem"][..], &[][..]), (&[], &[("SSL_CERT_FILE", "ca.pem")]), (&["--insecure"], &[])]
    {
        let (code, said) = judge(arguments, variables);
        assert!(code == Some(0) && said.starts_with("clean: of 0 sends"), "{arguments:?} {variables:?}: {said}");
    }
    let (code, said) = judge(&[], &[]);
    assert!(code == Some(2) && said.contains("its certificate is not trusted"), "{said}");
    assert!(said.contains("--ca FILE"), "{said}");
    let (code, said) = judge(&["--ca", "missing.pem"], &[]);
    assert!(code == Some(2) && said.contains("--ca: missing.pem: "), "{said}");
    let plain = Running::start(&[], folder.path(), &[]);
    let (code, said) = judge(&["--url", &plain.url], &[("MOCK_WHATSAPP_TLS_CA", "missing.pem")]);
    assert_eq!(code, Some(0), "nobody needs the file: {said}");
}

#[test]
fn a_control_token_shuts_the_control_api_and_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&[], folder.path(), &[("MOCK_WHATSAPP_CONTROL_TOKEN", "s3cret")]);
    for headers in ["", "Authorization: Bearer wrong\r\n", "Authorization: Bearer mock-token\r\n"] {
        assert_eq!(running.call("GET", "/_mock/health", headers, "").0, 200, "probes of readiness have no token");
        for path in ["/_mock/messages", "/_mock/health/", "/_mock/tenants", "/_mock"] {
            let (status, answer) = running.call("GET", path, headers, "");
            assert!(
                status == 401 && answer.contains("problem+json") && answer.contains("www-authenticate"),
                "{answer}"
            );
            assert!(!answer.contains("s3cret"), "{answer}");
        }
    }
    assert_eq!(running.call("GET", "/_mock/tenants", "Authorization: Bearer s3cret\r\n", "").0, 200);
    let sent = running.call("POST", "/100000000000001/messages", "Authorization: Bearer mock-token\r\n", SEND);
    assert_eq!(sent.0, 200, "the Graph API has tokens of its own: {}", sent.1);
    running.signal("TERM");
    let log: String = running.log_to_the_end();
    assert!(!log.contains("s3cret"), "{log}");
    for arguments in [&["--help"][..], &["--control-token", "s3cret s3cret"]] {
        let output = program().args(arguments).env("MOCK_WHATSAPP_CONTROL_TOKEN", "s3cret").output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8(printed).unwrap().contains("s3cret"), "{arguments:?}");
    }
}

impl Running {
    /// What is left of the log when the program has ended.
    fn log_to_the_end(mut self) -> String {
        self.log.by_ref().map(|line| line.unwrap() + "\n").collect()
    }
}

#[test]
fn a_configuration_that_changes_is_read_again_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mock.toml");
    std::fs::write(&file, "seed = 1\n").unwrap();
    let mut running = Running::start(&["--config", "mock.toml"], folder.path(), &[]);
    let send = |running: &Running| {
        running.call("POST", "/100000000000001/messages", "Authorization: Bearer mock-token\r\n", SEND)
    };
    assert_eq!(send(&running).0, 200);
    let refuse = "[[fault]]\nkind = \"error\"\ncode = 131000\n";
    std::fs::write(&file, format!("seed = 2\n{refuse}")).unwrap();
    running.says("[[fault]] takes effect");
    running.says("seed has changed, which takes a restart");
    let (status, answer) = send(&running);
    assert!(status == 500 && answer.contains("131000"), "{answer}");
    std::fs::write(&file, "seed = 1\nsed = 3\n").unwrap();
    running.says("mock.toml:2:1: unknown field `sed`");
    assert_eq!(send(&running).0, 500, "a file that is wrong changes nothing");
    std::fs::write(&file, "seed = 1\n").unwrap();
    running.signal("HUP");
    running.says("[[fault]] takes effect");
    assert_eq!(send(&running).0, 200);
    let (_, messages) = running.call("GET", "/_mock/messages", "", "");
    assert_eq!(messages.matches("\"wamid\"").count(), 2, "what was sent before is still there: {messages}");
}

#[test]
fn a_rule_that_goes_off_takes_with_it_what_was_to_come_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mock.toml");
    let rules = |upgrade: bool| format!("messaging_limit = 2\n\n[rules]\nwindow = false\ntier_upgrade = {upgrade}\n");
    std::fs::write(&file, rules(true)).unwrap();
    let mut running = Running::start(&["--config", "mock.toml", "--clock", "frozen"], folder.path(), &[]);
    let sent = running.call("POST", "/100000000000001/messages", "Authorization: Bearer mock-token\r\n", SEND);
    assert_eq!(sent.0, 200, "{}", sent.1);
    assert_eq!(running.call("POST", "/_mock/clock/advance", "", r#"{"by":"1h"}"#).0, 200);
    let due = |running: &Running| running.call("GET", "/_mock/clock", "", "").1;
    assert!(due(&running).contains("\"due\":1,"), "a rise is to come: {}", due(&running));
    std::fs::write(&file, rules(false)).unwrap();
    running.says("[rules] takes effect");
    assert!(due(&running).contains("\"due\":0,"), "{}", due(&running));
    let (_, settled) = running.call("POST", "/_mock/clock/settle", "", r#"{"quiet":"0s"}"#);
    assert!(settled.contains("\"settled\":true"), "{settled}");
}

#[test]
fn the_cap_and_how_the_limit_is_told_change_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mock.toml");
    let limits = "messaging_limit = 0\n[rules]\nwindow = false\npair = false\n";
    std::fs::write(&file, limits).unwrap();
    let mut running = Running::start(&["--config", "mock.toml", "--clock", "frozen"], folder.path(), &[]);
    let send = |running: &Running| {
        running.call("POST", "/100000000000001/messages", "Authorization: Bearer mock-token\r\n", SALE).0
    };
    assert_eq!(send(&running), 200, "the webhook tells of it");
    std::fs::write(&file, format!("messaging_limit_told = \"answer\"\n{limits}")).unwrap();
    running.says("messaging_limit_told takes effect");
    assert_eq!(send(&running), 400);
    std::fs::write(&file, "marketing_cap = 0\n[rules]\nwindow = false\n").unwrap();
    running.says("marketing_cap takes effect");
    assert_eq!(send(&running), 200);
    assert_eq!(running.call("POST", "/_mock/clock/advance", "", r#"{"by":"1m"}"#).0, 200);
    let messages = running.call("GET", "/_mock/messages", "", "").1;
    assert!(messages.contains("131048") && messages.contains("131049"), "{messages}");
}

#[test]
fn a_restore_undoes_what_a_file_changed_until_it_changes_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mock.toml");
    let fault = |code: u32| format!("[[fault]]\nkind = \"error\"\ncode = {code}\n");
    std::fs::write(&file, format!("throughput = 20\n{}", fault(131_000))).unwrap();
    let mut running = Running::start(&["--config", "mock.toml"], folder.path(), &[]);
    let send = |running: &Running| {
        running.call("POST", "/100000000000001/messages", "Authorization: Bearer mock-token\r\n", SEND).1
    };
    let throughput = |running: &Running, rate: u32| {
        let (_, tenant) = running.call("GET", "/_mock/tenants/default", "", "");
        assert!(tenant.contains(&format!("\"throughput\":{rate},")), "{tenant}");
    };
    assert_eq!(running.call("POST", "/_mock/snapshot", "", "").0, 200);
    std::fs::write(&file, "throughput = 30\n").unwrap();
    running.says("[[fault]] takes effect");
    throughput(&running, 30);
    assert!(send(&running).starts_with("HTTP/1.1 200 "));
    assert_eq!(running.call("POST", "/_mock/restore", "", r#"{"id":"s1"}"#).0, 200);
    throughput(&running, 20);
    assert!(send(&running).contains("131000"), "the fault is back");
    std::fs::write(&file, format!("throughput = 30\n{}", fault(131_016))).unwrap();
    running.says("[[fault]] takes effect");
    let answer = send(&running);
    assert!(answer.contains("131016") && !answer.contains("131000"), "that of before is disarmed: {answer}");
}

#[test]
fn a_file_is_linted_by_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mock.toml");
    let lint = || program().arg("lint").arg(&file).output().unwrap();
    assert_eq!(lint().status.code(), Some(2), "there is no such file");
    std::fs::write(&file, "throughput = 80\n[rules]\n  pear = true\n").unwrap();
    let wrong = lint();
    let message = String::from_utf8(wrong.stderr).unwrap();
    let wanted = format!("mock-whatsapp: {}:3:3: unknown field `pear`, expected ", file.display());
    assert!(wrong.status.code() == Some(2) && message.starts_with(&wanted), "{message}");
    assert!(message.ends_with("3 |   pear = true\n  |   ^\n"), "{message}");
    for (line, words) in [
        ("seed = \"x\"", "expected a whole number that is not negative"),
        ("throughput = -1", "expected a whole number from 0 to 4294967295"),
        ("message_status_always = 1", "expected true or false"),
        ("marketing_cap = 1.5", "expected a number of messages, or \"off\""),
        ("marketing_cap = -1", "expected a number of messages, or \"off\""),
        ("marketing_cap = \"none\"", "expected a number of messages, or \"off\""),
        ("messaging_limit_told = \"call\"", "expected `answer` or `webhook`"),
        ("message_status_always = TRUE", "quote"),
        ("handsets = native", "text must be in quotes"),
        ("handsets = quick", "quote"),
    ] {
        std::fs::write(&file, line).unwrap();
        let message = String::from_utf8(lint().stderr).unwrap();
        assert!(message.contains(words), "{line}: {message}");
    }
    std::fs::write(&file, "throughput = 80\n").unwrap();
    assert_eq!(lint().status.code(), Some(0));
}

#[tokio::test]
async fn the_referee_ends_with_the_verdict() {
    let mock = crate::client::Mock::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("referee.xml");
    let judge = |url: &str| {
        let mut judge = program();
        judge.args(["referee", "--url", url, "--junit"]).arg(&file);
        judge.output().unwrap()
    };
    let url = mock.whatsapp.base_url().to_owned();
    let clean = judge(&url);
    let said = String::from_utf8(clean.stdout).unwrap();
    assert_eq!((clean.status.code(), said.starts_with("clean: of 0 sends")), (Some(0), true), "{said}");
    mock.send(&crate::client::text("+14155550123", "")).await;
    let guilty = judge(&url);
    let said = String::from_utf8(guilty.stdout).unwrap();
    assert_eq!(guilty.status.code(), Some(1), "{said}");
    assert!(said.contains("malformed: 1 certain, 0 suspected\n  certain    "), "{said}");
    let junit = std::fs::read_to_string(&file).unwrap();
    assert!(junit.contains("name=\"malformed\"><failure message=\"1 certain"), "{junit}");
    for (arguments, words) in
        [(["--url", "http://127.0.0.1:1"], "no judgement"), (["--tenant", "nobody"], "no tenant nobody")]
    {
        let mut judge = program();
        judge.args(["referee"]).args(arguments).env("MOCK_WHATSAPP_URL", &url);
        let output = judge.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.contains(words)), (Some(2), true), "{said}");
    }
}
