//! The trace: a running hash of everything that was delivered, in order. Same seed, same fingerprint, in any build.

/// What was delivered to whom; the first word of every hashed event.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Kind {
    /// A POST reached WhatsApp.
    Post = 1,
    /// An answer reached the engine.
    Answer = 2,
    /// A webhook reached the engine.
    Webhook = 3,
    /// A webhook's answer reached WhatsApp.
    Acknowledged = 4,
    /// A timer of the engine.
    EngineTimer = 5,
    /// A timer of WhatsApp.
    WorldTimer = 6,
    /// The engine's process began.
    EngineStarted = 7,
    /// A person did something.
    Operated = 8,
}

/// The hash so far, and how many events went into it.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    hash: u64,
    events: u64,
    checkpoints: Vec<(u32, u64)>,
}

impl Trace {
    /// One event: when, what, about which message, and its details.
    #[inline]
    pub fn add(&mut self, at: u64, kind: Kind, about: u64, detail: u64) {
        // One multiplication per word: fast, and every bit of every word moves the end.
        let mut hash = self.hash ^ at.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash = (hash.rotate_left(23) ^ about).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        hash = (hash.rotate_left(29) ^ (detail << 3) ^ kind as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        self.hash = hash ^ (hash >> 32);
        self.events += 1;
    }

    /// A virtual minute is over: the hash as of its end is kept, so that two runs that differ can be told when they parted.
    pub fn checkpoint(&mut self, minute: u32) {
        self.checkpoints.push((minute, self.hash));
    }

    /// Minutes in which something happened, each with the hash as of its end. A run of ten days has 14,400.
    pub fn checkpoints(&self) -> &[(u32, u64)] {
        &self.checkpoints
    }

    /// How many events there were.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The hash: the run's fingerprint.
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_events_and_every_part_of_them_counts() {
        let run = |events: &[(u64, Kind, u64, u64)]| {
            let mut trace = Trace::default();
            events.iter().for_each(|(at, kind, about, detail)| trace.add(*at, *kind, *about, *detail));
            trace.hash()
        };
        let base = run(&[(1, Kind::Post, 2, 3), (4, Kind::Answer, 5, 6)]);
        for other in [
            [(4, Kind::Answer, 5, 6), (1, Kind::Post, 2, 3)],
            [(0, Kind::Post, 2, 3), (4, Kind::Answer, 5, 6)],
            [(1, Kind::Webhook, 2, 3), (4, Kind::Answer, 5, 6)],
            [(1, Kind::Post, 3, 3), (4, Kind::Answer, 5, 6)],
            [(1, Kind::Post, 2, 3), (4, Kind::Answer, 5, 7)],
        ] {
            assert_ne!(run(&other), base);
        }
    }
}
