//! A client's connection under guard: it may not take for ever over a head or an answer, and it can be made to end by force.
//!
//! How long a body may take is the reader's business. How long a connection may idle hyper could tell as well, with a timer for
//! each request; here it is one for each connection, which mostly finds that the connection was not idle.

use crate::limits::{HEAD_WAIT, IDLE_WAIT, READER_WAIT};
use crate::net::BoxedLink;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// What whoever takes too long over a head is told.
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What a connection and the requests on it tell each other.
#[derive(Debug, Default)]
pub(super) struct Line {
    answering: AtomicBool,
    /// An answer goes on, and may be silent for as long as it likes.
    speaking: AtomicBool,
    reset: AtomicBool,
    closes: Notify,
}

impl Line {
    /// A head is complete.
    pub(super) fn begins_to_answer(&self) {
        self.answering.store(true, Ordering::Relaxed);
    }

    /// What comes next is another head.
    pub(super) fn has_answered(&self) {
        self.answering.store(false, Ordering::Relaxed);
    }

    /// An answer goes on until what is given here is dropped.
    pub(super) fn speaks(self: &Arc<Self>) -> Speaking {
        self.speaking.store(true, Ordering::Relaxed);
        Speaking(self.clone())
    }

    /// The connection is to end once its answer is out.
    pub(super) fn close(&self) {
        self.closes.notify_one();
    }

    /// Waits until it is.
    pub(super) async fn is_to_close(&self) {
        self.closes.notified().await;
    }

    /// The connection is to end by force.
    pub(super) fn reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }
}

/// An answer that goes on.
#[derive(Debug)]
pub(super) struct Speaking(Arc<Line>);

impl Drop for Speaking {
    fn drop(&mut self) {
        self.0.speaking.store(false, Ordering::Relaxed);
    }
}

/// How far a head is.
enum Head {
    /// Nothing of it came.
    None,
    /// Something came. Mostly the rest is there too, and needs no timer.
    Begun,
    /// It must be complete by then.
    Until(Pin<Box<Sleep>>),
}

/// A link that is reset when it is dropped, if so marked, and whose other end cannot hold it up.
pub(super) struct Guarded {
    link: BoxedLink,
    line: Arc<Line>,
    head: Head,
    /// Since when nothing has come; known once a read has nothing to read.
    idle_since: Option<Instant>,
    /// Looks whether it has idled for too long.
    look: Option<Pin<Box<Sleep>>>,
    /// Until when the other end must take in more.
    taken: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    pub(super) fn new(link: BoxedLink, line: Arc<Line>) -> Self {
        Self { link, line, head: Head::None, idle_since: None, look: None, taken: None }
    }

    /// Passes on how a write went; one that makes no progress for too long fails.
    fn watch<T>(&mut self, cx: &mut Context<'_>, went: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if went.is_ready() {
            self.taken = None;
            self.idle_since = None;
            return went;
        }
        let until = self.taken.get_or_insert_with(|| Box::pin(sleep(READER_WAIT)));
        ready!(until.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take in its answer")))
    }
}

impl Guarded {
    /// Whether nothing has come for too long.
    fn has_idled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        #[expect(clippy::disallowed_methods, reason = "the runtime's time, by which its timers go")]
        let since = *self.idle_since.get_or_insert_with(Instant::now);
        let until = since + IDLE_WAIT;
        let look = self.look.get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(look.as_mut().poll(cx));
        // It was set when a stretch began that ended meanwhile.
        while look.deadline() < until {
            look.as_mut().reset(until);
            ready!(look.as_mut().poll(cx));
        }
        Poll::Ready(())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if self.line.reset.load(Ordering::Relaxed) {
            self.link.reset_on_close();
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let went = Pin::new(&mut self.link).poll_read(cx, buf);
        let busy = self.line.answering.load(Ordering::Relaxed) || self.line.speaking.load(Ordering::Relaxed);
        if went.is_ready() || busy {
            self.idle_since = None;
        }
        if self.line.answering.load(Ordering::Relaxed) {
            self.head = Head::None;
            return went;
        }
        if went.is_ready() {
            if buf.filled().len() > before && matches!(self.head, Head::None) {
                self.head = Head::Begun;
            }
            return went;
        }
        if matches!(self.head, Head::Begun) {
            self.head = Head::Until(Box::pin(sleep(HEAD_WAIT)));
        }
        let Head::Until(until) = &mut self.head else {
            if busy {
                return went;
            }
            ready!(self.has_idled(cx));
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client keeps a connection idle")));
        };
        ready!(until.as_mut().poll(cx));
        // As far as it goes: the connection ends, whether that could be said or not.
        let said = Pin::new(&mut self.link).poll_write(cx, TOO_SLOW);
        tracing::debug!(said = said.is_ready(), "a client began a request and did not go on");
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not go on with its request")))
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let went = Pin::new(&mut self.link).poll_write(cx, buf);
        self.watch(cx, went)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let went = Pin::new(&mut self.link).poll_flush(cx);
        self.watch(cx, went)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let went = Pin::new(&mut self.link).poll_shutdown(cx);
        self.watch(cx, went)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let went = Pin::new(&mut self.link).poll_write_vectored(cx, bufs);
        self.watch(cx, went)
    }

    fn is_write_vectored(&self) -> bool {
        self.link.is_write_vectored()
    }
}
