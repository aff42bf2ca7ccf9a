//! Benches of the workspace; see the files beside `Cargo.toml`, and `src/bin` for what makes their data. The library is
//! empty.
