//! The words of lineage: how one column depends on another, how sure that is, and what is left of a person on the way.

mod certainty;
mod edge_kind;
mod form;

pub use certainty::{Certainty, Gap};
pub use edge_kind::{EdgeKind, EdgeKinds};
pub use form::{Form, FunctionClass};
