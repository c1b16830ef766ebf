//! A connection that knows how many bytes were written to it, and that can be sealed so that not one more is.
//!
//! This is what makes "nothing of the request was written" a fact and not a guess. Over TLS the bytes are counted as they
//! go into the encryption: more may be counted than went out, never less.

use crate::net::Stream;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The count of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter(Arc<Mutex<Reading>>);

#[derive(Debug, Default)]
struct Reading {
    written: u64,
    sealed: bool,
}

impl Meter {
    /// Bytes written so far.
    pub(super) fn written(&self) -> u64 {
        self.reading().written
    }

    /// From now on every write fails. Gives the bytes written until then, for good.
    pub(super) fn seal(&self) -> u64 {
        let mut reading = self.reading();
        reading.sealed = true;
        reading.written
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connection.
#[derive(Debug)]
pub(super) struct Metered {
    pub(super) stream: Stream,
    pub(super) meter: Meter,
}

impl AsyncRead for Metered {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Metered {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // Held over the write, so that a seal comes before it or after it, never between it and its count.
        let mut reading = this.meter.reading();
        if reading.sealed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let polled = Pin::new(&mut this.stream).poll_write(cx, data);
        if let Poll::Ready(Ok(count)) = &polled {
            reading.written += *count as u64;
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
