//! The log of lineage: an event as a row, and back.
//!
//! A row holds what is asked for without opening the event, and the event itself as it is kept, compressed; the typed
//! form is read from that. Absent: files, and facets stored once for many rows.

use std::sync::Arc;

use datafusion_common::arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, FixedSizeBinaryBuilder, ListBuilder, StringBuilder, StructBuilder,
    TimestampMicrosecondArray,
};
use datafusion_common::arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use datafusion_common::arrow::error::ArrowError;
use datafusion_common::arrow::record_batch::RecordBatch;
use serde_json::Value;

use crate::event::{Dataset, Event, Indirect, Origin, Reading, canonical_json, read};

/// Level of compression; above it events take longer and get hardly smaller.
const ZSTD_LEVEL: i32 = 3;

/// Words for how an event came here.
const ORIGINS: [(&str, Origin); 3] =
    [("import", Origin::Import), ("run", Origin::Run), ("definition", Origin::Definition)];

/// Columns of the log.
pub fn log_schema() -> SchemaRef {
    let name = DataType::Struct(name_fields());
    let names = || DataType::List(Arc::new(Field::new("item", name.clone(), true)));
    Arc::new(Schema::new(vec![
        Field::new("event_id", DataType::FixedSizeBinary(32), false),
        Field::new("event_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        Field::new("origin", DataType::Utf8, false),
        Field::new("event_type", DataType::Utf8, true),
        Field::new("run_id", DataType::Utf8, true),
        Field::new("job_namespace", DataType::Utf8, true),
        Field::new("job_name", DataType::Utf8, true),
        Field::new("inputs", names(), false),
        Field::new("outputs", names(), false),
        Field::new("event", DataType::Binary, false),
    ]))
}

/// The rows of `events`, in their order. An event about a dataset alone has it among the outputs.
///
/// # Errors
/// An event that cannot be compressed or is too large for a row.
pub fn log_rows(events: &[Event]) -> Result<RecordBatch, ArrowError> {
    let mut ids = FixedSizeBinaryBuilder::with_capacity(events.len(), 32);
    let mut texts: [StringBuilder; 5] = Default::default();
    let (mut inputs, mut outputs) = (names_builder(), names_builder());
    let mut kept = BinaryBuilder::new();
    for event in events {
        let value = event.to_value(Indirect::Dataset);
        ids.append_value(event.id())?;
        let origin = ORIGINS.iter().find(|(_, origin)| *origin == event.origin).map(|(word, _)| *word);
        let job = event.job().map(|job| &job.name);
        let row = [
            origin,
            value.get("eventType").and_then(Value::as_str),
            event.run().map(|run| run.id.as_str()),
            job.map(|job| job.namespace.as_str()),
            job.map(|job| job.name.as_str()),
        ];
        texts.iter_mut().zip(row).for_each(|(builder, text)| builder.append_option(text));
        append_names(&mut inputs, event.job().map(|job| job.inputs.iter()).into_iter().flatten())?;
        let alone = event.datasets().filter(|_| event.job().is_none());
        append_names(&mut outputs, event.job().map(|job| job.outputs.iter()).into_iter().flatten().chain(alone))?;
        let text = canonical_json(&value);
        kept.append_value(zstd::bulk::compress(text.as_bytes(), ZSTD_LEVEL)?);
    }
    let at = TimestampMicrosecondArray::from_iter_values(events.iter().map(|event| event.at.timestamp_micros()));
    let mut columns: Vec<ArrayRef> = vec![Arc::new(ids.finish()), Arc::new(at.with_timezone("UTC"))];
    columns.extend(texts.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
    columns.extend([Arc::new(inputs.finish()) as ArrayRef, Arc::new(outputs.finish()), Arc::new(kept.finish())]);
    RecordBatch::try_new(log_schema(), columns)
}

/// The events of rows of the log. Each is checked against its id.
///
/// # Errors
/// A row that is not one of the log, or is damaged.
pub fn logged_events(rows: &RecordBatch) -> Result<Vec<Event>, ArrowError> {
    let broken = |row: usize, what: String| ArrowError::ParseError(format!("row {row} of the lineage log {what}"));
    let column = |name: &str| {
        rows.column_by_name(name)
            .ok_or_else(|| ArrowError::SchemaError(format!("the lineage log has no column \"{name}\"")))
    };
    let ids = column("event_id")?.as_fixed_size_binary_opt();
    let origins = column("origin")?.as_string_opt::<i32>();
    let kept = column("event")?.as_binary_opt::<i32>();
    let (Some(ids), Some(origins), Some(kept)) = (ids, origins, kept) else {
        return Err(ArrowError::SchemaError("the lineage log has columns of other types".to_owned()));
    };
    let mut events = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        let word = if origins.is_valid(row) { origins.value(row) } else { "" };
        let origin = ORIGINS.iter().find(|(known, _)| *known == word).map(|(_, origin)| *origin);
        let origin = origin.ok_or_else(|| broken(row, format!("has the unknown origin {word:?}")))?;
        let text = zstd::stream::decode_all(kept.value(row))?;
        let reading = Reading::kept(origin);
        let (event, _) = read(&text, &reading).map_err(|remark| broken(row, format!("holds no event: {remark}")))?;
        if event.id() != ids.value(row) {
            return Err(broken(row, "holds another event than its id says".to_owned()));
        }
        events.push(event);
    }
    Ok(events)
}

fn name_fields() -> Fields {
    Fields::from(vec![Field::new("namespace", DataType::Utf8, false), Field::new("name", DataType::Utf8, false)])
}

fn names_builder() -> ListBuilder<StructBuilder> {
    let texts = vec![Box::new(StringBuilder::new()) as _, Box::new(StringBuilder::new()) as _];
    ListBuilder::new(StructBuilder::new(name_fields(), texts))
}

fn append_names<'a>(
    list: &mut ListBuilder<StructBuilder>,
    datasets: impl Iterator<Item = &'a Dataset>,
) -> Result<(), ArrowError> {
    for dataset in datasets {
        let name = list.values();
        for (at, text) in [&dataset.name.namespace, &dataset.name.name].into_iter().enumerate() {
            let builder = name.field_builder::<StringBuilder>(at);
            let builder = builder.ok_or_else(|| ArrowError::SchemaError("a name is two texts".to_owned()))?;
            builder.append_value(text);
        }
        name.append(true);
    }
    list.append(true);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::DateTime;

    use super::*;
    use crate::event::{About, JobPart, PRODUCER, RunPart, State, normal_name};
    use crate::facts::JobName;

    fn events() -> Vec<Event> {
        let mut job = JobPart::new(JobName { namespace: "auditlake://acme".into(), name: "daily".into() });
        job.inputs = vec![Dataset::new(normal_name("s3://b", "t/env=prod"))];
        job.outputs = vec![Dataset::new(normal_name("s3://b", "u")), Dataset::new(normal_name("file", "/v"))];
        let mut run = RunPart::new("41fb5137-f0fd-4ee5-ba5c-56f8571d1bd7", State::Complete);
        run.error = Some("none".into());
        let alone = About::Dataset(Dataset::new(normal_name("s3://b", "u")));
        let origins = [Origin::Run, Origin::Definition, Origin::Import];
        let abouts = [About::Run(run, job.clone()), About::Job(job), alone];
        let event = |(about, origin)| Event {
            at: DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("an instant"),
            producer: PRODUCER.to_owned(),
            origin,
            about,
            dropped: BTreeSet::new(),
        };
        abouts.into_iter().zip(origins).map(event).collect()
    }

    #[test]
    fn a_row_gives_back_its_event() {
        let rows = log_rows(&events()).expect("rows");
        assert_eq!(logged_events(&rows).expect("events"), events());
        assert_eq!(logged_events(&log_rows(&[]).expect("rows")).expect("events"), []);
    }

    #[test]
    fn a_row_that_holds_another_event_is_found() {
        let [first, second] = [0, 1].map(|at| log_rows(&events()[at..=at]).expect("rows"));
        let mut columns = first.columns().to_vec();
        columns[9] = second.column(9).clone();
        let forged = RecordBatch::try_new(log_schema(), columns).expect("rows");
        let error = logged_events(&forged).expect_err("found").to_string();
        assert!(error.contains("row 0 of the lineage log holds another event than its id says"), "{error}");
    }
}
