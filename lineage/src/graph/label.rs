//! What is left of a class of personal data in every column: a search for the widest way, with a bucket per form.
//!
//! Along a way the least cap counts, over several ways the greatest. Each column is settled from the highest form
//! down, so it is looked at once; only a lift raises one again. Absent: how a cap is found, which is the plan's.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use schemas::{Certainty, EdgeKind, Form};

use super::attribute::Attribute;
use super::filter::Bits;
use super::view::View;

/// Outputs of jobs that are grouped by a person, so that what they aggregate is about that person: the target of the
/// grouping and the job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lifts(BTreeSet<(u32, u32)>);

impl Lifts {
    /// The lifts that follow from these columns naming persons.
    pub fn of(view: View<'_>, subjects: &[u32]) -> Self {
        let sources = subjects.iter().map(|subject| (*subject, Form::Raw));
        let mut propagation = Propagation::new(view, Self::default(), true);
        propagation.run(sources);
        propagation.lifts
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(test)]
    pub(super) fn pairs(&self) -> &BTreeSet<(u32, u32)> {
        &self.0
    }

    fn hold(&self, target: u32, head: u32, job: u32) -> bool {
        self.0.contains(&(target, job)) || self.0.contains(&(head, job))
    }
}

/// What is left of a class in every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forms {
    arrived: Vec<Form>,
    influenced: Bits,
}

impl Forms {
    /// What is left in a node: what arrived there, and in what it holds or what holds it.
    pub fn of(&self, view: View<'_>, node: u32) -> Form {
        let kin = view.graph().nodes().kin(node);
        kin.map(|kin| self.arrived[kin as usize]).max().unwrap_or(Form::None)
    }

    /// What arrived in a node itself.
    pub fn arrived(&self, node: u32) -> Form {
        self.arrived[node as usize]
    }

    /// Whether the class decides about a node or about its dataset, without arriving. The mark goes no further.
    pub fn is_influenced(&self, view: View<'_>, node: u32) -> bool {
        self.influenced.has(node) || self.influenced.has(view.graph().nodes().dataset_of(node))
    }

    /// Columns in which the class arrives as masked or more and that are not declared with it.
    pub fn undeclared(&self, view: View<'_>, class: &str) -> Vec<u32> {
        let nodes = view.graph().nodes();
        let arrived = (0..nodes.len()).filter(|node| self.arrived(*node) >= Form::Masked);
        arrived.filter(|node| nodes.about(*node).class() != Some(class)).collect()
    }

    /// Columns that are declared with the class and computed from others, none of which brings it as masked or more. What
    /// is not known exactly may bring it.
    pub fn unexplained(&self, view: View<'_>, class: &str) -> Vec<u32> {
        let is_unexplained = |node: &u32| {
            let mut is_computed = false;
            for entry in view.row(*node, Direction::Incoming).filter(|entry| entry.other() != *node) {
                let attribute = view.attribute(entry.attribute());
                is_computed |= attribute.may_carry();
                let brings = attribute.cap.min(self.of(view, entry.other())) >= Form::Masked;
                if attribute.may_carry() && (brings || attribute.certainty != Certainty::Exact) {
                    return false;
                }
            }
            is_computed
        };
        view.graph().columns_of_class(class).into_iter().filter(is_unexplained).collect()
    }
}

/// What is left of a class in every node, if it is in `sources` in these forms.
pub fn forms(view: View<'_>, sources: &[(u32, Form)], lifts: &Lifts) -> Forms {
    let mut propagation = Propagation::new(view, lifts.clone(), false);
    propagation.run(sources.iter().copied());
    Forms { arrived: propagation.arrived, influenced: propagation.influenced }
}

struct Propagation<'a> {
    view: View<'a>,
    arrived: Vec<Form>,
    /// The form with which each row was gone through.
    scanned: Vec<Form>,
    influenced: Bits,
    /// Nodes to go through, by the form that arrived.
    buckets: [Vec<u32>; Form::ALL.len()],
    lifts: Lifts,
    finds_lifts: bool,
    /// What an aggregate would bring if it were lifted, by dataset, job and target.
    waiting: BTreeMap<(u32, u32, u32), Form>,
}

impl<'a> Propagation<'a> {
    fn new(view: View<'a>, lifts: Lifts, finds_lifts: bool) -> Self {
        let nodes = view.graph().nodes().len();
        Self {
            view,
            arrived: vec![Form::None; nodes as usize],
            scanned: vec![Form::None; nodes as usize],
            influenced: Bits::new(nodes as usize),
            buckets: Default::default(),
            lifts,
            finds_lifts,
            waiting: BTreeMap::new(),
        }
    }

    fn run(&mut self, sources: impl Iterator<Item = (u32, Form)>) {
        for (source, form) in sources {
            self.raise(source, form);
        }
        while let Some((node, form)) = self.pop() {
            // It was raised meanwhile, and stands in a higher bucket.
            if self.arrived[node as usize] != form {
                continue;
            }
            let view = self.view;
            for kin in view.graph().nodes().kin(node) {
                if self.scanned[kin as usize] < form {
                    self.scanned[kin as usize] = form;
                    for entry in view.row(kin, Direction::Outgoing) {
                        self.follow(entry.other(), view.attribute(entry.attribute()), form);
                    }
                }
            }
        }
    }

    fn pop(&mut self) -> Option<(u32, Form)> {
        Form::ALL.into_iter().rev().find_map(|form| Some((self.buckets[form as usize].pop()?, form)))
    }

    fn raise(&mut self, node: u32, form: Form) {
        let arrived = &mut self.arrived[node as usize];
        if *arrived < form {
            *arrived = form;
            self.buckets[form as usize].push(node);
        }
    }

    fn follow(&mut self, target: u32, attribute: &Attribute, form: Form) {
        if attribute.may_carry() {
            let cap = self.cap(target, attribute, form);
            self.raise(target, form.min(cap));
        }
        if !attribute.kinds.indirect().is_empty() {
            self.influenced.set(target);
        }
        if self.finds_lifts && form >= Form::Pseudonymised && attribute.kinds.has(EdgeKind::GroupBy) {
            self.lift(target, attribute.job);
        }
    }

    /// The cap of an edge. What is aggregated by a person is that person's.
    fn cap(&mut self, target: u32, attribute: &Attribute, form: Form) -> Form {
        if attribute.cap != Form::Aggregated || (self.lifts.is_empty() && !self.finds_lifts) {
            return attribute.cap;
        }
        let head = self.view.graph().nodes().dataset_of(target);
        if self.lifts.hold(target, head, attribute.job) {
            return Form::Raw;
        }
        if self.finds_lifts && form > Form::Aggregated {
            let waiting = self.waiting.entry((head, attribute.job, target)).or_insert(form);
            *waiting = form.max(*waiting);
        }
        attribute.cap
    }

    fn lift(&mut self, target: u32, job: u32) {
        if !self.lifts.0.insert((target, job)) {
            return;
        }
        let head = self.view.graph().nodes().dataset_of(target);
        let targets = if head == target { 0..=u32::MAX } else { target..=target };
        let keys = (head, job, *targets.start())..=(head, job, *targets.end());
        let raised: Vec<(u32, Form)> = self.waiting.range(keys).map(|((.., to), form)| (*to, *form)).collect();
        for (to, form) in raised {
            self.raise(to, form);
        }
    }
}
