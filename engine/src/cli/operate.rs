//! `pause`, `resume` and `cancel`: asked of the engine that works on the store, or written where the next one finds it.

use super::{OwnStore, Problem, find_in, read_store, screen};
use crate::client::{Base, Client, Exchange};
use crate::config::{Layers, Secret, Timeouts};
use crate::net::Connector;
use crate::store::Batch;
use clap::Args;
use engine_core::Command;
use serde::Deserialize;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The campaign.
    campaign: String,
}

/// What can be done to a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Pause,
    Resume,
    Cancel,
}

impl Act {
    fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Pause => "paused",
            Self::Resume => "resumed",
            Self::Cancel => "cancelled",
        }
    }
}

pub(super) async fn run(layers: &Layers<'_>, act: Act, arguments: &Arguments) -> Result<ExitCode, Problem> {
    let name = &arguments.campaign;
    // Also says it where there is no store.
    find_in(&read_store(layers)?.campaigns()?, name)?;
    match OwnStore::open_if_free(&layers.store())? {
        Some(store) => {
            write(layers, &store, act, name).await?;
            screen::line(&format!("campaign {name}: {}; the next engine on this store goes by it", act.done()));
        }
        None => {
            ask(layers, act, name).await?;
            screen::line(&format!("campaign {name}: {}", act.done()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn write(layers: &Layers<'_>, store: &OwnStore, act: Act, name: &str) -> Result<(), Problem> {
    let now = layers.clock()?.now();
    let campaigns = store.keeper.run(|store| store.campaigns()).await?;
    let campaign = find_in(&campaigns, name)?;
    if campaign.cancelled && act != Act::Cancel {
        return Err(Problem::Usage(format!("campaign `{name}` was cancelled, which is for good")));
    }
    let paused = match act {
        Act::Pause => true,
        Act::Resume => false,
        Act::Cancel => campaign.paused,
    };
    let flag = Command::Flag { campaign: campaign.id, paused, cancelled: act == Act::Cancel };
    let batch = Batch { now, commands: vec![flag], ..Batch::default() };
    store.keeper.run(move |store| store.commit(&batch)).await?;
    Ok(())
}

/// The part of a problem that says what is wrong.
#[derive(Deserialize)]
struct Said {
    detail: String,
}

async fn ask(layers: &Layers<'_>, act: Act, name: &str) -> Result<(), Problem> {
    let path = layers.store();
    let Some(address) = OwnStore::address(&path) else {
        return Err(Problem::Usage(format!(
            "another campaign-engine works on the store {} and takes no orders: stop it and do this again, or set \
             CAMPAIGN_ENGINE_API_TOKEN for both",
            path.display()
        )));
    };
    let base = Base::parse(&format!("http://{address}/v1")).map_err(Problem::broken)?;
    let token = layers.api_token()?.unwrap_or_else(|| Secret::new("none"));
    let client = Client::new(Connector::tcp(), base, token, Timeouts::default());
    match client.post(&format!("campaigns/{}/{}", escaped(name), act.name()), "".into()).await {
        Exchange::Answered(reply) if reply.is_success() => Ok(()),
        Exchange::Answered(reply) => {
            let said = serde_json::from_slice(&reply.body).map(|said: Said| said.detail);
            Err(Problem::Usage(said.unwrap_or_else(|_| format!("the engine answered with status {}", reply.status))))
        }
        Exchange::NeverWritten(why) | Exchange::Unanswered(why) => {
            Err(Problem::Broken(format!("the engine at {address} does not answer: {why}")))
        }
    }
}

/// A name as part of a URL's path.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaigns_name_survives_the_url() {
        for name in ["spring sale", "50% + más/menos?", "a.b-c_d~e"] {
            assert_eq!(crate::webhook::unescape(&escaped(name)).as_deref(), Some(name));
        }
        assert_eq!(escaped("a b"), "a%20b");
    }
}
