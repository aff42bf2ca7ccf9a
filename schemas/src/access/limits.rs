//! What a principal may use.

/// One limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Rows of an answer.
    Rows,
    /// Bytes of an answer.
    Bytes,
    /// Seconds of a statement, from planning to the last row.
    Seconds,
    /// Bytes of a statement's text.
    SqlBytes,
    /// Nodes of a statement's plan.
    PlanNodes,
    /// Operators of a statement that may stand in one another.
    Depth,
    /// Bytes of memory of a statement; it spills above that.
    Memory,
    /// Rows of an export.
    ExportRows,
    /// Bytes of an export.
    ExportBytes,
    /// Seconds of an export.
    ExportSeconds,
    /// Exports an hour.
    ExportsPerHour,
    /// Seconds that an answer to a request may be kept.
    ExpirySeconds,
    /// Requests that one process answers at the same time.
    Concurrent,
    /// Statements a minute of one process.
    StatementsPerMinute,
    /// Bytes of files that scans of one process read in an hour.
    ScannedBytesPerHour,
}

impl Limit {
    /// Every limit with its word and what it is if no role says otherwise.
    pub const ALL: [(Self, &'static str, u64); 15] = [
        (Self::Rows, "rows", 1_000_000),
        (Self::Bytes, "bytes", 1 << 30),
        (Self::Seconds, "seconds", 300),
        (Self::SqlBytes, "sql_bytes", 32 << 10),
        (Self::PlanNodes, "plan_nodes", 5_000),
        (Self::Depth, "depth", 250),
        (Self::Memory, "memory", 512 << 20),
        (Self::ExportRows, "export_rows", 10_000_000),
        (Self::ExportBytes, "export_bytes", 10 << 30),
        (Self::ExportSeconds, "export_seconds", 3_600),
        (Self::ExportsPerHour, "exports_per_hour", 10),
        (Self::ExpirySeconds, "expiry_seconds", 30 * 86_400),
        (Self::Concurrent, "concurrent", 4),
        (Self::StatementsPerMinute, "statements_per_minute", 120),
        (Self::ScannedBytesPerHour, "scanned_bytes_per_hour", 200 << 30),
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The limits of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits([u64; Limit::ALL.len()]);

impl Default for Limits {
    fn default() -> Self {
        Self(Limit::ALL.map(|(_, _, default)| default))
    }
}

impl Limits {
    /// The largest that any of these roles gives, for each limit; the default where none gives one.
    pub fn largest<'a>(given: impl Iterator<Item = &'a Vec<(Limit, u64)>>) -> Self {
        let mut largest = [None; Limit::ALL.len()];
        for (limit, value) in given.flatten() {
            let of = &mut largest[*limit as usize];
            *of = (*of).max(Some(*value));
        }
        let mut limits = Self::default();
        for (limit, value) in limits.0.iter_mut().zip(largest) {
            *limit = value.unwrap_or(*limit);
        }
        limits
    }

    /// One of them.
    pub fn of(&self, limit: Limit) -> u64 {
        self.0[limit as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_the_largest_that_a_role_gives() {
        assert!(Limit::ALL.iter().enumerate().all(|(at, (limit, ..))| *limit as usize == at));
        let roles = [vec![(Limit::Rows, 5), (Limit::Seconds, 900)], vec![(Limit::Rows, 7)]];
        let limits = Limits::largest(roles.iter());
        assert_eq!((limits.of(Limit::Rows), limits.of(Limit::Seconds), limits.of(Limit::Bytes)), (7, 900, 1 << 30));
    }
}
