//! A lake of tickets whose people are known.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int16Array, Int32Array, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use schemas::{Dataset, SourceFile, TICKET};

use crate::catalog::NoSystemTables;
use crate::dataset::PinnedFile;
use crate::replace::files_of;
use crate::resources::Resources;
use crate::session::SessionFactory;
use crate::store::Lakefront;
use crate::subject_index::values::hash_of;
use crate::subject_index::{Indexed, Met, SubjectIndex, folder_of, index_files, refresh_index};

/// Who opened a ticket and who works on it.
pub(super) type People = (Option<String>, Option<String>);

/// Rows of a row group.
pub(super) const GROUP_ROWS: usize = 5;

#[derive(Debug)]
pub(super) struct Tickets {
    pub(super) front: Lakefront,
    pub(super) dataset: Dataset,
}

impl Tickets {
    pub(super) fn new() -> Self {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.as_bytes().to_vec() };
        let files = [
            file("lake.yaml", "lake: acme\nstore: file:./data\n"),
            file("datasets/tickets.yaml", "dataset: tickets\nlocation: tickets/\nschema: ticket.v1\n"),
        ];
        let lake = schemas::check(&files).expect("the definitions are right");
        Self { front: Lakefront::memory(), dataset: lake.datasets.into_iter().next().expect("a dataset") }
    }

    pub(super) async fn put(&self, name: &str, rows: &[People]) -> String {
        let path = format!("{}{name}.parquet", self.dataset.location);
        self.front.replace(&Path::from(path.as_str()), parquet(rows)).await.expect("written");
        path
    }

    pub(super) async fn index(&self, paths: &[String]) -> Indexed {
        index_files(&self.front, &self.dataset, paths).await.expect("indexed")
    }

    pub(super) async fn refresh(&self) -> Indexed {
        refresh_index(&self.front, &self.dataset, None).await.expect("refreshed")
    }

    pub(super) async fn files(&self) -> Vec<PinnedFile> {
        files_of(&self.front, &self.dataset).await.expect("listed")
    }

    /// Paths of the segments.
    pub(super) async fn segments(&self) -> Vec<Path> {
        let folder = folder_of(&self.dataset).expect("it has an index");
        self.front.list(&folder).await.expect("listed").into_iter().map(|meta| meta.location).collect()
    }

    /// How many rows meet a condition.
    pub(super) async fn count(&self, condition: &str) -> i64 {
        let store = Arc::clone(self.front.store());
        let datasets = vec![self.dataset.clone()];
        let factory = SessionFactory::new(store, datasets, Arc::new(NoSystemTables), Resources::default());
        let session = factory.session("2026-03-01T00:00:00Z".parse().expect("an instant")).expect("a session");
        let sql = format!("SELECT count(*) FROM tickets_history WHERE {condition}");
        let rows = session.query(&sql).await.unwrap_or_else(|error| panic!("{condition}: {error}"));
        rows[0].column(0).as_primitive::<Int64Type>().value(0)
    }

    /// The row groups of each file that hold a person, as the index has it; `None` of a file that it does not know.
    pub(super) async fn said_of(&self, person: &str) -> Vec<(String, Option<Vec<bool>>)> {
        let index = SubjectIndex::of(&self.dataset, self.front.store()).expect("it has an index");
        let files = self.files().await;
        let condition = datafusion::prelude::ident("requester_id").eq(datafusion::prelude::lit(person));
        let met = index.met(&[condition], &files.iter().collect::<Vec<_>>()).await.expect("asks for a person");
        let groups = |met: Met| match met {
            Met::Unknown => None,
            Met::Groups(groups) => Some(groups),
        };
        files.iter().map(|file| file.path().to_owned()).zip(met.into_iter().map(groups)).collect()
    }

    /// Whether any segment has the hash of a person.
    pub(super) async fn remembers(&self, person: &str) -> bool {
        let mut all = BTreeSet::new();
        for path in self.segments().await {
            let meta = self.front.head(&path).await.expect("asked").expect("there");
            let segment = super::super::segment::OpenSegment::open(self.front.store(), &meta).await.expect("opened");
            let values = segment.into_values().await.expect("read");
            all.extend(values.into_iter().flat_map(|values| values.groups).flatten());
        }
        all.contains(&hash_of(person))
    }
}

pub(super) fn some_people(chance: &mut ChaCha8Rng, rows: usize) -> Vec<People> {
    let person = |chance: &mut ChaCha8Rng| {
        chance.random_bool(0.8).then(|| format!("person-{}", chance.random_range(0..60_u32).pow(2) / 60))
    };
    (0..rows).map(|_| (person(chance), person(chance))).collect()
}

pub(super) fn parquet(rows: &[People]) -> Bytes {
    let count = rows.len();
    let schema = Arc::new(TICKET.arrow());
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "requester_id" => Arc::new(rows.iter().map(|row| row.0.as_deref()).collect::<StringArray>()),
            "assignee_id" => Arc::new(rows.iter().map(|row| row.1.as_deref()).collect::<StringArray>()),
            "priority" => Arc::new(Int16Array::from(vec![1; count])),
            "revision" => Arc::new(Int32Array::from(vec![1; count])),
            "opened_at" => Arc::new(TimestampMicrosecondArray::from(vec![0; count]).with_timezone("UTC")),
            "tenant_id" | "ticket_id" | "tier" | "state" => Arc::new(StringArray::from(vec!["x"; count])),
            _ => new_null_array(field.data_type(), count),
        }
    });
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns.collect()).expect("rows of the schema");
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(GROUP_ROWS)).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).expect("a writer");
    writer.write(&rows).expect("written");
    writer.into_inner().expect("written").into()
}
