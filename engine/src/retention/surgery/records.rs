//! From rows to levels to values: which entries of one page belong to which rows.
//!
//! A level with repetition 0 begins a row. Old writers let a row go on in the next page, so a page is told how many rows
//! began before it; its first levels may belong to the last of these.

use std::ops::Range;

use super::page::Levels;

/// The levels of a page that belong to `rows`, when `before` rows began in earlier pages. Also how many rows begin in it.
pub(super) fn levels_of(levels: &Levels, before: usize, rows: &[Range<usize>]) -> (Vec<Range<usize>>, usize) {
    let first = rows.partition_point(|range| range.end < before);
    let mut found: Vec<Range<usize>> = Vec::new();
    if levels.rep.is_empty() {
        for range in &rows[first..] {
            if range.start >= before + levels.count {
                break;
            }
            let clipped = range.start.max(before) - before..range.end.clamp(before, before + levels.count) - before;
            if !clipped.is_empty() {
                found.push(clipped);
            }
        }
        return (found, levels.count);
    }
    let mut next = before;
    let mut rows = rows[first..].iter().peekable();
    let mut begun = before.checked_sub(1).filter(|row| rows.peek().is_some_and(|range| range.contains(row))).map(|_| 0);
    for (at, rep) in levels.rep.iter().enumerate() {
        if *rep != 0 {
            continue;
        }
        let row = next;
        next += 1;
        while rows.peek().is_some_and(|range| range.end <= row) {
            rows.next();
        }
        let inside = rows.peek().is_some_and(|range| range.contains(&row));
        if let (Some(start), false) = (begun, inside) {
            if start < at {
                found.push(start..at);
            }
            begun = None;
        } else if begun.is_none() && inside {
            begun = Some(at);
        }
    }
    if let Some(start) = begun.filter(|start| *start < levels.count) {
        found.push(start..levels.count);
    }
    (found, next - before)
}

/// The values of a page that stand behind the levels in `ranges`; a level of `def_max` has one. Also how many it has at all.
pub(super) fn values_of(levels: &Levels, def_max: u8, ranges: &[Range<usize>]) -> (Vec<Range<usize>>, usize) {
    if levels.def.is_empty() {
        return (ranges.to_vec(), levels.count);
    }
    let count = |part: &[u8]| part.iter().filter(|def| **def == def_max).count();
    let mut found: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    let (mut at, mut values) = (0, 0);
    for range in ranges {
        values += count(&levels.def[at..range.start]);
        let start = values;
        values += count(&levels.def[range.clone()]);
        at = range.end;
        match found.last_mut() {
            _ if start == values => {}
            Some(last) if last.end == start => last.end = values,
            _ => found.push(start..values),
        }
    }
    values += count(&levels.def[at..]);
    (found, values)
}

/// The levels and the rows of the values with the numbers `values`, which ascend.
pub(super) fn places_of(levels: &Levels, def_max: u8, before: usize, values: &[usize]) -> Vec<(usize, usize)> {
    let mut places = Vec::with_capacity(values.len());
    let mut wanted = values.iter().peekable();
    let (mut value, mut begun) = (0, before);
    for level in 0..levels.count {
        if levels.rep.get(level).is_none_or(|rep| *rep == 0) {
            begun += 1;
        }
        if levels.def.get(level).is_some_and(|def| *def != def_max) {
            continue;
        }
        match wanted.peek() {
            None => break,
            Some(next) if **next == value => {
                places.push((level, begun.saturating_sub(1)));
                wanted.next();
            }
            Some(_) => {}
        }
        value += 1;
    }
    places
}

/// What `cut` leaves of the numbers from 0 to `count`.
pub(super) fn rest(cut: &[Range<usize>], count: usize) -> Vec<Range<usize>> {
    let mut kept = Vec::with_capacity(cut.len() + 1);
    let mut next = 0;
    for range in cut {
        if next < range.start {
            kept.push(next..range.start);
        }
        next = range.end;
    }
    if next < count {
        kept.push(next..count);
    }
    kept
}

/// The items at `ranges`, in a vector of their own; all of them without a copy.
pub(super) fn keep<T: Copy>(items: Vec<T>, ranges: &[Range<usize>]) -> Vec<T> {
    match ranges {
        [all] if *all == (0..items.len()) => items,
        _ => {
            let mut kept = Vec::with_capacity(items.len());
            ranges.iter().for_each(|range| kept.extend_from_slice(&items[range.clone()]));
            kept
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(rep: &[u8], def: &[u8]) -> Levels {
        Levels { rep: rep.to_vec(), def: def.to_vec(), count: rep.len().max(def.len()) }
    }

    #[test]
    fn rows_of_a_flat_page_are_its_levels() {
        let page = Levels { rep: Vec::new(), def: Vec::new(), count: 10 };
        assert_eq!(levels_of(&page, 100, &[0..5, 98..102, 105..106, 109..200]), (vec![0..2, 5..6, 9..10], 10));
        assert_eq!(levels_of(&page, 0, &[]), (vec![], 10));
        assert_eq!(levels_of(&page, 100, &[0..100, 110..111]), (vec![], 10));
    }

    #[test]
    fn rows_of_a_page_that_repeats_begin_at_level_0() {
        let page = levels(&[0, 1, 1, 0, 0, 1], &[1; 6]);
        assert_eq!(levels_of(&page, 7, &[7..8]), (vec![0..3], 3));
        assert_eq!(levels_of(&page, 7, &[8..9]), (vec![3..4], 3));
        assert_eq!(levels_of(&page, 7, &[7..8, 9..10]), (vec![0..3, 4..6], 3));
        assert_eq!(levels_of(&page, 7, &[0..7, 10..20]), (vec![], 3));
    }

    #[test]
    fn a_row_may_go_on_in_the_next_page() {
        let page = levels(&[1, 1, 0, 1], &[1; 4]);
        assert_eq!(levels_of(&page, 5, &[4..5]), (vec![0..2], 1));
        assert_eq!(levels_of(&page, 5, &[5..6]), (vec![2..4], 1));
        assert_eq!(levels_of(&page, 5, &[3..9]), (vec![0..4], 1));
        assert_eq!(levels_of(&levels(&[1, 1], &[1; 2]), 5, &[4..5]), (vec![0..2], 0));
        assert_eq!(levels_of(&levels(&[1, 1], &[1; 2]), 5, &[3..4]), (vec![], 0));
    }

    #[test]
    fn values_are_counted_past_the_nulls() {
        let page = levels(&[], &[2, 0, 2, 1, 2, 2]);
        assert_eq!(values_of(&page, 2, &[1..3, 5..6]), (vec![1..2, 3..4], 4));
        assert_eq!(values_of(&page, 2, &[1..2]), (vec![], 4));
        assert_eq!(values_of(&page, 2, &[0..1, 2..3]), (vec![0..2], 4));
        assert_eq!(places_of(&page, 2, 10, &[1, 3]), vec![(2, 12), (5, 15)]);
        assert_eq!(places_of(&levels(&[1, 0, 1], &[1, 1, 0]), 1, 4, &[0, 1]), vec![(0, 3), (1, 4)]);
    }

    #[test]
    fn what_is_kept_is_the_rest_of_what_is_cut() {
        assert_eq!(rest(&[0..1, 3..5], 5), vec![1..3]);
        assert_eq!(rest(&[], 2), vec![0..2]);
        assert_eq!(keep(vec![1, 2, 3, 4], &[0..1, 3..4]), vec![1, 4]);
    }
}
