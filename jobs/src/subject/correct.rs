//! Corrections (GDPR Art. 16): recorded beside the rows, which stay as they were.
//!
//! ```text
//! _auditlake/subjects/<case>/corrections-000002.ndjson    on their way into the dataset, and gone when record 2 is there
//! ```
//!
//! They are rows of a dataset that names the person, so that packages have them, holds keep them and an erasure takes them.
//! Absent: changing what a row says.

use std::path::Path as FilePath;

use arrow::array::AsArray;
use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, Schema};
use chrono::{DateTime, Utc};
use engine::LakeSession;
use engine::retention::Person;
use engine::subject::{SubjectCase, case_folder};
use object_store::path::Path;
use schemas::{CaseId, CaseStep, Dataset, DatasetId, Permission, Remedy, SubjectRequest, kind_in};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::desk::{Desk, refused};
use super::identity::{cell, quoted, texts};
use super::open::text_of;
use super::package::{conditions, unreadable};
use crate::Answer;
use crate::args::CorrectArgs;
use crate::error::JobError;
use crate::ingest::ingest_own;
use crate::show::{counted, write_line};

/// How the name of a file begins that is on its way into the dataset.
pub(super) const PREFIX: &str = "corrections-";
/// The column that names the person.
const SUBJECT: &str = "subject_id";
/// Letters of a value at most.
const VALUE_CHARS_MAX: usize = 10_000;

/// A correction, as somebody asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    dataset: String,
    /// Key of the row.
    row: String,
    column: String,
    /// What is right; nothing should stand there when null.
    correct: Option<String>,
}

impl Wanted {
    /// Whether it is about the same value.
    fn is_about_the_same_as(&self, other: &Self) -> bool {
        (&self.dataset, &self.row, &self.column) == (&other.dataset, &other.row, &other.column)
    }
}

/// A correction, as a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    tenant_id: String,
    correction_id: String,
    corrected_at: DateTime<Utc>,
    subject_id: String,
    dataset: String,
    row_key: String,
    field: String,
    stated: Option<String>,
    correct: Option<String>,
    case_id: String,
}

impl Row {
    fn is(&self, wanted: &Wanted) -> bool {
        (&self.dataset, &self.row_key, &self.field) == (&wanted.dataset, &wanted.row, &wanted.column)
            && self.correct == wanted.correct
    }
}

/// Carries out `auditlake subject correct`.
pub(super) async fn command(desk: &Desk<'_>, args: &CorrectArgs) -> Result<Answer, JobError> {
    let by = desk.who(args.principal.as_deref(), Permission::SubjectOpen, "recording corrections")?;
    let mut case = desk.open_case(&args.case).await?;
    let request = desk.standing(&case)?.request;
    if request != SubjectRequest::Rectification {
        return Err(refused(&case.case, format!("it is of type {}, and corrects nothing", request.as_str())));
    }
    let Some(into) = &desk.policy.corrections else {
        return Err(JobError::Usage(
            "policies/subjects.yaml names no dataset of corrections; add corrections: with a dataset of schema correction.v1"
                .to_owned(),
        ));
    };
    let wanted = wanted(&args.file)?;
    let person = desk.person(&case.case).await?;
    // What an attempt left that stopped.
    if let Some(rows) = rows_at(desk, &path_of(&case)).await? {
        recorded(desk, &case, into, by.as_deref()).await?;
        if wanted.len() == rows.len() && wanted.iter().zip(&rows).all(|(wanted, row)| row.is(wanted)) {
            return Ok(told(&case, into, &rows));
        }
        case = desk.open_case(&args.case).await?;
    }
    let session = desk.lake.sessions.session(desk.world.now())?;
    let (before, mut rows) = (recorded_before(&session, &case, into).await?, Vec::new());
    for (number, wanted) in (1..).zip(&wanted) {
        if before.contains(wanted) {
            continue;
        }
        let line = |error: JobError| match error {
            JobError::Usage(why) => JobError::Usage(format!("line {number}: {why}")),
            other => other,
        };
        let mut row = row(desk, &session, (&case, into, &person), wanted).await.map_err(line)?;
        row.correction_id = format!("{}/{}-{number}", case.case, case.next_number());
        rows.push(row);
    }
    if rows.is_empty() {
        return Ok(told(&case, into, &rows));
    }
    let mut lines = Vec::new();
    for row in &rows {
        lines.extend(serde_json::to_vec(row).map_err(unwritten)?);
        lines.push(b'\n');
    }
    desk.lake.front.create(&path_of(&case), lines.into()).await?;
    recorded(desk, &case, into, by.as_deref()).await?;
    Ok(told(&case, into, &rows))
}

fn unwritten(error: serde_json::Error) -> JobError {
    engine::EngineError::Bug { what: format!("a correction cannot be written ({error})") }.into()
}

fn told(case: &SubjectCase, into: &DatasetId, rows: &[Row]) -> Answer {
    let number = &case.case;
    let many = counted(rows.len() as u64, "correction");
    let mut text = match rows {
        [] => format!("case {number}: all of it was recorded before"),
        _ => format!("case {number}: {many} recorded in dataset \"{into}\"; the rows stay as they were"),
    };
    write_line(&mut text, &format!("\nnext: auditlake subject close {number} --state fulfilled --reason R"));
    let ids: Vec<&str> = rows.iter().map(|row| row.correction_id.as_str()).collect();
    Answer::done(text, json!({ "case": number, "dataset": into, "corrections": ids }))
}

/// Reads a file of corrections, a line of JSON each. What is wrong with it is told without what it says.
fn wanted(file: &FilePath) -> Result<Vec<Wanted>, JobError> {
    let (place, text) = text_of(file)?;
    let example = r#"{"dataset": "audit", "row": "e-1", "column": "src_ip", "correct": "203.0.113.9"}"#;
    let mut wanted = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let one: Wanted = serde_json::from_str(line).map_err(|error| {
            let why = match error.classify() {
                serde_json::error::Category::Data => "has other keys or values",
                _ => "is no JSON",
            };
            JobError::Usage(format!("{place}: line {number} {why}; write for example {example}"))
        })?;
        if wanted.iter().any(|other: &Wanted| other.is_about_the_same_as(&one)) {
            let why = "is about the value of a line before it; leave one out";
            return Err(JobError::Usage(format!("{place}: line {number} {why}")));
        }
        wanted.push(one);
    }
    if wanted.is_empty() {
        return Err(JobError::Usage(format!("{place}: there is no correction in it; write a line each: {example}")));
    }
    Ok(wanted)
}

/// What is the last word on each value by now, of this case.
async fn recorded_before(session: &LakeSession, case: &SubjectCase, into: &DatasetId) -> Result<Vec<Wanted>, JobError> {
    let into = quoted(into.as_str());
    if session.columns(&into).await?.is_none() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT CAST(dataset AS varchar), CAST(row_key AS varchar), CAST(field AS varchar), CAST(correct AS varchar) FROM {into} \
         WHERE case_id = '{}' ORDER BY corrected_at, correction_id",
        case.case
    );
    let mut said: Vec<Wanted> = Vec::new();
    for batch in session.query(&sql).await? {
        let texts = texts(&batch)?;
        for row in 0..batch.num_rows() {
            let text = |at: usize| cell(&texts, at, row).map(str::to_owned);
            let known = |at: usize| text(at).unwrap_or_default();
            let one = Wanted { dataset: known(0), row: known(1), column: known(2), correct: text(3) };
            said.retain(|other| !other.is_about_the_same_as(&one));
            said.push(one);
        }
    }
    Ok(said)
}

/// Where corrections lie until the next record of the case is there.
fn path_of(case: &SubjectCase) -> Path {
    corrections_path(&case.case, case.next_number())
}

/// Where corrections lie until the record of that number is there.
pub(super) fn corrections_path(case: &CaseId, number: u64) -> Path {
    Path::from(format!("{}/{PREFIX}{number:06}.ndjson", case_folder(case)))
}

async fn rows_at(desk: &Desk<'_>, path: &Path) -> Result<Option<Vec<Row>>, JobError> {
    let Some(bytes) = desk.lake.front.read(path).await? else { return Ok(None) };
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let rows: Result<Vec<Row>, _> = lines.map(serde_json::from_slice).collect();
    rows.map(Some).map_err(|_| {
        let what = "is no file of corrections; remove it, and run the same command again".to_owned();
        engine::EngineError::Damaged { path: path.to_string(), what }.into()
    })
}

/// Brings the file of a case into the dataset, notes it, and removes the file.
async fn recorded(desk: &Desk<'_>, case: &SubjectCase, into: &DatasetId, by: Option<&str>) -> Result<(), JobError> {
    let path = path_of(case);
    let rows = rows_at(desk, &path).await?.unwrap_or_default();
    let ingested = ingest_own(desk.lake, desk.world, into, std::slice::from_ref(&path), "auditlake.subjects").await;
    if let Err(error) = ingested {
        // What is not tried again must not stay there.
        if error.remedy() != Remedy::Retry {
            desk.removed(&path).await?;
        }
        return Err(error);
    }
    let mut datasets: Vec<String> = rows.iter().map(|row| row.dataset.clone()).collect();
    datasets.sort();
    datasets.dedup();
    let step = CaseStep::Corrected { corrections: rows.len() as u64, datasets };
    desk.record(&case.case, case.next_number(), (step, by)).await?;
    desk.removed(&path).await?;
    Ok(())
}

/// The row of a correction, once it is known that it is about the person.
async fn row(
    desk: &Desk<'_>,
    session: &LakeSession,
    (case, into, person): (&SubjectCase, &DatasetId, &Person),
    wanted: &Wanted,
) -> Result<Row, JobError> {
    // Whoever mixes keys up has written a name here.
    let unknown = |_| JobError::Usage("there is no dataset of that name; see `auditlake check`".to_owned());
    let dataset = desk.lake.dataset(&wanted.dataset).map_err(unknown)?;
    let Some(key) = dataset.schema.id_column() else {
        return Err(JobError::Usage(format!(
            "rows of dataset \"{}\" have no key to be named by; give it a schema that has one",
            dataset.id
        )));
    };
    let Some(schema) = session.columns(&quoted(dataset.id.as_str())).await? else {
        return Err(JobError::Usage(format!("dataset \"{}\" has no rows; name another one", dataset.id)));
    };
    fits(wanted, dataset, &schema)?;
    let theirs = conditions(dataset, &schema, person).join(" OR ");
    let theirs = if theirs.is_empty() { "false".to_owned() } else { theirs };
    let tenant = if dataset.tenant.is_empty() { "NULL".to_owned() } else { quoted(&dataset.tenant) };
    let sql = format!(
        "SELECT CAST({tenant} AS varchar), CAST({} AS varchar), coalesce({theirs}, false) FROM {} WHERE CAST({} AS varchar) = '{}'",
        quoted(&wanted.column),
        quoted(dataset.id.as_str()),
        quoted(key),
        wanted.row.replace('\'', "''"),
    );
    let mut found: Vec<(Option<String>, Option<String>, bool)> = Vec::new();
    for batch in session.query(&sql).await? {
        let (texts, theirs) = (texts(&batch.project(&[0, 1]).map_err(unreadable)?)?, batch.column(2).as_boolean());
        let text = |at: usize, row: usize| cell(&texts, at, row).map(str::to_owned);
        found.extend((0..batch.num_rows()).map(|row| (text(0, row), text(1, row), theirs.value(row))));
    }
    let (tenant, stated) = match found.as_slice() {
        [] => {
            let id = &dataset.id;
            return Err(JobError::Usage(format!(
                "no row of dataset \"{id}\" has that key in {key}; look it up in SQL"
            )));
        }
        [(tenant, stated, true)] => (tenant.clone(), stated.clone()),
        [_] => {
            let id = &dataset.id;
            let why = "does not name the person; name another one, or open a case for whom it names";
            return Err(JobError::Usage(format!("that row of dataset \"{id}\" {why}")));
        }
        several => {
            let many = several.len();
            return Err(JobError::Usage(format!(
                "{many} rows of dataset \"{}\" have that key in {key}, and nobody knows which is meant",
                dataset.id
            )));
        }
    };
    let of_cases = || desk.policy.requests.as_ref().map(|requests| requests.tenant.clone());
    let Some(tenant_id) = tenant.or_else(of_cases) else {
        return Err(JobError::Usage(format!(
            "rows of dataset \"{}\" are of no tenant, and corrections are; name one in requests of policies/subjects.yaml",
            dataset.id
        )));
    };
    Ok(Row {
        tenant_id,
        correction_id: String::new(),
        corrected_at: desk.world.now(),
        subject_id: identifier(desk, into, (dataset, person))?,
        dataset: dataset.id.to_string(),
        row_key: wanted.row.clone(),
        field: wanted.column.clone(),
        stated,
        correct: wanted.correct.clone(),
        case_id: case.case.to_string(),
    })
}

/// Whether what is right can stand beside a column of a dataset.
fn fits(wanted: &Wanted, dataset: &Dataset, schema: &Schema) -> Result<(), JobError> {
    let long = wanted.correct.as_ref().map_or(0, |value| value.chars().count());
    if long > VALUE_CHARS_MAX {
        return Err(JobError::Usage(format!("what is right has {long} letters; write at most {VALUE_CHARS_MAX}")));
    }
    let field = schema.field_with_name(&wanted.column);
    if field.as_ref().is_ok_and(|field| !can_cast_types(field.data_type(), &DataType::Utf8)) {
        return Err(JobError::Usage(format!(
            "that column of dataset \"{}\" holds no text or number; name another one",
            dataset.id
        )));
    }
    if field.is_err() {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let near = schemas::nearest(&wanted.column, names);
        let near = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
        return Err(JobError::Usage(format!("dataset \"{}\" has no such column{near}", dataset.id)));
    }
    Ok(())
}

/// An identifier of the person as the dataset of corrections names people: one that the row's dataset may have, too, if there
/// is one.
fn identifier(desk: &Desk<'_>, into: &DatasetId, (dataset, person): (&Dataset, &Person)) -> Result<String, JobError> {
    let kind = kind_in(&desk.policy.kinds, into, SUBJECT);
    let of_kind = || person.identifiers().filter(|one| one.kind() == kind);
    let is_there =
        |value: &str| dataset.subjects.iter().any(|column| person.values_in(&dataset.id, column).contains(value));
    let found = of_kind().find(|one| is_there(one.value())).or_else(|| of_kind().next());
    found.map(|one| one.value().to_owned()).ok_or_else(|| {
        JobError::Usage(format!(
            "the person has no identifier of kind {kind}, by which dataset \"{into}\" names people; name another kind under \
             kinds: {{{into}.{SUBJECT}: KIND}} in policies/subjects.yaml"
        ))
    })
}
