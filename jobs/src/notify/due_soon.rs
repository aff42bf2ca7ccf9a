//! Answers to persons that are due within days: nobody records that, so it is looked up now and then. A due day is told of once.

use engine::subject::subject_cases;
use schemas::{EventType, RequestRule, clock_of};

use super::event::{Event, Told};
use super::outbox::publish;
use crate::error::JobError;
use crate::lake::OpenLake;
use crate::subject::WARN_DAYS;
use crate::world::World;

/// Tells of the cases that are due soon.
///
/// # Errors
/// When the store fails, or a record is damaged.
pub(super) async fn due_soon(lake: &OpenLake, world: &World) -> Result<(), JobError> {
    let hears = lake.definitions.notify.iter().any(|channel| channel.takes(EventType::SubjectDueSoon));
    if !hears || lake.definitions.subjects.is_none() {
        return Ok(());
    }
    let now = world.now();
    let today = now.with_timezone(&lake.definitions.timezone).date_naive();
    for case in subject_cases(&lake.front).await?.into_iter().filter(|case| case.end().is_none()) {
        let Ok((request, jurisdiction, clock)) = clock_of(&case.records) else { continue };
        let rule = RequestRule::of(jurisdiction, request.as_str(), clock.received);
        let Some(due) = rule.and_then(|rule| rule.due(&clock)) else { continue };
        if (due - today).num_days() > WARN_DAYS {
            continue;
        }
        let told = Told {
            what: "the answer to a person is due within days",
            reason: Some(format!("due {due}")),
            command: Some("auditlake subject list".to_owned()),
            ..Told::default()
        };
        // Another due day is another event.
        let day = due.signed_duration_since(chrono::NaiveDate::default()).num_days();
        let number = u64::try_from(day).unwrap_or_default();
        publish(lake, &Event::of(EventType::SubjectDueSoon, case.case.to_string(), number, (now, told))).await?;
    }
    Ok(())
}
