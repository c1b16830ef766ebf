//! WhatsApp Cloud API: wire JSON, error catalogue and webhook signature.

pub mod catalogue;
pub mod limits;
pub mod time;
