//! Whoever listens to what happens to a tenant, as server-sent events. Nobody is waited for: a listener that cannot keep up
//! misses events, and is told how many. What nobody listens to costs nothing.

use crate::limits::{LISTENER_EVENTS, LISTENERS};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

#[derive(Debug)]
struct Listener {
    events: mpsc::Sender<Bytes>,
    missed: u64,
}

/// Those who listen.
#[derive(Debug, Default)]
pub struct Listeners(Vec<Listener>);

impl Listeners {
    /// Whether nobody does.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more; `None` if there are too many. What comes is ready to be written.
    pub fn add(&mut self) -> Option<mpsc::Receiver<Bytes>> {
        self.0.retain(|listener| !listener.events.is_closed());
        if self.0.len() == LISTENERS {
            return None;
        }
        let (events, receiver) = mpsc::channel(LISTENER_EVENTS);
        let listener = Listener { events, missed: 0 };
        if listener.events.try_send(Bytes::from_static(b": listening\n\n")).is_err() {
            tracing::debug!("a new listener has no room for a greeting");
        }
        self.0.push(listener);
        Some(receiver)
    }

    /// Tells all of them.
    pub fn tell(&mut self, event: &str, data: &Value) {
        let frame = frame(event, data);
        self.0.retain_mut(|listener| listener.take(frame.clone()));
    }
}

impl Listener {
    /// Takes an event, or notes that it is missed; false if nobody is there any more.
    fn take(&mut self, frame: Bytes) -> bool {
        if self.missed > 0 {
            match self.events.try_send(self::frame("lagged", &json!({ "missed": self.missed }))) {
                Ok(()) => self.missed = 0,
                Err(TrySendError::Full(_)) => {
                    self.missed += 1;
                    return true;
                }
                Err(TrySendError::Closed(_)) => return false,
            }
        }
        match self.events.try_send(frame) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.missed += 1;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

/// An event as it is written. JSON has no line breaks of its own.
fn frame(event: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lags_is_told_how_much_was_missed() {
        let mut listeners = Listeners::default();
        let mut events = listeners.add().unwrap();
        for nth in 0..LISTENER_EVENTS + 4 {
            listeners.tell("request", &json!({ "nth": nth }));
        }
        assert_eq!(events.try_recv().unwrap(), ": listening\n\n");
        assert_eq!(events.try_recv().unwrap(), "event: request\ndata: {\"nth\":0}\n\n");
        listeners.tell("request", &json!({ "nth": "last" }));
        let mut rest = Vec::new();
        while let Ok(event) = events.try_recv() {
            rest.push(String::from_utf8(event.to_vec()).unwrap());
        }
        assert_eq!(rest[rest.len() - 2], "event: lagged\ndata: {\"missed\":5}\n\n");
        assert_eq!(rest[rest.len() - 1], "event: request\ndata: {\"nth\":\"last\"}\n\n");
        drop(events);
        listeners.tell("request", &json!({}));
        assert!(listeners.is_empty());
    }

    #[test]
    fn there_are_only_so_many() {
        let mut listeners = Listeners::default();
        let kept: Vec<_> = (0..LISTENERS).map(|_| listeners.add().unwrap()).collect();
        assert!(listeners.add().is_none());
        drop(kept);
        assert!(listeners.add().is_some());
    }
}
