//! A token that WhatsApp refuses ends the program with what to mend, instead of being tried for ever.

use mock_whatsapp::MockWhatsApp;
use std::process::Command;

#[tokio::test]
async fn a_wrong_token_ends_a_send_with_status_2_and_names_the_setting() {
    let mock = MockWhatsApp::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.csv");
    std::fs::write(&list, "phone,name\n+4915112345678,Ana\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_campaign-engine"));
    command.args(["send", "--template", "spring_sale", "--wait", "--contacts"]).arg(&list);
    command.envs(mock.env()).env("WHATSAPP_TOKEN", "somebody-elses");
    command.env("CAMPAIGN_ENGINE_STORE", folder.path().join("engine.db"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complained}");
    assert!(complained.contains("WHATSAPP_TOKEN") && !complained.contains("somebody-elses"), "{complained}");
    assert!(mock.messages().await.unwrap().is_empty());
}
