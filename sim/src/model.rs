//! The parts of the model level: everything between the two pure cores that is neither of them.

pub mod disk;
pub mod life;
pub mod mishaps;
pub mod network;
pub mod run;
pub mod setup;
pub mod trace;
