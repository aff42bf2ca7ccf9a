//! Retention: what must go goes, what must stay stays, and a stranger can see that it was so.
//!
//! ```text
//! decide     what happens to a row, and why; pure           hold      legal holds on the store
//! object     one object against the rules                   draw      every object: the plan
//! plan       the document that is approved                  journal   what is written down on the way
//! apply      the plan, object by object, step by step       transform, surgery   the bytes after it
//! archive    rows that moved away                           reconcile what was left half done
//! find       rows that name a person                   person, erase   whose rows go, whatever their age
//! ```
//!
//! A plan is pure: it reads and writes nothing. An apply decides nothing: it does what the plan says or leaves an object
//! alone. Absent: who may plan, approve and apply, claims, and the evidence log, which are the caller's.

mod apply;
mod approval;
mod archive;
mod decide;
mod draw;
mod erase;
mod explain;
mod find;
mod hold;
mod journal;
mod mask;
mod mentioned;
mod object;
mod open_object;
mod person;
mod plan;
mod plans;
mod reconcile;
mod summary_files;
#[expect(clippy::single_range_in_vec_init, reason = "a list of ranges often has one")]
mod surgery;
mod table_folder;
mod transform;

#[cfg(test)]
pub(crate) mod tests;

pub use apply::{Applied, ApplyRequest, ReplacedFiles, apply};
pub use approval::{Approval, ApprovedPlan, NotApproved, StandingApproval, approvals_folder, standing_folder};
pub use decide::{
    Archived, Conflict, Dates, DecideError, Deed, Erased, ErasedRows, Erasure, Explained, ExplainedCase,
    ExplainedGuard, ExplainedRule, GroupFacts, Judge, Met, OpenCase, Outcome, Protection, Tally, TextFacts, TimeFacts,
    Treatment, Verdicts, Winner,
};
pub use draw::{ErasureOf, PlanRequest, draw_up};
pub(crate) use erase::loses;
pub use erase::{ERASED, Erasing};
pub use explain::{ArchivedDates, ExplainedRow, archived_dates, explain};
pub use find::{FindError, Found, Sought, find, find_in};
pub use hold::{HoldCase, hold_cases, hold_path, record_hold};
pub use journal::{
    AbortRecord, ArchivedObject, BegunRecord, IntentRecord, ObjectReceipt, PlanFolder, RemovalKind, RowCounts, Skipped,
    TRANSFORM_VERSION, TombstoneRecord,
};
pub use mentioned::mentions_in_parquet;
pub(crate) use open_object::OpenObject;
pub use person::{Mentions, Person};
pub use plan::{
    Action, KeptReason, PlannedErasure, PlannedObject, PlannedPolicy, RefusedRows, RetentionPlan, SeenCase,
    canonical_line,
};
pub use plans::{KnownPlan, effective_intents, find_plan, open_intents, plans, receipts_of, store_plan};
pub use reconcile::{Leftover, leftovers, lift_dropped, remove_archived};
pub use surgery::{
    Anew, Change, Constant, IntMask, Loss, Mask, Mismatch, Options, Refusal, RowSet, RowSetError, Source, SurgeryError,
    TextMask, Transformed, check, transform,
};
