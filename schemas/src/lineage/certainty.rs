//! How sure a recorded dependency is, and why it is not surer.

/// How sure a set of dependencies is. The weaker of two is the larger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// Everything true is in it, and nothing else.
    #[default]
    Exact,
    /// Everything true is in it, and perhaps more.
    Superset,
    /// Something true may be missing.
    Opaque,
}

impl Certainty {
    /// Every certainty, the strongest first.
    pub const ALL: [Self; 3] = [Self::Exact, Self::Superset, Self::Opaque];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Superset => "superset",
            Self::Opaque => "opaque",
        }
    }

    /// The certainty of two together: the weaker one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

/// Why dependencies are not known exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gap {
    /// A node of the plan that no rule knows.
    ExtensionNode,
    /// A step that has no plan and did not declare its columns.
    NotTraced,
    /// The plan has too many nodes to follow.
    PlanTooLarge,
    /// An event with inputs and outputs and no columns.
    JobLevel,
    /// An event that names columns and not how they depend on one another.
    ProducerSilent,
    /// A file or URL of which nobody knows to which dataset it belongs.
    UnknownLocation,
    /// A prepared plan that is not at hand.
    Execute,
}

impl Gap {
    /// Every gap.
    pub const ALL: [Self; 7] = [
        Self::ExtensionNode,
        Self::NotTraced,
        Self::PlanTooLarge,
        Self::JobLevel,
        Self::ProducerSilent,
        Self::UnknownLocation,
        Self::Execute,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExtensionNode => "extension_node",
            Self::NotTraced => "not_traced",
            Self::PlanTooLarge => "plan_too_large",
            Self::JobLevel => "job_level",
            Self::ProducerSilent => "producer_silent",
            Self::UnknownLocation => "unknown_location",
            Self::Execute => "execute",
        }
    }
}
