//! What a table must satisfy.

use super::error::AnonymizeError;
use super::measure::{Diversity, Measured};
use super::spread::entropy_l;

/// What every group of rows that are equal in the quasi identifiers must satisfy. Each sensitive column counts by
/// itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// At least so many rows (Sweeney 2002).
    pub k: u64,
    /// At least so many different values (distinct l-diversity; Machanavajjhala et al. 2007).
    pub distinct_l: Option<u64>,
    /// At least the entropy that so many equally frequent values have (entropy l-diversity; the same).
    pub entropy_l: Option<f64>,
    /// At most so far from how values are spread in all rows (t-closeness; Li, Li, Venkatasubramanian 2007).
    pub t: Option<f64>,
}

impl Requirement {
    /// k rows and nothing else.
    #[must_use]
    pub fn k(k: u64) -> Self {
        Self { k, distinct_l: None, entropy_l: None, t: None }
    }

    /// Whether a table with these figures satisfies it. An empty one satisfies nothing.
    #[must_use]
    pub fn is_met_by(&self, measured: &Measured) -> bool {
        let each = |holds: &dyn Fn(&Diversity) -> bool| measured.sensitive.iter().all(holds);
        measured.k >= self.k.max(1)
            && self.distinct_l.is_none_or(|l| each(&|column| column.distinct_l >= l))
            && self.entropy_l.is_none_or(|l| each(&|column| at_least(column.entropy_l, l)))
            && self.t.is_none_or(|t| each(&|column| at_most(column.t, t)))
    }

    /// Refuses figures that nothing or everything satisfies by their kind.
    pub(super) fn check(&self, sensitive_columns: usize) -> Result<(), AnonymizeError> {
        let out = |what, given: String, range| Err(AnonymizeError::OutOfRange { what, given, range });
        if self.k == 0 {
            return out("k", self.k.to_string(), "1 or more");
        }
        if self.distinct_l == Some(0) {
            return out("distinct l", "0".to_owned(), "1 or more");
        }
        if let Some(l) = self.entropy_l.filter(|l| !(l.is_finite() && *l >= 1.0)) {
            return out("entropy l", l.to_string(), "1 or more");
        }
        if let Some(t) = self.t.filter(|t| !(0.0..=1.0).contains(t)) {
            return out("t", t.to_string(), "from 0 to 1");
        }
        if self.is_of_sensitive() && sensitive_columns == 0 { Err(AnonymizeError::NoSensitive) } else { Ok(()) }
    }

    /// Whether the values of a sensitive column in a group of `size` rows are diverse enough, leaving t aside.
    pub(super) fn is_diverse(&self, values: &[(u32, u64)], size: u64) -> bool {
        self.distinct_l.is_none_or(|l| values.len() as u64 >= l)
            && self.entropy_l.is_none_or(|l| at_least(entropy_l(values, size), l))
    }

    /// Whether sensitive columns matter.
    pub(super) fn is_of_sensitive(&self) -> bool {
        self.distinct_l.is_some() || self.entropy_l.is_some() || self.t.is_some()
    }

    /// Whether a group that satisfies it still does after another that does, too, was added, whatever rows are left
    /// out.
    pub(super) fn grows(&self) -> bool {
        self.entropy_l.is_none() && self.t.is_none()
    }

    /// As a sentence says it.
    pub(super) fn told(&self) -> String {
        let mut told = format!("k = {}", self.k);
        if let Some(l) = self.distinct_l {
            told += &format!(", distinct l = {l}");
        }
        if let Some(l) = self.entropy_l {
            told += &format!(", entropy l = {l}");
        }
        if let Some(t) = self.t {
            told += &format!(", t = {t}");
        }
        told
    }
}

/// Figures of floating point that are equal on paper differ in their last digits.
const SLACK: f64 = 1e-9;

pub(super) fn at_least(figure: f64, wanted: f64) -> bool {
    figure >= wanted - SLACK
}

pub(super) fn at_most(figure: f64, wanted: f64) -> bool {
    figure <= wanted + SLACK
}
