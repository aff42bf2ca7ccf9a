//! Who may see what: `access.yaml`, resolved to one rule per principal and dataset.
//!
//! Pure: roles, their inheritance and `restrict` are gone here, and what is left is what a session needs to make a view.
//! Absent: SQL. A row filter is a text until the engine plans it against the columns of its dataset.

mod limits;
mod mask;
mod permission;

use std::collections::{BTreeMap, BTreeSet};

pub use limits::{Limit, Limits};
pub use mask::{FloorUnit, Mask, MaskKey, SecretSource};
pub use permission::{DEFAULT_ROLES, Permission, default_role};

/// Letters that a principal's name may have: it is a folder and stands in records.
const NAME_LETTERS: &str = "A-Z, a-z, 0-9, ., _ and -";

/// `access.yaml`, checked and resolved.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// By name.
    pub principals: BTreeMap<String, Principal>,
    /// Who runs what nobody asked for by name: jobs, and commands on the machine that holds the credentials.
    pub service_principal: Option<String>,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

impl Access {
    /// The principal of that name.
    pub fn principal(&self, name: &str) -> Option<&Principal> {
        self.principals.get(name)
    }
}

/// Somebody, or a program, that asks.
#[derive(Debug, Clone)]
pub struct Principal {
    /// Its name.
    pub name: String,
    /// Whose rows it may see at all.
    pub tenants: Tenants,
    /// Its roles, as given.
    pub roles: Vec<String>,
    /// Doors it may come by.
    pub channels: BTreeSet<Channel>,
    /// What filters may ask for, by name.
    pub attributes: BTreeMap<String, String>,
    /// Whether it is a program.
    pub is_service: bool,
    /// How its requests are signed.
    pub signature: Option<SignatureRule>,
    /// What it may do.
    pub permissions: BTreeSet<Permission>,
    /// Datasets that exist for it, with what it sees of them.
    pub datasets: BTreeMap<String, DatasetRule>,
    /// What it may use.
    pub limits: Limits,
}

impl Principal {
    /// Whether it may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Its name in records: `service` or `user`.
    pub fn kind(&self) -> &'static str {
        if self.is_service { "service" } else { "user" }
    }
}

/// Whether a text can name a principal: 1 to 100 of `A-Z a-z 0-9 . _ -`, a letter or digit first.
///
/// # Errors
/// A sentence that says what would be a name.
pub fn principal_name(given: &str) -> Result<String, String> {
    let fits = (1..=100).contains(&given.len())
        && given.starts_with(|c: char| c.is_ascii_alphanumeric())
        && given.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    if fits {
        Ok(given.to_owned())
    } else {
        Err(format!("principal {given:?} is not a name; use 1 to 100 of {NAME_LETTERS}, a letter or digit first"))
    }
}

/// Whose rows a principal may see at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tenants {
    /// Everybody's.
    All,
    /// Those of these tenants, of datasets that have a tenant column.
    Some(BTreeSet<String>),
}

impl Tenants {
    /// The one tenant, if there is exactly one.
    pub fn only(&self) -> Option<&str> {
        match self {
            Self::Some(tenants) if tenants.len() == 1 => tenants.first().map(String::as_str),
            _ => None,
        }
    }
}

/// A door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Requests dropped onto object storage.
    Inbox,
}

impl Channel {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
        }
    }
}

/// How a principal's requests are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureRule {
    /// The secret both sides know.
    pub secret: SecretSource,
    /// Whether an unsigned request is refused.
    pub is_required: bool,
}

/// What a principal sees of one dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetRule {
    /// Which rows: a row is seen when one of the rules lets it through.
    pub rows: Vec<RowRule>,
    /// Rows must pass all of these, too.
    pub restrict: Vec<String>,
    /// Columns that are shown as something else.
    pub masks: BTreeMap<String, MaskRule>,
    /// Columns that do not exist for the principal, and the role that hides them.
    pub hidden: BTreeMap<String, String>,
}

impl DatasetRule {
    /// The role that lets every row through, if one does.
    pub fn all_rows_by(&self) -> Option<&str> {
        self.rows.iter().find(|rule| rule.filter.is_none()).map(|rule| rule.role.as_str())
    }
}

/// The rows that one role lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRule {
    /// The role whose entry says so.
    pub role: String,
    /// An SQL expression over one row; none lets every row through.
    pub filter: Option<String>,
}

/// A mask, and why it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskRule {
    /// What is shown.
    pub mask: Mask,
    /// The role whose entry says so; none where the column's class does.
    pub role: Option<String>,
}
