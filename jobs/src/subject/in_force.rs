//! What stays in force when a case is answered: restrictions (GDPR Art. 18) and objections (Art. 21).
//!
//! A restriction is a hold on rows that name the person, which also hides them from principals without `dataset.restricted`. An
//! objection names purposes: jobs that declare one of them leave those rows out. Both know the person by reference, so that the
//! case ends and its identifiers go. Whoever dies meanwhile goes on with the same command. Absent: accounts that the person has
//! only afterwards, which want a case of their own.

use std::sync::Arc;

use engine::SessionFactory;
use engine::retention::hold_cases;
use engine::subject::{Persons, SubjectCase, objection_path, objections, record_objection};
use schemas::{
    CaseEnd, CaseId, CaseStep, HoldScope, HoldStep, ObjectionRecord, ObjectionStep, Permission, Purpose, SubjectRequest,
};
use serde_json::json;

use super::desk::{Desk, keys_of, refused};
use super::open::reason;
use crate::Answer;
use crate::args::{ApplyCaseArgs, NoteArgs};
use crate::confirm::confirmed;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, make_good};
use crate::hold::{self, Holding};
use crate::lake::OpenLake;
use crate::retention::of_record;
use crate::show::write_line;

/// Puts into force what a case asks for, and answers it.
pub(super) async fn command(
    desk: &Desk<'_>,
    case: &SubjectCase,
    (request, args): (SubjectRequest, &ApplyCaseArgs),
) -> Result<Answer, JobError> {
    let (permission, what) = match request {
        SubjectRequest::Restriction => (Permission::HoldPlace, "restricting rows of a person"),
        _ => (Permission::SubjectOpen, "leaving out rows of a person"),
    };
    let by = desk.who(args.principal.as_deref(), permission, what)?;
    let purposes = purposes_of(case);
    let text = match request {
        SubjectRequest::Restriction => {
            "rows that name the person are neither removed nor changed, and principals without the permission \
             dataset.restricted do not see them"
                .to_owned()
        }
        _ => format!("jobs whose purpose is {} leave out rows that name the person", quoted(&purposes)),
    };
    let number = &case.case;
    let lifted = format!("until `auditlake subject lift {number}`");
    if args.dry_run {
        let text = format!("case {number} would bring about, {lifted}: {text}");
        return Ok(Answer::done(text, json!({ "case": number, "dry_run": true })));
    }
    if !args.yes {
        confirmed(&format!("case {number}, {lifted}: {text}"))?;
    }
    let mut settled = None;
    if !is_in_force(case) {
        let person = desk.person(number).await?;
        let subject = desk.references(person.identifiers());
        match request {
            SubjectRequest::Restriction => settled = Some(restrict(desk, number, subject, by.clone()).await?),
            _ => object(desk, (number, 1), ObjectionStep::Raised { purposes: purposes.clone(), subject }, &by).await?,
        }
        desk.record(number, case.next_number(), (CaseStep::InForce, by.as_deref())).await?;
    }
    let left = desk.forget(number).await?;
    let next = desk.open_case(number).await?.next_number();
    let step = CaseStep::Closed { state: CaseEnd::Fulfilled, reason: None };
    desk.record(number, next, (step, by.as_deref())).await?;
    let mut text = format!("case {number} is fulfilled, and in force {lifted}: {text}");
    left.iter().for_each(|left| write_line(&mut text, &format!("\nleft: {left}")));
    settled.iter().for_each(|settled| text.push_str(&settled.text()));
    let (changed_before, not_settled) = settled.map(|settled| (settled.changed, settled.unsettled)).unwrap_or_default();
    let json = json!({
        "case": number, "state": "fulfilled", "in_force": true, "purposes": purposes, "left": left,
        "changed_before": changed_before, "not_settled": not_settled,
    });
    Ok(Answer::done(text, json))
}

/// Ends what a case put into force.
pub(super) async fn lift(desk: &Desk<'_>, note: &NoteArgs) -> Result<Answer, JobError> {
    let number = &note.case;
    let case = desk.case(number).await?;
    let request = desk.standing(&case)?.request;
    let (permission, what) = match request {
        SubjectRequest::Restriction => (Permission::HoldRelease, "lifting a restriction"),
        _ => (Permission::SubjectOpen, "lifting an objection"),
    };
    let by = desk.who(note.principal.as_deref(), permission, what)?;
    let reason = reason(&note.reason)?;
    if case.end().is_none() {
        return Err(refused(number, format!("it is open; `auditlake subject apply {number}` answers it first")));
    }
    if !is_in_force(&case) && !is_begun(desk, &case).await? {
        return Err(refused(number, "nothing of it is in force; see `auditlake subject list --all`".to_owned()));
    }
    let mut text = format!("case {number} is lifted: ");
    let mut waiting = Vec::new();
    match request {
        SubjectRequest::Restriction => {
            if restriction(desk.lake, number).await?.is_some_and(|scope| scope.restricted) {
                let released = (HoldStep::Released, by.clone(), reason.as_str());
                hold::write(desk.lake, desk.world, number, released).await?;
            }
            write_line(&mut text, "its rows are used as others are; the person is told before that (GDPR Art. 18(3))");
            waiting = hold::waiting(desk.lake).await?;
            waiting.iter().for_each(|case| write_line(&mut text, &hold::waited(case)));
        }
        _ => {
            object(desk, (number, 2), ObjectionStep::Lifted, &by).await?;
            write_line(&mut text, "from the next run on, jobs of its purposes use its rows as others");
        }
    }
    desk.record(number, case.next_number(), (CaseStep::Lifted { reason }, by.as_deref())).await?;
    Ok(Answer::done(text, json!({ "case": number, "in_force": false, "erasures_waiting": waiting })))
}

/// Whether something stands on the store that a case brought about, be it that nobody lived to say so.
pub(super) async fn is_begun(desk: &Desk<'_>, case: &SubjectCase) -> Result<bool, JobError> {
    Ok(match desk.standing(case)?.request {
        SubjectRequest::Restriction => restriction(desk.lake, &case.case).await?.is_some_and(|scope| scope.restricted),
        SubjectRequest::Objection => {
            let front = &desk.lake.front;
            front.read(&objection_path(&case.case, 1)).await?.is_some()
                && front.read(&objection_path(&case.case, 2)).await?.is_none()
        }
        _ => false,
    })
}

/// Whether what a case asked for is in force.
pub(super) fn is_in_force(case: &SubjectCase) -> bool {
    case.records.iter().fold(false, |is_in_force, record| match &record.what {
        CaseStep::InForce => true,
        CaseStep::Lifted { .. } => false,
        _ => is_in_force,
    })
}

/// Holds the rows and hides them; what an apply under way did before.
async fn restrict(
    desk: &Desk<'_>,
    number: &CaseId,
    subjects: Vec<String>,
    by: Option<String>,
) -> Result<hold::Settled, JobError> {
    let scope = HoldScope { subjects, restricted: true, ..HoldScope::default() };
    match restriction(desk.lake, number).await? {
        // Ours, of an attempt that stopped, be it that references were made with another key then.
        Some(there) if there.restricted => hold::settled(desk.lake, desk.world, &there).await,
        Some(_) => Err(refused(number, "a hold of that number is open; release it, or open another case".to_owned())),
        None => {
            let reason = format!("restriction asked for in case {number}");
            let holding =
                Holding { case: number, step: HoldStep::Placed { scope: scope.clone() }, by, reason: &reason };
            hold::placed(desk.lake, desk.world, holding).await.map(|(_, settled)| settled)
        }
    }
}

/// What the open hold of that number holds.
async fn restriction(lake: &OpenLake, number: &CaseId) -> Result<Option<HoldScope>, JobError> {
    let cases = hold_cases(&lake.front).await?;
    Ok(cases.iter().find(|hold| hold.case == *number).and_then(|hold| hold.scope().cloned()))
}

async fn object(
    desk: &Desk<'_>,
    (case, number): (&CaseId, u64),
    what: ObjectionStep,
    by: &Option<String>,
) -> Result<(), JobError> {
    let by = by.clone().unwrap_or_else(|| "operator".to_owned());
    let record = ObjectionRecord { case: case.clone(), number, what, by, at: desk.world.now() };
    let (front, path) = (&desk.lake.front, objection_path(case, number));
    // Ours, of an attempt that stopped.
    if front.read_json::<ObjectionRecord>(&path).await?.is_some() {
        make_good(desk.lake, desk.world).await;
        return Ok(());
    }
    let intent = Intent::begin(desk.lake, desk.world, Act::Record { path: path.to_string() }).await?;
    let written = record_objection(front, &record).await.map_err(JobError::from);
    intent.end(written, async |()| Ok(of_record(front, path.as_ref()).await?.into_iter().collect())).await
}

fn purposes_of(case: &SubjectCase) -> Vec<Purpose> {
    match case.records.first().map(|first| &first.what) {
        Some(CaseStep::Opened { purposes, .. }) => purposes.clone(),
        _ => Vec::new(),
    }
}

fn quoted(purposes: &[Purpose]) -> String {
    purposes.iter().map(|purpose| format!("\"{purpose}\"")).collect::<Vec<_>>().join(" or ")
}

/// Everybody whose rows are restricted; none where nobody's are.
///
/// # Errors
/// When the store fails, or a key that they are known by is not there: then nobody can tell which rows are theirs.
pub(crate) async fn restricted(lake: &OpenLake) -> Result<Option<Arc<Persons>>, JobError> {
    let holds = hold_cases(&lake.front).await?;
    let scopes = holds.iter().filter_map(|hold| hold.scope()).filter(|scope| scope.restricted);
    persons(lake, scopes.flat_map(|scope| scope.subjects.clone()).collect(), "rows of persons are restricted").await
}

/// Everybody who objects to a purpose; none where nobody does, or there is no purpose.
///
/// # Errors
/// As [`restricted`].
pub(crate) async fn objecting(lake: &OpenLake, purpose: Option<&Purpose>) -> Result<Option<Arc<Persons>>, JobError> {
    let Some(purpose) = purpose else { return Ok(None) };
    let references = objections(&lake.front, purpose).await?;
    persons(lake, references, &format!("persons object to purpose \"{purpose}\"")).await
}

async fn persons(lake: &OpenLake, references: Vec<String>, because: &str) -> Result<Option<Arc<Persons>>, JobError> {
    if references.is_empty() {
        return Ok(None);
    }
    let persons = Persons::new(&references, keys_of(lake).await?.as_ref());
    match persons.key_missing() {
        None => Ok(Some(Arc::new(persons))),
        Some(id) => Err(JobError::Usage(format!(
            "{because} who are known by key \"{id}\", which policies/subjects.yaml does not name, so nobody can tell which rows \
             are theirs; put it back under key or retired"
        ))),
    }
}

/// Sessions without the rows of some persons.
pub(crate) fn without(sessions: &SessionFactory, persons: Option<&Arc<Persons>>) -> SessionFactory {
    match persons {
        Some(persons) => sessions.without(Arc::clone(persons)),
        None => sessions.clone(),
    }
}
