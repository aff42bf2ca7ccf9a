//! What must be known of all records before the first becomes a row: their keys, or the types of their values.
//!
//! Both follow from the records alone, wherever a batch ends and in whatever parts the inputs are read.

use std::ops::Range;

use arrow::datatypes::Fields;
use tokio::runtime::Handle;

use super::by_name::Names;
use super::json_columns::InferredType;
use super::plan::{Plan, PlannedInput};
use super::read::{Inputs, parts};
use super::records::{Again, Item, Parse, Shape};
use crate::error::EngineError;

/// What is learnt of records, one after the other.
trait Learnt: Default + Send {
    fn observe(&mut self, record: &[u8], parse: Parse);

    /// Adds what was learnt of the records behind.
    fn join(&mut self, later: Self);
}

impl Learnt for Names {
    fn observe(&mut self, record: &[u8], parse: Parse) {
        self.observe(record, parse);
    }

    fn join(&mut self, later: Self) {
        self.join(later);
    }
}

impl Learnt for InferredType {
    fn observe(&mut self, record: &[u8], parse: Parse) {
        if let Ok(value) = parse(record) {
            self.observe(&value);
        }
    }

    fn join(&mut self, later: Self) {
        self.join(later);
    }
}

/// The keys of all records of the plan's inputs.
pub(crate) fn names(inputs: &Inputs, runtime: &Handle, plan: &Plan, parse: Parse) -> Result<Names, EngineError> {
    let names: Names = learnt(inputs, runtime, plan, parse)?;
    if names.too_many() { Err(too_many(plan)) } else { Ok(names) }
}

/// The types of all records of the plan's inputs.
pub(crate) fn types(inputs: &Inputs, runtime: &Handle, plan: &Plan, parse: Parse) -> Result<Fields, EngineError> {
    let inferred: InferredType = learnt(inputs, runtime, plan, parse)?;
    if inferred.left_out() { Err(too_many(plan)) } else { Ok(inferred.to_fields()) }
}

fn too_many(plan: &Plan) -> EngineError {
    EngineError::Input {
        path: plan.inputs.first().map(|input| input.path.clone()).unwrap_or_default(),
        why: "its records have more than 2,000 different keys; put what varies below one key".to_owned(),
    }
}

fn learnt<L: Learnt>(inputs: &Inputs, runtime: &Handle, plan: &Plan, parse: Parse) -> Result<L, EngineError> {
    let part = |part: Range<usize>| learnt_of_part(inputs, runtime, &plan.inputs[part], parse);
    let found: Vec<Result<L, EngineError>> = std::thread::scope(|scope| {
        let parts: Vec<_> = parts(&plan.inputs).into_iter().map(|range| scope.spawn(move || part(range))).collect();
        let stopped = || EngineError::Bug { what: "a reader stopped".to_owned() };
        parts.into_iter().map(|part| part.join().unwrap_or_else(|_| Err(stopped()))).collect()
    });
    let mut all = L::default();
    for part in found {
        all.join(part?);
    }
    Ok(all)
}

fn learnt_of_part<L: Learnt>(
    inputs: &Inputs,
    runtime: &Handle,
    part: &[PlannedInput],
    parse: Parse,
) -> Result<L, EngineError> {
    let mut learnt = L::default();
    for input in part {
        inputs.each_item(runtime, input, Shape::Ndjson, &mut |item| {
            if let Item::Record(record) | Item::Again(Again { record, .. }) = item {
                learnt.observe(record.bytes, parse);
            }
            Ok(())
        })?;
    }
    Ok(learnt)
}
