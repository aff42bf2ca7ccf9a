//! Tests across the floors, in one binary.
//!
//! Absent: tests of one crate, which lie in it.

#![expect(clippy::panic, reason = "a test that cannot go on says why and stops")]

mod floors;
mod guide;
mod tidy;
mod tree;
