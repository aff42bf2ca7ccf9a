//! `latency_sketch` and `sketch_merge`: aggregates that give a sketch, of durations or of what sketches counted.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{ScalarValue, exec_datafusion_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};

use super::row_function::is_bytes;
use crate::sketch::{Sketch, SketchError};

/// What an aggregate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Counts {
    /// Whole numbers.
    Durations,
    /// What sketches counted.
    Sketches,
}

/// An aggregate that gives a sketch; null where it met nothing but nulls.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct SketchAggregate {
    name: &'static str,
    counts: Counts,
    signature: Signature,
}

/// `latency_sketch(duration)`.
pub(super) fn latency_sketch() -> SketchAggregate {
    SketchAggregate::new("latency_sketch", Counts::Durations)
}

/// `sketch_merge(sketch)`.
pub(super) fn sketch_merge() -> SketchAggregate {
    SketchAggregate::new("sketch_merge", Counts::Sketches)
}

impl SketchAggregate {
    fn new(name: &'static str, counts: Counts) -> Self {
        Self { name, counts, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn groups(&self, args: &AccumulatorArgs<'_>) -> Result<Groups> {
        if args.is_distinct {
            return plan_err!("{} counts every value; leave DISTINCT out, or group by the value first", self.name);
        }
        Ok(Groups { name: self.name, counts: self.counts, sketches: Vec::new(), heap: 0 })
    }
}

impl AggregateUDFImpl for SketchAggregate {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match (self.counts, given) {
            (Counts::Durations, [of]) if of.is_integer() || of.is_null() => Ok(vec![DataType::Int64]),
            (Counts::Sketches, [of]) if is_bytes(of) || of.is_null() => Ok(vec![DataType::Binary]),
            (Counts::Durations, _) => plan_err!("{} takes (duration whole number), as microseconds", self.name),
            (Counts::Sketches, _) => plan_err!("{} takes (sketch binary), as latency_sketch gives it", self.name),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Binary)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let name = format_state_name(args.name, "sketch");
        Ok(vec![Arc::new(Field::new(name, DataType::Binary, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneGroup(self.groups(&args)?)))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(self.groups(&args)?))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// The sketches of groups that come together.
#[derive(Debug)]
struct Groups {
    name: &'static str,
    counts: Counts,
    /// By the number of the group; none of one that met no value.
    sketches: Vec<Option<Sketch>>,
    /// Bytes that they take beside that list.
    heap: usize,
}

impl Groups {
    fn error(&self, error: SketchError) -> DataFusionError {
        exec_datafusion_err!("{}: {error}", self.name)
    }

    fn take(&mut self, counts: Counts, column: &ArrayRef, rows: impl Iterator<Item = (usize, usize)>) -> Result<()> {
        let rows = rows.filter(|(row, _)| column.is_valid(*row));
        match counts {
            Counts::Durations => {
                let durations = column.as_primitive::<Int64Type>();
                for (row, group) in rows {
                    self.change(group, |sketch| sketch.add(durations.value(row)))?;
                }
            }
            Counts::Sketches => {
                let sketches = column.as_binary::<i32>();
                for (row, group) in rows {
                    self.change(group, |sketch| sketch.merge(&Sketch::from_bytes(sketches.value(row))?))?;
                }
            }
        }
        Ok(())
    }

    fn change(&mut self, group: usize, change: impl FnOnce(&mut Sketch) -> Result<(), SketchError>) -> Result<()> {
        let sketch = self.sketches[group].get_or_insert_default();
        self.heap -= sketch.heap_bytes();
        let changed = change(sketch);
        self.heap += sketch.heap_bytes();
        changed.map_err(|error| self.error(error))
    }

    fn emit(&mut self, emit_to: EmitTo) -> ArrayRef {
        let mut out = BinaryBuilder::new();
        for sketch in emit_to.take_needed(&mut self.sketches) {
            self.heap -= sketch.as_ref().map_or(0, Sketch::heap_bytes);
            out.append_option(sketch.map(|sketch| sketch.to_bytes()));
        }
        Arc::new(out.finish())
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sketches.resize(total, None);
        let is_taken = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        let rows = groups.iter().copied().enumerate().filter(|(row, _)| is_taken(*row));
        self.take(self.counts, &values[0], rows)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.sketches.resize(total, None);
        self.take(Counts::Sketches, &values[0], groups.iter().copied().enumerate())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(self.emit(emit_to))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to)])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values[0].len();
        let mut each = Self { name: self.name, counts: self.counts, sketches: Vec::new(), heap: 0 };
        each.update_batch(values, &Vec::from_iter(0..rows), filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.sketches.capacity() * size_of::<Option<Sketch>>() + self.heap
    }
}

/// A grouping with one group.
#[derive(Debug)]
struct OneGroup(Groups);

impl OneGroup {
    fn told(&mut self) -> Result<ScalarValue> {
        self.0.sketches.resize(1, None);
        let sketch = self.0.sketches[0].as_ref().map(Sketch::to_bytes);
        Ok(ScalarValue::Binary(sketch))
    }
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(values, &vec![0; values[0].len()], None, 1)
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states, &vec![0; states[0].len()], 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.told()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.told()?])
    }

    fn size(&self) -> usize {
        self.0.size()
    }
}
