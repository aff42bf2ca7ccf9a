//! A table as a search sees it: rows that are equal in every quasi identifier are one, and any levels put these
//! together.

use super::column::{QuasiColumn, SensitiveColumn};
use super::error::AnonymizeError;
use super::grouping::{Grouper, Part};
use super::levels::Levels;
use super::measure::same_rows;
use super::requirement::{Requirement, at_most};
use super::spread::{Coding, Spread, Whole};

/// Rows in groups of the finest levels.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) rows: usize,
    pub(super) columns: Vec<Column>,
    /// The group of each row.
    pub(super) group_of_row: Vec<u32>,
    /// The rows of each group.
    pub(super) sizes: Vec<u64>,
    /// Each sensitive column that counts, spread over these groups.
    sensitive: Vec<(Coding, Spread)>,
}

/// A quasi identifier of these groups.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) levels: Levels,
    /// The text of each group at the finest level, by its number.
    finest: Vec<u32>,
    /// What these texts become at each level.
    coarser: Vec<Vec<u32>>,
}

/// Groups at some levels against a requirement.
#[derive(Debug)]
pub(super) struct Judged {
    /// The group that each group of the finest levels becomes part of.
    pub(super) target_of_group: Vec<u32>,
    /// The rows of each.
    pub(super) sizes: Vec<u64>,
    /// Whether each satisfies the requirement.
    pub(super) kept: Vec<bool>,
    /// Rows of those that do not.
    pub(super) below_rows: u64,
}

impl Table {
    pub(super) fn new(
        quasi: &[QuasiColumn],
        sensitive: &[SensitiveColumn],
        requirement: &Requirement,
    ) -> Result<Self, AnonymizeError> {
        let columns = quasi.iter().map(|column| (column.name.as_str(), &column.values));
        let rows = same_rows(columns.chain(sensitive.iter().map(|column| (column.name.as_str(), &column.values))))?;
        if quasi.is_empty() {
            return Err(AnonymizeError::NoQuasi);
        }
        requirement.check(sensitive.len())?;
        let levels = quasi.iter().map(Levels::of).collect::<Result<Vec<_>, _>>()?;
        let parts: Vec<_> = levels.iter().map(finest_part).collect();
        let mut group_of_row = Vec::new();
        let groups = Grouper::default().group(rows, &parts, &mut group_of_row);
        let (mut sizes, mut firsts) = (vec![0; groups], Vec::with_capacity(groups));
        for (row, group) in group_of_row.iter().enumerate() {
            if *group as usize == firsts.len() {
                firsts.push(row);
            }
            sizes[*group as usize] += 1;
        }
        let counted = if requirement.is_of_sensitive() { sensitive } else { &[] };
        let spread = |column| {
            let coding = Coding::of(column)?;
            let spread = Spread::of(&coding, &group_of_row, groups);
            Ok((coding, spread))
        };
        let sensitive = counted.iter().map(spread).collect::<Result<_, _>>()?;
        let columns = levels.into_iter().map(|levels| Column::new(levels, &firsts)).collect();
        Ok(Self { rows, columns, group_of_row, sizes, sensitive })
    }

    /// Puts groups together as levels do, and judges what comes out.
    pub(super) fn judge(&self, levels: &[usize], requirement: &Requirement, grouper: &mut Grouper) -> Judged {
        let parts: Vec<_> = self.columns.iter().zip(levels).map(|(column, level)| column.part(*level)).collect();
        let mut target_of_group = Vec::new();
        let targets = grouper.group(self.sizes.len(), &parts, &mut target_of_group);
        let mut sizes = vec![0; targets];
        for (target, rows) in target_of_group.iter().zip(&self.sizes) {
            sizes[*target as usize] += rows;
        }
        let mut kept: Vec<bool> = sizes.iter().map(|size| *size >= requirement.k).collect();
        if !self.sensitive.is_empty() {
            self.judge_sensitive(requirement, &target_of_group, &sizes, &mut kept);
        }
        let below_rows = sizes.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(size, _)| size).sum();
        Judged { target_of_group, sizes, kept, below_rows }
    }

    fn judge_sensitive(&self, requirement: &Requirement, targets: &[u32], sizes: &[u64], kept: &mut [bool]) {
        let merged = |(coding, spread): &(Coding, Spread)| spread.merged(targets, sizes.len(), coding.count);
        let spreads: Vec<Spread> = self.sensitive.iter().map(merged).collect();
        for spread in &spreads {
            for (group, kept) in kept.iter_mut().enumerate().filter(|(_, kept)| **kept) {
                *kept = requirement.is_diverse(spread.group(group), sizes[group]);
            }
        }
        let Some(t) = requirement.t else { return };
        // Rows that go take their values with them, so that what is left has to be compared to what is left.
        loop {
            let before = kept.to_vec();
            for ((coding, _), spread) in self.sensitive.iter().zip(&spreads) {
                let whole = Whole::new(spread.totals(coding.count, |group| before[group]), coding.distance);
                for (group, kept) in kept.iter_mut().enumerate().filter(|(_, kept)| **kept) {
                    *kept = at_most(whole.distance_to(spread.group(group), sizes[group]), t);
                }
            }
            if before == kept {
                return;
            }
        }
    }
}

fn finest_part(levels: &Levels) -> Part<'_> {
    let finest = &levels.levels[0];
    Part { codes: &levels.values.codes, map: Some(&finest.of_value), count: finest.texts.len() }
}

impl Column {
    fn new(levels: Levels, firsts: &[usize]) -> Self {
        let value_to_finest = &levels.levels[0].of_value;
        let finest = firsts.iter().map(|row| value_to_finest[levels.values.codes[*row] as usize]).collect();
        // A hierarchy is a tree: of values with one text any will do.
        let coarser = levels.levels.iter().map(|level| {
            let mut coarser = vec![0; levels.levels[0].texts.len()];
            for (finest, text) in value_to_finest.iter().zip(&level.of_value) {
                coarser[*finest as usize] = *text;
            }
            coarser
        });
        Self { coarser: coarser.collect(), finest, levels }
    }

    fn part(&self, level: usize) -> Part<'_> {
        Part { codes: &self.finest, map: Some(&self.coarser[level]), count: self.levels.levels[level].texts.len() }
    }

    /// The text of each group at a level, by its number, and how many there are.
    pub(super) fn texts_at(&self, level: usize) -> (impl Iterator<Item = u32>, usize) {
        let coarser = &self.coarser[level];
        let texts = self.finest.iter().map(|finest| coarser[*finest as usize]);
        (texts, self.levels.levels[level].texts.len())
    }

    /// How many levels there are.
    pub(super) fn count(&self) -> usize {
        self.coarser.len()
    }
}

impl Judged {
    /// The rows that stay.
    pub(super) fn kept_rows(&self) -> u64 {
        self.sizes.iter().sum::<u64>() - self.below_rows
    }

    /// Groups that do not satisfy the requirement.
    pub(super) fn below_groups(&self) -> u64 {
        self.kept.iter().filter(|kept| !**kept).count() as u64
    }
}
