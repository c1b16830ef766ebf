//! Level `live`: a scenario on the real programs, as processes of their own, over real sockets and a real disk.
//!
//! The engine and the mock run on one clock, `--time-scale` times as fast as the real one. What is judged is what can be
//! seen from outside: the mock's account of what handsets got, against the engine's account of its messages.

mod account;
mod client;
mod process;

use super::Refusal;
use crate::checkers::NAMES;
use crate::cli::RunOptions;
use crate::contacts::Contacts;
use crate::outcome::{Check, Latencies, Measured, MeasuredCampaign, Outcome};
use crate::progress::Progress;
use crate::scenario::{Campaign, Level, OnUnknown, People, Scenario};
use crate::stopwatch::{Stopwatch, unix_now};
use account::Account;
use client::Client;
use cloud_api::time::{Span, Timestamp};
use mock_whatsapp_model::faults::Fault;
use mock_whatsapp_model::spec::{Kind, MessagingLimit};
use process::{Program, Programs};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// How often the programs are asked how far they are.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks in a row that must find everything at rest.
const AT_REST: u32 = 3;

/// The longest that a live run may take in real time.
const LONGEST: Duration = Duration::from_secs(600);

/// Contacts that this level takes: it asks for every message over HTTP at the end.
const CONTACTS_MOST: u64 = 200_000;

/// Why a live run broke off: something outside of what is judged.
#[derive(Debug)]
struct Broken(String);

impl<E: std::error::Error> From<E> for Broken {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Runs a scenario.
///
/// # Errors
/// If something in it is beyond this level.
pub fn run(scenario: &Scenario, options: &RunOptions, progress: &Progress) -> Result<Outcome, Refusal> {
    if let Some(refusal) = super::beyond(scenario, Level::Live) {
        return Err(refusal);
    }
    let seed = options.seed.unwrap_or(scenario.seed);
    let watch = Stopwatch::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(Live::run(scenario, seed, options, progress)),
        Err(error) => Err(Broken::from(error)),
    };
    let mut measured = Measured {
        level: Level::Live,
        seed,
        resized: options.contacts.is_some(),
        fingerprint: None,
        campaigns: Vec::new(),
        duplicates: 0,
        attempts: 0,
        events: 0,
        virtual_time: Span::ZERO,
        wall: watch.elapsed(),
        latency: Latencies::default(),
        engine_memory_max: None,
        webhook_lag: None,
    };
    let checks = match done {
        Ok(Done { account, memory, elapsed, checks }) => {
            measured.campaigns = account.campaigns;
            measured.duplicates = account.duplicates;
            measured.attempts = account.attempts;
            measured.events = account.events;
            measured.latency = account.latency;
            measured.virtual_time = elapsed;
            measured.engine_memory_max = memory;
            checks
        }
        Err(Broken(why)) => {
            let state = engine_core::campaign::State::Queued;
            let nothing =
                MeasuredCampaign { state, messages: Default::default(), finished_after: None, duplicates: None };
            measured.campaigns = vec![nothing; scenario.campaigns.len()];
            vec![Check::fail("programs-run", why)]
        }
    };
    Ok(Outcome::new(scenario, &measured, checks))
}

/// The first thing in a scenario that this level cannot carry out.
pub(super) fn beyond(scenario: &Scenario) -> Option<String> {
    if let Some(fault) = scenario.faults.iter().find(|fault| !Fault::is_whatsapps(fault.kind)) {
        return Some(format!("a fault of kind {}", fault.kind.name()));
    }
    if scenario.messages() > CONTACTS_MOST {
        return Some(format!("{} contacts (at most {CONTACTS_MOST})", scenario.messages()));
    }
    if scenario.senders.len() > 1 {
        return Some("more than one [[sender]]".to_owned());
    }
    if !scenario.operators.is_empty() {
        return Some("an [[operator]]".to_owned());
    }
    if scenario.engine.on_unknown == OnUnknown::Never {
        return Some("on_unknown = \"never\"".to_owned());
    }
    if let Some(key) = scenario.engine.settings.keys().find(|key| *key != "on_unknown") {
        return Some(format!("the engine's setting `{key}`"));
    }
    if scenario.campaigns.iter().any(|campaign| campaign.priority != 0) {
        return Some("a priority".to_owned());
    }
    if scenario.senders.iter().any(|sender| sender.messaging_limit != MessagingLimit::Unlimited) {
        return Some("a messaging_limit".to_owned());
    }
    scenario.campaigns.iter().any(|campaign| campaign.quiet_hours.is_some()).then(|| "quiet_hours".to_owned())
}

struct Done {
    account: Account,
    memory: Option<u64>,
    elapsed: Span,
    checks: Vec<Check>,
}

/// A run under way.
struct Live<'a> {
    scenario: &'a Scenario,
    contacts: Contacts,
    folder: tempfile::TempDir,
    scale: f64,
    anchor: Timestamp,
    programs: Programs,
}

impl<'a> Live<'a> {
    async fn run(scenario: &'a Scenario, seed: u64, options: &RunOptions, progress: &Progress) -> Result<Done, Broken> {
        let mut live = Self {
            scenario,
            contacts: Contacts::new(scenario, seed, options.contacts),
            folder: tempfile::tempdir()?,
            scale: options.time_scale,
            anchor: unix_now(),
            programs: Programs::default(),
        };
        let mock = live.start_mock(seed).await?;
        let engine = live.start_engine(&mock).await?;
        live.prepare_handsets(&mock).await?;
        for fault in live.source_table("fault")?.and_then(|faults| faults.as_array().cloned()).into_iter().flatten() {
            let mut fault = fault;
            // There is one sender, and the mock knows it by its number.
            if let Some(keys) = fault.as_object_mut() {
                keys.remove("sender");
            }
            mock.post("/_mock/faults", &fault).await?;
        }
        let start = live.now();
        // Messages are due from when the engine has the list: reading it is not sending.
        let mut given = Vec::new();
        for (place, campaign) in scenario.campaigns.iter().enumerate() {
            live.start_campaign(&engine, place, campaign, start).await?;
            given.push(live.now().max(start + campaign.start));
        }
        let rest = live.wait_for_rest(&mock, &engine, start, progress).await?;
        let account = Account::take(scenario, &live.contacts, &mock, &engine, &given, &rest.finished).await?;
        let mut checks = account.judge(scenario, &live.contacts);
        for (name, _) in NAMES {
            if *name != "comes-to-rest" && !checks.iter().any(|check| check.name == *name) {
                checks.push(Check::skipped(*name, "what it is judged by is seen at level model only"));
            }
        }
        checks.push(match &rest.stuck {
            None => Check::pass("comes-to-rest", ""),
            Some(what) => Check::fail("comes-to-rest", what.clone()),
        });
        let memory = live.programs.memory_max(Program::Engine);
        let elapsed = live.now().since(start);
        live.programs.stop();
        Ok(Done { account, memory, elapsed, checks })
    }

    /// The time on the programs' clock.
    fn now(&self) -> Timestamp {
        let real = unix_now().since(self.anchor);
        self.anchor + Span((real.0 as f64 * self.scale) as u64)
    }

    /// A table of the scenario file, as it is written there.
    fn source_table(&self, name: &str) -> Result<Option<Value>, Broken> {
        let text = std::fs::read_to_string(&self.scenario.file)?;
        let file: toml::Table = toml::from_str(&text)?;
        Ok(file.get(name).map(serde_json::to_value).transpose()?)
    }

    async fn start_mock(&mut self, seed: u64) -> Result<Client, Broken> {
        let mut config = toml::Table::new();
        config.insert("seed".into(), toml::Value::try_from(seed)?);
        config.insert("throughput".into(), toml::Value::try_from(self.scenario.senders[0].throughput)?);
        config.insert("unknown_templates".into(), "accept".into());
        // As level model has it, so that the levels agree.
        config.insert("messaging_limit_told".into(), "answer".into());
        config.insert("magic_numbers".into(), self.scenario.magic_numbers.into());
        let timing = self.source_table("handset")?.unwrap_or_else(|| json!({}));
        config.insert("handset".into(), toml::Value::try_from(timing)?);
        let path = self.folder.path().join("mock.toml");
        std::fs::write(&path, toml::to_string(&config)?)?;
        let port_file = self.folder.path().join("mock.port");
        let (scale, anchor) = (self.scale.to_string(), self.anchor.0.to_string());
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--clock", &scale, "--clock-anchor", &anchor];
        let files = [("--config", path), ("--port-file", port_file.clone())];
        let log = self.folder.path().join("mock.log");
        self.programs.start(Program::Mock, &arguments, &files, &[], &log)?;
        let port = self.programs.port(Program::Mock, &port_file, &log).await?;
        Ok(Client::new(port))
    }

    async fn start_engine(&mut self, mock: &Client) -> Result<Client, Broken> {
        let base = format!("http://127.0.0.1:{}", mock.port());
        let store = self.folder.path().join("engine.db").display().to_string();
        let environment = [
            ("WHATSAPP_BASE_URL", base),
            ("WHATSAPP_TOKEN", "mock-token".to_owned()),
            ("WHATSAPP_PHONE_NUMBER_ID", "100000000000001".to_owned()),
            ("WHATSAPP_BUSINESS_ACCOUNT_ID", "200000000000001".to_owned()),
            ("WHATSAPP_APP_SECRET", "mock-app-secret".to_owned()),
            ("WHATSAPP_VERIFY_TOKEN", "mock-verify-token".to_owned()),
            ("CAMPAIGN_ENGINE_STORE", store),
            ("CAMPAIGN_ENGINE_THROUGHPUT", self.scenario.senders[0].throughput.to_string()),
            ("CAMPAIGN_ENGINE_CLOCK_FACTOR", self.scale.to_string()),
            ("CAMPAIGN_ENGINE_CLOCK_ANCHOR", self.anchor.0.to_string()),
        ];
        let port_file = self.folder.path().join("engine.port");
        let files = [("--port-file", port_file.clone())];
        let log = self.folder.path().join("engine.log");
        self.programs.start(Program::Engine, &["serve", "--listen", "127.0.0.1:0"], &files, &environment, &log)?;
        let port = self.programs.port(Program::Engine, &port_file, &log).await?;
        Ok(Client::new(port))
    }

    /// Tells the mock of every contact whose telephone is not plain.
    async fn prepare_handsets(&self, mock: &Client) -> Result<(), Broken> {
        let mut items = Vec::new();
        for place in 0..self.contacts.len() {
            let Some(group) = self.contacts.group(place) else { continue };
            let quota = &self.contacts.quotas()[group];
            let mut item = json!({ "wa_id": self.contacts.phone(place).to_string(), "kind": name_of(quota.kind) });
            if let Some(away) = quota.away {
                item["for"] = json!(away.to_string());
            }
            items.push(item);
        }
        for some in items.chunks(1_000) {
            mock.put("/_mock/handsets", &json!({ "items": some })).await?;
        }
        Ok(())
    }

    async fn start_campaign(
        &self,
        engine: &Client,
        place: usize,
        campaign: &Campaign,
        start: Timestamp,
    ) -> Result<(), Broken> {
        let file = match &campaign.people {
            People::Listed(list) => std::path::absolute(&list.path)?,
            People::Generated(_) => self.write_list(place)?,
        };
        let mut body = json!({
            "name": campaign.name, "template": campaign.template, "language": campaign.language, "contacts_file": file,
        });
        if campaign.start > Span::ZERO {
            let at = std::time::UNIX_EPOCH + (start + campaign.start).since(Timestamp(0)).to_std();
            body["start"] = json!(humantime::format_rfc3339_micros(at).to_string());
        }
        engine.post("/v1/campaigns", &body).await?;
        Ok(())
    }

    fn write_list(&self, place: usize) -> Result<PathBuf, Broken> {
        let mut text = format!("phone,{}\n", self.contacts.columns(place).join(","));
        let audience = self.contacts.audience(place);
        for message in 0..audience.len() {
            let variables = self.contacts.variables(place, message).join(",");
            writeln!(text, "+{},{variables}", self.contacts.phone(audience.contact(message)))?;
        }
        let path = self.folder.path().join(format!("contacts-{place}.csv"));
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// Waits until no campaign has anything in progress and the mock has nothing due, or until time is up.
    async fn wait_for_rest(
        &mut self,
        mock: &Client,
        engine: &Client,
        start: Timestamp,
        progress: &Progress,
    ) -> Result<Rest, Broken> {
        let watch = Stopwatch::start();
        let mut finished: Vec<Option<Span>> = vec![None; self.scenario.campaigns.len()];
        let mut calm = 0;
        loop {
            self.programs.still_run()?;
            let elapsed = self.now().since(start);
            let campaigns = client::items(&engine.get("/v1/campaigns").await?)?;
            let (mut settled, mut total) = (0, 0);
            for (campaign, finished) in self.scenario.campaigns.iter().zip(&mut finished) {
                let status = campaigns.iter().find(|status| status["name"] == campaign.name.as_str());
                let status =
                    status.ok_or_else(|| Broken(format!("the engine does not know campaign {}", campaign.name)))?;
                let in_progress: u64 = ["Queued", "Sending", "Retrying"]
                    .iter()
                    .filter_map(|state| status["messages"][state].as_u64())
                    .sum();
                let size = status["size"].as_u64().unwrap_or(0);
                (settled, total) = (settled + size - in_progress.min(size), total + size);
                *finished = if in_progress > 0 { None } else { finished.or(Some(elapsed)) };
            }
            progress.at(elapsed, settled, total);
            let clock = mock.get("/_mock/clock").await?;
            let (due, unacked) = (clock["due"].as_u64().unwrap_or(0), clock["unacked"].as_u64().unwrap_or(0));
            let at_rest = finished.iter().all(Option::is_some) && due == 0 && unacked == 0;
            calm = if at_rest { calm + 1 } else { 0 };
            if calm == AT_REST {
                return Ok(Rest { finished, stuck: None });
            }
            if watch.elapsed() > LONGEST {
                let open = total - settled;
                let stuck = format!(
                    "after {elapsed} {open} messages are in progress, {due} events are due, {unacked} webhooks open"
                );
                return Ok(Rest { finished, stuck: Some(stuck) });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// How the waiting ended.
struct Rest {
    finished: Vec<Option<Span>>,
    stuck: Option<String>,
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Plain => "plain",
        Kind::NotOnWhatsapp => "not_on_whatsapp",
        Kind::Blocked => "blocked",
        Kind::ReceiptsOff => "receipts_off",
        Kind::Offline => "offline",
        Kind::Replies => "replies",
        Kind::OptsOut => "opts_out",
        Kind::MarketingCapped => "marketing_capped",
        Kind::ReportsSpam => "reports_spam",
        Kind::OtherWaId => "other_wa_id",
    }
}
