//! Whether states are worth keeping: much smaller than their files, or too small to matter.

/// Files after which it is asked first.
const FIRST_ASKED_FILES: u64 = 8;
/// Most rows and bytes of states, of a hundred of their files.
const SHARE_MAX_PERCENT: u64 = 5;
/// Rows of a file's state that always may be.
const ROWS_FREE: u64 = 1_024;
/// Bytes of a file's state that always may be.
const BYTES_FREE: u64 = 64 << 10;

/// What states that were computed come to, and their files.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measured {
    files: u64,
    rows: u64,
    bytes: u64,
    file_rows: u64,
    file_bytes: u64,
}

impl Measured {
    /// Counts a state of so many rows and bytes, and the file it is of. Whether it is time to ask.
    pub(super) fn add(&mut self, state: (u64, u64), file: (u64, u64)) -> bool {
        self.files += 1;
        self.rows += state.0;
        self.bytes += state.1;
        self.file_rows += file.0;
        self.file_bytes += file.1;
        self.files == FIRST_ASKED_FILES
    }

    /// Why they are too large, if they are.
    pub(super) fn too_large(&self) -> Option<String> {
        let over =
            |part: u64, whole: u64, free: u64| part > free * self.files && part * 100 > whole * SHARE_MAX_PERCENT;
        let told = |what: &str, part: u64, whole: u64| {
            let percent = part.saturating_mul(100).checked_div(whole).unwrap_or(100);
            Some(format!("states have {percent} % of the {what} of their files (limit {SHARE_MAX_PERCENT} %)"))
        };
        if over(self.rows, self.file_rows, ROWS_FREE) {
            told("rows", self.rows, self.file_rows)
        } else if over(self.bytes, self.file_bytes, BYTES_FREE) {
            told("bytes", self.bytes, self.file_bytes)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_states_may_be_as_large_as_they_are_and_large_ones_a_twentieth() {
        let of = |state: (u64, u64), file: (u64, u64), files: u64| {
            let mut measured = Measured::default();
            let asked: Vec<u64> = (1..=files).filter(|_| measured.add(state, file)).collect();
            (measured.too_large(), asked)
        };
        assert_eq!(of((1_024, 64 << 10), (1_024, 64 << 10), 8), (None, vec![8]), "asked once, after eight");
        assert_eq!(of((5_000, 500_000), (100_000, 10_000_000), 3).0, None);
        assert_eq!(
            of((5_001, 1), (100_000, 10_000_000), 3).0.as_deref(),
            Some("states have 5 % of the rows of their files (limit 5 %)")
        );
        assert_eq!(
            of((10, 900_000), (100_000, 1_000_000), 3).0.as_deref(),
            Some("states have 90 % of the bytes of their files (limit 5 %)")
        );
        assert!(of((2_000, 1), (0, 0), 1).0.is_some(), "rows of no rows");
    }
}
