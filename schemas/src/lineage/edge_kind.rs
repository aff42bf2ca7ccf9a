//! Kinds of dependency between two columns, with the names of OpenLineage's column lineage facet 1-2-0.

/// One way in which an output column depends on a source column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// The value as it is.
    Identity,
    /// Computed from the value of one row.
    Transformation,
    /// Computed from the values of many rows.
    Aggregation,
    /// Decides which rows meet.
    Join,
    /// Decides which rows are put together.
    GroupBy,
    /// Decides which rows there are.
    Filter,
    /// Decides their order.
    Sort,
    /// Decides which rows a window sees, and in what order.
    Window,
    /// Decides which of several values is taken.
    Conditional,
}

impl EdgeKind {
    /// Every kind, the direct ones first.
    pub const ALL: [Self; 9] = [
        Self::Identity,
        Self::Transformation,
        Self::Aggregation,
        Self::Join,
        Self::GroupBy,
        Self::Filter,
        Self::Sort,
        Self::Window,
        Self::Conditional,
    ];

    /// Its word, OpenLineage's `subtype`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "IDENTITY",
            Self::Transformation => "TRANSFORMATION",
            Self::Aggregation => "AGGREGATION",
            Self::Join => "JOIN",
            Self::GroupBy => "GROUP_BY",
            Self::Filter => "FILTER",
            Self::Sort => "SORT",
            Self::Window => "WINDOW",
            Self::Conditional => "CONDITIONAL",
        }
    }

    /// Whether the value itself arrives, OpenLineage's `DIRECT`; the others influence and carry no value.
    pub fn is_direct(self) -> bool {
        self <= Self::Aggregation
    }

    /// OpenLineage's `type`.
    pub fn type_word(self) -> &'static str {
        if self.is_direct() { "DIRECT" } else { "INDIRECT" }
    }
}

/// Kinds of dependency, each with or without masking on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeKinds(u32);

/// Bits of the kinds without masking; those with masking follow.
const PLAIN: u32 = (1 << EdgeKind::ALL.len()) - 1;
/// Bits of one half that are direct.
const DIRECT: u32 = 0b111;

impl EdgeKinds {
    /// One kind alone.
    pub fn one(kind: EdgeKind, is_masked: bool) -> Self {
        let shift = if is_masked { EdgeKind::ALL.len() } else { 0 };
        Self(1 << (kind as usize + shift))
    }

    /// The set of these bits, as [`bits`](Self::bits) gave them; none if one stands for no kind.
    pub fn from_bits(bits: u32) -> Option<Self> {
        (bits >> (2 * EdgeKind::ALL.len()) == 0).then_some(Self(bits))
    }

    /// The set as bits: kinds in the order of [`EdgeKind::ALL`], without masking, then with it.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether there is no kind.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `kind` is there, masked or not.
    pub fn has(self, kind: EdgeKind) -> bool {
        ((self.0 | (self.0 >> EdgeKind::ALL.len())) >> (kind as usize)) & 1 == 1
    }

    /// Whether a value arrives.
    pub fn is_direct(self) -> bool {
        !self.direct().is_empty()
    }

    /// The direct ones.
    #[must_use]
    pub fn direct(self) -> Self {
        Self(self.0 & (DIRECT | (DIRECT << EdgeKind::ALL.len())))
    }

    /// The indirect ones.
    #[must_use]
    pub fn indirect(self) -> Self {
        Self(self.0 & !self.direct().0)
    }

    /// Those of both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The same kinds, all of them with masking.
    #[must_use]
    pub fn masked(self) -> Self {
        Self(((self.0 & PLAIN) << EdgeKind::ALL.len()) | (self.0 & !PLAIN))
    }

    /// Each kind with whether it is masked, those without masking first.
    pub fn iter(self) -> impl Iterator<Item = (EdgeKind, bool)> {
        let all = [false, true].into_iter().flat_map(|masked| EdgeKind::ALL.map(|kind| (kind, masked)));
        all.filter(move |(kind, masked)| self.0 & Self::one(*kind, *masked).0 != 0)
    }
}

impl FromIterator<(EdgeKind, bool)> for EdgeKinds {
    fn from_iter<I: IntoIterator<Item = (EdgeKind, bool)>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::default(), |all, (kind, masked)| all.union(Self::one(kind, masked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_gives_back_what_went_in() {
        let kinds = [(EdgeKind::Identity, false), (EdgeKind::Filter, false), (EdgeKind::Aggregation, true)];
        let set = EdgeKinds::from_iter(kinds);
        assert_eq!(set.iter().collect::<Vec<_>>(), kinds);
        assert_eq!(EdgeKinds::from_bits(set.bits()), Some(set));
        assert_eq!(EdgeKinds::from_bits(1 << 18), None);
    }

    #[test]
    fn direct_and_indirect_are_told_apart_masked_or_not() {
        for (kind, is_masked) in EdgeKind::ALL.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
            let one = EdgeKinds::one(kind, is_masked);
            assert!(
                one.has(kind) && one.is_direct() == kind.is_direct() && one.indirect().is_empty() == kind.is_direct()
            );
            assert_eq!(one.masked(), EdgeKinds::one(kind, true));
        }
    }
}
