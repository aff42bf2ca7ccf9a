//! Tests across the floors, in one binary.
//!
//! Absent: tests of one crate, which lie in it.

mod floors;
mod guide;
mod tidy;
mod tree;
