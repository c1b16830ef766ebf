//! The room that the media of all tenants share, in bytes. What is held gives its part back when it is dropped.

use bytes::{Bytes, BytesMut};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The room.
#[derive(Clone, Debug)]
pub struct Room {
    free: Arc<AtomicUsize>,
}

/// A part of it.
#[derive(Debug)]
struct Part {
    free: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Part {
    fn drop(&mut self) {
        self.free.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

impl Room {
    /// A room of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(bytes)) }
    }

    /// Something that grows in it.
    pub fn begin(&self) -> Growing {
        Growing { bytes: BytesMut::new(), part: Part { free: self.free.clone(), bytes: 0 } }
    }
}

/// Bytes that come in bit by bit.
#[derive(Debug)]
pub struct Growing {
    bytes: BytesMut,
    part: Part,
}

impl Growing {
    /// Adds some; `false` if there is no room for them.
    #[must_use]
    pub fn push(&mut self, more: &[u8]) -> bool {
        let taken =
            self.part.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(more.len()));
        if taken.is_err() {
            return false;
        }
        self.part.bytes += more.len();
        self.bytes.extend_from_slice(more);
        true
    }

    /// Gives back all but the first `length`.
    pub fn truncate(&mut self, length: usize) {
        let more = self.bytes.len().saturating_sub(length);
        self.bytes.truncate(length);
        self.part.bytes -= more;
        self.part.free.fetch_add(more, Ordering::Relaxed);
    }

    /// The same once more, which takes as much room again; `None` if there is none.
    pub fn copy(&self) -> Option<Self> {
        let mut copy = Room { free: self.part.free.clone() }.begin();
        copy.push(&self.bytes).then_some(copy)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// No more will come.
    pub fn end(self) -> Held {
        Held { bytes: self.bytes.freeze(), _part: Arc::new(self.part) }
    }
}

/// Bytes that are all there.
#[derive(Clone, Debug)]
pub struct Held {
    bytes: Bytes,
    _part: Arc<Part>,
}

impl Held {
    /// The bytes, to be written out.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }
}

impl Deref for Held {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_shared_and_given_back() {
        let room = Room::new(10);
        let mut one = room.begin();
        assert!(one.push(b"12345"));
        let held = one.end();
        let mut two = room.begin();
        assert!(two.push(b"12345"));
        assert!(!two.push(b"6"));
        assert_eq!((&held[..], two.len()), (&b"12345"[..], 5));
        drop(held);
        assert!(two.push(b"6"));
        two.truncate(1);
        assert!(two.push(b"2345"));
        let mut copy = two.copy().unwrap();
        assert!(two.copy().is_none() && !copy.push(b"6"), "a copy takes room of its own");
        drop(copy);
        assert!(two.push(b"67890") && !two.push(b"1"));
    }
}
