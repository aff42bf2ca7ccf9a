//! Erasing again whoever came back: a backup that was restored has rows of persons who were erased since.
//!
//! Every distinct value of the columns that name people is compared with the ledger by its reference; nobody needs to know
//! who it is. Rows that are newer than the erasure are new data and stay. Absent: archives and what ingests refused, which a
//! case over the identifiers reaches.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use engine::retention::Person;
use engine::subject::Ledger;
use schemas::{CaseId, Dataset, Identifier, Permission};
use serde_json::json;

use super::desk::Desk;
use super::identity::quoted;
use super::package::{conditions, unreadable};
use crate::Answer;
use crate::confirm::confirmed;
use crate::error::JobError;
use crate::progress::Progress;
use crate::show::{counted, write_line};

/// What is replayed.
#[derive(Debug)]
pub(super) struct Replayed<'a> {
    pub(super) dataset: Option<&'a str>,
    pub(super) yes: bool,
    pub(super) dry_run: bool,
    pub(super) principal: Option<&'a str>,
}

/// Persons who came back, by the case in which they were erased, and when that was.
type Back = BTreeMap<CaseId, (DateTime<Utc>, BTreeSet<Identifier>)>;

/// Carries out `auditlake subject replay`.
pub(super) async fn command(desk: &Desk<'_>, args: &Replayed<'_>) -> Result<Answer, JobError> {
    let by = desk.who(args.principal, Permission::SubjectErase, "erasing persons again")?;
    let ledger = Ledger::read(&desk.lake.front).await?;
    if let [first, ..] = ledger.keys_missing(&desk.known.keys).as_slice() {
        return Err(JobError::Usage(format!(
            "the ledger of erasures has references under key \"{first}\", which policies/subjects.yaml does not name, so \
             nobody knows whether those persons came back; add it to retired"
        )));
    }
    let datasets: Vec<&Dataset> = match args.dataset {
        Some(name) => vec![desk.lake.dataset(name)?],
        None => desk.lake.definitions.datasets.iter().collect(),
    };
    let (mut back, mut rows) = (Back::new(), 0);
    for dataset in datasets.into_iter().filter(|dataset| !dataset.subjects.is_empty()) {
        let of_dataset = found(desk, &ledger, dataset).await?;
        if !of_dataset.is_empty() {
            rows += count(desk, dataset, &of_dataset).await?;
        }
        for (case, (at, identifiers)) in of_dataset {
            let (last, all) = back.entry(case).or_insert((at, BTreeSet::new()));
            *last = at.max(*last);
            all.extend(identifiers);
        }
    }
    let persons = counted(back.len() as u64, "case");
    if back.is_empty() {
        let text = "nobody who was erased came back".to_owned();
        return Ok(Answer::done(text, json!({ "cases": [], "rows": 0 })));
    }
    let cases: Vec<&CaseId> = back.keys().collect();
    if args.dry_run {
        let text = format!("{} of {persons} came back; without --dry-run they are erased again", counted(rows, "row"));
        return Ok(Answer::done(text, json!({ "cases": cases, "rows": rows, "dry_run": true })));
    }
    if !args.yes {
        confirmed(&format!("{} of {persons} came back and are erased again", counted(rows, "row")))?;
    }
    let (mut text, mut done) = (String::new(), Vec::new());
    write_line(&mut text, &format!("{} of {persons} came back", counted(rows, "row")));
    for (case, (at, identifiers)) in &back {
        let whose = (identifiers, *at);
        let answer = super::again(desk, case, whose, (by.as_deref(), &Progress::on_terminal())).await?;
        write_line(&mut text, answer.text.trim_end());
        done.push(answer.json);
    }
    Ok(Answer::done(text, json!({ "cases": cases, "rows": rows, "erased": done })))
}

/// Who of a dataset's persons was erased, where rows of theirs are not newer than that.
async fn found(desk: &Desk<'_>, ledger: &Ledger, dataset: &Dataset) -> Result<Back, JobError> {
    let session = desk.lake.sessions.session(desk.world.now())?;
    let mut back = Back::new();
    for column in &dataset.subjects {
        let earliest = dataset.time.as_ref().map_or("NULL".to_owned(), |time| format!("min({})", quoted(time)));
        let name = quoted(column);
        let sql = format!(
            "SELECT CAST({name} AS varchar) AS value, {earliest} AS earliest FROM {} WHERE {name} IS NOT NULL GROUP BY {name}",
            quoted(dataset.id.as_str())
        );
        for batch in session.query(&sql).await? {
            let texts = cast(batch.column(0), &DataType::Utf8).map_err(unreadable)?;
            let values = texts.as_string::<i32>();
            let earliest = instants(batch.column(1))?;
            for row in (0..batch.num_rows()).filter(|row| values.is_valid(*row)) {
                let is_kind = |kind: &str| desk.policy.holds(&dataset.id, column, kind);
                let Some(gone) = ledger.erased(&desk.known.keys, values.value(row), is_kind) else { continue };
                if is_old(&earliest, row, gone.at) {
                    let (at, identifiers) = back.entry(gone.case.clone()).or_insert((gone.at, BTreeSet::new()));
                    *at = gone.at.max(*at);
                    identifiers.extend(Identifier::new(gone.kind, values.value(row)).ok());
                }
            }
        }
    }
    Ok(back)
}

/// Rows of a dataset that are of persons who came back, and not newer than their erasure.
async fn count(desk: &Desk<'_>, dataset: &Dataset, back: &Back) -> Result<u64, JobError> {
    let session = desk.lake.sessions.session(desk.world.now())?;
    let Some(schema) = session.columns(&quoted(dataset.id.as_str())).await? else { return Ok(0) };
    let mut rows = 0;
    for (at, identifiers) in back.values() {
        let person = Person::new(identifiers.iter().cloned(), &desk.policy.kinds);
        let time = dataset.time.as_ref().map_or("NULL".to_owned(), |time| quoted(time));
        let is_theirs = conditions(dataset, &schema, &person).join(" OR ");
        let sql = format!("SELECT {time} FROM {} WHERE {is_theirs}", quoted(dataset.id.as_str()));
        for batch in session.query(&sql).await? {
            let times = instants(batch.column(0))?;
            rows += (0..batch.num_rows()).filter(|row| is_old(&times, *row, *at)).count() as u64;
        }
    }
    Ok(rows)
}

fn instants(column: &ArrayRef) -> Result<TimestampMicrosecondArray, JobError> {
    let instants = cast(column, &DataType::Timestamp(TimeUnit::Microsecond, None)).map_err(unreadable)?;
    Ok(instants.as_primitive::<TimestampMicrosecondType>().clone())
}

/// Whether what happened in a row is not after an instant; of what nobody knows when it was, it is not.
fn is_old(times: &TimestampMicrosecondArray, row: usize, at: DateTime<Utc>) -> bool {
    !times.is_valid(row) || times.value(row) <= at.timestamp_micros()
}
