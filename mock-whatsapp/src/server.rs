//! Connections from outside: accepted, served, and closed in order or by force.

use crate::limits;
use crate::net::{BoxedLink, Listener};
use crate::respond::{Cut, answer};
use crate::worlds::Handle;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What all connections share.
#[derive(Debug)]
pub struct Server {
    /// The way to the worlds.
    pub worlds: Handle,
    /// Turns true when the server is to stop.
    pub stop: watch::Receiver<bool>,
    requests: AtomicU64,
}

impl Server {
    /// What connections to those worlds share.
    pub fn new(worlds: Handle, stop: watch::Receiver<bool>) -> Self {
        Self { worlds, stop, requests: AtomicU64::new(0) }
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
    pub async fn serve(self, mut listener: Listener) {
        let server = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = server.stopped() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                link = listener.accept(), if connections.len() < limits::CONNECTIONS => match link {
                    Some(Ok(link)) => {
                        connections.spawn(connection(server.clone(), link));
                    }
                    Some(Err(error)) => {
                        // Too many open files, mostly: it passes when connections close.
                        tracing::warn!(%error, "a connection could not be accepted");
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

async fn connection(server: Arc<Server>, link: BoxedLink) {
    let reset = Arc::new(AtomicBool::new(false));
    let guarded = TokioIo::new(Guarded { link, reset: reset.clone() });
    let service = service_fn(|request| {
        let (server, reset) = (server.clone(), reset.clone());
        async move {
            let answered = answer(&server, request).await;
            if matches!(answered, Err(Cut::Reset)) {
                reset.store(true, Ordering::Relaxed);
            }
            answered
        }
    });
    let mut serving = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits::HEAD_WAIT)
            .auto_date_header(false)
            .serve_connection(guarded, service)
    );
    let ended = tokio::select! {
        biased;
        ended = &mut serving => ended,
        () = server.stopped() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// A link that is reset when it is dropped, if so marked.
struct Guarded {
    link: BoxedLink,
    reset: Arc<AtomicBool>,
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            self.link.reset_on_close();
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_read(cx, buf)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.link).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.link).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.link.is_write_vectored()
    }
}
