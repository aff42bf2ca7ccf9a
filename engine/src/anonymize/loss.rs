//! What a generalisation costs: how much of what a table said it no longer says.

use super::levels::{Level, Levels};
use super::table::{Judged, Table};

/// How the loss of a generalisation is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Non-uniform entropy (de Waal and Willenborg 1999, "Information loss through global recoding and local
    /// suppression"): the bits that it takes to tell which value it was, summed over rows and columns. Suppressed rows
    /// count as generalised ones do, which keeps the loss monotone. ARX: monotonic non-uniform entropy.
    Entropy,
    /// The same, and the bits that suppression takes from the generalised rows. Not monotone. ARX: non-monotonic
    /// non-uniform entropy.
    EntropyAndSuppression,
    /// Rows that each row cannot be told from, summed; a suppressed one cannot be told from any (Bayardo and Agrawal
    /// 2005, "Data privacy through optimal k-anonymization").
    Discernibility,
    /// The sum of the levels.
    Height,
}

impl Loss {
    /// Whether coarser levels never cost less when so many rows may be suppressed.
    pub(super) fn is_monotone(self, allowed_rows: u64) -> bool {
        matches!(self, Self::Entropy | Self::Height) || allowed_rows == 0
    }

    /// What levels cost at least, which for a loss of levels alone is what they cost.
    pub(super) fn at_least(self, costs: &Costs, levels: &[usize]) -> f64 {
        match self {
            Self::Entropy | Self::EntropyAndSuppression => costs.columns(levels).map(floor).sum(),
            Self::Discernibility => 0.0,
            Self::Height => levels.iter().sum::<usize>() as f64,
        }
    }

    /// What levels cost with the groups that they make.
    pub(super) fn of(self, costs: &Costs, levels: &[usize], table: &Table, judged: &Judged) -> f64 {
        match self {
            Self::Entropy | Self::Height => self.at_least(costs, levels),
            Self::EntropyAndSuppression => {
                let suppressed = table.columns.iter().zip(levels).map(|(column, level)| {
                    let (texts, count) = column.texts_at(*level);
                    suppressed_entropy(texts, count, table, judged)
                });
                costs
                    .columns(levels)
                    .zip(suppressed)
                    .map(|(generalised, suppressed)| floor(generalised + suppressed))
                    .sum()
            }
            Self::Discernibility => {
                let of_group = |(size, kept): (&u64, &bool)| match kept {
                    true => *size as f64 * *size as f64,
                    false => *size as f64 * table.rows as f64,
                };
                judged.sizes.iter().zip(&judged.kept).map(of_group).sum()
            }
        }
    }
}

/// The entropy that each level of each column costs.
#[derive(Debug)]
pub(super) struct Costs(Vec<Vec<f64>>);

impl Costs {
    pub(super) fn of(table: &Table) -> Self {
        Self(table.columns.iter().map(|column| entropies(&column.levels)).collect())
    }

    fn columns(&self, levels: &[usize]) -> impl Iterator<Item = f64> {
        self.0.iter().zip(levels).map(|(costs, level)| costs[*level])
    }
}

/// For each level, the bits that tell the value from its text there: rows × log2(rows of the text / rows of the value).
fn entropies(levels: &Levels) -> Vec<f64> {
    let rows_of_value = levels.values.counts();
    let entropy = |level: &Level| {
        let mut rows_of_text = vec![0; level.texts.len()];
        for (text, rows) in level.of_value.iter().zip(&rows_of_value) {
            rows_of_text[*text as usize] += rows;
        }
        let bits = |(text, rows): (&u32, &u64)| bits(*rows, rows_of_text[*text as usize]);
        level.of_value.iter().zip(&rows_of_value).map(bits).sum()
    };
    levels.levels.iter().map(entropy).collect()
}

/// The bits that are lost when the generalised texts of a column are suppressed, too.
fn suppressed_entropy(texts: impl Iterator<Item = u32>, count: usize, table: &Table, judged: &Judged) -> f64 {
    let mut rows_of_text = vec![0; count];
    for ((text, target), rows) in texts.zip(&judged.target_of_group).zip(&table.sizes) {
        if !judged.kept[*target as usize] {
            rows_of_text[text as usize] += rows;
        }
    }
    rows_of_text.into_iter().filter(|rows| *rows > 0).map(|rows| bits(rows, judged.below_rows)).sum()
}

fn bits(rows: u64, of: u64) -> f64 {
    let (rows, of) = (rows as f64, of as f64);
    // The logarithm of the inverse has other last digits.
    -(rows * ((rows / of).ln() / std::f64::consts::LN_2))
}

/// Down to ten decimals, as ARX does for each column, so that sums in another order are the same.
fn floor(bits: f64) -> f64 {
    const DECIMALS: f64 = 1e10;
    (bits * DECIMALS).floor() / DECIMALS
}
