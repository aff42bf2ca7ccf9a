//! `request_1m.v1`, `request_1h.v1`, `request_1d.v1`: requests counted by minute, hour and day.
//!
//! The three have the same columns; hours and UTC days are sums of minutes and merged sketches. Late minutes are new
//! revisions. Absent: single requests.

use crate::table::{Column, ColumnType::*, TableSchema};

/// One row per minute, service, region and group of routes.
pub static REQUEST_1M: TableSchema = table("request_1m.v1", "One row per minute, service, region and group of routes.");

/// One row per hour, service, region and group of routes.
pub static REQUEST_1H: TableSchema = table("request_1h.v1", "One row per hour, service, region and group of routes.");

/// One row per UTC day, service, region and group of routes.
pub static REQUEST_1D: TableSchema =
    table("request_1d.v1", "One row per UTC day, service, region and group of routes.");

const fn table(name: &'static str, doc: &'static str) -> TableSchema {
    TableSchema {
        name,
        doc,
        time: Some("minute"),
        tenant: "tenant_id",
        subjects: &[],
        key: &["service", "region", "route_group", "minute"],
        sort: &["minute", "service", "region", "route_group", "revision"],
        partitioned: true,
        columns: COLUMNS,
    }
}

const COLUMNS: &[Column] = &[
    Column::required("tenant_id", Str, "whose part of the lake the row belongs to"),
    Column::required("service", Str, "service that answered"),
    Column::required("region", Str, "where it ran"),
    Column::required("route_group", Str, "routes that are counted together"),
    Column::required("minute", Ts, "start of the time that the row counts: a minute, an hour or a UTC day"),
    Column::required("total", I64, "requests"),
    Column::required("good", I64, "requests answered as they should be"),
    Column::required("err_server", I64, "requests that failed through the service"),
    Column::required(
        "err_client",
        I64,
        "requests that failed through the client; they never count against the service",
    ),
    Column::required("throttled", I64, "requests refused by an agreed limit"),
    Column::required("timeout", I64, "requests without an answer in time"),
    Column::required("slow", I64, "requests over target_us"),
    Column::core("target_us", I64, "latency target in force, microseconds; null while there is none"),
    Column::required("latency", Binary, "sketch of the latencies, microseconds"),
    Column::required("latency_sum_us", I64, "sum of the latencies, microseconds"),
    Column::required("latency_max_us", I64, "longest latency, microseconds"),
    Column::required("revision", I32, "1 for the first; the highest is in force"),
    Column::optional("bytes_in", I64, "bytes received"),
    Column::optional("bytes_out", I64, "bytes sent"),
];
