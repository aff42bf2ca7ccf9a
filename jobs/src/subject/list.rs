//! Cases and their due days.

use engine::subject::subject_cases;
use serde_json::json;

use super::desk::Desk;
use super::in_force::is_in_force;
use crate::Answer;
use crate::error::JobError;
use crate::show::write_line;

/// Days before the due day from which on a case is urgent.
pub(crate) const WARN_DAYS: i64 = 5;

/// Carries out `auditlake subject list`.
pub(super) async fn command(desk: &Desk<'_>, all: bool) -> Result<Answer, JobError> {
    let today = desk.world.now().with_timezone(&desk.lake.definitions.timezone).date_naive();
    let mut rows = Vec::new();
    for case in subject_cases(&desk.lake.front).await?.into_iter().filter(|case| all || case.end().is_none()) {
        let standing = desk.standing(&case)?;
        let left = standing.due.map(|due| (due - today).num_days());
        let state = match (case.end(), left) {
            (Some(end), _) if is_in_force(&case) => format!("{}, in force", end.as_str().replace('_', " ")),
            (Some(end), _) => end.as_str().replace('_', " "),
            (None, Some(days)) if days < 0 => format!("overdue since {} days", -days),
            (None, Some(days)) if days <= WARN_DAYS => format!("due in {days} days"),
            (None, _) => "open".to_owned(),
        };
        let json = json!({
            "case": case.case,
            "type": standing.request,
            "jurisdiction": standing.jurisdiction,
            "received": standing.received,
            "due": standing.due,
            "days_left": left.filter(|_| case.end().is_none()),
            "in_force": is_in_force(&case),
            "state": case.end().map_or("open", schemas::CaseEnd::as_str),
        });
        let due = standing.due.map_or("no due day".to_owned(), |due| format!("due {due}"));
        let line = format!(
            "{}  {}  {}  received {}  {due}  {state}",
            case.case,
            standing.request.as_str(),
            standing.jurisdiction,
            standing.received
        );
        rows.push(((case.end().is_some(), standing.due, case.case.clone()), line, json));
    }
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    let mut text = String::new();
    rows.iter().for_each(|(_, line, _)| write_line(&mut text, line));
    if rows.is_empty() {
        write_line(&mut text, "no case is open");
    }
    let json: Vec<_> = rows.into_iter().map(|(_, _, json)| json).collect();
    Ok(Answer::done(text, json!({ "cases": json })))
}
