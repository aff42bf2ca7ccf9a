//! Identifiers: parsed once, so that swapped arguments do not compile.
//!
//! Absent on purpose: random ids. Ids of records that describe a run are derived from what they
//! describe (UUID version 5), so that the same run gives the same bytes.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Namespace of every derived id: version 5 of `auditlake` in the DNS namespace.
pub const ID_NAMESPACE: Uuid = Uuid::from_u128(0x277f_b487_b271_54ee_9ff6_1984_30c6_a2ce);

/// Derives a UUID version 5 (RFC 9562) over the newline-joined parts.
pub fn derived_id(parts: &[&str]) -> String {
    Uuid::new_v5(&ID_NAMESPACE, parts.join("\n").as_bytes()).to_string()
}

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {given:?} is not a name; use 1 to 64 of a-z, 0-9, _ and -, a letter first")]
pub struct NameError {
    kind: &'static str,
    given: String,
}

/// The rule of every name; `kind` is what messages call it.
pub(crate) fn name(kind: &'static str, given: &str) -> Result<String, NameError> {
    let fits = (1..=64).contains(&given.len())
        && given.starts_with(|c: char| c.is_ascii_lowercase())
        && given.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
    if fits { Ok(given.to_owned()) } else { Err(NameError { kind, given: given.to_owned() }) }
}

/// Declares a name type: the macro has many users and keeps their rules the same.
///
/// ```
/// use schemas::DatasetId;
/// assert_eq!(DatasetId::parse("audit").unwrap().as_str(), "audit");
/// assert!(DatasetId::parse("Audit log").is_err());
/// ```
macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Parses a name: 1 to 64 of `a-z 0-9 _ -`, a letter first.
            ///
            /// # Errors
            /// [`NameError`] quotes the text that does not fit.
            pub fn parse(given: &str) -> Result<Self, NameError> {
                name($kind, given).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(given: String) -> Result<Self, NameError> {
                Self::parse(&given)
            }
        }

        impl From<$type> for String {
            fn from(id: $type) -> Self {
                id.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// Name of a lake.
    LakeId, "lake"
);
name_type!(
    /// Name of a dataset: also its table name in SQL.
    DatasetId, "dataset"
);
impl DatasetId {
    /// Name of what retention archived of it. No definition can have it, as `@` is in no name.
    pub(crate) fn of_archive(&self) -> Self {
        Self(format!("{self}{ARCHIVE_ENDING}"))
    }

    /// The dataset that an archive is of; none of what is no archive.
    ///
    /// ```
    /// use schemas::DatasetId;
    /// assert_eq!(DatasetId::archived("audit@archive"), DatasetId::parse("audit").ok());
    /// assert_eq!(DatasetId::archived("audit"), None);
    /// ```
    pub fn archived(archive: &str) -> Option<Self> {
        Self::parse(archive.strip_suffix(ARCHIVE_ENDING)?).ok()
    }
}

name_type!(
    /// Name of a job.
    JobId, "job"
);
name_type!(
    /// Name of an SLA.
    SlaId, "sla"
);
name_type!(
    /// Name of a report of tables.
    ReportId, "report"
);
name_type!(
    /// Name of what tiers are promised.
    TiersId, "tiers"
);
name_type!(
    /// Name of quotas.
    QuotasId, "quotas"
);
name_type!(
    /// Name of a contract about usage.
    UsageId, "usage"
);
name_type!(
    /// What personal data is used for, as jobs and objections name it.
    Purpose, "purpose"
);
name_type!(
    /// Name of a retention policy.
    PolicyId, "policy"
);

impl PolicyId {
    /// The name of what counts for a dataset that has no policy: that of the dataset.
    pub(crate) fn of_dataset(dataset: &DatasetId) -> Self {
        Self(dataset.as_str().to_owned())
    }
}

/// Ending of the names of archives.
const ARCHIVE_ENDING: &str = "@archive";

/// Id of a control, for example `AL-AUTH-003`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ControlId(String);

impl ControlId {
    /// Parses `PREFIX-FAMILY-NNN`: upper-case letters and digits, two dashes, three digits last.
    ///
    /// # Errors
    /// A sentence that quotes the text and shows the form.
    pub fn parse(given: &str) -> Result<Self, String> {
        let parts: Vec<&str> = given.split('-').collect();
        let upper = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        match parts.as_slice() {
            [prefix, family, number]
                if upper(prefix)
                    && upper(family)
                    && number.len() == 3
                    && number.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Ok(Self(given.to_owned()))
            }
            _ => Err(format!("control \"{given}\" is not an id of the form PREFIX-FAMILY-001")),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The middle part, for example `AUTH`: the folder the control lies in.
    pub fn family(&self) -> &str {
        self.0.split('-').nth(1).unwrap_or_default()
    }
}

/// Id of a finding: what [`derived_id`] gives, the same in every report that finds it again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(String);

impl FindingId {
    /// Parses a UUID of lower-case digits and four dashes.
    ///
    /// # Errors
    /// A sentence that quotes the text and says where ids stand.
    pub fn parse(given: &str) -> Result<Self, String> {
        match Uuid::try_parse(given) {
            Ok(id) if id.to_string() == given => Ok(Self(given.to_owned())),
            _ => Err(format!(
                "\"{given}\" is not the id of a finding, such as {}; ids stand in reports and in `auditlake findings list`",
                derived_id(&["finding"])
            )),
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ControlId {
    type Error = String;
    fn try_from(given: String) -> Result<Self, String> {
        Self::parse(&given)
    }
}

impl From<ControlId> for String {
    fn from(id: ControlId) -> Self {
        id.0
    }
}

impl fmt::Display for ControlId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
