//! Figures of many controls over the rows of one table, from one scan.
//!
//! ```text
//! SELECT tenant, time, p, w, p, w, … FROM table      p: population; w: violation, where p is not false
//!                     └ counted a tenant, batch by batch, each partition on a task of its own
//! ```
//!
//! Beside the figures it learns when violations happened, so that whoever wants the rows need not look at all of them.
//! Absent: the rows themselves.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, BooleanArray, StringViewArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use tokio::task::JoinSet;

use super::bind::name;
use super::bound::Predicates;
use super::fused::{ByScope, Counts, shape};
use crate::error::EngineError;
use crate::lake_session::{LakeSession, stream_error};

/// Instants of violations that are kept apart; beyond them, violations are not few.
const INSTANTS: usize = 20_000;
/// Stretches of rows of one tenant in a batch, up to which they are counted as stretches.
const STRETCHES: usize = 64;

/// The figures of controls over one table.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Of each control in order, by tenant; every tenant with a row is in each.
    pub(crate) counts: Vec<ByScope>,
    /// Microseconds since 1970 at which the table has violations; none when they are many, or rows have no time.
    pub(crate) instants: Option<BTreeSet<i64>>,
}

/// Counts in one scan.
///
/// # Errors
/// When the scan fails, or a row has no tenant.
pub(crate) async fn tally(session: &LakeSession, members: &[&Predicates]) -> Result<Tally, EngineError> {
    let plan = session.plan(&statement(members)).await?;
    let mut tasks = JoinSet::new();
    for rows in session.partitions(&plan).await? {
        tasks.spawn(part(rows, members.len()));
    }
    let mut whole = Part::new(members.len());
    while let Some(ended) = tasks.join_next().await {
        let part = ended.map_err(|error| EngineError::Bug { what: format!("a scan's task ended early ({error})") })?;
        whole.join(part?);
    }
    Ok(whole.into_tally())
}

fn statement(members: &[&Predicates]) -> String {
    let Some(first) = members.first() else { return "SELECT 1 WHERE false".to_owned() };
    let time = first.time.as_ref().map_or("NULL".to_owned(), |time| name(time));
    let mut columns = vec![format!("{} AS scope", first.tenant), format!("{time} AS happened_at")];
    for (at, Predicates { population, violation, .. }) in members.iter().enumerate() {
        columns.push(format!("({population}) AS p{at}"));
        columns.push(format!("(({population}) IS NOT FALSE AND ({violation})) AS w{at}"));
    }
    let within = first.within.as_deref().map(|within| format!("\nWHERE {within}")).unwrap_or_default();
    format!("SELECT {}\nFROM {}{within}", columns.join(",\n       "), name(&first.table))
}

async fn part(mut rows: SendableRecordBatchStream, members: usize) -> Result<Part, EngineError> {
    let mut part = Part::new(members);
    while let Some(batch) = rows.next().await {
        part.add(&batch.map_err(stream_error)?)?;
    }
    Ok(part)
}

/// Population, violations, undecided violations, undecided populations.
type Figures = [u64; 4];

/// What one partition came to.
#[derive(Debug)]
struct Part {
    members: usize,
    /// Place of each tenant in `figures`.
    tenants: BTreeMap<String, usize>,
    /// Figures of all controls, tenant by tenant.
    figures: Vec<Figures>,
    instants: Option<BTreeSet<i64>>,
}

impl Part {
    fn new(members: usize) -> Self {
        Self { members, tenants: BTreeMap::new(), figures: Vec::new(), instants: Some(BTreeSet::new()) }
    }

    fn place(&mut self, tenant: &str) -> usize {
        if let Some(place) = self.tenants.get(tenant) {
            return *place;
        }
        let place = self.figures.len();
        self.figures.extend(std::iter::repeat_n(Figures::default(), self.members));
        self.tenants.insert(tenant.to_owned(), place);
        place
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let truths: Vec<Truths> =
            (0..self.members).map(|member| Truths::of(batch, 2 + member * 2)).collect::<Result<_, _>>()?;
        let scopes =
            cast(batch.column(0), &DataType::Utf8View).map_err(|error| EngineError::sql("run", error.into()))?;
        let scopes = scopes.as_string_view();
        if scopes.null_count() > 0 {
            return Err(shape("a row without a tenant"));
        }
        let stretches = stretches(scopes);
        if stretches.len() <= STRETCHES {
            self.count_stretches(scopes, &stretches, &truths);
        } else {
            self.count_rows(scopes, &stretches, &truths);
        }
        self.note_instants(batch, &truths)
    }

    fn count_stretches(&mut self, scopes: &StringViewArray, stretches: &[(usize, usize)], truths: &[Truths]) {
        for (from, rows) in stretches {
            let place = self.place(scopes.value(*from));
            for (member, truths) in truths.iter().enumerate() {
                let figures = &mut self.figures[place + member];
                for (figure, rows_of_it) in figures.iter_mut().zip(&truths.masks) {
                    *figure += rows_of_it.as_ref().map_or(0, |mask| mask.slice(*from, *rows).count_set_bits()) as u64;
                }
            }
        }
    }

    /// For tables whose tenants change from row to row.
    fn count_rows(&mut self, scopes: &StringViewArray, stretches: &[(usize, usize)], truths: &[Truths]) {
        let mut places = Vec::with_capacity(scopes.len());
        for (from, rows) in stretches {
            let place = self.place(scopes.value(*from));
            places.extend(std::iter::repeat_n(place, *rows));
        }
        for (member, truths) in truths.iter().enumerate() {
            for (figure, mask) in truths.masks.iter().enumerate() {
                for row in mask.iter().flat_map(BooleanBuffer::set_indices) {
                    self.figures[places[row] + member][figure] += 1;
                }
            }
        }
    }

    fn note_instants(&mut self, batch: &RecordBatch, truths: &[Truths]) -> Result<(), EngineError> {
        let Some(instants) = &mut self.instants else { return Ok(()) };
        let Some(happened_at) = batch.column(1).as_primitive_opt::<TimestampMicrosecondType>() else {
            self.instants = None;
            return Ok(());
        };
        for violations in truths.iter().filter_map(|truths| truths.masks[1].as_ref()) {
            for row in violations.set_indices() {
                // What has no time is in no interval; a table without one says so by its type.
                if happened_at.is_valid(row) {
                    instants.insert(happened_at.value(row));
                }
            }
        }
        if instants.len() > INSTANTS {
            self.instants = None;
        }
        Ok(())
    }

    fn join(&mut self, other: Self) {
        for (tenant, from) in &other.tenants {
            let to = self.place(tenant);
            for member in 0..self.members {
                let figures = &mut self.figures[to + member];
                figures.iter_mut().zip(other.figures[from + member]).for_each(|(sum, figure)| *sum += figure);
            }
        }
        self.instants = match (self.instants.take(), other.instants) {
            (Some(mut ours), Some(theirs)) => {
                ours.extend(theirs);
                Some(ours)
            }
            _ => None,
        };
    }

    fn into_tally(self) -> Tally {
        let of = |member: usize| {
            let by_scope = self.tenants.iter().map(|(tenant, place)| (tenant.clone(), self.figures[place + member]));
            by_scope.map(|(tenant, figures)| (tenant, Counts::new(figures, None))).collect()
        };
        Tally { counts: (0..self.members).map(of).collect(), instants: self.instants }
    }
}

/// Rows of a batch that count for each figure of one control; none where no row does.
#[derive(Debug)]
struct Truths {
    masks: [Option<BooleanBuffer>; 4],
}

impl Truths {
    /// From the columns of population and violation.
    fn of(batch: &RecordBatch, at: usize) -> Result<Self, EngineError> {
        let truth = |at: usize| {
            let column = batch.column(at).as_boolean_opt();
            column.ok_or_else(|| shape(&format!("{}, which is not a truth value", batch.schema().field(at).name())))
        };
        let (population, violation) = (truth(at)?, truth(at + 1)?);
        let (in_population, violates) = (yes(population), yes(violation));
        let undecided_violation = unknown(violation).map(|unknown| &in_population & &unknown);
        let undecided_population = unknown(population).map(|undecided| {
            let not_false = unknown(violation).map_or_else(|| violates.clone(), |unknown| &violates | &unknown);
            &undecided & &not_false
        });
        let violations = (violates.count_set_bits() > 0).then(|| &in_population & &violates);
        Ok(Self { masks: [Some(in_population), violations, undecided_violation, undecided_population] })
    }
}

fn yes(truth: &BooleanArray) -> BooleanBuffer {
    match truth.nulls() {
        Some(valid) if truth.null_count() > 0 => truth.values() & valid.inner(),
        _ => truth.values().clone(),
    }
}

fn unknown(truth: &BooleanArray) -> Option<BooleanBuffer> {
    let valid = truth.nulls().filter(|_| truth.null_count() > 0)?;
    Some(!valid.inner())
}

/// First row and length of each run of rows of one tenant.
fn stretches(scopes: &StringViewArray) -> Vec<(usize, usize)> {
    let views = scopes.views();
    let mut stretches = Vec::new();
    let mut from = 0;
    for row in 1..=scopes.len() {
        let same = row < scopes.len() && (views[row] == views[row - 1] || scopes.value(row) == scopes.value(row - 1));
        if !same {
            stretches.push((from, row - from));
            from = row;
        }
    }
    stretches
}

#[cfg(test)]
mod tests;
