//! Where the columns of an output come from, in the terms of facts.

use std::collections::{BTreeMap, BTreeSet};

use schemas::{Certainty, EdgeKind, EdgeKinds, Form, Gap};

use crate::facts::DatasetName;

/// Where the columns of one output come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnLineage {
    /// By column or field path.
    pub fields: BTreeMap<String, Sources>,
    /// What decides which rows there are.
    pub dataset: Sources,
}

/// What one column, or the whole dataset, depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// How sure that is.
    pub certainty: Certainty,
    /// Why it is not surer.
    pub gap: Option<Gap>,
    /// What it depends on, and in which ways.
    pub from: BTreeMap<Source, Way>,
}

/// A column that others depend on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Its dataset.
    pub dataset: DatasetName,
    /// Its path; none for the dataset as a whole.
    pub field: Option<String>,
}

/// How something depends on a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// In which ways; none if nobody says.
    pub kinds: EdgeKinds,
    /// The most that is left of the source's form.
    pub cap: Form,
}

/// Kinds that decide which rows there are and in what order; producers that have no field for it copy them into every
/// column. The others belong to the column they stand at.
const ROWS: [EdgeKind; 4] = [EdgeKind::Join, EdgeKind::GroupBy, EdgeKind::Filter, EdgeKind::Sort];

impl Way {
    /// A dependency of these kinds with what they leave at most, where nothing more is known: a masked value may still
    /// be a token, a masked aggregate is a count, and a dependency without value leaves none.
    pub fn of(kinds: EdgeKinds) -> Self {
        let left = |(kind, is_masked)| match (kind, is_masked) {
            (EdgeKind::Identity | EdgeKind::Transformation | EdgeKind::Aggregation, false) => Form::Raw,
            (EdgeKind::Identity | EdgeKind::Transformation, true) => Form::Pseudonymised,
            (EdgeKind::Aggregation, true) => Form::Aggregated,
            _ => Form::None,
        };
        let cap = if kinds.is_empty() { Form::Raw } else { kinds.iter().map(left).max().unwrap_or(Form::Raw) };
        Self { kinds, cap }
    }
}

impl Sources {
    /// Adds a dependency; with one on the same source both hold, and the larger form is left.
    pub fn add(&mut self, source: Source, way: Way) {
        let known = self.from.entry(source).or_insert(way);
        *known = Way { kinds: known.kinds.union(way.kinds), cap: known.cap.max(way.cap) };
    }

    /// Adds everything of `other`, and is as unsure as the less sure of both.
    pub fn absorb(&mut self, other: &Self) {
        if other.certainty > self.certainty {
            (self.certainty, self.gap) = (other.certainty, other.gap);
        }
        for (source, way) in &other.from {
            self.add(source.clone(), *way);
        }
    }

    /// The same where no more than `cap` is left of any value, and what arrives is masked.
    #[must_use]
    pub fn masked(mut self, cap: Form) -> Self {
        for way in self.from.values_mut().filter(|way| way.kinds.is_direct()) {
            let masked = way.kinds.direct().masked();
            *way = Way { kinds: masked.union(way.kinds.indirect()), cap: way.cap.min(cap) };
        }
        self
    }

    /// How sure it is as far as the kinds of columns tell: one without kinds leaves open what else there is.
    pub(super) fn told_by_columns(&self) -> (Certainty, Option<Gap>) {
        let is_silent = self.from.iter().any(|(source, way)| source.field.is_some() && way.kinds.is_empty());
        if is_silent { (Certainty::Opaque, Some(Gap::ProducerSilent)) } else { (Certainty::Exact, None) }
    }

    /// Sets the certainty to what the kinds tell; a whole dataset without kinds leaves open which of its columns.
    pub(super) fn judge(&mut self) {
        (self.certainty, self.gap) = self.told_by_columns();
        let is_whole = self.from.iter().any(|(source, way)| source.field.is_none() && way.kinds.is_empty());
        if is_whole && self.gap.is_none() {
            (self.certainty, self.gap) = (Certainty::Opaque, Some(Gap::JobLevel));
        }
    }
}

impl ColumnLineage {
    /// Every dependency in it, those of columns first.
    pub fn sources(&self) -> impl Iterator<Item = (&Source, &Way)> {
        self.fields.values().chain([&self.dataset]).flat_map(|sources| &sources.from)
    }

    /// Moves what was copied into every column to the whole dataset.
    pub(super) fn fold_copies(&mut self) {
        let mut columns = self.fields.values();
        let Some(first) = columns.next() else { return };
        let mut common = rows_of(first);
        for column in columns {
            common = common.intersection(&rows_of(column)).cloned().collect();
        }
        for (source, kind, is_masked) in common {
            let one = EdgeKinds::one(kind, is_masked);
            for column in self.fields.values_mut() {
                let Some(way) = column.from.get_mut(&source) else { continue };
                let left: EdgeKinds = way.kinds.iter().filter(|pair| *pair != (kind, is_masked)).collect();
                *way = Way::of(left);
                if left.is_empty() {
                    column.from.remove(&source);
                }
            }
            self.dataset.add(source, Way::of(one));
        }
    }

    /// Copies what the whole dataset depends on into every column, for readers that know only those.
    pub(super) fn copy_rows(&mut self) {
        for column in self.fields.values_mut() {
            for (source, way) in &self.dataset.from {
                column.add(source.clone(), *way);
            }
        }
    }
}

fn rows_of(sources: &Sources) -> BTreeSet<(Source, EdgeKind, bool)> {
    let all = sources.from.iter().flat_map(|(source, way)| way.kinds.iter().map(move |kind| (source, kind)));
    all.filter(|(_, (kind, _))| ROWS.contains(kind))
        .map(|(source, (kind, masked))| (source.clone(), kind, masked))
        .collect()
}
