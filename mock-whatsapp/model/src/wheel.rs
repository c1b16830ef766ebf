//! A timing wheel: eight levels of 256 slots over microseconds; first in, first out among equal times.
//!
//! A heap costs more per entry the more entries wait; with hundreds of thousands of reads pending, the wheel does not.
//! Each entry moves at most once per level, sequentially, from one slot's vector to lower ones.

use cloud_api::time::Timestamp;

const LEVELS: usize = 8;
const SLOTS: usize = 256;

/// The highest level whose entries are due soon: within 65,536 µs.
const SOON: usize = 1;

/// Entries due at a time.
#[derive(Clone, Debug)]
pub struct Wheel<T> {
    slots: Vec<Vec<(u64, T)>>,
    used: [[u64; 4]; LEVELS],
    /// No entry is earlier than this.
    cursor: u64,
    /// The entries that are due at `cursor`, from `head` on.
    current: Vec<T>,
    head: usize,
    next: u64,
    /// What became due soon when a slot was last spread: within some 65 ms.
    coming: Vec<T>,
    len: usize,
}

impl<T: Copy> Default for Wheel<T> {
    fn default() -> Self {
        Self {
            slots: (0..LEVELS * SLOTS).map(|_| Vec::new()).collect(),
            used: [[0; 4]; LEVELS],
            cursor: 0,
            current: Vec::new(),
            head: 0,
            next: u64::MAX,
            coming: Vec::new(),
            len: 0,
        }
    }
}

impl<T: Copy> Wheel<T> {
    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// When the earliest entry is due.
    #[inline]
    pub fn next(&self) -> Option<Timestamp> {
        (self.len > 0).then_some(Timestamp(self.next))
    }

    /// The entries that are due within some 65 ms and waited for longer than that, for whoever wants to prepare for them. Each
    /// is given once; empty most times.
    #[inline]
    pub fn coming(&mut self) -> &mut Vec<T> {
        &mut self.coming
    }

    /// Adds an entry. One that is due in the past is due at once, after those that are due already.
    #[inline]
    pub fn push(&mut self, at: Timestamp, entry: T) {
        let time = at.0.max(self.cursor);
        self.len += 1;
        self.next = self.next.min(time);
        self.place(time, entry);
    }

    #[inline]
    fn place(&mut self, time: u64, entry: T) {
        if time == self.cursor {
            self.current.push(entry);
            return;
        }
        let level = (63 - (time ^ self.cursor).leading_zeros() as usize) / 8;
        let slot = (time >> (8 * level)) as usize & (SLOTS - 1);
        self.used[level][slot / 64] |= 1 << (slot % 64);
        self.slots[level * SLOTS + slot].push((time, entry));
    }

    /// Takes the earliest entry if it is due at `now`.
    #[inline]
    pub fn pop(&mut self, now: Timestamp) -> Option<(Timestamp, T)> {
        if self.len == 0 || self.next > now.0 {
            return None;
        }
        if self.next > self.cursor {
            self.turn();
        }
        let entry = self.current[self.head];
        self.head += 1;
        self.len -= 1;
        let at = Timestamp(self.cursor);
        if self.head == self.current.len() {
            self.current.clear();
            self.head = 0;
            self.next = self.earliest().unwrap_or(u64::MAX);
        }
        Some((at, entry))
    }

    /// Moves the cursor to the earliest entry, and spreads the slot that holds it over the levels below.
    fn turn(&mut self) {
        let level = (63 - (self.next ^ self.cursor).leading_zeros() as usize) / 8;
        let slot = (self.next >> (8 * level)) as usize & (SLOTS - 1);
        self.used[level][slot / 64] &= !(1 << (slot % 64));
        self.cursor = self.next;
        let mut entries = std::mem::take(&mut self.slots[level * SLOTS + slot]);
        if level > SOON {
            self.coming.clear();
            let soon = entries.iter().filter(|(time, _)| (time ^ self.cursor) >> (8 * (SOON + 1)) == 0);
            self.coming.extend(soon.map(|(_, entry)| *entry));
        }
        for (time, entry) in entries.drain(..) {
            self.place(time, entry);
        }
        // The vector goes back with its capacity, unless it is a large one: otherwise all slots would soon have the size of
        // the busiest moment, which was 30 MB for a server under full load.
        if entries.capacity() <= 1 << 10 {
            self.slots[level * SLOTS + slot] = entries;
        }
    }

    fn earliest(&self) -> Option<u64> {
        for level in 0..LEVELS {
            let words = &self.used[level];
            let Some(word) = words.iter().position(|word| *word != 0) else { continue };
            let slot = word * 64 + words[word].trailing_zeros() as usize;
            return self.slots[level * SLOTS + slot].iter().map(|(time, _)| *time).min();
        }
        None
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        let cursor = self.cursor;
        *self = Self { cursor, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_come_in_order_of_time_and_first_in_first_out(steps in prop::collection::vec((0u64..1 << 44, 0u8..3), 1..400)) {
            let mut wheel = Wheel::default();
            let mut model: Vec<(u64, usize)> = Vec::new();
            let mut now = 0;
            for (serial, (delay, kind)) in steps.into_iter().enumerate() {
                // Delays of very different sizes, equal times among them.
                let delay = [delay, delay % 70_000, delay % 3][usize::from(kind)];
                wheel.push(Timestamp(now + delay), serial);
                model.push((now + delay, serial));
                if kind == 1 {
                    model.sort();
                    let (time, serial) = model.remove(0);
                    prop_assert_eq!(wheel.next(), Some(Timestamp(time)));
                    prop_assert_eq!(wheel.pop(Timestamp(time)), Some((Timestamp(time), serial)));
                    now = time;
                }
            }
            model.sort();
            for (time, serial) in model {
                prop_assert_eq!(wheel.pop(Timestamp(u64::MAX)), Some((Timestamp(time), serial)));
            }
            prop_assert!(wheel.is_empty() && wheel.next().is_none());
        }
    }
}
