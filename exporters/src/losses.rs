//! What was done to cells that no reader gets back as they were, counted by column.

use std::collections::BTreeMap;

use arrow::datatypes::Fields;

/// One thing that is done to a cell, by the name it has in a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// A `'` stands in front, so that no spreadsheet takes the text for a formula.
    Guarded,
    /// A text was longer than a cell may be, and ends in `…[cut]`.
    Cut,
    /// A time has no finer part than milliseconds.
    RoundedToMs,
    /// A number or a time stands as text, because the format's own type does not hold it.
    AsText,
    /// Not a number or an infinity, where the format has no number for it.
    NonFinite,
    /// A text with characters that the format forbids stands as base64.
    Base64,
    /// A whole number beyond ±(2⁵³ − 1), which many readers of JSON round.
    Beyond2To53,
    /// A year outside 0001 to 9999, written with a sign and six digits.
    ExpandedYear,
    /// An empty text is an empty place, as a null is.
    EmptyAsBlank,
}

impl Loss {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::Guarded,
        Self::Cut,
        Self::RoundedToMs,
        Self::AsText,
        Self::NonFinite,
        Self::Base64,
        Self::Beyond2To53,
        Self::ExpandedYear,
        Self::EmptyAsBlank,
    ];

    /// Its name in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guarded => "guarded",
            Self::Cut => "cut",
            Self::RoundedToMs => "rounded_to_ms",
            Self::AsText => "as_text",
            Self::NonFinite => "non_finite",
            Self::Base64 => "base64",
            Self::Beyond2To53 => "beyond_2_53",
            Self::ExpandedYear => "expanded_year",
            Self::EmptyAsBlank => "empty_as_blank",
        }
    }

    /// Whether a reader cannot get the value back at all, so that a strict export fails.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Cut | Self::RoundedToMs | Self::EmptyAsBlank)
    }

    fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// The losses of one cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Losses(u16);

impl Losses {
    pub(crate) const NONE: Self = Self(0);

    /// Those that a format counts.
    pub(crate) fn of(counted: &[Loss]) -> Self {
        Self(counted.iter().fold(0, |bits, loss| bits | loss.bit()))
    }

    pub(crate) fn note(&mut self, loss: Loss) {
        self.0 |= loss.bit();
    }

    pub(crate) fn with(mut self, loss: Loss) -> Self {
        self.note(loss);
        self
    }

    pub(crate) fn only(self, counted: Self) -> Self {
        Self(self.0 & counted.0)
    }

    fn has(self, loss: Loss) -> bool {
        self.0 & loss.bit() != 0
    }
}

/// Places of cells that were cut: the first of them are told.
const POSITIONS: usize = 100;

/// A cell that was cut.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CutCell {
    /// Its column.
    pub column: String,
    /// Its row in the part, from 1.
    pub row: u64,
    /// Length of the whole text, in UTF-16 units.
    pub units: u64,
}

/// Cells with losses, by column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellCounts {
    by_column: BTreeMap<usize, [u64; Loss::ALL.len()]>,
    /// The first cells that were cut.
    pub cut: Vec<CutCell>,
}

impl CellCounts {
    /// Counts the losses of one cell.
    pub(crate) fn add(&mut self, column: usize, losses: Losses) {
        if losses == Losses::NONE {
            return;
        }
        let counts = self.by_column.entry(column).or_default();
        for (count, loss) in counts.iter_mut().zip(Loss::ALL) {
            *count += u64::from(losses.has(loss));
        }
    }

    pub(crate) fn add_cut(&mut self, cut: CutCell) {
        if self.cut.len() < POSITIONS {
            self.cut.push(cut);
        }
    }

    /// Takes the counts of another piece in.
    pub(crate) fn merge(&mut self, other: Self) {
        for (column, counts) in other.by_column {
            for (sum, count) in self.by_column.entry(column).or_default().iter_mut().zip(counts) {
                *sum += count;
            }
        }
        self.cut.extend(other.cut);
        self.cut.truncate(POSITIONS);
    }

    /// Cells by name of the loss and of the column; what did not happen is left out.
    pub fn by_name(&self, fields: &Fields) -> BTreeMap<&'static str, BTreeMap<String, u64>> {
        let mut named: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (column, counts) in &self.by_column {
            for (count, loss) in counts.iter().zip(Loss::ALL).filter(|(count, _)| **count > 0) {
                named.entry(loss.as_str()).or_default().insert(fields[*column].name().clone(), *count);
            }
        }
        named
    }

    /// The first column, by number, that has a loss for good.
    pub(crate) fn first_final(&self) -> Option<(usize, Loss)> {
        self.by_column.iter().find_map(|(column, counts)| {
            let lost = counts.iter().zip(Loss::ALL).find(|(count, loss)| **count > 0 && loss.is_final());
            lost.map(|(_, loss)| (*column, loss))
        })
    }
}
