//! `probe.v1`: one row per check of a target from a location.
//!
//! Absent: what the check received.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per check of a target from a location.
pub static PROBE: TableSchema = TableSchema {
    name: "probe.v1",
    doc: "One row per check of a target from a location.",
    time: Some("time"),
    tenant: "tenant_id",
    subjects: &[],
    key: &["probe_id", "location", "time"],
    sort: &["time", "probe_id", "location"],
    partitioned: true,
    columns: &[
        Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
        Column::required("probe_id", Str, "the check"),
        Column::required("target", Str, "what is checked, as its owner names it"),
        Column::required("service", Str, "service that the target belongs to"),
        Column::required("location", Str, "where the check ran"),
        Column::required("time", Ts, "when it ran"),
        Column::required("ok", Bool, "the answer was as it should be"),
        Column::core("latency_us", I64, "time to the answer, microseconds; null without an answer"),
        Column::optional("status", I32, "HTTP status"),
        Column::optional("dns_us", I64, "time to resolve the name, microseconds"),
        Column::optional("connect_us", I64, "time to connect, microseconds"),
        Column::optional("tls_us", I64, "time to agree on encryption, microseconds"),
        Column::optional("ttfb_us", I64, "time to the first byte, microseconds"),
        Column::optional("error", Str, "why it failed"),
        Column::optional("interval_s", I32, "seconds between two checks"),
    ],
};
