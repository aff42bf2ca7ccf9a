//! Rows in groups: those that are equal in every column get the same number.
//!
//! The codes of a row make one number, as digits of a base each, and these numbers are numbered again: by a table of
//! all that there could be where that is small, and else by a hash table.

use super::coding::folded;

/// A column that takes part: the number of each row is `codes`, or what `map` makes of it, and below `count`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) codes: &'a [u32],
    pub(super) map: Option<&'a [u32]>,
    pub(super) count: usize,
}

/// Groups rows again and again and keeps its tables.
#[derive(Debug, Default)]
pub(super) struct Grouper {
    keys: Vec<u64>,
    table: Vec<u32>,
}

impl Grouper {
    /// Writes the group of each row and gives how many there are, numbered as they are met.
    pub(super) fn group(&mut self, rows: usize, parts: &[Part<'_>], groups: &mut Vec<u32>) -> usize {
        let mut keys = std::mem::take(&mut self.keys);
        keys.clear();
        keys.resize(rows, 0);
        let mut bound = 1_u64;
        for part in parts.iter().filter(|part| part.count > 1) {
            let count = part.count as u64;
            if bound.checked_mul(count).is_none() {
                bound = self.number(&keys, bound, groups) as u64;
                keys.iter_mut().zip(groups.iter()).for_each(|(key, group)| *key = u64::from(*group));
            }
            // At most 2^32 groups times as many codes.
            bound *= count;
            match part.map {
                Some(map) => add(&mut keys, part.codes, count, |code| u64::from(map[code as usize])),
                None => add(&mut keys, part.codes, count, u64::from),
            }
        }
        let count = self.number(&keys, bound, groups);
        self.keys = keys;
        count
    }

    fn number(&mut self, keys: &[u64], bound: u64, groups: &mut Vec<u32>) -> usize {
        groups.clear();
        let mut next = 0;
        if bound <= (4 * keys.len()).max(1 << 12) as u64 {
            self.table.clear();
            self.table.resize(bound as usize, u32::MAX);
            groups.extend(keys.iter().map(|key| {
                let group = &mut self.table[*key as usize];
                if *group == u32::MAX {
                    *group = next;
                    next += 1;
                }
                *group
            }));
        } else {
            let mut numbers = Numbers::default();
            groups.extend(keys.iter().map(|key| {
                let group = numbers.number(*key, next);
                next += u32::from(group == next);
                group
            }));
        }
        next as usize
    }
}

fn add(keys: &mut [u64], codes: &[u32], count: u64, number: impl Fn(u32) -> u64) {
    for (key, code) in keys.iter_mut().zip(codes) {
        *key = *key * count + number(*code);
    }
}

/// Numbers for words that are not known beforehand. Open addressing, at most half full.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    slots: Vec<(u64, u32)>,
    taken: usize,
}

const FREE: (u64, u32) = (0, u32::MAX);

impl Numbers {
    /// The number of a word, which is `next` if it is new.
    pub(super) fn number(&mut self, word: u64, next: u32) -> u32 {
        if self.taken * 2 >= self.slots.len() {
            self.grow();
        }
        let slot = self.slot(word);
        if slot.1 == u32::MAX {
            *slot = (word, next);
            self.taken += 1;
            return next;
        }
        slot.1
    }

    fn slot(&mut self, word: u64) -> &mut (u64, u32) {
        let mask = self.slots.len() - 1;
        let mut at = folded(word) as usize & mask;
        while self.slots[at].1 != u32::MAX && self.slots[at].0 != word {
            at = (at + 1) & mask;
        }
        &mut self.slots[at]
    }

    fn grow(&mut self) {
        let larger = (self.slots.len() * 4).max(1 << 10);
        let old = std::mem::replace(&mut self.slots, vec![FREE; larger]);
        for (word, number) in old.into_iter().filter(|slot| slot.1 != u32::MAX) {
            *self.slot(word) = (word, number);
        }
    }
}
