//! A column as something that can be cut: its values in order, and the text that several of them have in common.

use crate::anonymize::coding::{Coded, sorted_by};
use crate::anonymize::column::{Distance, QuasiColumn};
use crate::anonymize::error::AnonymizeError;
use crate::anonymize::levels::{Levels, coded};

/// A column whose values have places in an order, from 0.
#[derive(Debug)]
pub(super) struct Axis {
    values: Coded,
    naming: Naming,
}

#[derive(Debug)]
enum Naming {
    /// The text of each place; none is NULL.
    Range(Vec<Option<String>>),
    /// By the levels of a hierarchy, for values as they were numbered before they were brought in order; and these
    /// numbers.
    Ancestor(Levels, Vec<u32>),
}

impl Axis {
    pub(super) fn of(column: &QuasiColumn) -> Result<Self, AnonymizeError> {
        let unfit = |used| move |_| AnonymizeError::of_type(&column.name, &column.values, used);
        if Distance::of(column.values.data_type()) == Distance::Ordered {
            let mut values = coded(&column.name, &column.values)?;
            let order = values.in_order(&column.values).map_err(unfit("brought in order"))?;
            values.renumber(&order);
            let texts = values.texts(&column.values).map_err(unfit("written as text"))?;
            return Ok(Self { values, naming: Naming::Range(texts) });
        }
        let levels = Levels::of(column)?;
        let mut values = levels.values.clone();
        let texts = values.texts(&column.values).map_err(unfit("written as text"))?;
        let order = sorted_by(texts.len(), |one, other| match (&texts[one], &texts[other], &column.hierarchy) {
            (Some(one), Some(other), Some(hierarchy)) => hierarchy.compare(one, other),
            (one, other, _) => one.is_some().cmp(&other.is_some()),
        });
        values.renumber(&order);
        Ok(Self { values, naming: Naming::Ancestor(levels, order) })
    }

    pub(super) fn place(&self, row: u32) -> u32 {
        self.values.codes[row as usize]
    }

    /// From the first place to the last one.
    pub(super) fn steps(&self) -> usize {
        self.values.count().saturating_sub(1)
    }

    /// From the first place of some rows to their last one.
    pub(super) fn width(&self, rows: &[u32]) -> u64 {
        let (first, last) = self.ends(rows);
        u64::from(last.saturating_sub(first))
    }

    fn ends(&self, rows: &[u32]) -> (u32, u32) {
        let places = rows.iter().map(|row| self.place(*row));
        places.fold((u32::MAX, 0), |(first, last), place| (first.min(place), last.max(place)))
    }

    /// What the values of some rows have in common. None if all are NULL.
    pub(super) fn text_of(&self, rows: &[u32]) -> Option<String> {
        let text = match &self.naming {
            Naming::Range(texts) => {
                let (first, last) = self.ends(rows);
                match (texts.get(first as usize)?, texts.get(last as usize)?) {
                    (first, last) if first == last => return first.clone(),
                    (Some(first), Some(last)) => Some(format!("[{first}-{last}]")),
                    _ => None,
                }
            }
            Naming::Ancestor(levels, numbers) => {
                let mut places: Vec<u32> = rows.iter().map(|row| self.place(*row)).collect();
                places.sort_unstable();
                places.dedup();
                let common = levels.levels.iter().find_map(|level| {
                    let mut texts = places.iter().map(|place| level.of_value[numbers[*place as usize] as usize]);
                    let text = texts.next()?;
                    texts.all(|other| other == text).then(|| level.texts[text as usize].clone())
                });
                match common {
                    Some(text) => return text,
                    None => None,
                }
            }
        };
        text.or_else(|| Some("*".to_owned()))
    }
}
