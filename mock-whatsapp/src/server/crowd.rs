//! What is said of connections that have to wait to be accepted: once, and not for each of them, or each time that it is tried.

use crate::limits::CONNECTIONS;
use std::io;

/// The number of "too many open files", of this process or of all, on every system that this runs on.
const FILES: [i32; 2] = [24, 23];

/// Whether it was said that connections wait.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// How many were open when it was.
    told: Option<usize>,
}

impl Crowd {
    /// So many are open.
    pub(super) fn look(&mut self, open: usize) {
        if self.told.is_some_and(|told| open <= told / 2) {
            self.told = None;
        }
        if open >= CONNECTIONS && self.is_new(open) {
            tracing::warn!(
                "{open} connections are open, which is all there may be: no further connection is accepted until some are closed"
            );
        }
    }

    /// One more was not accepted, with so many open.
    pub(super) fn cannot_grow(&mut self, open: usize, error: &io::Error) {
        if !self.is_new(open) {
            return;
        }
        let help = match error.raw_os_error() {
            Some(number) if FILES.contains(&number) => {
                "; `ulimit -n 8192` before the start lets this program open more files, of which each connection is one"
            }
            _ => "",
        };
        tracing::warn!(open, "no further connection is accepted until some are closed: {error}{help}");
    }

    /// Whether that was not said since half of those that were open then have gone.
    fn is_new(&mut self, open: usize) -> bool {
        self.told.replace(self.told.unwrap_or(open)).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_once_until_half_of_them_have_gone() {
        let mut crowd = Crowd::default();
        let mut says = |open| {
            crowd.look(open);
            crowd.is_new(open)
        };
        assert_eq!([100, 100, 99, 51, 100].map(&mut says), [true, false, false, false, false]);
        assert_eq!([50, 50, 26, 25].map(&mut says), [true, false, false, true]);
        assert_eq!([0, 0].map(says), [true, true], "nobody else can make room");
    }
}
