//! `auditlake.holds` and `auditlake.receipts`: legal holds, and what retention did.

use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use engine::retention::{ObjectReceipt, hold_cases};
use engine::{EngineError, Lakefront, SystemTable};
use schemas::{HoldRecord, HoldStep};

use super::{count, instant, instants, table, text, whole};
use crate::retention::{PlanReceipt, receipt_rows};

/// A row for each record of each case.
pub(super) async fn holds(front: &Lakefront) -> Result<SystemTable, EngineError> {
    let cases = hold_cases(front).await?;
    let rows: Vec<(bool, &HoldRecord)> =
        cases.iter().flat_map(|case| case.records.iter().map(move |record| (case.scope().is_some(), record))).collect();
    let schema = Arc::new(Schema::new(vec![
        text("case_id", false),
        whole("number"),
        text("step", false),
        text("scope", true),
        text("held_by", false),
        text("reason", false),
        instant("recorded_at"),
        Field::new("open", DataType::Boolean, false),
    ]));
    let step = |record: &HoldRecord| match record.what {
        HoldStep::Placed { .. } => "placed",
        HoldStep::Amended { .. } => "amended",
        HoldStep::Released => "released",
    };
    let scope = |record: &HoldRecord| record.what.scope().and_then(|scope| serde_json::to_string(scope).ok());
    table(
        schema,
        vec![
            Arc::new(rows.iter().map(|(_, record)| Some(record.case.as_str())).collect::<StringArray>()),
            Arc::new(rows.iter().map(|(_, record)| Some(count(record.number))).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|(_, record)| Some(step(record))).collect::<StringArray>()),
            Arc::new(rows.iter().map(|(_, record)| scope(record)).collect::<StringArray>()),
            Arc::new(rows.iter().map(|(_, record)| Some(record.by.as_str())).collect::<StringArray>()),
            Arc::new(rows.iter().map(|(_, record)| Some(record.reason.as_str())).collect::<StringArray>()),
            instants(rows.iter().map(|(_, record)| Some(record.at))),
            Arc::new(rows.iter().map(|(open, _)| Some(*open)).collect::<BooleanArray>()),
        ],
    )
}

/// A row for each object that a plan which is done has changed.
pub(super) async fn receipts(front: &Lakefront) -> Result<SystemTable, EngineError> {
    let plans = receipt_rows(front).await?;
    let rows: Vec<(&PlanReceipt, &ObjectReceipt)> =
        plans.iter().flat_map(|plan| plan.objects.iter().map(move |object| (plan, object))).collect();
    let schema = Arc::new(Schema::new(vec![
        text("plan", false),
        text("dataset", false),
        text("policy", false),
        text("path", false),
        text("sha256_before", false),
        text("sha256_after", true),
        whole("rows_before"),
        whole("rows_deleted"),
        whole("rows_archived"),
        whole("rows_anonymized"),
        whole("rows_after"),
        text("approved_by", true),
        instant("applied_at"),
    ]));
    let texts = |of: fn(&PlanReceipt, &ObjectReceipt) -> Option<String>| {
        Arc::new(rows.iter().map(|(plan, object)| of(plan, object)).collect::<StringArray>())
    };
    let counts = |of: fn(&ObjectReceipt) -> u64| {
        Arc::new(rows.iter().map(|(_, object)| Some(count(of(object)))).collect::<Int64Array>())
    };
    table(
        schema,
        vec![
            texts(|plan, _| Some(plan.plan.clone())),
            texts(|plan, _| Some(plan.dataset.clone())),
            texts(|plan, _| Some(plan.policy.clone())),
            texts(|_, object| Some(object.path.clone())),
            texts(|_, object| Some(object.sha256_before.clone())),
            texts(|_, object| object.sha256_after.clone()),
            counts(|object| object.rows.before),
            counts(|object| object.rows.deleted),
            counts(|object| object.rows.archived),
            counts(|object| object.rows.anonymized),
            counts(|object| object.rows.after),
            texts(|plan, _| {
                let names: Vec<&str> = plan.approved_by.iter().map(|(name, _)| name.as_str()).collect();
                (!names.is_empty()).then(|| names.join(", "))
            }),
            instants(rows.iter().map(|(_, object)| Some(object.at))),
        ],
    )
}
