//! How an expression stands in the value it is part of.

use std::rc::Rc;

use schemas::{EdgeKind, EdgeKinds, Form, FunctionClass};

use super::source::Step;

/// What lies between a value and the output it goes into, and which part of the value is taken.
#[derive(Debug, Clone)]
pub(super) struct Context {
    kind: EdgeKind,
    is_masked: bool,
    cap: Form,
    part: Option<Rc<Part>>,
}

/// Steps into a value, the first one to be taken first.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) step: Step,
    pub(super) rest: Option<Rc<Part>>,
}

impl Context {
    /// Of a value that is an output itself.
    pub(super) fn value() -> Self {
        Self::of(EdgeKind::Identity)
    }

    /// Of a value that is used in this way alone.
    pub(super) fn of(kind: EdgeKind) -> Self {
        Self { kind, is_masked: false, cap: Form::Raw, part: None }
    }

    /// Of a value that this one is computed from. Parts are not followed through a computation.
    pub(super) fn then(&self, kind: EdgeKind) -> Self {
        Self { kind: composed(self.kind, kind), is_masked: self.is_masked, cap: self.cap, part: None }
    }

    /// Of an argument of a function of this class, which has the kind `kind`.
    pub(super) fn through(&self, class: FunctionClass, kind: EdgeKind) -> Self {
        let mut then = self.then(kind);
        then.is_masked |= class.is_masking();
        then.cap = then.cap.min(class.cap());
        then
    }

    /// Of the value that `steps` lead into to reach this one.
    pub(super) fn within(&self, step: Step) -> Self {
        let part = Some(Rc::new(Part { step, rest: self.part.clone() }));
        Self { part, ..self.clone() }
    }

    /// The same without its first step.
    pub(super) fn past_first(&self) -> Self {
        let part = self.part.as_ref().and_then(|part| part.rest.clone());
        Self { part, ..self.clone() }
    }

    /// The same for the whole value.
    pub(super) fn whole(&self) -> Self {
        Self { part: None, ..self.clone() }
    }

    /// Which part of the value is taken; none for all of it.
    pub(super) fn part(&self) -> Option<&Rc<Part>> {
        self.part.as_ref()
    }

    /// Whether the value itself arrives.
    pub(super) fn is_direct(&self) -> bool {
        self.kind.is_direct()
    }

    /// The kinds of what is in a value with these kinds, seen from the output.
    pub(super) fn kinds(&self, inner: EdgeKinds) -> EdgeKinds {
        if self.kind == EdgeKind::Identity && !self.is_masked {
            return inner;
        }
        inner.iter().map(|(kind, is_masked)| (composed(self.kind, kind), is_masked || self.is_masked)).collect()
    }

    /// The most that arrives of a value with this cap.
    pub(super) fn cap(&self, inner: Form) -> Form {
        self.cap.min(inner)
    }
}

/// What two steps are together. An influence outside wins, and one inside stays; of two values the later kind counts.
fn composed(outer: EdgeKind, inner: EdgeKind) -> EdgeKind {
    match (outer.is_direct(), inner.is_direct()) {
        (false, _) => outer,
        (true, false) => inner,
        (true, true) => outer.max(inner),
    }
}
