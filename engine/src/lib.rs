//! The engine: sessions over pinned files, ingest, and the evaluation of controls, on DataFusion.
//!
//! Absent: the schedule, the ledger and the writing of reports, which are `jobs`' and `exporters`'.

mod access;
pub mod anonymize;
mod case_records;
mod catalog;
mod coarsen;
mod column_values;
mod compact;
mod compact_texts;
mod control;
mod csv_columns;
mod dataset;
mod dataset_files;
mod dataset_store;
mod dataset_table;
mod distinct;
mod error;
pub mod evidence;
mod export_plan;
mod file_check;
mod file_fault;
mod file_reader;
mod file_records;
mod file_rules;
mod incremental;
mod ingest;
mod keyed;
mod lake_session;
mod limit_advice;
mod materialize;
mod named_rows;
mod origins;
mod parquet_bytes;
mod plan_hash;
mod replace;
mod report_tables;
mod resources;
pub mod retention;
mod rows_read;
mod script;
mod session;
mod sketch;
mod statement;
mod store;
pub mod subject;
mod subject_index;
mod table;
mod udf;
mod varint;
mod zoned;

pub use datafusion::logical_expr::LogicalPlan;

pub use access::{AnswerKind, ScanMeter, ViewFault, Viewer, check_views};
pub use catalog::{NoSystemTables, SystemTable, SystemTables};
pub use compact::{CompactOutcome, CompactRequest, compact};
pub use control::{
    ControlRun, Evaluated, EvaluationInput, EvidenceRows, HELD_ROWS, LAKE_SCOPE, ScopeResult, evaluate, files_within,
    input_files, pseudonym,
};
pub use csv_columns::csv_columns;
pub use dataset::{PinnedFile, encode_folder_value};
pub use dataset_store::Elsewhere;
pub use error::EngineError;
pub use export_plan::{ExportPlan, RowOrder, export_plan, export_sql, sort_column};
pub use file_check::FilesChecked;
pub use file_records::{FileRecords, file_records, files_below};
pub use incremental::{
    Eligibility, EligibleGrouping, KeptStates, StatesUsed, SweptStates, UseStates, eligibility, kept_states,
    prune_states, remove_for_good, stale_states, sweep_states,
};
pub use ingest::event_type::{EventType, lookup as event_type};
pub use ingest::{
    Fence, IngestCounts, IngestFrom, IngestOutcome, IngestProgress, IngestRequest, InputFolder, PlannedInput,
    Suppression, WrittenFile, ingest,
};
pub use lake_session::{LakeSession, stream_error};
pub use materialize::{QueryOutcome, QueryRequest, materialize};
pub use origins::{Origins, is_replaced};
pub use parquet_bytes::{parquet_bytes, parquet_row_count, parquet_rows};
pub use plan_hash::plan_sha256;
pub use replace::{FilesReplaced, Origin, files_of, files_replaced, origin_of, remove_replaced};
pub use report_tables::{SectionPlan, SectionTables, section_sql};
pub use resources::Resources;
pub use rows_read::RowsRead;
pub use schemas::hex;
pub(crate) use schemas::unhex;
pub use script::Script;
pub use session::SessionFactory;
pub use sketch::{SketchError, merged_sketch, quantiles_of};
pub use statement::without_literals;
pub use store::{
    Carried, Created, Deleted, Lakefront, Replaced, Version, VersionId, VersionLock, Versions, recorded_path,
};
pub use subject_index::{IndexFault, Indexed, index_faults, index_files, refresh_index};
