//! The words of auditlake: ids, tables, definitions, controls, the report, and the clock's trait.
//!
//! Everything here is pure: no I/O, no async, no wall clock. The floors above (`engine`, `lineage`,
//! `exporters`, then `jobs`) speak these types and never raw text.

mod access;
mod anomaly;
mod anonymize;
mod civil;
mod clock;
mod control;
mod deadline;
mod decision;
mod definition;
mod event_types;
mod evidence;
mod framework;
mod hex;
mod id;
mod instant;
mod lineage;
mod notify;
mod remedy;
mod report;
mod result_revision;
mod retention;
mod schedule;
mod shipped;
mod sla;
mod subject;
mod support;
mod table;
mod table_report;
mod tables;
mod usage;

pub use access::{
    Access, Channel, DEFAULT_ROLES, DatasetRule, FloorUnit, Limit, Limits, Mask, MaskKey, MaskRule, Permission,
    Principal, RowRule, SecretSource, SignatureRule, Tenants, default_role, principal_name,
};
pub use anomaly::{
    AnomaliesSpec, BudgetSpec, BurnRate, BurnRule, BurnSeverity, DetectorKind, DetectorRule, EarlierMark, EmptyBucket,
    LimitRule, MetricPictures, MetricSpec, SeriesAlert, SeriesColumn, SeriesPicture, SeriesProvenance, SeriesReport,
    short_number,
};
pub use anonymize::{
    AnonymizePolicy, CopyColumn, CopyMethod, Diversity, HierarchySource, Loss, Others, Privacy, Role, Search,
    SearchKind,
};
pub use civil::{CivilZone, business_days_between, parse_day};
pub use clock::{Clock, FixedClock};
pub use control::{
    Control, ControlSql, ControlTest, ControlType, EvidenceSpec, ParamValue, Severity, Status, StatusRule,
};
pub use deadline::{Pause, RequestClock, RequestRule};
pub use decision::{Decision, DecisionError, FindingState, Standing, standing};
pub use definition::{
    AnonymizeSpec, BucketScheme, BucketUrl, Class, ColumnSource, CsvStyle, Dataset, DefinitionError, DefinitionKind,
    Delimiter, ExportColumn, ExportCompression, ExportFormat, ExportRequest, ExportRows, ExportShape, ExportSpec,
    Incremental, IngestFormat, IngestSpec, Job, JobKind, Lake, LineEnd, Mapping, NamedColumn, PathTemplate, QuerySpec,
    REQUEST_BYTES_MAX, ReportFormat, ReportOutput, ReportSpec, RequestError, RetentionSpec, SlaSpec, SourceFile,
    StoreUrl, UsageSpec, VerifySpec, WrittenAt, anonymize_notes, byte_size, check, is_definition, json_schema,
    kept_until, nearest, parse_control, parse_framework, parse_length, parse_quotas, parse_report, parse_request,
    parse_tiers, retention_notes, timezone, unknown_columns,
};
pub use evidence::{Anchor, EvidencePolicy};
pub use framework::{Framework, Judged, Requirement, scorecard, uncovered};
pub use hex::{hex, unhex};
pub use id::{
    ControlId, DatasetId, FindingId, ID_NAMESPACE, JobId, LakeId, NameError, PolicyId, Purpose, QuotasId, ReportId,
    SlaId, TiersId, UsageId, derived_id,
};
pub use instant::{compact, parse_compact, parse_rfc3339, rfc3339};
pub use lineage::{Certainty, EdgeKind, EdgeKinds, Form, FunctionClass, Gap};
pub use notify::{ChannelKind, EventPattern, EventType, NotifyChannel, Webhook, why_not_public};
pub use remedy::Remedy;
pub use report::{
    Change, ChangedFinding, ControlChange, ControlPoint, ControlReport, EvidenceObject, FindingChange, FindingChanges,
    FindingRow, InputFile, Interval, NotEvaluated, NotLookedAt, ParamRow, Provenance, RejectedCount, Report,
    RequirementRow, ResultRow, RunInfo, ScorePoint, Scorecard, StatusCounts, Summary, Trend, TrendInterval,
    UncoveredRequirements, Via,
};
pub use result_revision::ResultRevision;
pub use retention::{
    ApprovalRule, CaseId, ColumnMatch, Disposition, Due, ErasureMode, ErasureRule, HoldRecord, HoldScope, HoldStep,
    InPlace, OtherCopy, Pattern, RetentionPolicy, RetentionRule, RowMatch, Span, Standard, WithinMinimum,
};
pub use schedule::{
    After, AfterInterval, CatchUp, Concurrency, Cron, Dialect, Retry, Schedule, Stream, StreamSource, Timing,
    day_or_instant, in_order,
};
pub use shipped::{
    shipped_control_files, shipped_controls, shipped_framework_files, shipped_frameworks, shipped_policy_templates,
    shipped_quotas, shipped_report_files, shipped_reports, shipped_tiers,
};
pub use sla::{
    Band, BasisPoints, Below, Credits, ExclusionRule, FeeRule, Measured, PeriodLength, Share, Sla, SlaMethod,
    SlaPeriod, SlaStatement, SliceRule, StatementCredit, StatementDay, StatementExclusion, StatementPart,
    StatementProvenance, StatementResult, StatementRevision, StatementRun, Tier, TierChange, Tiers, UnboundSlo,
    percent_of,
};
pub use subject::{
    CaseEnd, CaseRecord, CaseStep, DEFAULT_KIND, Identifier, Identities, ObjectionRecord, ObjectionStep, PERSON_KIND,
    RequestRows, SubjectPolicy, SubjectRequest, WithdrawnObject, clock_of, kind_in,
};
pub use support::{
    ALWAYS, Calendar, DaySpan, OpenSpan, PRIORITIES, SupportAgreement, SupportClock, SupportGroup, SupportLimits,
    SupportPause, SupportPromise, SupportProvenance, SupportStatement, SupportTicket, TicketLimits, TicketMetric,
    open_spans,
};
pub use table::{Column, ColumnType, HISTORY_ENDING, Presence, TableSchema};
pub use table_report::{
    ChartKind, ColumnFormat, FilledColumn, FilledReport, FilledSection, LeftOut, NeededColumn, RECORDS_PREFIX,
    ReadDataset, ReportProvenance, SectionChart, SectionSource, TableReport, TableReportSpec, TableSection, ValueKind,
};
pub use tables::{
    ALERT, AUDIT, CONSENT, CONTROL_RESULT, CORRECTION, DATASET_SCHEMAS, DSR, EXCLUSION, FINDING, IDENTITY, INFERRED,
    INVOICE, METRIC, POLICY_ACK, PROBE, REJECTED, REQUEST_1D, REQUEST_1H, REQUEST_1M, RISK, SLA_RESULT, TICKET, USAGE,
    USAGE_RESULT,
};
pub use usage::{
    AMOUNT_DECIMALS, Cost, DAILY_ENDING, Exact, Measure, Quantity, QuotaLimit, QuotaMeter, QuotaTier, Quotas,
    TierPrice, UsageCharge, UsageContract, UsageDay, UsagePart, UsagePrice, UsageProvenance, UsageQuota,
    UsageStatement,
};
