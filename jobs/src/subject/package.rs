//! What there is about a person, in one ZIP: per dataset a CSV, the same as JSON, and what its columns are; a page to read
//! first, and a manifest with SHA-256 of everything.
//!
//! The same rows make the same bytes. Identifiers of others in these rows are replaced by keyed pseudonyms: what a person may
//! see is about them. Absent: rows of places that nobody looked into, which the page names.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path as FsPath;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{can_cast_types, cast, filter_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use engine::retention::{Mentions, Person};
use engine::subject::SubjectCase;
use engine::{EngineError, LakeSession};
use exporters::{Bundle, ExportOptions, Format};
use schemas::{CaseEnd, CaseId, CaseStep, Dataset, Permission, SubjectRequest};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::desk::{Desk, refused};
use super::identity::quoted;
use super::places::{Left, Places, places, unsearchable};
use super::written::{Bytes, document};
use crate::Answer;
use crate::error::JobError;
use crate::retention::Target;
use crate::show::{counted, write_line};

/// Kind of the pseudonyms of others.
const OTHER: &str = "other";
/// Letters of a pseudonym.
const PSEUDONYM_LETTERS: usize = 22;

/// What the ZIP holds.
#[derive(Debug, Serialize)]
struct Manifest {
    format: &'static str,
    case: CaseId,
    #[serde(rename = "type")]
    request: SubjectRequest,
    received: chrono::NaiveDate,
    parts: Vec<PartOf>,
    /// The files that rows were read from.
    files: Vec<FileOf>,
    not_reached: Vec<Left>,
    not_searched: Vec<Left>,
}

#[derive(Debug, Serialize)]
struct PartOf {
    path: String,
    dataset: String,
    rows: u64,
    bytes: u64,
    sha256: String,
}

#[derive(Debug, Serialize)]
struct FileOf {
    path: String,
    etag: String,
    bytes: u64,
}

/// Rows of a person in one place.
struct Found {
    target: Dataset,
    name: String,
    schema: SchemaRef,
    rows: Vec<RecordBatch>,
}

/// Carries out `auditlake subject export`.
pub(super) async fn command(
    desk: &Desk<'_>,
    number: &CaseId,
    (to, overwrite): (&FsPath, bool),
    by: Option<&str>,
) -> Result<Answer, JobError> {
    let by = desk.who(by, Permission::SubjectExport, "exporting what is about a person")?;
    fits(to, overwrite)?;
    let case = desk.open_case(number).await?;
    written(desk, &case, to, by.as_deref()).await
}

/// Refuses a place at which something is already.
pub(super) fn fits(to: &FsPath, overwrite: bool) -> Result<(), JobError> {
    if to.exists() && !overwrite {
        return Err(JobError::Usage(format!(
            "\"{}\" is there already; give another file, or --overwrite",
            to.display()
        )));
    }
    Ok(())
}

/// Writes the package, and closes the case.
pub(super) async fn written(
    desk: &Desk<'_>,
    case: &SubjectCase,
    to: &FsPath,
    by: Option<&str>,
) -> Result<Answer, JobError> {
    let standing = desk.standing(case)?;
    let request = standing.request;
    if !matches!(request, SubjectRequest::Know | SubjectRequest::Portability) {
        let why = format!("it asks for {}, and not for what there is", request.as_str());
        return Err(refused(&case.case, why));
    }
    let portable = desk.lake.definitions.datasets.iter().any(|dataset| !dataset.portable.is_empty());
    if request == SubjectRequest::Portability && !portable {
        return Err(refused(
            &case.case,
            "no dataset says what a person may take along; mark columns with {class: personal, portable: true}"
                .to_owned(),
        ));
    }
    let person = desk.person(&case.case).await?;
    let mut around = places(desk.lake).await?;
    let session = desk.lake.sessions.session(desk.world.now())?;
    let mut all = Vec::new();
    around.not_searched.extend(unsearchable(desk, &person));
    for name in std::mem::take(&mut around.searched) {
        if session.columns(&quoted(&name)).await?.is_none() {
            let why = "is no table, as no policy archives any more; what lies there is not in the package";
            around.not_reached.insert(Left::new(name, why));
            continue;
        }
        all.extend(found(desk, &session, (&name, request), &person).await?);
    }
    let mut manifest = Manifest {
        format: "auditlake/subject-package/v1",
        case: case.case.clone(),
        request,
        received: standing.received,
        parts: Vec::new(),
        files: files(&session, &all).await?,
        not_reached: around.not_reached.iter().cloned().collect(),
        not_searched: around.not_searched.iter().cloned().collect(),
    };
    let entries = entries(desk, &all, &around, &mut manifest)?;
    let bytes = zipped(entries)?;
    put(to, &bytes)?;
    let rows: u64 = all.iter().map(Found::count).sum();
    let number = desk.case(&case.case).await?.next_number();
    let left = desk.forget(&case.case).await?;
    let partial = !left.is_empty() || !manifest.not_reached.is_empty();
    let state = if partial { CaseEnd::PartlyFulfilled } else { CaseEnd::Fulfilled };
    desk.record(&case.case, number, (CaseStep::Closed { state, reason: None }, by)).await?;
    let sha256 = engine::hex(&Sha256::digest(&bytes));
    let mut text = String::new();
    let places = counted(all.len() as u64, "dataset");
    write_line(&mut text, &format!("{}: {} of {places}", to.display(), counted(rows, "row")));
    for one in &all {
        write_line(&mut text, &format!("  {}: {}", one.name, counted(one.count(), "row")));
    }
    for left in &manifest.not_reached {
        write_line(&mut text, &format!("  not reached: {}: {}", left.place, left.why));
    }
    write_line(&mut text, &format!("sha256 {sha256}"));
    write_line(&mut text, &format!("case {} is {}", case.case, state.as_str().replace('_', " ")));
    let json = json!({
        "case": case.case, "state": state, "to": to.display().to_string(), "rows": rows, "bytes": bytes.len(),
        "sha256": sha256, "manifest": manifest,
    });
    Ok(Answer::done(text, json))
}

impl Found {
    fn count(&self) -> u64 {
        self.rows.iter().map(|batch| batch.num_rows() as u64).sum()
    }
}

/// The person's rows in a place; none where there are none, or the place has nothing to take along.
async fn found(
    desk: &Desk<'_>,
    session: &LakeSession,
    (name, request): (&str, SubjectRequest),
    person: &Person,
) -> Result<Option<Found>, JobError> {
    let target = Target::of(desk.lake, name)?;
    let Some(schema) = session.columns(&quoted(name)).await? else { return Ok(None) };
    let dataset = target.dataset;
    let scanned = Person::scanned(&dataset);
    let wanted = |field: &&Arc<Field>| match request {
        SubjectRequest::Portability => dataset.portable.contains(field.name()),
        _ => true,
    };
    let columns: Vec<String> = schema.fields().iter().filter(wanted).map(|field| quoted(field.name())).collect();
    if columns.is_empty() {
        return Ok(None);
    }
    let conditions = conditions(&dataset, &schema, person);
    if conditions.is_empty() && scanned.is_empty() {
        return Ok(None);
    }
    let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" OR ")) };
    let order = order(&dataset, &schema);
    let sql = format!("SELECT {} FROM {}{filter}{order}", columns.join(", "), quoted(name));
    let plan = session.plan(&sql).await?;
    let schema: SchemaRef = Arc::new(plan.schema().as_arrow().clone());
    let mentions = (!scanned.is_empty()).then(|| person.mentions());
    let mut rows = Vec::new();
    for batch in session.collect(&plan).await? {
        let batch = match &mentions {
            Some(mentions) => mentioning(&batch, scanned, mentions).map_err(unreadable)?,
            None => batch,
        };
        if batch.num_rows() > 0 {
            rows.push(of_others_hidden(desk, &dataset, &batch, person).map_err(unreadable)?);
        }
    }
    let schema = rows.first().map_or(schema, RecordBatch::schema);
    let found = Found { target: dataset, name: name.to_owned(), schema, rows };
    Ok(Some(found).filter(|found| found.count() > 0))
}

pub(super) fn unreadable(source: arrow::error::ArrowError) -> JobError {
    EngineError::Bug { what: format!("rows cannot be read ({source})") }.into()
}

/// Conditions of which one is true of the person's rows.
pub(super) fn conditions(dataset: &Dataset, schema: &Schema, person: &Person) -> Vec<String> {
    let mut conditions = Vec::new();
    for column in &dataset.subjects {
        let Ok(field) = schema.field_with_name(column) else { continue };
        let values = person.values_in(&dataset.id, column);
        if values.is_empty() {
            continue;
        }
        if let DataType::FixedSizeBinary(length) = field.data_type() {
            conditions.extend(of_bytes(column, *length, &values));
            continue;
        }
        if !can_cast_types(field.data_type(), &DataType::Utf8) {
            continue;
        }
        let listed: Vec<String> = values.iter().map(|value| format!("'{}'", value.replace('\'', "''"))).collect();
        let is_text = matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        let name = if is_text { quoted(column) } else { format!("CAST({} AS varchar)", quoted(column)) };
        conditions.push(format!("{name} IN ({})", listed.join(", ")));
    }
    conditions
}

/// The same of a column of bytes: either the letters of an identifier, or of a UUID its 16 bytes.
fn of_bytes(column: &str, length: i32, values: &BTreeSet<String>) -> Option<String> {
    let is_whole = |bytes: &Vec<u8>| i32::try_from(bytes.len()) == Ok(length);
    let forms = values.iter().flat_map(|value| {
        let uuid = uuid::Uuid::parse_str(value).ok().filter(|_| value.len() == 36);
        [Some(value.as_bytes().to_vec()), uuid.map(|id| id.as_bytes().to_vec())]
    });
    let listed: Vec<String> =
        forms.flatten().filter(is_whole).map(|bytes| format!("'{}'", engine::hex(&bytes))).collect();
    let hex = format!("encode(arrow_cast({}, 'Binary'), 'hex')", quoted(column));
    (!listed.is_empty()).then(|| format!("{hex} IN ({})", listed.join(", ")))
}

/// An order in which equal packages stand equally: by everything that can be ordered, what the schema sorts by first.
fn order(dataset: &Dataset, schema: &Schema) -> String {
    let is_ordered = |name: &str| {
        schema.field_with_name(name).is_ok_and(|field| !field.data_type().is_nested() && !field.data_type().is_null())
    };
    let first = dataset.time.iter().map(String::as_str).chain(dataset.schema.sort.iter().copied());
    let mut by: Vec<&str> = Vec::new();
    for name in first.chain(schema.fields().iter().map(|field| field.name().as_str())) {
        if is_ordered(name) && !by.contains(&name) {
            by.push(name);
        }
    }
    let by: Vec<String> = by.into_iter().map(quoted).collect();
    if by.is_empty() { String::new() } else { format!(" ORDER BY {}", by.join(", ")) }
}

/// Rows whose bytes mention the person.
fn mentioning(
    batch: &RecordBatch,
    scanned: &[&str],
    mentions: &Mentions,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let mut is_theirs = vec![false; batch.num_rows()];
    for column in scanned.iter().filter_map(|name| batch.column_by_name(name)) {
        let bytes = cast(column, &DataType::LargeBinary)?;
        for (row, value) in bytes.as_binary::<i64>().iter().enumerate() {
            is_theirs[row] |= value.is_some_and(|value| mentions.stand_in(value));
        }
    }
    filter_record_batch(batch, &BooleanArray::from(is_theirs))
}

/// The rows with pseudonyms in the place of other people.
fn of_others_hidden(
    desk: &Desk<'_>,
    dataset: &Dataset,
    batch: &RecordBatch,
    person: &Person,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if !dataset.subjects.contains(field.name()) {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
            continue;
        }
        let own = person.values_in(&dataset.id, field.name());
        let hidden: StringArray = match cast(column, &DataType::Utf8) {
            Ok(texts) => {
                let texts = texts.as_string::<i32>();
                let shown = |value: &str| match own.contains(value) {
                    true => value.to_owned(),
                    false => pseudonym(desk, value),
                };
                (0..texts.len()).map(|row| texts.is_valid(row).then(|| shown(texts.value(row)))).collect()
            }
            // Of what has no text nobody knows whose it is.
            Err(_) => (0..column.len()).map(|_| None::<String>).collect(),
        };
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
        columns.push(Arc::new(hidden) as ArrayRef);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn pseudonym(desk: &Desk<'_>, value: &str) -> String {
    let reference = desk.known.keys.current.reference_of(OTHER, value);
    let digits = reference.rsplit(':').next().unwrap_or_default();
    format!("{OTHER}-{}", &digits[..PSEUDONYM_LETTERS.min(digits.len())])
}

/// The files that the rows were read from.
async fn files(session: &LakeSession, all: &[Found]) -> Result<Vec<FileOf>, JobError> {
    let mut files = Vec::new();
    for one in all {
        for file in session.files(&one.name).await?.unwrap_or_default() {
            files.push(FileOf { path: file.path().to_owned(), etag: file.etag().to_owned(), bytes: file.meta.size });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// The entries of the ZIP, by name, the manifest among them.
fn entries(
    desk: &Desk<'_>,
    all: &[Found],
    around: &Places,
    manifest: &mut Manifest,
) -> Result<Vec<(String, Vec<u8>)>, JobError> {
    let mut entries = vec![("README.txt".to_owned(), read_me(desk, all, around, manifest).into_bytes())];
    for one in all {
        let guarded = ExportOptions { guard: true, ..ExportOptions::new(Format::Csv) };
        let csv = document(&one.schema, &one.rows, &guarded)?;
        let json = document(&one.schema, &one.rows, &ExportOptions::new(Format::Json))?;
        let columns: Vec<_> = one.schema.fields().iter().map(|field| column(one, field)).collect();
        let about = json!({ "dataset": one.name, "schema": one.target.schema.name, "columns": columns });
        for (ending, bytes) in [("csv", csv), ("json", json), ("schema.json", format!("{about:#}\n").into_bytes())] {
            let path = format!("{}.{ending}", one.name);
            manifest.parts.push(PartOf {
                path: path.clone(),
                dataset: one.name.clone(),
                rows: one.count(),
                bytes: bytes.len() as u64,
                sha256: engine::hex(&Sha256::digest(&bytes)),
            });
            entries.push((path, bytes));
        }
    }
    let mut text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| EngineError::Bug { what: format!("a manifest cannot be written ({error})") })?;
    text.push(b'\n');
    entries.push(("manifest.json".to_owned(), text));
    entries.sort();
    Ok(entries)
}

fn column(of: &Found, field: &Field) -> serde_json::Value {
    let doc = of.target.schema.column(field.name()).map(|column| column.doc);
    let class = of.target.classes.get(field.name()).map(|class| class.as_str());
    json!({ "name": field.name(), "type": field.data_type().to_string(), "about": doc, "class": class })
}

/// The page to read first: what is in the package, where it came from, how long it is kept, and what is not in it.
fn read_me(desk: &Desk<'_>, all: &[Found], around: &Places, manifest: &Manifest) -> String {
    let mut text = String::new();
    write_line(
        &mut text,
        &format!("Case {}, received {}: {}", manifest.case, manifest.received, asked(manifest.request)),
    );
    write_line(
        &mut text,
        "\nEach dataset stands in three files: .csv for a spreadsheet, .json for programs, and .schema.json,",
    );
    write_line(
        &mut text,
        "which says what its columns are. Texts that a spreadsheet would take for formulas have a ' in front in",
    );
    write_line(&mut text, "the .csv. Times are UTC. Names that begin with other- stand for other people.\n");
    for one in all {
        write_line(&mut text, &format!("{}: {}", one.name, counted(one.count(), "row")));
        write_line(&mut text, &format!("  {}", one.target.schema.doc));
        let sources = sources(desk, &one.target);
        if !sources.is_empty() {
            write_line(&mut text, &format!("  source: {}", sources.join(", ")));
        }
        write_line(&mut text, &format!("  kept: {}", kept(desk, &one.target)));
    }
    if all.is_empty() {
        write_line(&mut text, "No row about the person was found.");
    }
    for left in around.not_reached.iter().chain(&around.not_searched) {
        write_line(&mut text, &format!("not in it: {}: {}", left.place, left.why));
    }
    text
}

fn asked(request: SubjectRequest) -> &'static str {
    match request {
        SubjectRequest::Portability => "what the person may take along (for example GDPR Art. 20)",
        _ => "what there is about the person (for example GDPR Art. 15)",
    }
}

/// Jobs whose ingests write the dataset.
fn sources(desk: &Desk<'_>, dataset: &Dataset) -> Vec<String> {
    let jobs = desk.lake.definitions.jobs.iter().filter_map(|job| match &job.kind {
        schemas::JobKind::Ingest(spec) if spec.into == dataset.id => {
            Some(format!("{} by job {}", spec.format.as_str(), job.id))
        }
        _ => None,
    });
    jobs.collect()
}

/// How long rows of the dataset are kept.
fn kept(desk: &Desk<'_>, dataset: &Dataset) -> String {
    let Some(policy) = desk.lake.definitions.policy_of(&dataset.id) else { return "no end is set".to_owned() };
    let due = policy.rules.iter().filter_map(|rule| {
        let due = rule.maximum.as_ref()?;
        Some(format!("{} after {} ({})", due.disposition.as_str(), due.after, rule.name))
    });
    let due: Vec<String> = due.collect();
    if due.is_empty() { "no end is set".to_owned() } else { due.join(", ") }
}

fn zipped(entries: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>, JobError> {
    let bytes = Bytes::default();
    let mut bundle = Bundle::start(Box::new(bytes.clone()), &ExportOptions::new(Format::Csv));
    for (name, content) in &entries {
        bundle.add(name, content).map_err(exporters::ExportError::Write)?;
    }
    bundle.finish().map_err(exporters::ExportError::Write)?;
    Ok(bytes.taken())
}

/// Writes a file whole or not at all.
fn put(to: &FsPath, bytes: &[u8]) -> Result<(), JobError> {
    let local = |source| JobError::Local { action: "write", path: to.display().to_string(), source };
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(FsPath::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(local)?;
    file.write_all(bytes).map_err(local)?;
    file.as_file().sync_all().map_err(local)?;
    file.persist(to).map_err(|error| local(error.error))?;
    Ok(())
}
