//! Webhook POSTs that wait for their 200.

use engine_core::id::AckToken;
use tokio::sync::oneshot;

/// One entry per waiting POST; entries are used again.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    open: Vec<Ticket>,
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Ticket {
    stored: Option<oneshot::Sender<()>>,
    /// Updates that the store has not answered for.
    asked: u32,
}

impl Tickets {
    /// A POST came.
    pub(super) fn open(&mut self, stored: oneshot::Sender<()>) -> AckToken {
        let ticket = Ticket { stored: Some(stored), asked: 0 };
        match self.free.pop() {
            Some(free) => {
                self.open[free as usize] = ticket;
                AckToken(free)
            }
            None => {
                self.open.push(ticket);
                AckToken(self.open.len() as u32 - 1)
            }
        }
    }

    /// One of its updates must be matched by the store.
    pub(super) fn asks(&mut self, token: AckToken) {
        self.open[token.0 as usize].asked += 1;
    }

    /// The store has matched or parked one of its updates. Whether that was the last.
    pub(super) fn answered(&mut self, token: AckToken) -> bool {
        self.open[token.0 as usize].asked -= 1;
        self.is_answered(token)
    }

    /// Whether no update of it waits for the store.
    pub(super) fn is_answered(&self, token: AckToken) -> bool {
        self.open[token.0 as usize].asked == 0
    }

    /// All of it is durable: it may be answered.
    pub(super) fn close(&mut self, token: AckToken) {
        let waiting = self.open[token.0 as usize].stored.take();
        if waiting.is_some_and(|stored| stored.send(()).is_err()) {
            tracing::debug!("whoever posted a webhook did not wait for its 200; it will come again and change nothing");
        }
        self.free.push(token.0);
    }
}
