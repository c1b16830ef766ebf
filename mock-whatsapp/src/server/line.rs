//! A client's connection under guard: it may not take for ever over a head or an answer, and it can be made to end by force.
//!
//! How long a body may take is the reader's business.

use crate::limits::{HEAD_WAIT, IDLE_WAIT, READER_WAIT};
use crate::net::BoxedLink;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// What whoever takes too long over a head is told.
const TOO_SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// What a connection and the requests on it tell each other.
#[derive(Debug)]
pub(super) struct Line {
    begun: Instant,
    /// When its last answer ended or was taken in, or it began: in microseconds from its beginning.
    quiet_since: AtomicU64,
    answering: AtomicBool,
    /// How many requests had their turn.
    turns: AtomicU64,
    /// Whether something of an answer waits for the client to take it in. The turn may be over: whoever writes takes a whole
    /// body at once.
    writing: AtomicBool,
    reset: AtomicBool,
    closes: Notify,
}

impl Line {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a client may take is real time, or what the runtime takes for it"
    )]
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            quiet_since: AtomicU64::new(0),
            answering: AtomicBool::new(false),
            turns: AtomicU64::new(0),
            writing: AtomicBool::new(false),
            reset: AtomicBool::new(false),
            closes: Notify::new(),
        }
    }

    fn age(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Waits until nothing was asked for so long that the connection is to end. One timer lasts for many requests: it finds out
    /// when it goes off whether there were any.
    pub(super) async fn idles(&self) {
        loop {
            let quiet_since = if self.answering.load(Ordering::Relaxed) || self.writing.load(Ordering::Relaxed) {
                self.age()
            } else {
                self.quiet_since.load(Ordering::Relaxed)
            };
            let until = Duration::from_micros(quiet_since) + IDLE_WAIT;
            if self.begun.elapsed() >= until {
                return;
            }
            sleep_until(self.begun + until).await;
        }
    }

    /// Something ended just now.
    fn grow_quiet(&self) {
        self.quiet_since.store(self.age(), Ordering::Relaxed);
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

/// A request's turn on its line, from the end of its head to the end of its answer. Behind it comes another head.
#[derive(Debug)]
pub(super) struct Turn(Arc<Line>);

impl Turn {
    pub(super) fn of(line: &Arc<Line>) -> Self {
        line.answering.store(true, Ordering::Relaxed);
        line.turns.fetch_add(1, Ordering::Relaxed);
        Self(line.clone())
    }

    pub(super) fn line(&self) -> &Arc<Line> {
        &self.0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.grow_quiet();
        self.0.answering.store(false, Ordering::Relaxed);
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
    /// How many requests had had their turn when that head began.
    turns: u64,
    /// Until when the other end must take in more.
    taken: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    pub(super) fn new(link: BoxedLink, line: Arc<Line>) -> Self {
        Self { link, line, head: Head::None, turns: 0, taken: None }
    }

    /// Passes on how a write went; one that makes no progress for too long fails.
    fn watch<T>(&mut self, cx: &mut Context<'_>, went: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if went.is_ready() {
            if self.taken.take().is_some() {
                self.line.grow_quiet();
                self.line.writing.store(false, Ordering::Relaxed);
            }
            return went;
        }
        self.line.writing.store(true, Ordering::Relaxed);
        let until = self.taken.get_or_insert_with(|| Box::pin(sleep(READER_WAIT)));
        ready!(until.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take in its answer")))
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
        let turns = self.line.turns.load(Ordering::Relaxed);
        if std::mem::replace(&mut self.turns, turns) != turns {
            // That head is complete. Nothing needs to have been read during its turn: what came with its end can be the
            // beginning of another, which has its own time.
            self.head = Head::None;
        }
        let before = buf.filled().len();
        let went = Pin::new(&mut self.link).poll_read(cx, buf);
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
        let Head::Until(until) = &mut self.head else { return went };
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
