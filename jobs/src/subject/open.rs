//! Opening cases, and noting what happens to them.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use chrono::NaiveDate;
use engine::subject::SubjectCase;
use schemas::{CaseEnd, CaseId, CaseStep, Identifier, Permission, Purpose, RequestRule, SubjectRequest};
use serde_json::json;

use super::desk::{Desk, refused};
use super::identity::{closed, counted_by_kind};
use super::in_force;
use crate::Answer;
use crate::args::{NoteArgs, OpenArgs, WhoArgs};
use crate::error::JobError;
use crate::show::write_line;

/// Longest reason.
const REASON_CHARS_MAX: usize = 1_000;

/// Carries out `auditlake subject open`.
pub(super) async fn command(desk: &Desk<'_>, args: &OpenArgs) -> Result<Answer, JobError> {
    let request = args.request.into();
    match (request, args.purpose.as_slice()) {
        (SubjectRequest::Objection, []) => {
            return Err(JobError::Usage(
                "an objection is to a purpose; give it with --purpose, as jobs declare it: marketing".to_owned(),
            ));
        }
        (SubjectRequest::Objection, _) | (_, []) => {}
        (request, _) => {
            let request = request.as_str();
            return Err(JobError::Usage(format!(
                "--purpose is for objections, and this is of type {request}; leave it out"
            )));
        }
    }
    let opened = opened(desk, &args.who, (request, &args.purpose)).await?;
    opened.told(desk)
}

/// A case that was opened.
pub(super) struct Opened {
    pub(super) case: SubjectCase,
    pub(super) by: Option<String>,
    identifiers: String,
    shared: String,
}

impl Opened {
    fn told(&self, desk: &Desk<'_>) -> Result<Answer, JobError> {
        let standing = desk.standing(&self.case)?;
        let number = &self.case.case;
        let mut text = format!(
            "case {number} is open: {} under {}, received {}, {}\n  identifiers: {}",
            standing.request.as_str(),
            standing.jurisdiction,
            standing.received,
            standing.due.map_or("no rule says by when".to_owned(), |due| format!("due {due}")),
            self.identifiers
        );
        if !self.shared.is_empty() {
            write_line(&mut text, &format!("\n  left alone, as other persons have them, too: {}", self.shared));
        }
        let next = match standing.request {
            SubjectRequest::Erasure => format!("auditlake subject plan {number}"),
            SubjectRequest::Know | SubjectRequest::Portability => {
                format!("auditlake subject export {number} --to FILE")
            }
            SubjectRequest::Restriction | SubjectRequest::Objection => format!("auditlake subject apply {number}"),
            SubjectRequest::Rectification => format!("auditlake subject correct {number} --file FILE"),
        };
        write_line(&mut text, &format!("\nnext: {next}"));
        let json = json!({
            "case": number,
            "type": standing.request,
            "jurisdiction": standing.jurisdiction,
            "received": standing.received,
            "due": standing.due,
            "identifiers": self.identifiers,
            "shared": self.shared,
        });
        Ok(Answer::done(text, json))
    }
}

/// Opens a case for whoever has the identifiers of a file.
pub(super) async fn opened(
    desk: &Desk<'_>,
    args: &WhoArgs,
    (request, purposes): (SubjectRequest, &[Purpose]),
) -> Result<Opened, JobError> {
    let by = desk.who(args.principal.as_deref(), Permission::SubjectOpen, "opening a case")?;
    let given = identifiers(&args.id_file)?;
    let jurisdiction = args.jurisdiction.clone().unwrap_or_else(|| desk.policy.jurisdiction.clone());
    let today = desk.world.now().with_timezone(&desk.lake.definitions.timezone).date_naive();
    let received = args.received.unwrap_or(today);
    if received > today {
        return Err(JobError::Usage(format!("--received {received} is still to come; give the day of receipt")));
    }
    if RequestRule::of(&jurisdiction, request.as_str(), received).is_none() {
        return Err(JobError::Usage(format!(
            "no clock runs for a request of type {} under {jurisdiction:?} that was received on {received}; there are: {}",
            request.as_str(),
            RequestRule::jurisdictions().join(", ")
        )));
    }
    let whose = closed(desk.lake, desk.world, desk.policy.identities.as_ref(), (&given, args.shared)).await?;
    let number = match &args.case {
        Some(number) => number.clone(),
        None => desk.next_number().await?,
    };
    if desk.case(&number).await.is_ok() {
        return Err(refused(&number, "it is there already; give another number, or leave --case out".to_owned()));
    }
    let identifiers: Vec<Identifier> = whose.identifiers.into_iter().collect();
    let subject = desk.references(&identifiers);
    let purposes: BTreeSet<Purpose> = purposes.iter().cloned().collect();
    let purposes = purposes.into_iter().collect();
    let step = CaseStep::Opened { request, jurisdiction, received, subject, purposes };
    // The record first: who is second with a number seals nothing.
    desk.record(&number, 1, (step, by.as_deref())).await?;
    desk.seal(&number, &identifiers).await?;
    let (known, shared) = (counted_by_kind(&identifiers), counted_by_kind(&whose.shared));
    Ok(Opened { case: desk.case(&number).await?, by, identifiers: known, shared })
}

/// Reads a file of identifiers.
pub(crate) fn identifiers(file: &Path) -> Result<Vec<Identifier>, JobError> {
    let (place, text) = text_of(file)?;
    Identifier::parse_file(&text).map_err(|why| JobError::Usage(format!("{place}: {why}")))
}

/// What errors call a file that is given, or standard input for `-`, and its text.
pub(super) fn text_of(file: &Path) -> Result<(String, String), JobError> {
    if file.as_os_str() != "-" {
        return Ok((format!("file \"{}\"", file.display()), crate::read_text(file)?));
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map_err(|source| JobError::Local { action: "read", path: "standard input".to_owned(), source })?;
    Ok(("standard input".to_owned(), text))
}

/// Notes that the person was told that it takes longer.
pub(super) async fn extend(desk: &Desk<'_>, note: &NoteArgs) -> Result<Answer, JobError> {
    let on = desk.world.now().with_timezone(&desk.lake.definitions.timezone).date_naive();
    let before = desk.standing(&desk.open_case(&note.case).await?)?.due;
    let answer = noted(desk, note, |reason| CaseStep::Extended { on, reason }).await?;
    if answer.1 == before {
        let number = &note.case;
        let why =
            "the due day stays: it is extended already, the first due day has passed, or the law knows no extension";
        let text = format!("case {number}: noted; {why}");
        return Ok(Answer::done(text, json!({ "case": number, "due": before, "moved": false })));
    }
    Ok(answer.0)
}

/// Notes that the clock stood still.
pub(super) async fn pause(
    desk: &Desk<'_>,
    note: &NoteArgs,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<Answer, JobError> {
    if from >= to {
        return Err(JobError::Usage(format!("--from {from} is not before --to {to}, so the clock never stood still")));
    }
    Ok(noted(desk, note, |reason| CaseStep::Paused { from, to, reason }).await?.0)
}

/// Ends a case by hand.
pub(super) async fn close(desk: &Desk<'_>, note: &NoteArgs, state: CaseEnd) -> Result<Answer, JobError> {
    let by = desk.who(note.principal.as_deref(), Permission::SubjectOpen, "closing a case")?;
    let case = desk.open_case(&note.case).await?;
    let reason = reason(&note.reason)?;
    if in_force::is_begun(desk, &case).await? {
        let why = "somebody began to put it into force; `auditlake subject apply` ends that, and `lift` what it brought about";
        return Err(refused(&case.case, why.to_owned()));
    }
    let left = desk.forget(&case.case).await?;
    let step = CaseStep::Closed { state, reason: Some(reason) };
    desk.record(&case.case, case.next_number(), (step, by.as_deref())).await?;
    let state = state.as_str().replace('_', " ");
    let mut text = format!("case {} is {state}; its identifiers are gone", note.case);
    left.iter().for_each(|left| write_line(&mut text, &format!("\nleft: {left}")));
    Ok(Answer::done(text, json!({ "case": note.case, "state": state, "left": left })))
}

/// Ends a case that nobody went on with.
pub(super) async fn withdrawn(desk: &Desk<'_>, number: &CaseId, why: &str) -> Result<(), JobError> {
    let case = desk.open_case(number).await?;
    desk.forget(number).await?;
    let step = CaseStep::Closed { state: CaseEnd::Withdrawn, reason: Some(why.to_owned()) };
    desk.record(number, case.next_number(), (step, None)).await?;
    Ok(())
}

/// A case about somebody who was erased before and came back.
pub(super) async fn reopened(
    desk: &Desk<'_>,
    before: &CaseId,
    identifiers: &BTreeSet<Identifier>,
    by: Option<&str>,
) -> Result<SubjectCase, JobError> {
    let number = desk.next_number().await?;
    let identifiers: Vec<Identifier> = identifiers.iter().cloned().collect();
    let subject = desk.references(&identifiers);
    let received = desk.world.now().with_timezone(&desk.lake.definitions.timezone).date_naive();
    let jurisdiction = match desk.case(before).await {
        Ok(case) => desk.standing(&case)?.jurisdiction.to_owned(),
        Err(_) => desk.policy.jurisdiction.clone(),
    };
    let step =
        CaseStep::Opened { request: SubjectRequest::Erasure, jurisdiction, received, subject, purposes: Vec::new() };
    desk.record(&number, 1, (step, by)).await?;
    desk.seal(&number, &identifiers).await?;
    desk.case(&number).await
}

async fn noted(
    desk: &Desk<'_>,
    note: &NoteArgs,
    step: impl FnOnce(String) -> CaseStep,
) -> Result<(Answer, Option<NaiveDate>), JobError> {
    let by = desk.who(note.principal.as_deref(), Permission::SubjectOpen, "noting something about a case")?;
    let case = desk.open_case(&note.case).await?;
    desk.record(&case.case, case.next_number(), (step(reason(&note.reason)?), by.as_deref())).await?;
    let due = desk.standing(&desk.case(&note.case).await?)?.due;
    let shown = due.map_or("no rule says by when".to_owned(), |due| format!("due {due}"));
    let text = format!("case {}: noted; it is {shown}", note.case);
    Ok((Answer::done(text, json!({ "case": note.case, "due": due, "moved": true })), due))
}

/// A reason that fits a record.
pub(super) fn reason(given: &str) -> Result<String, JobError> {
    match given.trim().chars().count() {
        1..=REASON_CHARS_MAX => Ok(given.trim().to_owned()),
        0 => Err(JobError::Usage("--reason is empty; say why".to_owned())),
        long => Err(JobError::Usage(format!("--reason has {long} characters; write at most {REASON_CHARS_MAX}"))),
    }
}
