//! What to do about an error: the one thing a caller may branch on.
//!
//! Every error enum of every crate has `fn remedy(&self) -> Remedy`. Absent: texts. A message is for people;
//! whoever matches on it breaks when it is improved.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The next step after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// The same call may succeed later: a store that is away, an object replaced while it was read.
    Retry,
    /// A definition, an argument or a permission is wrong; nothing changes until a person changes it.
    FixConfig,
    /// The data is not what the definitions say; look at the named file or rows.
    InspectData,
    /// An assumption of ours broke; report it with the message.
    Report,
}

impl Remedy {
    /// The word in records and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::FixConfig => "fix_config",
            Self::InspectData => "inspect_data",
            Self::Report => "report",
        }
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
