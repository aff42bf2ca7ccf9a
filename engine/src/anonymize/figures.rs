//! What a copy measures, by SQL over its rows.
//!
//! k and the number of different sensitive values are counted by SQL, and counted again by [`measure`], which gives
//! entropy and distance, too. Where the two should differ, the worse figure counts: nothing is published on the better
//! one.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use datafusion::catalog::TableProvider;
use schemas::{Diversity as Wanted, Privacy};
use serde::{Deserialize, Serialize};

use super::{Distance, Requirement, SensitiveColumn, measure};
use crate::error::EngineError;
use crate::export_plan::quoted;
use crate::lake_session::LakeSession;

/// What rows measure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Rows.
    pub rows: u64,
    /// Groups of rows that are alike in every quasi identifier.
    pub groups: u64,
    /// Rows of the smallest group; 0 where there is none.
    pub k: u64,
    /// Each sensitive column by itself.
    pub sensitive: Vec<SensitiveFigures>,
}

/// What a sensitive column measures in the group where it is worst.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SensitiveFigures {
    /// The column.
    pub column: String,
    /// Different values.
    pub distinct_l: u64,
    /// How many equally frequent values would have the same entropy.
    pub entropy_l: f64,
    /// Distance of its values from those of all rows, 0 to 1.
    pub t: f64,
}

/// Groups that miss the least number of rows, and how many rows are in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Below {
    pub(super) groups: u64,
    pub(super) rows: u64,
}

/// The name of the rows in statements.
const ROWS: &str = "measured";

impl Figures {
    /// Of the rows of a table. A table without quasi identifiers has its number of rows, and no more.
    pub(super) async fn of(
        session: &LakeSession,
        table: Arc<dyn TableProvider>,
        (quasi, sensitive): (&[&str], &[&str]),
        k: u64,
    ) -> Result<(Self, Below), EngineError> {
        let session = session.over(&[(ROWS, table)])?;
        let counted = session.query(&counting_sql(quasi, sensitive, k)).await?;
        let count = |column: usize| counted.first().map_or(0, |batch| count_in(batch, column));
        let below = Below { groups: count(3), rows: count(4) };
        let mut figures = Self { rows: count(0), groups: count(1), k: count(2), sensitive: Vec::new() };
        if quasi.is_empty() {
            return Ok((Self { groups: 0, k: 0, ..figures }, Below::default()));
        }
        let named: Vec<String> = quasi.iter().chain(sensitive).map(|name| quoted(name)).collect();
        let batches = session.query(&format!("SELECT {} FROM {ROWS}", named.join(", "))).await?;
        let columns = one_batch(&batches)?.map(|batch| batch.columns().to_vec()).unwrap_or_default();
        if columns.is_empty() {
            return Ok((figures, below));
        }
        let (groups, rest) = columns.split_at(quasi.len());
        let columns: Vec<SensitiveColumn> =
            sensitive.iter().zip(rest).map(|(name, values)| sensitive_column(name, values)).collect();
        let measured = measure(groups, &columns).map_err(|source| EngineError::anonymize("a copy", source))?;
        figures.k = figures.k.min(measured.k);
        figures.groups = figures.groups.max(measured.groups);
        figures.sensitive = sensitive
            .iter()
            .zip(&measured.sensitive)
            .enumerate()
            .map(|(at, (column, diversity))| SensitiveFigures {
                column: (*column).to_owned(),
                distinct_l: diversity.distinct_l.min(count(5 + at)),
                entropy_l: diversity.entropy_l,
                t: diversity.t,
            })
            .collect();
        Ok((figures, below))
    }

    /// Everything that is required and not measured, a phrase each: counts, and no values.
    pub fn misses(&self, require: &Privacy) -> Vec<String> {
        let mut misses = Vec::new();
        if require.is_empty() {
            return misses;
        }
        if self.rows == 0 {
            return vec!["it has no rows, which satisfies nothing".to_owned()];
        }
        if let Some(k) = require.k.filter(|k| self.k < u64::from(*k)) {
            misses.push(format!("k is {} and must be {k}", self.k));
        }
        for SensitiveFigures { column, distinct_l, entropy_l, t } in &self.sensitive {
            match require.l {
                Some(Wanted::Distinct(l)) if *distinct_l < u64::from(l) => {
                    misses.push(format!("distinct l of \"{column}\" is {distinct_l} and must be {l}"));
                }
                Some(Wanted::Entropy(l)) if *entropy_l < l - SLACK => {
                    misses.push(format!("entropy l of \"{column}\" is {entropy_l:.3} and must be {l}"));
                }
                _ => {}
            }
            if let Some(most) = require.t.filter(|most| *t > most + SLACK) {
                misses.push(format!("t of \"{column}\" is {t:.3} and may be {most}"));
            }
        }
        misses
    }
}

/// Figures that are equal on paper differ in their last digits.
const SLACK: f64 = 1e-9;

/// Rows and groups, rows of the smallest group, groups and rows below `k`, then each sensitive column's fewest values.
fn counting_sql(quasi: &[&str], sensitive: &[&str], k: u64) -> String {
    let values = sensitive.iter().enumerate().map(|(at, name)| {
        let name = quoted(name);
        format!(", count(DISTINCT {name}) + max(CASE WHEN {name} IS NULL THEN 1 ELSE 0 END) AS d{at}")
    });
    let fewest = (0..sensitive.len()).map(|at| format!(", coalesce(min(d{at}), 0)"));
    let names: Vec<String> = quasi.iter().map(|name| quoted(name)).collect();
    let group = if names.is_empty() { String::new() } else { format!(" GROUP BY {}", names.join(", ")) };
    format!(
        "WITH alike AS (SELECT count(*) AS n{} FROM {ROWS}{group}) SELECT coalesce(sum(n), 0), count(*), \
         coalesce(min(n), \
         0), count(*) FILTER (WHERE n < {k}), coalesce(sum(n) FILTER (WHERE n < {k}), 0){} FROM alike",
        values.collect::<String>(),
        fewest.collect::<String>()
    )
}

fn count_in(batch: &RecordBatch, column: usize) -> u64 {
    let counts = cast(batch.column(column), &DataType::Int64).ok();
    let count = counts.as_ref().and_then(|counts| counts.as_primitive::<Int64Type>().iter().next().flatten());
    count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}

/// All rows in one batch; none where there are none.
pub(super) fn one_batch(batches: &[RecordBatch]) -> Result<Option<RecordBatch>, EngineError> {
    let Some(first) = batches.first() else { return Ok(None) };
    let whole = concat_batches(&first.schema(), batches);
    whole.map(Some).map_err(|_| EngineError::Bug { what: "rows of one statement form no batch".to_owned() })
}

/// A sensitive column with the distance of its type.
pub(super) fn sensitive_column(name: &str, values: &ArrayRef) -> SensitiveColumn {
    SensitiveColumn {
        name: name.to_owned(),
        values: ArrayRef::clone(values),
        distance: Distance::of(values.data_type()),
    }
}

/// What a search must reach for a policy's requirement.
pub(super) fn requirement(require: &Privacy) -> Requirement {
    let (distinct_l, entropy_l) = match require.l {
        Some(Wanted::Distinct(l)) => (Some(u64::from(l)), None),
        Some(Wanted::Entropy(l)) => (None, Some(l)),
        None => (None, None),
    };
    Requirement { k: u64::from(require.k.unwrap_or(1)), distinct_l, entropy_l, t: require.t }
}

/// Texts that are all numbers, as numbers: values of CSV have an order only then.
pub(super) fn numbers(values: &ArrayRef) -> Option<ArrayRef> {
    let texts = values.as_string_opt::<i32>()?;
    let numbers = texts.iter().map(|text| text.map(|text| text.trim().parse::<f64>().ok().filter(|n| n.is_finite())));
    let numbers: Option<Vec<Option<f64>>> = numbers.map(|number| number.map_or(Some(None), |n| n.map(Some))).collect();
    Some(Arc::new(arrow::array::PrimitiveArray::<Float64Type>::from(numbers?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let sensitive = SensitiveFigures { column: "d".to_owned(), distinct_l: 2, entropy_l: 1.5, t: 0.25 };
        Figures { rows: 10, groups: 2, k: 4, sensitive: vec![sensitive] }
    }

    #[test]
    fn what_is_missed_is_said_in_counts() {
        let require = |k, l, t| Privacy { k, l, t };
        assert!(figures().misses(&require(Some(4), Some(Wanted::Distinct(2)), Some(0.25))).is_empty());
        assert!(figures().misses(&require(None, Some(Wanted::Entropy(1.5)), None)).is_empty());
        assert_eq!(
            figures().misses(&require(Some(5), Some(Wanted::Distinct(3)), Some(0.2))),
            ["k is 4 and must be 5", "distinct l of \"d\" is 2 and must be 3", "t of \"d\" is 0.250 and may be 0.2"]
        );
        assert_eq!(
            figures().misses(&require(None, Some(Wanted::Entropy(1.6)), None)),
            ["entropy l of \"d\" is 1.500 and must be 1.6"]
        );
    }

    #[test]
    fn a_copy_without_rows_satisfies_nothing_but_nothing() {
        let empty = Figures::default();
        assert!(empty.misses(&Privacy::default()).is_empty());
        assert_eq!(empty.misses(&Privacy { k: Some(2), l: None, t: None }).len(), 1);
    }
}
