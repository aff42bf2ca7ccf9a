//! A revision of a result, as statements of usage and of support list it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A revision of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultRevision {
    /// From 1.
    pub revision: u32,
    /// `provisional`, `final` or `adjusted`.
    pub state: String,
    /// Instant of its run.
    pub at: DateTime<Utc>,
    /// The run.
    pub run: String,
    /// Its figures in a line.
    pub figures: String,
    /// Why a result that was final changed.
    pub cause: Option<String>,
}
