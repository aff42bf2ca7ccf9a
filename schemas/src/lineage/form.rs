//! What a step leaves of a person: the lattice of forms and the classes of functions that move along it.

use super::edge_kind::EdgeKind;

/// What is left of a person's data, ordered by what can still be done to one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// Nothing.
    None,
    /// A value that stands for a group.
    Aggregated,
    /// A value in one person's row that neither names nor joins.
    Masked,
    /// A token that finds and joins the person, and may be turned back.
    Pseudonymised,
    /// The value as it is.
    Raw,
}

impl Form {
    /// Every form, the least first.
    pub const ALL: [Self; 5] = [Self::None, Self::Aggregated, Self::Masked, Self::Pseudonymised, Self::Raw];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Aggregated => "aggregated",
            Self::Masked => "masked",
            Self::Pseudonymised => "pseudonymised",
            Self::Raw => "raw",
        }
    }
}

/// What a function leaves of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FunctionClass {
    /// All of it: every function that is in no other class.
    Carry,
    /// A token, the same for the same value.
    Pseudonymise,
    /// Less of the value, in the same row.
    Mask,
    /// A measure of many values.
    Measure,
    /// How many there are.
    Count,
    /// One of many values, or all of them: somebody's value.
    Pick,
    /// Nothing that depends on the value.
    Blind,
}

impl FunctionClass {
    /// The most that is left of an argument: a form leaves as the lesser of itself and this.
    pub fn cap(self) -> Form {
        match self {
            Self::Carry | Self::Pick => Form::Raw,
            Self::Pseudonymise => Form::Pseudonymised,
            Self::Mask => Form::Masked,
            Self::Measure | Self::Count => Form::Aggregated,
            Self::Blind => Form::None,
        }
    }

    /// How a result depends on an argument; nothing depends on a blind function's.
    pub fn kind(self) -> Option<EdgeKind> {
        match self {
            Self::Carry | Self::Pseudonymise | Self::Mask => Some(EdgeKind::Transformation),
            Self::Measure | Self::Count | Self::Pick => Some(EdgeKind::Aggregation),
            Self::Blind => None,
        }
    }

    /// Whether OpenLineage's `masking` is set.
    pub fn is_masking(self) -> bool {
        matches!(self, Self::Pseudonymise | Self::Mask | Self::Count)
    }
}
