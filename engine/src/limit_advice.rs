//! What an error says of a limit that was passed.

use schemas::Limit;

/// What was counted when the work was stopped is no sum.
pub(crate) fn or_more(limit: Limit) -> &'static str {
    if matches!(limit, Limit::SqlBytes | Limit::Depth) { "" } else { " or more" }
}

/// What asks for less.
pub(crate) fn narrower(limit: Limit) -> &'static str {
    match limit {
        Limit::Rows | Limit::Bytes => "add conditions, select fewer columns, or aggregate",
        Limit::Seconds | Limit::PlanNodes => "ask for a shorter time, with fewer joins and subqueries",
        Limit::Depth => "write IN (…) in place of many OR, and give parts of long expressions names in a WITH",
        Limit::SqlBytes => "write a shorter statement; a range says more than a long list",
        Limit::Memory => "sort, group and join fewer rows, and make no longer texts and lists than you need",
        Limit::ExportRows | Limit::ExportBytes | Limit::ExportSeconds => {
            "filter by time and export the parts one after the other"
        }
        Limit::ExportsPerHour | Limit::Concurrent | Limit::StatementsPerMinute => "wait a while",
        Limit::ScannedBytesPerHour => "ask for fewer columns and a shorter time, or wait for the next hour",
        Limit::ExpirySeconds => "ask for a shorter time",
    }
}
