//! A lake of two tenants whose rows are full of marks, and principals who must not see some of them.
//!
//! `MARKB` stands in every text of tenant `tb`, `MARKR` in those rows of `ta` that a filter takes away, `MARKM` in columns
//! that a mask covers, `MARKH` in a column that is hidden, `MARKS` in a dataset that nobody named.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::util::pretty::pretty_format_batches;
use chrono::{DateTime, Utc};
use engine::{
    AnswerKind, EngineError, LakeSession, Lakefront, NoSystemTables, Resources, ScanMeter, SessionFactory, Viewer,
    check_views, parquet_bytes,
};
use object_store::memory::InMemory;
use object_store::path::Path;
use schemas::{Access, SecretSource, SourceFile, check};

const DATASETS: [(&str, &str); 6] = [
    ("events", "dataset: events\nlocation: events/\nschema: usage.v1\n"),
    ("plain", "dataset: plain\nlocation: plain/\ntenant: tenant\ncolumns: {person: {class: personal}}\n"),
    ("narrow", "dataset: narrow\nlocation: narrow/\ntenant: tenant\ncolumns: {person: {class: personal}}\n"),
    ("secret", "dataset: secret\nlocation: secret/\n"),
    ("fragile", "dataset: fragile\nlocation: fragile/\ntenant: tenant\n"),
    (
        "mapped",
        "dataset: mapped\nlocation: mapped/\nschema: audit.v1\nmap: SELECT id AS event_id, at AS time, tenant AS tenant_id, \
         'app' AS source, 'data.read' AS event_type, 'success' AS outcome, 'u' AS actor_id, 'user' AS actor_type, \
         CAST(digits AS BIGINT) AS row_count FROM input\n",
    ),
];

const ACCESS: &str = "
roles:
  reader:
    inherits: [analyst]
    datasets:
      plain:
        rows: all
        columns:
          actor: {mask: pseudonym, key: {id: k1, secret: env:KEY}}
          address: {mask: truncate_ip}
          note: {mask: partial, first: 2}
          amount: {mask: bucket, width: 100}
          at: {mask: floor, unit: day}
        hide: [hidden]
  filtered:
    inherits: [analyst]
    datasets:
      plain: {rows: \"kind <> 'closed'\", hide: [hidden]}
      narrow: {rows: \"tenant IN (principal.tenants) AND region = principal.attribute('region')\", hide: [hidden]}
  fragile:
    inherits: [analyst]
    datasets: {fragile: {rows: \"CAST(digits AS BIGINT) >= 0\", hide: [hidden]}, mapped: {rows: all}}
  whole:
    inherits: [analyst]
    permissions: [dataset.unmasked]
    datasets: {plain: {rows: all}, narrow: {rows: all}, secret: {rows: all}}
restrict:
  - {datasets: [plain], rows: \"kind <> 'sealed'\", unless: [whole]}
principals:
  ann: {tenants: [ta], roles: [reader]}
  rob: {tenants: [ta], roles: [filtered], attributes: {region: emea}}
  fay: {tenants: [ta], roles: [fragile]}
  all: {tenants: all, roles: [whole]}
  mute: {tenants: [ta], roles: [operator]}
  tiny: {tenants: [ta], roles: [reader, little]}
";

/// A role with small limits, for those that have no other.
const LITTLE: &str = "  little: {limits: {rows: 5, bytes: 4KiB, sql_bytes: 200, plan_nodes: 12, seconds: 1}}\n";

/// Which rows the lake has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// All, with marks.
    Marked,
    /// Without those that ann and rob must not see, and with other values under masks that show nothing of them.
    Unmarked,
}

pub(crate) struct Lake {
    factory: SessionFactory,
    access: Access,
}

impl Lake {
    pub(crate) async fn new(rows: Rows) -> Self {
        let access = ACCESS.replacen("roles:\n", &format!("roles:\n{LITTLE}"), 1);
        Self::with_access(rows, &access).await
    }

    pub(crate) async fn with_access(rows: Rows, access: &str) -> Self {
        let mut files = vec![file("lake.yaml", "lake: acme\nstore: memory\n"), file("access.yaml", access)];
        files.extend(DATASETS.iter().map(|(name, text)| file(&format!("datasets/{name}.yaml"), text)));
        let definitions = check(&files).expect("the definitions are right");
        let front = Lakefront::over(Arc::new(InMemory::new()));
        for (path, batch) in objects(rows) {
            let bytes = parquet_bytes(&path, &batch).expect("is Parquet");
            front.create(&Path::from(path), bytes).await.expect("is written");
        }
        let resources = Resources { partitions: 1, ..Resources::default() };
        let factory =
            SessionFactory::new(Arc::clone(front.store()), definitions.datasets, Arc::new(NoSystemTables), resources);
        Self { factory, access: definitions.access.expect("access.yaml was read") }
    }

    pub(crate) fn viewer(&self, name: &str) -> Viewer {
        let principal = self.access.principal(name).expect("a principal").clone();
        Viewer::new(principal, |_: &SecretSource| Ok::<_, EngineError>(b"a key of the tests".to_vec())).expect("keys")
    }

    pub(crate) fn session(&self, name: &str) -> LakeSession {
        self.factory
            .session_as(&self.viewer(name), now(), AnswerKind::Statement, ScanMeter::default())
            .expect("a session")
    }

    /// Whoever holds the credentials.
    pub(crate) fn owner(&self) -> LakeSession {
        self.factory.session(now()).expect("a session")
    }

    /// The rows as a table, or the error with its causes.
    pub(crate) async fn ask(&self, name: &str, sql: &str) -> Result<String, String> {
        answered(&self.session(name), sql).await
    }

    /// Faults of the views of a principal.
    pub(crate) async fn faults(&self, name: &str) -> Vec<String> {
        let faults = check_views(&self.session(name), &self.viewer(name), |_| true).await.expect("views are made");
        faults.into_iter().map(|fault| format!("{}: {}", fault.dataset, fault.why)).collect()
    }
}

pub(crate) async fn answered(session: &LakeSession, sql: &str) -> Result<String, String> {
    match session.query(sql).await {
        Ok(batches) => Ok(pretty_format_batches(&batches).expect("prints").to_string()),
        Err(error) => Err(told(&error)),
    }
}

pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

pub(crate) fn now() -> DateTime<Utc> {
    schemas::parse_rfc3339("2026-03-10T00:00:00Z").expect("an instant")
}

fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.as_bytes().to_vec() }
}

/// One row of `plain` and `narrow`.
struct Row {
    tenant: &'static str,
    kind: &'static str,
    region: &'static str,
    number: i64,
    /// Stands in every text.
    mark: &'static str,
}

fn rows_of(rows: Rows) -> Vec<Row> {
    let mut all = Vec::new();
    for number in 0..40 {
        all.push(Row { tenant: "ta", kind: "open", region: "emea", number, mark: "" });
        if rows == Rows::Marked {
            all.push(Row { tenant: "tb", kind: "open", region: "emea", number: 770_000 + number, mark: "MARKB" });
            all.push(Row { tenant: "ta", kind: "sealed", region: "apac", number: 880_000 + number, mark: "MARKR" });
        }
    }
    all
}

/// The files: of `plain` one for each tenant in a folder that says so, of the others one with the rows of all.
fn objects(rows: Rows) -> Vec<(String, RecordBatch)> {
    let all = rows_of(rows);
    let of = |tenant: &str| all.iter().filter(|row| row.tenant == tenant).collect::<Vec<_>>();
    let mut objects = vec![
        ("plain/tenant=ta/one.parquet".to_owned(), batch(&of("ta"), rows)),
        ("narrow/mixed.parquet".to_owned(), batch(&all.iter().collect::<Vec<_>>(), rows)),
    ];
    let emea: Vec<&Row> = all.iter().filter(|row| row.region == "emea").collect();
    for dataset in ["fragile", "mapped"] {
        objects.push((format!("{dataset}/mixed.parquet"), batch(&emea, rows)));
    }
    if rows == Rows::Marked {
        objects.push(("plain/tenant=tb/MARKB.parquet".to_owned(), batch(&of("tb"), rows)));
        let name: ArrayRef = Arc::new(StringArray::from(vec!["MARKS"]));
        let secret = RecordBatch::try_from_iter([("marks_column", name)]).expect("a batch");
        objects.push(("secret/MARKS.parquet".to_owned(), secret));
    }
    objects
}

fn batch(rows: &[&Row], of: Rows) -> RecordBatch {
    // What a mask that shows nothing covers is another thing in the other lake.
    let covered = if of == Rows::Marked { "MARKM" } else { "OTHER" };
    let texts = |text: &dyn Fn(&Row) -> String| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(text(row))).collect::<StringArray>())
    };
    let whole = |number: &dyn Fn(&Row) -> i64| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(number(row))).collect::<Int64Array>())
    };
    let at: TimestampMicrosecondArray =
        rows.iter().map(|row| Some((now().timestamp() - row.number % 90 * 3_600) * 1_000_000)).collect();
    RecordBatch::try_from_iter([
        ("id", texts(&|row| format!("{}id-{}", row.mark, row.number))),
        ("tenant", texts(&|row| row.tenant.to_owned())),
        ("kind", texts(&|row| row.kind.to_owned())),
        ("region", texts(&|row| row.region.to_owned())),
        ("actor", texts(&|row| format!("{}actor-{}", row.mark, row.number % 7))),
        ("address", texts(&|row| format!("10.{}.{}.7", row.number % 3, row.number % 5))),
        ("note", texts(&|row| format!("note-{}-{}", row.mark, row.number))),
        ("person", texts(&|row| format!("{covered}{}-{}", row.mark, row.number))),
        ("hidden", texts(&|row| format!("MARKH{}", row.number))),
        ("amount", whole(&|row| row.number * 10)),
        ("digits", texts(&|row| if row.mark.is_empty() { row.number.to_string() } else { format!("{}x", row.mark) })),
        ("divisor", whole(&|row| if row.mark.is_empty() { row.number + 1 } else { 0 })),
        ("at", Arc::new(at.with_timezone("UTC"))),
    ])
    .expect("a batch")
}
