//! The program: its one line on stdout, its port file, its exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mock-whatsapp"))
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
