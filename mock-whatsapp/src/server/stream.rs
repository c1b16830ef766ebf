//! An answer that goes on: what comes through a channel, until that ends or the server does.

use bytes::Bytes;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::{mpsc, watch};

/// What comes, and when to stop.
type Source = (mpsc::Receiver<Bytes>, watch::Receiver<bool>);

/// A stream on its way from a handler to its connection, in an answer's extensions.
#[derive(Clone, Debug)]
pub struct Stream(Arc<Mutex<Option<Source>>>);

impl Stream {
    /// What comes through `pieces`, until `stop` turns true.
    pub fn new(pieces: mpsc::Receiver<Bytes>, stop: watch::Receiver<bool>) -> Self {
        Self(Arc::new(Mutex::new(Some((pieces, stop)))))
    }

    /// Takes it out, once.
    pub(super) fn flow(&self) -> Option<Flow> {
        let (pieces, mut stop) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let stopped = Box::pin(async move {
            // An error means that nobody is left who could say so, which says it.
            let _stopped = stop.wait_for(|stop| *stop).await;
        });
        Some(Flow { pieces, stopped })
    }
}

/// A stream that flows.
pub(super) struct Flow {
    pieces: mpsc::Receiver<Bytes>,
    stopped: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flow")
    }
}

impl Flow {
    /// The next piece; `None` at the end.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.pieces.poll_recv(cx) {
            Poll::Ready(piece) => Poll::Ready(piece),
            Poll::Pending => self.stopped.as_mut().poll(cx).map(|()| None),
        }
    }
}
