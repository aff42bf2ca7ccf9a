//! Lineage: what a plan says about where rows come from.
//!
//! Plans go in, answers come out. Absent: sessions, stores and anything that waits; graphs and documents come
//! when something draws them.

mod reads;

pub use reads::{Reads, reads};
