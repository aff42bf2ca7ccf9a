//! What a principal sees: its own catalog of views, its statements, its errors, its limits.
//!
//! ```text
//! statement → statement.rs   one reading statement, from the parsed form
//!           → catalog.rs     names that exist for the principal
//!           → view.rs        masks over row filter over the files of its tenants
//!           → guard.rs       nothing else was planned
//!           → limits.rs      rows, bytes and seconds of the answer, and what its scans read
//!           → redact.rs      errors that say nothing of rows
//! ```
//!
//! Whoever holds the credentials of the store reads the files themselves, and nothing here can forbid it.
//! Absent: who the principal is, and records of what it asked; both are known to `jobs`.

mod barrier;
mod bounded;
mod catalog;
mod check;
mod explain;
mod filter;
mod guard;
mod infallible;
mod limits;
mod mask;
mod mask_function;
mod redact;
mod scan_meter;
mod statement;
mod view;
mod yielding;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use schemas::{DatasetRule, Mask, MaskKey, Principal, SecretSource};

pub(crate) use bounded::bound;
pub(crate) use catalog::ViewCatalog;
pub use check::{ViewFault, check_views};
pub(crate) use explain::explained;
pub(crate) use guard::PolicyGuard;
pub use limits::AnswerKind;
pub(crate) use limits::within_limits;
pub(crate) use redact::{redacted, redacted_stream};
pub use scan_meter::ScanMeter;
pub(crate) use statement::{Asked, asked, is_small};
pub(crate) use yielding::Yielding;

use crate::subject::Persons;

/// A principal with what its masks need.
#[derive(Clone)]
pub struct Viewer {
    principal: Arc<Principal>,
    keys: HashMap<SecretSource, Arc<[u8]>>,
    /// Persons whose rows it does not see, each of these by itself.
    unseen: Vec<Arc<Persons>>,
}

/// Keys are not to be seen.
impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Viewer").field("principal", &self.principal.name).finish_non_exhaustive()
    }
}

impl Viewer {
    /// A principal, with the keys of its pseudonyms read by `secret`.
    ///
    /// # Errors
    /// What `secret` says of a key that it cannot give.
    pub fn new<E>(principal: Principal, secret: impl Fn(&SecretSource) -> Result<Vec<u8>, E>) -> Result<Self, E> {
        let mut keys = HashMap::new();
        let masks = principal.datasets.values().flat_map(|rule: &DatasetRule| rule.masks.values());
        for rule in masks {
            if let Mask::Pseudonym(MaskKey { secret: source, .. }) = &rule.mask
                && !keys.contains_key(source)
            {
                keys.insert(source.clone(), Arc::from(secret(source)?));
            }
        }
        Ok(Self { principal: Arc::new(principal), keys, unseen: Vec::new() })
    }

    /// The same principal, who sees no row that names one of these persons, or may name them.
    #[must_use]
    pub fn without(&self, persons: &Arc<Persons>) -> Self {
        let mut viewer = self.clone();
        viewer.unseen.push(Arc::clone(persons));
        viewer
    }

    /// Persons whose rows it does not see.
    pub fn unseen(&self) -> &[Arc<Persons>] {
        &self.unseen
    }

    /// Who it is.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Datasets that exist for it, with what it sees of them.
    pub(crate) fn rules(&self) -> &BTreeMap<String, DatasetRule> {
        &self.principal.datasets
    }

    /// The key of a pseudonym; [`Self::new`] has read all of them.
    pub(crate) fn key(&self, source: &SecretSource) -> Option<Arc<[u8]>> {
        self.keys.get(source).cloned()
    }
}
