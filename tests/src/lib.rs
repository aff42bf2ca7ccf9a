//! Tests across the floors live in `it/`: they see every crate, and no crate sees them.
//!
//! Absent: code. `it/` is one binary, so that it links once; `interop/` holds what readers of others run.
