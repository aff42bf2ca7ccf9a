//! Benches of the workspace; see the files beside `Cargo.toml`. The library is empty.
