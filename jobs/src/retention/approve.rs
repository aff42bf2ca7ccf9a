//! Agreeing to a plan, or beforehand to the plans of a policy. Each approval is a create-only record, signed with the key of
//! the evidence log where there is one.

use chrono::{NaiveTime, TimeDelta};
use engine::retention::{
    Approval, KnownPlan, PlanFolder, StandingApproval, approvals_folder, find_plan, standing_folder,
};
use engine::{Created, EngineError, Lakefront};
use object_store::path::Path;
use schemas::{Permission, PolicyId, rfc3339};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::entries::of_record;
use super::target::Target;
use super::who::who;
use crate::Answer;
use crate::args::ApproveArgs;
use crate::error::JobError;
use crate::evidence_log::{Act, Intent, signed};
use crate::lake::OpenLake;
use crate::world::World;

/// Carries out `auditlake retention approve`.
pub(super) async fn command(lake: &OpenLake, world: &World, args: &ApproveArgs) -> Result<Answer, JobError> {
    let by = who(lake, Some(&args.principal), Permission::RetentionApprove, "approving retention")?;
    let by = by.unwrap_or_default();
    if args.ticket.trim().is_empty() {
        return Err(JobError::Usage(
            "--ticket is empty; name what the approval rests on, for example CHG-88".to_owned(),
        ));
    }
    match (&args.plan, &args.standing) {
        (Some(plan), _) => of_plan(lake, world, (plan, &by), args).await,
        (None, Some(policy)) => standing(lake, world, (policy, &by), args).await,
        (None, None) => Err(JobError::Usage("give the id of a plan, or --standing and a policy".to_owned())),
    }
}

async fn of_plan(
    lake: &OpenLake,
    world: &World,
    (begin, by): (&str, &str),
    args: &ApproveArgs,
) -> Result<Answer, JobError> {
    let known = find_plan(&lake.front, begin).await?;
    let refused = |why: String| Err(JobError::Refused { what: format!("approval of plan {}", &known.id[..12]), why });
    if lake.front.read(&PlanFolder::of(&known.id).receipt()).await?.is_some() {
        return refused("it was applied already".to_owned());
    }
    let policy = Target::of(lake, &known.plan.dataset)?.policy()?;
    let before = approvals(&lake.front, &known.id).await?;
    let approval = Approval {
        plan: known.id.clone(),
        number: before.len() as u64 + 1,
        by: by.to_owned(),
        ticket: args.ticket.clone(),
        confirmed_rows: args.confirm_rows,
        at: world.now(),
        until: known.plan.approval_ends(world.now()),
        note: None,
    };
    // What would not count is not written down: whoever agrees hears of it at once.
    let mut alone = known.plan.clone();
    alone.policy.approvers = 1;
    let id = alone.id()?;
    let tried = Approval { plan: id.clone(), ..approval.clone() };
    if let Err(error) = alone.approve(&id, (&[tried], None), &policy.sha256, world.now()) {
        let confirm = match known.plan.is_above_brake() && args.confirm_rows.is_none() {
            true => format!("; if that is right, add --confirm-rows {}", known.plan.rows_changed()),
            false => String::new(),
        };
        return refused(format!("{error}{confirm}"));
    }
    if before.iter().any(|earlier| earlier.by == by && world.now() < earlier.until) {
        return refused(format!("\"{by}\" has approved it already"));
    }
    let folder = approvals_folder(&known.id);
    let text = text_of_approval(&approval);
    let number = approval.number;
    let written = Approval { note: signed(lake, &text)?, ..approval };
    record(lake, world, &Path::from(format!("{folder}/{number:06}.json")), &written).await?;
    let there = before.len() + 1;
    let needed = known.plan.policy.approvers;
    let until = rfc3339(written.until);
    let mut text = format!("plan {} approved by {by} on {}, until {until}", &known.id[..12], args.ticket);
    if there < needed as usize {
        text.push_str(&format!("\n{there} of {needed} approvals"));
    } else {
        text.push_str(&format!("\napply it with: auditlake retention apply {}", &known.id[..12]));
    }
    Ok(Answer::done(text, json!(written)))
}

async fn standing(
    lake: &OpenLake,
    world: &World,
    (name, by): (&str, &str),
    args: &ApproveArgs,
) -> Result<Answer, JobError> {
    let unknown = || JobError::Unknown {
        what: "policy",
        name: name.to_owned(),
        remedy: format!(
            "policies are: {}",
            crate::lake::names(lake.definitions.retention.iter().map(|policy| &policy.id))
        ),
    };
    let policy = lake.definitions.retention.iter().find(|policy| policy.id.as_str() == name).ok_or_else(unknown)?;
    let (Some(rows_max), Some(day)) = (args.rows, args.until) else {
        return Err(JobError::Usage("--standing needs --rows and --until".to_owned()));
    };
    let until = (day + TimeDelta::days(1)).and_time(NaiveTime::MIN).and_utc();
    if until <= world.now() {
        return Err(JobError::Usage(format!("--until {day} is over; give a day to come")));
    }
    let folder = standing_folder(&policy.id);
    let before: Vec<StandingApproval> = all(&lake.front, &folder).await?;
    let approval = StandingApproval {
        policy: policy.id.clone(),
        policy_sha256: policy.sha256.clone(),
        number: before.len() as u64 + 1,
        rows_max,
        by: by.to_owned(),
        ticket: args.ticket.clone(),
        at: world.now(),
        until,
        note: None,
    };
    let text = text_of_standing(&approval);
    let number = approval.number;
    let written = StandingApproval { note: signed(lake, &text)?, ..approval };
    record(lake, world, &Path::from(format!("{folder}/{number:06}.json")), &written).await?;
    let text = format!(
        "plans of policy \"{name}\" that change at most {rows_max} rows are approved by {by} until {}, as long as the \
         policy is not edited",
        rfc3339(until)
    );
    Ok(Answer::done(text, json!(written)))
}

/// Approvals of a plan that was made for something that was agreed to: by whom, and on which ticket.
pub(crate) async fn approve_for(
    lake: &OpenLake,
    world: &World,
    known: &KnownPlan,
    agreed: &[(String, String)],
) -> Result<Vec<Approval>, JobError> {
    let mut there = approvals(&lake.front, &known.id).await?;
    for (by, ticket) in agreed {
        if there.iter().any(|approval| approval.by == *by && world.now() < approval.until) {
            continue;
        }
        let number = there.len() as u64 + 1;
        let approval = Approval {
            plan: known.id.clone(),
            number,
            by: by.clone(),
            ticket: ticket.clone(),
            confirmed_rows: None,
            at: world.now(),
            until: known.plan.approval_ends(world.now()),
            note: None,
        };
        let written = Approval { note: signed(lake, &text_of_approval(&approval))?, ..approval };
        let path = Path::from(format!("{}/{number:06}.json", approvals_folder(&known.id)));
        record(lake, world, &path, &written).await?;
        there.push(written);
    }
    Ok(there)
}

/// Writes a record that has one place, and logs it.
async fn record<T: Serialize + Sync>(lake: &OpenLake, world: &World, path: &Path, record: &T) -> Result<(), JobError> {
    let intent = Intent::begin(lake, world, Act::Record { path: path.to_string() }).await?;
    let written = async {
        match lake.front.create_json(path, record).await? {
            Created::Now => Ok(()),
            Created::Existed => Err(JobError::Refused {
                what: format!("record \"{path}\""),
                why: "somebody else approved meanwhile; run the same command again".to_owned(),
            }),
        }
    };
    intent.end(written.await, async |()| Ok(of_record(&lake.front, path.as_ref()).await?.into_iter().collect())).await
}

/// What is signed of an approval.
fn text_of_approval(approval: &Approval) -> String {
    format!(
        "auditlake/retention-approval/v1\n{}\n{}\n{:?}\n{:?}\n{}\n{}\n{}\n",
        approval.plan,
        approval.number,
        approval.by,
        approval.ticket,
        approval.confirmed_rows.map(|rows| rows.to_string()).unwrap_or_default(),
        rfc3339(approval.at),
        rfc3339(approval.until)
    )
}

fn text_of_standing(approval: &StandingApproval) -> String {
    format!(
        "auditlake/retention-standing-approval/v1\n{}\n{}\n{}\n{}\n{:?}\n{:?}\n{}\n{}\n",
        approval.policy,
        approval.policy_sha256,
        approval.number,
        approval.rows_max,
        approval.by,
        approval.ticket,
        rfc3339(approval.at),
        rfc3339(approval.until)
    )
}

/// The note of an approval record, and what must be signed in it; none of bytes that are no approval.
pub(crate) fn note_of_approval(bytes: &[u8]) -> Option<(Option<String>, String)> {
    if let Ok(approval) = serde_json::from_slice::<Approval>(bytes) {
        return Some((approval.note.clone(), text_of_approval(&approval)));
    }
    let approval: StandingApproval = serde_json::from_slice(bytes).ok()?;
    Some((approval.note.clone(), text_of_standing(&approval)))
}

/// The approvals of a plan, in order.
pub(super) async fn approvals(front: &Lakefront, plan: &str) -> Result<Vec<Approval>, EngineError> {
    all(front, &approvals_folder(plan)).await
}

/// The standing approval of a policy that counts: the last one.
pub(super) async fn standing_of(front: &Lakefront, policy: &PolicyId) -> Result<Option<StandingApproval>, EngineError> {
    Ok(all(front, &standing_folder(policy)).await?.pop())
}

async fn all<T: DeserializeOwned>(front: &Lakefront, folder: &Path) -> Result<Vec<T>, EngineError> {
    let mut found = Vec::new();
    for meta in front.list(folder).await? {
        found.extend(front.read_json(&meta.location).await?);
    }
    Ok(found)
}

/// Paths of the records of approvals of retention among those of all approvals: reviews have a folder a run and revision.
pub(crate) fn approval_records(paths: &[Path]) -> Vec<&Path> {
    paths.iter().filter(|path| is_of_retention(path)).collect()
}

fn is_of_retention(path: &Path) -> bool {
    let parts: Vec<String> = path.parts().map(|part| part.as_ref().to_owned()).collect();
    match parts.as_slice() {
        [_, _, standing, _, _] => standing == "standing",
        [_, _, plan, _] => plan.len() == 64,
        _ => false,
    }
}
