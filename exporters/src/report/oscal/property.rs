//! Properties under a namespace of our own, which says that their names are ours and not OSCAL's.

use super::document::Property;
use super::text;

/// Raised when a name comes to mean something else.
const NAMESPACE: &str = "urn:auditlake:oscal:1";

/// A text of the report.
pub(super) fn ours(name: &'static str, value: &str) -> Property {
    Property { name, ns: Some(NAMESPACE), value: text::value(value), group: None, remarks: None }
}

/// A figure of the report.
pub(super) fn figure(name: &'static str, count: u64) -> Property {
    ours(name, &count.to_string())
}

/// One of the names that OSCAL itself knows.
pub(super) fn known(name: &'static str, value: &str) -> Property {
    Property { ns: None, ..ours(name, value) }
}

impl Property {
    /// What it is of, where several are of one name: a framework, a dataset, a parameter. A group is a token, so that
    /// the name itself is a property of the group, too.
    pub(super) fn of(self, group: &str) -> Self {
        Self { group: Some(text::token(group)), ..self }
    }

    /// The statement that gives it.
    pub(super) fn by(self, statement: &str) -> Self {
        Self { remarks: Some(text::sql(statement)), ..self }
    }
}
