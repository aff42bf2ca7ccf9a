//! States on the store: create-only Parquet files, one for each leaf and node of a fingerprint.
//!
//! They are a cache. What is missing, foreign or damaged is computed again, and deleting all of them loses time and nothing
//! else. Columns are called `c0` … `cn`, because the library's names have literals of the statement in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Field, Schema, SchemaRef};
use bytes::Bytes;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::sweep::{PLAN, remove_for_good};
use crate::error::EngineError;
use crate::store::{Created, Lakefront};

/// Where all states are.
pub(super) const STATES: &str = "_auditlake/states";
/// Key of the fingerprint in a file's notes.
const FINGERPRINT: &str = "auditlake.fingerprint";
/// Key of the files that went into it.
const FILES: &str = "auditlake.files";

/// A file that went into a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileOf {
    /// Name of its leaf.
    pub(super) leaf: String,
    /// Its rows.
    pub(super) rows: u64,
}

/// A state: rows of keys and of what aggregates have come to, and the files that went into it.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// One row for each key; of a grouping without keys one row.
    pub(super) rows: RecordBatch,
    /// In the order in which they were folded.
    pub(super) files: Vec<FileOf>,
    /// Bytes of its object; none where it has no object.
    pub(super) bytes: u64,
}

/// The states of one fingerprint.
#[derive(Debug)]
pub(super) struct States<'a> {
    lake: &'a Lakefront,
    fingerprint: &'a Fingerprint,
    /// Columns of a state.
    schema: SchemaRef,
    /// Whether equal work gives equal bytes; sums of floats that ran short of memory do not.
    exact: bool,
    /// Objects that are there, with their bytes.
    there: BTreeMap<String, u64>,
}

/// The folder of a fingerprint.
pub(super) fn folder(fingerprint: &str) -> Path {
    Path::from(format!("{STATES}/{fingerprint}"))
}

impl<'a> States<'a> {
    /// Lists the states of a fingerprint.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn listed(
        lake: &'a Lakefront,
        fingerprint: &'a Fingerprint,
        (schema, exact): (SchemaRef, bool),
    ) -> Result<Self, EngineError> {
        let prefix = folder(fingerprint.as_str());
        let mut there = BTreeMap::new();
        for meta in lake.list(&prefix).await? {
            let Some(below) = meta.location.as_ref().strip_prefix(&format!("{prefix}/")) else { continue };
            there.insert(below.to_owned(), meta.size);
        }
        Ok(Self { lake, fingerprint, schema, exact, there })
    }

    /// States of which none is kept and none is read.
    pub(super) fn none(lake: &'a Lakefront, fingerprint: &'a Fingerprint, schema: SchemaRef) -> Self {
        Self { lake, fingerprint, schema, exact: true, there: BTreeMap::new() }
    }

    fn path(&self, object: &str) -> Path {
        Path::from(format!("{}/{object}", folder(self.fingerprint.as_str())))
    }

    /// Objects that are there, below the folder of the fingerprint.
    pub(super) fn objects(&self) -> impl Iterator<Item = &str> {
        self.there.keys().map(String::as_str)
    }

    /// Whether there is such an object.
    pub(super) fn has(&self, object: &str) -> bool {
        self.there.contains_key(object)
    }

    /// A state of exactly these leaves; none where it is not there or no such state. A damaged one is deleted.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn read(&self, object: &str, leaves: &[&str]) -> Result<Option<State>, EngineError> {
        if !self.has(object) {
            return Ok(None);
        }
        let path = self.path(object);
        // One that vanished since it was listed is computed like one that never was.
        let Some(bytes) = self.lake.read(&path).await? else { return Ok(None) };
        match decoded(bytes, &self.schema, self.fingerprint.as_str(), leaves) {
            Ok(state) => Ok(Some(state)),
            Err(why) => {
                tracing::warn!(%path, why, "state_damaged: computed again");
                self.remove_at(&path).await?;
                Ok(None)
            }
        }
    }

    /// Keeps a state. Where another process kept it before, both are the same.
    ///
    /// # Errors
    /// When the store fails, or another process came to other rows for the same files.
    pub(super) async fn keep(&self, object: &str, state: &mut State) -> Result<(), EngineError> {
        let path = self.path(object);
        let bytes = encoded(&path, state, self.fingerprint.as_str())?;
        state.bytes = bytes.len() as u64;
        if self.lake.create(&path, bytes.clone()).await? == Created::Now {
            return Ok(());
        }
        match self.lake.read(&path).await? {
            Some(there) if there != bytes => {
                let leaves: Vec<&str> = state.files.iter().map(|file| file.leaf.as_str()).collect();
                match decoded(there, &self.schema, self.fingerprint.as_str(), &leaves) {
                    Ok(theirs) if theirs.rows == state.rows => Ok(()),
                    Ok(theirs) if !self.exact => {
                        *state = theirs;
                        Ok(())
                    }
                    Ok(_) => Err(EngineError::StateDiffers { path: path.to_string() }),
                    // A damaged one is deleted by whoever reads it next.
                    Err(_) => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Deletes one of these states, with every version of it.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn remove(&self, object: &str) -> Result<(), EngineError> {
        self.remove_at(&self.path(object)).await
    }

    async fn remove_at(&self, path: &Path) -> Result<(), EngineError> {
        if let Some(left) = remove_for_good(self.lake, path).await? {
            tracing::warn!(left, "a deleted state has versions left");
        }
        Ok(())
    }

    /// Says what was fingerprinted, once, for people.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn describe(&self, (dataset, location): (&str, &str)) -> Result<(), EngineError> {
        if self.has(PLAN) {
            return Ok(());
        }
        let plan = Described {
            fingerprint: self.fingerprint.to_string(),
            dataset: dataset.to_owned(),
            location: location.to_owned(),
            parts: self.fingerprint.parts().to_vec(),
        };
        self.lake.create_json(&self.path(PLAN), &plan).await.map(drop)
    }
}

/// What is said of a fingerprint beside its states.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Described {
    /// The fingerprint.
    pub(super) fingerprint: String,
    /// The dataset whose files its states are of.
    pub(super) dataset: String,
    /// Where they lie.
    pub(super) location: String,
    /// What was hashed.
    pub(super) parts: Vec<String>,
}

/// A state as a file; the same state gives the same bytes.
fn encoded(path: &Path, state: &State, fingerprint: &str) -> Result<Bytes, EngineError> {
    let failed = |source: parquet::errors::ParquetError| EngineError::Parquet {
        path: path.to_string(),
        action: "written",
        source: Box::new(source),
    };
    let files =
        serde_json::to_string(&state.files).map_err(|source| EngineError::Record { path: path.to_string(), source })?;
    let notes =
        vec![KeyValue::new(FINGERPRINT.to_owned(), fingerprint.to_owned()), KeyValue::new(FILES.to_owned(), files)];
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap_or_default()))
        .set_created_by(format!("auditlake {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(notes))
        .build();
    let schema = numbered(&state.rows.schema());
    let rows = RecordBatch::try_new(Arc::clone(&schema), state.rows.columns().to_vec())
        .map_err(|error| failed(error.into()))?;
    let written = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).and_then(|mut writer| {
        writer.write(&rows)?;
        writer.into_inner()
    });
    written.map(Bytes::from).map_err(failed)
}

/// Columns as they are called in files.
fn numbered(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().enumerate();
    Arc::new(Schema::new(
        fields.map(|(at, field)| Field::new(format!("c{at}"), field.data_type().clone(), true)).collect::<Vec<_>>(),
    ))
}

/// The state that a file holds, or why it is not the one that is looked for.
fn decoded(bytes: Bytes, schema: &SchemaRef, fingerprint: &str, leaves: &[&str]) -> Result<State, String> {
    let size = bytes.len() as u64;
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(|error| error.to_string())?;
    let notes = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let note = |key: &str| notes.iter().find(|note| note.key == key).and_then(|note| note.value.clone());
    if note(FINGERPRINT).as_deref() != Some(fingerprint) {
        return Err("it is of another fingerprint".to_owned());
    }
    let files: Vec<FileOf> =
        serde_json::from_str(&note(FILES).unwrap_or_default()).map_err(|error| error.to_string())?;
    if !files.iter().map(|file| file.leaf.as_str()).eq(leaves.iter().copied()) {
        return Err("it is of other files".to_owned());
    }
    let found = builder.schema().fields().iter().map(|field| field.data_type());
    if !found.eq(schema.fields().iter().map(|field| field.data_type())) {
        return Err("its columns are of other types".to_owned());
    }
    let reader = builder.build().map_err(|error| error.to_string())?;
    let batches = reader.map(|batch| batch.and_then(|batch| batch.with_schema_of(schema)));
    let batches: Vec<RecordBatch> = batches.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let rows = concat_batches(schema, &batches).map_err(|error| error.to_string())?;
    Ok(State { rows, files, bytes: size })
}

trait OfSchema: Sized {
    /// The same columns under other names.
    fn with_schema_of(self, schema: &SchemaRef) -> Result<Self, arrow::error::ArrowError>;
}

impl OfSchema for RecordBatch {
    fn with_schema_of(self, schema: &SchemaRef) -> Result<Self, arrow::error::ArrowError> {
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(self.num_rows()));
        Self::try_new_with_options(Arc::clone(schema), self.columns().to_vec(), &options)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Int64Array;
    use arrow::datatypes::DataType;

    use super::*;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("events", DataType::Int64, true)]))
    }

    fn state(events: i64) -> State {
        let rows = RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from(vec![events]))]).expect("a row");
        State { rows, files: vec![FileOf { leaf: "leaf".to_owned(), rows: 7 }], bytes: 0 }
    }

    /// What becomes of a state of five events where one of `there` is kept for the same files: an error, or its events.
    async fn kept_beside(there: Bytes, exact: bool) -> Result<i64, EngineError> {
        let (lake, fingerprint) = (Lakefront::memory(), Fingerprint::of(vec!["plan".to_owned()]));
        let states = States { exact, ..States::none(&lake, &fingerprint, schema()) };
        lake.create(&states.path("leaf.parquet"), there).await.expect("created");
        let mut state = state(5);
        states.keep("leaf.parquet", &mut state).await?;
        let events = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(state.rows.column(0));
        Ok(events.value(0))
    }

    #[tokio::test]
    async fn a_state_that_differs_from_a_kept_one_is_an_error_where_it_must_not() {
        let fingerprint = Fingerprint::of(vec!["plan".to_owned()]);
        let bytes = |events| encoded(&Path::from("leaf.parquet"), &state(events), fingerprint.as_str()).expect("bytes");
        assert_eq!(kept_beside(bytes(5), true).await.expect("the same"), 5);
        let error = kept_beside(bytes(6), true).await.expect_err("it differs").to_string();
        assert!(error.starts_with("state_differs: ") && error.contains("auditlake job states JOB --prune"), "{error}");
        // Sums of floats: whoever was first is right.
        assert_eq!(kept_beside(bytes(6), false).await.expect("it may"), 6);
        // A damaged one is not believed, and hinders nobody.
        assert_eq!(kept_beside(Bytes::from_static(b"PAR1"), true).await.expect("passed over"), 5);
    }
}
