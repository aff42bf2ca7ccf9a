//! What a column of an intermediate result depends on.

use std::collections::BTreeMap;
use std::rc::Rc;

use schemas::{Certainty, EdgeKind, EdgeKinds, Form, Gap};

use super::context::{Context, Part};
use super::source::{SourceId, Sources, Step};

/// How something depends on one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) kinds: EdgeKinds,
    /// The most that is left of the source's form where its value arrives; none where it only influences.
    pub(super) cap: Form,
}

/// Dependencies, how sure they are, and what else went in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) sources: BTreeMap<SourceId, Dependency>,
    pub(super) certainty: Certainty,
    pub(super) gap: Option<Gap>,
    /// Something was made while the query ran: a count, a row number, an instant.
    pub(super) is_generated: bool,
    /// A literal of the statement went in.
    pub(super) has_literal: bool,
    /// Of a struct that the query builds, each field.
    pub(super) fields: Option<Rc<BTreeMap<String, Rc<Column>>>>,
}

impl Column {
    /// The value of a source column.
    pub(super) fn of_source(source: SourceId) -> Self {
        let value = Dependency { kinds: EdgeKinds::one(EdgeKind::Identity, false), cap: Form::Raw };
        Self { sources: BTreeMap::from([(source, value)]), ..Self::default() }
    }

    /// A value that no row holds.
    pub(super) fn generated() -> Self {
        Self { is_generated: true, ..Self::default() }
    }

    /// A value of which something may be missing.
    pub(super) fn opaque(gap: Gap) -> Self {
        Self { certainty: Certainty::Opaque, gap: Some(gap), ..Self::default() }
    }

    /// Adds what `other` depends on, as it goes through `context`.
    pub(super) fn add(&mut self, other: &Self, context: &Context, sources: &mut Sources) {
        if let Some(part) = context.part() {
            let part = other.part(part, sources);
            self.add_whole(&part, context);
        } else {
            self.add_whole(other, context);
        }
    }

    fn add_whole(&mut self, other: &Self, context: &Context) {
        for (source, dependency) in &other.sources {
            let kinds = context.kinds(dependency.kinds);
            let cap = if kinds.is_direct() { context.cap(dependency.cap) } else { Form::None };
            self.depend(*source, Dependency { kinds, cap });
        }
        self.doubt(other.certainty, other.gap);
        if context.is_direct() {
            self.is_generated |= other.is_generated;
            self.has_literal |= other.has_literal;
        }
    }

    /// Adds all that `other` depends on, in the same ways.
    pub(super) fn unite(&mut self, other: &Self) {
        self.add_whole(other, &Context::value());
        self.fields = match (self.fields.take(), &other.fields) {
            (Some(mine), Some(others)) if mine.keys().eq(others.keys()) => {
                let both = mine.iter().zip(others.values()).map(|((name, mine), other)| {
                    let mut both = mine.as_ref().clone();
                    both.unite(other);
                    (name.clone(), Rc::new(both))
                });
                Some(Rc::new(both.collect()))
            }
            _ => None,
        };
    }

    fn depend(&mut self, source: SourceId, dependency: Dependency) {
        let known = self.sources.entry(source).or_insert(Dependency { kinds: EdgeKinds::default(), cap: Form::None });
        known.kinds = known.kinds.union(dependency.kinds);
        known.cap = known.cap.max(dependency.cap);
    }

    /// Takes the weaker certainty, and its reason.
    pub(super) fn doubt(&mut self, certainty: Certainty, gap: Option<Gap>) {
        if certainty > self.certainty {
            (self.certainty, self.gap) = (certainty, gap);
        }
    }

    /// A part of this value. What is not known part by part is kept whole, as computed from.
    fn part(&self, part: &Rc<Part>, sources: &mut Sources) -> Self {
        let mut whole = self.clone();
        let mut left = Some(Rc::clone(part));
        let mut is_element = false;
        while let Some(part) = left {
            left = part.rest.clone();
            is_element |= part.step == Step::Element;
            let field = match (&part.step, &whole.fields) {
                (Step::Field(name), Some(fields)) => fields.get(name).cloned(),
                (Step::Field(_) | Step::Element, _) => None,
            };
            whole = match field {
                Some(field) => field.as_ref().clone(),
                None => whole.narrowed(&part.step, sources),
            };
        }
        // A list is taken apart for it: it is no value that stands in the source.
        if is_element {
            let mut computed = Self::default();
            computed.add_whole(&whole, &Context::of(EdgeKind::Transformation));
            return computed;
        }
        whole
    }

    /// The part that a step leads to, in every source whose value this is as it stands.
    pub(super) fn narrowed(&self, step: &Step, sources: &mut Sources) -> Self {
        let identity = EdgeKinds::from_iter([(EdgeKind::Identity, false), (EdgeKind::Identity, true)]);
        let computed = Context::of(EdgeKind::Transformation);
        let mut narrowed = Self { sources: BTreeMap::new(), fields: None, ..self.clone() };
        for (source, dependency) in &self.sources {
            let as_it_is: EdgeKinds = dependency.kinds.iter().filter(|(kind, _)| *kind == EdgeKind::Identity).collect();
            let part = if as_it_is.is_empty() { None } else { sources.part(*source, step) };
            let whole = match part {
                Some(part) => {
                    narrowed.depend(part, Dependency { kinds: as_it_is, cap: dependency.cap });
                    EdgeKinds::from_bits(dependency.kinds.bits() & !identity.bits()).unwrap_or_default()
                }
                None => dependency.kinds,
            };
            let direct = computed.kinds(whole.direct());
            let kinds = direct.union(whole.indirect());
            if !kinds.is_empty() {
                let cap = if direct.is_empty() { Form::None } else { dependency.cap };
                narrowed.depend(*source, Dependency { kinds, cap });
            }
        }
        narrowed
    }
}
