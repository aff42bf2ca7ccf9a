use super::*;
use crate::retention::journal::RowCounts;
use crate::retention::plan::PlannedPolicy;

fn at(text: &str) -> DateTime<Utc> {
    schemas::parse_rfc3339(text).expect("is an instant")
}

fn plan() -> RetentionPlan {
    RetentionPlan {
        erasure: None,
        format: "auditlake/retention-plan/v1".to_owned(),
        dataset: "audit".to_owned(),
        at: at("2026-11-01T00:00:00Z"),
        planned_by: Some("paula".to_owned()),
        policy: PlannedPolicy {
            name: "audit".to_owned(),
            sha256: "5a".to_owned(),
            approvers: 1,
            not_planner: true,
            valid_for_seconds: 7 * 86_400,
            brake_ppm: 200_000,
            grace_seconds: 86_400,
        },
        holds: Vec::new(),
        objects: Vec::new(),
        kept_objects: 1,
        kept_rows: 90,
        rows: RowCounts { before: 10, deleted: 10, ..RowCounts::default() },
        kept_past_maximum: Vec::new(),
        conflicts: Vec::new(),
        copies: Vec::new(),
    }
}

fn approval(plan: &RetentionPlan, by: &str) -> Approval {
    let at = at("2026-11-02T00:00:00Z");
    Approval {
        plan: plan.id().expect("written"),
        number: 1,
        by: by.to_owned(),
        ticket: "CHG-88".to_owned(),
        confirmed_rows: None,
        at,
        until: plan.approval_ends(at),
        note: None,
    }
}

#[track_caller]
fn check(plan: RetentionPlan, approvals: &[Approval], now: &str, expected: Result<usize, &str>) {
    let id = plan.id().expect("written");
    let approved = plan.approve(&id, (approvals, None), "5a", at(now));
    match (approved, expected) {
        (Ok(approved), Ok(many)) => assert_eq!(approved.by().len(), many),
        (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
        (approved, _) => panic!("{approved:?}"),
    }
}

const NOW: &str = "2026-11-03T00:00:00Z";

#[test]
fn a_plan_is_applied_only_when_enough_agree_who_did_not_draw_it_up() {
    check(plan(), &[approval(&plan(), "omar")], NOW, Ok(1));
    check(plan(), &[], NOW, Err("0 of 1 approvals"));
    check(plan(), &[approval(&plan(), "paula")], NOW, Err("\"paula\" drew it up"));
    let nobody = RetentionPlan { planned_by: None, ..plan() };
    check(nobody.clone(), &[approval(&nobody, "omar")], NOW, Err("nobody is named"));
    let mut two = plan();
    two.policy.approvers = 2;
    check(two.clone(), &[approval(&two, "omar"), approval(&two, "omar")], NOW, Err("1 of 2"));
    check(two.clone(), &[approval(&two, "omar"), approval(&two, "olga")], NOW, Ok(2));
    let mut alone = plan();
    alone.policy.not_planner = false;
    check(alone.clone(), &[approval(&alone, "paula")], NOW, Ok(1));
}

#[test]
fn an_approval_is_of_one_plan_and_ends() {
    let other = RetentionPlan { kept_rows: 91, ..plan() };
    check(plan(), &[approval(&other, "omar")], NOW, Err("of another plan"));
    check(plan(), &[approval(&plan(), "omar")], "2026-11-09T00:00:00Z", Err("held until 2026-11-09"));
    check(plan(), &[approval(&plan(), "omar")], "2026-11-08T23:59:59Z", Ok(1));
    check(plan(), &[approval(&plan(), "omar")], "2026-11-01T00:00:00Z", Err("held until"));
}

#[test]
fn an_edited_policy_voids_plan_and_approval() {
    let id = plan().id().expect("written");
    let error = plan().approve(&id, (&[approval(&plan(), "omar")], None), "6b", at(NOW)).expect_err("edited");
    assert_eq!(error, NotApproved::PolicyEdited { policy: "audit".to_owned() });
}

#[test]
fn above_the_brake_whoever_agrees_names_the_rows() {
    let mut large = plan();
    large.rows.deleted = 30;
    large.rows.before = 30;
    assert!(large.is_above_brake() && !plan().is_above_brake());
    check(large.clone(), &[approval(&large, "omar")], NOW, Err("does not confirm 30 rows"));
    let confirmed = |rows| Approval { confirmed_rows: Some(rows), ..approval(&large, "omar") };
    check(large.clone(), &[confirmed(29)], NOW, Err("does not confirm 30 rows"));
    check(large.clone(), &[confirmed(30)], NOW, Ok(1));
}

#[test]
fn a_standing_approval_is_of_one_text_of_a_policy_so_many_rows_and_a_time() {
    let standing = StandingApproval {
        policy: PolicyId::parse("audit").expect("a name"),
        policy_sha256: "5a".to_owned(),
        number: 1,
        rows_max: 10,
        by: "omar".to_owned(),
        ticket: "CHG-1".to_owned(),
        at: at("2026-01-01T00:00:00Z"),
        until: at("2027-01-01T00:00:00Z"),
        note: None,
    };
    let id = plan().id().expect("written");
    let is_approved = |standing: &StandingApproval| plan().approve(&id, (&[], Some(standing)), "5a", at(NOW)).is_ok();
    assert!(is_approved(&standing));
    assert!(!is_approved(&StandingApproval { rows_max: 9, ..standing.clone() }));
    assert!(!is_approved(&StandingApproval { policy_sha256: "6b".to_owned(), ..standing.clone() }));
    assert!(!is_approved(&StandingApproval { until: at("2026-11-02T00:00:00Z"), ..standing.clone() }));
    assert!(!is_approved(&StandingApproval { policy: PolicyId::parse("usage").expect("a name"), ..standing }));
}
