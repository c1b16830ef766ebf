//! The world from outside: POSTs and time in, replies and webhooks out. Its parts have tests of their own beside them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod forms;
mod limits;
mod scene;
mod statuses;
