//! Which source columns each output column of a statement depends on, and how.
//!
//! Give it the plan after analysis and before optimisation: names are resolved and types coerced, and nothing is
//! removed, so that the answer belongs to the statement and not to the engine's version. Columns are followed by
//! position. Dependencies on which rows there are belong to the whole dataset and are told once.
//! Absent: what was read when the statement ran, graphs, and any error: what cannot be told is a gap.

mod cast;
mod classes;
mod column;
mod context;
mod every;
mod expr;
mod facet;
mod names;
mod plan;
mod scope;
mod source;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use datafusion_expr::LogicalPlan;
use schemas::{Certainty, EdgeKind, EdgeKinds, Form, Gap};

use crate::facts::{DatasetName, Operation};
use column::Column;
use scope::{Around, Row, Slot};
use source::Sources;
use write::Made;

pub use classes::FunctionClasses;
pub use names::Names;
pub use source::SourceColumn;

/// How many nodes of plans and expressions are followed.
const BUDGET: usize = 200_000;

/// What a statement's columns come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// Where the rows go; none for a query that answers.
    pub target: Option<Target>,
    /// Every column that comes out, by position.
    pub outputs: Vec<Output>,
    /// What decides which rows there are.
    pub lineage: RowLineage,
    /// Every dataset that is read, also if none of its columns counts.
    pub inputs: BTreeSet<DatasetName>,
    /// Why something is not exact.
    pub gaps: BTreeSet<Gap>,
    /// What the statement does.
    pub operations: BTreeSet<Operation>,
}

/// Where rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A dataset.
    Dataset(DatasetName),
    /// A file or a folder, by path or URL.
    Location(String),
}

/// A column that comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name, each once and without literals: a computed column that nobody named is `expr_2` at position 2.
    pub name: String,
    /// What it depends on.
    pub columns: BTreeMap<SourceColumn, Dependency>,
    /// How sure that is.
    pub certainty: Certainty,
    /// Why it is not surer.
    pub gap: Option<Gap>,
    /// What else it is made of, which says why it may have no source.
    pub origins: BTreeSet<Sourceless>,
}

/// How an output depends on a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// In which ways.
    pub kinds: EdgeKinds,
    /// The most that is left of the source's form; nothing where it only influences.
    pub cap: Form,
}

/// What decides which rows there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowLineage {
    /// The columns that do, and how.
    pub columns: BTreeMap<SourceColumn, EdgeKinds>,
    /// How sure that is.
    pub certainty: Certainty,
    /// Why it is not surer.
    pub gap: Option<Gap>,
}

/// Where a value comes from that no row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sourceless {
    /// The statement holds it.
    Literal,
    /// It is made while the statement runs: a count, a row number, the instant.
    Generated,
}

impl Sourceless {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::Generated => "generated",
        }
    }
}

/// Follows the columns of a statement.
///
/// ```
/// use datafusion_common::arrow::datatypes::{DataType, Field, Schema};
/// use datafusion_expr::col;
/// use datafusion_expr::logical_plan::table_scan;
/// use lineage::{FunctionClasses, Names, trace};
///
/// let audit = Schema::new(vec![Field::new("actor_id", DataType::Utf8, true)]);
/// let plan = table_scan(Some("audit"), &audit, None)?.project(vec![col("actor_id").alias("who")])?.build()?;
/// let traced = trace(&plan, &Names::new("auditlake://acme"), &FunctionClasses::default());
/// assert_eq!(traced.outputs[0].name, "who");
/// assert_eq!(traced.outputs[0].columns.keys().next().expect("one source").column, "actor_id");
/// # Ok::<(), datafusion_common::DataFusionError>(())
/// ```
pub fn trace(plan: &LogicalPlan, names: &Names, functions: &FunctionClasses) -> Traced {
    let mut tracer = Tracer::new(names, functions);
    let mut made = tracer.statement(plan);
    if tracer.is_over {
        tracer = Tracer::new(names, functions);
        tracer.everything(plan, &mut made);
    }
    tracer.told(made)
}

/// One plan on its way.
#[derive(Debug)]
struct Tracer<'a> {
    names: &'a Names,
    functions: &'a FunctionClasses,
    sources: Sources,
    inputs: BTreeSet<DatasetName>,
    /// What decides which rows the plan at hand has.
    rows: Column,
    around: Vec<Around>,
    work_tables: Vec<(String, Row)>,
    visited: usize,
    depth: usize,
    is_over: bool,
}

impl<'a> Tracer<'a> {
    fn new(names: &'a Names, functions: &'a FunctionClasses) -> Self {
        Self {
            names,
            functions,
            sources: Sources::default(),
            inputs: BTreeSet::new(),
            rows: Column::default(),
            around: Vec::new(),
            work_tables: Vec::new(),
            visited: 0,
            depth: 0,
            is_over: false,
        }
    }

    /// Counts a node; false when there have been too many.
    fn may_go_on(&mut self) -> bool {
        self.visited += 1;
        self.is_over |= self.visited > BUDGET;
        !self.is_over
    }

    fn told(self, made: Made) -> Traced {
        let row = made.row.unwrap_or_else(|| Row::from([]));
        let mut outputs: Vec<Output> = Vec::with_capacity(row.len());
        let mut taken = BTreeSet::new();
        for (at, (slot, name)) in row.iter().zip(made.names).enumerate() {
            let position = at + 1;
            let mut name = if made.is_named || slot.is_named { name } else { format!("expr_{position}") };
            while !taken.insert(name.clone()) {
                name = format!("{name}_{position}");
            }
            outputs.push(self.output(name, slot));
        }
        let lineage = RowLineage {
            columns: self.named(&self.rows, |dependency| dependency.kinds),
            certainty: self.rows.certainty,
            gap: self.rows.gap,
        };
        let gaps = outputs.iter().map(|output| output.gap).chain([lineage.gap]).flatten().collect();
        let operations = operations(made.operations, &outputs, &lineage);
        Traced { target: made.target, outputs, lineage, inputs: self.inputs, gaps, operations }
    }

    fn output(&self, name: String, slot: &Slot) -> Output {
        let column = &slot.column;
        let literal = column.has_literal.then_some(Sourceless::Literal);
        let generated = column.is_generated.then_some(Sourceless::Generated);
        Output {
            name,
            columns: self.named(column, |dependency| Dependency { kinds: dependency.kinds, cap: dependency.cap }),
            certainty: column.certainty,
            gap: column.gap,
            origins: literal.into_iter().chain(generated).collect(),
        }
    }

    fn named<T>(&self, column: &Column, of: impl Fn(&column::Dependency) -> T) -> BTreeMap<SourceColumn, T> {
        let named = column
            .sources
            .iter()
            .filter_map(|(source, dependency)| Some((self.sources.named(*source)?.clone(), of(dependency))));
        named.collect()
    }
}

/// What a statement does, beside what its form says: it aggregates or transforms if it makes columns.
fn operations(mut operations: BTreeSet<Operation>, outputs: &[Output], lineage: &RowLineage) -> BTreeSet<Operation> {
    let of_outputs = outputs.iter().flat_map(|output| output.columns.values().map(|dependency| dependency.kinds));
    let is_aggregation = of_outputs
        .chain(lineage.columns.values().copied())
        .any(|kinds| kinds.has(EdgeKind::Aggregation) || kinds.has(EdgeKind::GroupBy));
    if is_aggregation {
        operations.insert(Operation::Aggregation);
    }
    if operations.is_empty() && !outputs.is_empty() {
        operations.insert(Operation::Transformation);
    }
    operations
}
