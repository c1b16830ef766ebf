//! `serve`: the engine with its operator API, until it is stopped.

use super::{OwnStore, Problem, screen, start_log};
use crate::config::{Layers, Settings};
use crate::net::{Connector, Listener};
use crate::service::{Handle, Progress, Seams, Service};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;

/// What is under way when the program is stopped gets this much more than an answer may take.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to listen. Port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Gets the port, once the program listens.
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
}

pub(super) async fn run(layers: &Layers<'_>, arguments: Arguments) -> Result<ExitCode, Problem> {
    start_log();
    let settings = layers.settings()?;
    let store = OwnStore::open(&layers.store())?;
    let listen = arguments.listen.unwrap_or_else(|| layers.listen());
    let (service, handle) = start(layers, settings, &store, &listen, true).await?;
    if let Some(address) = handle.address() {
        if let Some(path) = &arguments.port_file {
            write_port(path, address.port())
                .map_err(|wrong| Problem::Usage(format!("cannot write {}: {wrong}", path.display())))?;
        }
        screen::line(&format!("http://{address}"));
    }
    let told = tell_progress(handle.clone());
    tokio::pin!(told);
    let running = service.run();
    tokio::pin!(running);
    tokio::select! {
        biased;
        ended = &mut running => {
            ended.map_err(Problem::from)?;
            return Ok(ExitCode::SUCCESS);
        }
        () = stopped_by_hand() => {}
        () = &mut told => {}
    }
    screen::note("stopping: waiting for what is under way");
    end(&handle, running).await?;
    Ok(ExitCode::SUCCESS)
}

/// A service on real sockets.
pub(super) async fn start(
    layers: &Layers<'_>,
    settings: Settings,
    store: &OwnStore,
    listen: &str,
    with_api: bool,
) -> Result<(Service, Handle), Problem> {
    let listener = TcpListener::bind(listen).await.map_err(|wrong| {
        Problem::Usage(format!("cannot listen on {listen}: {wrong}; give another address with --listen"))
    })?;
    let seams = Seams {
        listener: Listener::Tcp(listener),
        connector: Connector::tcp(),
        clock: layers.clock()?,
        keeper: store.keeper.clone(),
        store_id: store.id,
    };
    let (service, handle) = Service::new(settings, seams, with_api)?;
    if let Some(address) = handle.address().filter(|_| with_api)
        && let Err(wrong) = store.announce(address)
    {
        screen::note(&format!("cannot say beside the store where to reach this engine: {wrong}"));
    }
    if service.needs_webhook_by_hand() {
        let address = handle.address().map_or_else(String::new, |address| address.to_string());
        screen::note(&format!(
            "the webhook is not registered by this program, since `webhook_url` is not set: have WhatsApp post to \
             https://<your host>/webhook, forwarded to {address}. Without it no message can become more than accepted"
        ));
    }
    Ok((service, handle))
}

/// Says what keeps the engine from running. Never ends before the engine does.
pub(super) async fn tell_progress(mut handle: Handle) {
    let mut said = None;
    while let Ok(progress) = handle.progressed().await {
        match progress {
            Progress::Registering(Some(wrong)) if said.as_ref() != Some(&wrong) => {
                screen::note(&format!("cannot register the webhook, trying again: {wrong}"));
                said = Some(wrong);
            }
            Progress::Registering(_) => {}
            Progress::Running => break,
        }
    }
    std::future::pending().await
}

/// Ends a service: nothing new is claimed, what is under way is waited for, within bounds.
pub(super) async fn end<F>(handle: &Handle, running: F) -> Result<(), Problem>
where
    F: Future<Output = Result<(), crate::driver::Failure>>,
{
    if handle.progress() != Progress::Running || handle.stop().await.is_err() {
        return Ok(());
    }
    let patience = handle.settings().timeouts.request + handle.settings().timeouts.connect + GRACE;
    tokio::select! {
        biased;
        ended = running => ended.map_err(Problem::from),
        () = stopped_by_hand() => Ok(()),
        () = tokio::time::sleep(patience) => Ok(()),
    }
}

/// Until someone presses Ctrl-C, or the system asks to end.
pub(super) async fn stopped_by_hand() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

/// The digits and a newline, renamed into place so that nobody reads half of them.
fn write_port(path: &Path, port: u16) -> std::io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    std::fs::write(&new, format!("{port}\n"))?;
    std::fs::rename(&new, path)
}
