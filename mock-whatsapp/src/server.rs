//! Connections from outside: accepted, served, and closed in order or by force.

mod crowd;
mod line;
mod manner;
pub mod outcomes;
pub mod stream;

use self::crowd::Crowd;
use crate::access::ControlToken;
use crate::limits;
use crate::media::room::Room;
use crate::net::{Arrival, Listener};
use crate::respond::{Cut, answer};
use crate::worlds::Handle;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use line::{Guarded, Line, Turn};
use outcomes::Outcomes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What all connections share.
#[derive(Debug)]
pub struct Server {
    /// The way to the worlds.
    pub worlds: Handle,
    /// Turns true when the server is to stop.
    pub stop: watch::Receiver<bool>,
    /// Without it, the control API is shut, if there is one.
    pub control_token: Option<ControlToken>,
    /// `http`, or `https`.
    pub scheme: &'static str,
    /// The room that the media of all tenants share.
    pub room: Room,
    /// How requests ended.
    pub outcomes: Outcomes,
    requests: AtomicU64,
}

impl Server {
    /// What connections to those worlds share.
    pub fn new(
        worlds: Handle,
        stop: watch::Receiver<bool>,
        control_token: Option<ControlToken>,
        scheme: &'static str,
    ) -> Self {
        Self {
            worlds,
            stop,
            control_token,
            scheme,
            room: Room::new(limits::MEDIA_BYTES_ALL),
            outcomes: Outcomes::default(),
            requests: AtomicU64::new(0),
        }
    }

    /// The number of a request.
    pub fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits until the server is to stop.
    pub async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // An error means that nobody is left who could say so, which says it.
        let _stopped = stop.wait_for(|stop| *stop).await;
    }

    /// Serves until it is to stop, and then lets connections finish for a while.
    pub async fn serve(self: Arc<Self>, mut listener: Listener) {
        let server = self;
        let mut connections = JoinSet::new();
        let mut crowd = Crowd::default();
        loop {
            crowd.look(connections.len());
            tokio::select! {
                biased;
                () = server.stopped() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                link = listener.accept(), if connections.len() < limits::CONNECTIONS => match link {
                    Some(Ok(arrival)) => {
                        connections.spawn(connection(server.clone(), arrival));
                    }
                    Some(Err(error)) => {
                        // Too many open files, mostly: it passes when connections close.
                        crowd.cannot_grow(connections.len(), &error);
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    None => break,
                },
            }
        }
        drop(listener);
        let finished =
            tokio::time::timeout(limits::FAREWELL, async { while connections.join_next().await.is_some() {} });
        if finished.await.is_err() {
            tracing::info!(open = connections.len(), "connections are cut off");
        }
    }
}

async fn connection(server: Arc<Server>, arrival: Arrival) {
    let link = match tokio::time::timeout(limits::HEAD_WAIT, arrival.greeted()).await {
        Ok(Ok(link)) => link,
        Ok(Err(error)) => return tracing::info!(%error, "a client and this server do not understand each other"),
        Err(_) => return tracing::debug!("a client began to greet and did not go on"),
    };
    let line = Arc::new(Line::new());
    let guarded = TokioIo::new(Guarded::new(link, line.clone()));
    let service = service_fn(|request| {
        let (server, turn) = (server.clone(), Turn::of(&line));
        async move {
            let answered = answer(&server, request).await;
            if matches!(answered, Err(Cut::Reset)) {
                turn.line().reset();
            }
            answered.map(|answer| manner::speak(answer, turn))
        }
    });
    let mut serving = std::pin::pin!(
        http1::Builder::new()
            .max_buf_size(limits::HEAD_BYTES)
            .auto_date_header(false)
            .serve_connection(guarded, service)
    );
    let ended = tokio::select! {
        biased;
        ended = &mut serving => ended,
        () = line.idles() => return tracing::debug!("a connection idled for too long"),
        () = async { tokio::select! { () = server.stopped() => {}, () = line.is_to_close() => {} } } => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}
