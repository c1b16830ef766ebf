//! Chance, keyed: every draw is a function of the seed, of what it is about, and of nothing else.
//!
//! There is no generator with a state here, so neither the order of arrival nor a change elsewhere can shift a draw. The
//! functions are part of the contract: the same scenario and seed give the same fates at every level and on every machine.

/// What a draw is for. The numbers are part of every fingerprint: add, never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum What {
    /// Time from acceptance to `sent`.
    Sent = 1,
    /// Time from `sent` to arrival.
    Delivered = 2,
    /// Whether it is read.
    Reads = 3,
    /// Time from arrival to `read`.
    Read = 4,
    /// Time from arrival to the answer.
    Reply = 5,
    /// Time from acceptance to an asynchronous failure.
    Failed = 6,
    /// Time from arrival of a POST to its reply.
    Answer = 7,
    /// Whether a fault hits.
    Fault = 8,
    /// A fault's delay.
    FaultDelay = 9,
    /// Which contact has which kind of handset.
    Quota = 10,
    /// A contact's telephone number.
    Phone = 11,
    /// The wamid of a message.
    Wamid = 12,
    /// Jitter of a webhook's redelivery.
    Redelivery = 13,
    /// Time from sending a webhook to its arrival, where it is not the world's.
    Transit = 14,
    /// Which of several oddities, and in which order its statuses come.
    Oddity = 15,
    /// What a forged webhook tells.
    Forgery = 16,
}

/// Mixes 64 bits so that every input bit moves every output bit (the finaliser of SplitMix64).
#[inline]
pub const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The draw for `what` about `key`, under `seed`: 64 uniform bits.
#[inline]
pub const fn fate(seed: u64, key: u64, what: What) -> u64 {
    mix(mix(seed ^ (what as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)) ^ key)
}

/// Joins two keys into one, in this order.
#[inline]
pub const fn join(a: u64, b: u64) -> u64 {
    mix(a.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ mix(b.wrapping_add(0x632B_E59B_D9B4_E019)))
}

/// The key of a text or of any bytes.
pub const fn digest(bytes: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        at += 1;
    }
    mix(hash ^ bytes.len() as u64)
}

/// The key of all attempts of one message: to whom, from which number, and what it says.
#[inline]
pub const fn message_key(wa_id: u64, phone_number_id: u64, content: u64) -> u64 {
    join(join(wa_id, phone_number_id), content)
}

/// A share of all draws, as the threshold below which 64 uniform bits must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u128);

impl Share {
    /// All of them.
    pub const ALL: Self = Self(1 << 64);

    /// From millionths.
    pub const fn millionths(n: u32) -> Self {
        Self(((n as u128) << 64) / 1_000_000)
    }

    /// Whether a draw is inside.
    #[inline]
    pub const fn holds(self, draw: u64) -> bool {
        (draw as u128) < self.0
    }
}

/// Where `index` stands in a keyed permutation of 0..`size`: a Feistel network over the next even power of two, walked
/// until it lands inside.
///
/// # Panics
/// If `index` is not below `size`.
pub fn permute(key: u64, index: u64, size: u64) -> u64 {
    assert!(index < size, "{index} is not below {size}");
    let bits = (64 - (size - 1).leading_zeros()).max(2);
    let half = bits.div_ceil(2);
    let mask = (1u64 << half) - 1;
    let mut at = index;
    loop {
        let (mut left, mut right) = (at >> half, at & mask);
        for round in 0..4 {
            (left, right) = (right, left ^ (mix(key ^ (round << 56) ^ right) & mask));
        }
        at = left << half | right;
        if at < size {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_hits_every_place_once() {
        for size in [1, 2, 3, 10, 255, 256, 257, 5_000] {
            let mut seen = vec![false; size as usize];
            for index in 0..size {
                let place = permute(42, index, size) as usize;
                assert!(!std::mem::replace(&mut seen[place], true), "{place} of {size} twice");
            }
        }
    }

    #[test]
    fn draws_are_pinned_since_every_fingerprint_hangs_on_them() {
        assert_eq!(fate(42, 7, What::Read), 10_434_846_668_808_569_041);
        assert_eq!(digest(b"spring_sale"), 7_918_227_694_145_790_628);
        assert_eq!(join(1, 2), 960885873870213447);
        assert_ne!(join(1, 2), join(2, 1));
        assert_eq!(permute(1, 5, 100), 6);
    }

    #[test]
    fn a_share_holds_as_many_draws_as_it_says() {
        let held = (0..100_000).filter(|n| Share::millionths(250_000).holds(mix(*n))).count();
        assert!((24_500..25_500).contains(&held), "{held}");
        assert!(Share::ALL.holds(u64::MAX) && !Share::millionths(0).holds(0));
    }
}
