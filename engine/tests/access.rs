//! What principals see: never a row, a value or a name that `access.yaml` does not give them.

#[path = "access/harness.rs"]
mod harness;
#[path = "access/isolation.rs"]
mod isolation;
#[path = "access/leaks.rs"]
mod leaks;
#[path = "access/limits.rs"]
mod limits;
#[path = "access/masks.rs"]
mod masks;
#[path = "access/statements.rs"]
mod statements;
