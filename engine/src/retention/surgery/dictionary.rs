//! The dictionary of a column chunk: it holds a value once, and pages refer to it by its number.
//!
//! A value that no row refers to any more leaves the dictionary, or an erased person would still be in the file. What masks
//! make is added at the end. The order of the other values stays. Absent: how pages refer to it.

use std::collections::HashMap;
use std::ops::Range;

use super::mask::{Masked, Masker};
use super::order::Order;
use super::page::{RawPage, Trouble};
use super::values::{Width, push_variable, variable};

/// The values of a dictionary page.
#[derive(Debug)]
pub(super) struct Dictionary {
    width: Width,
    plain: Vec<u8>,
    /// Where each value lies in `plain`, without its length.
    places: Vec<Range<usize>>,
    /// What a mask made of a value: nothing, NULL, or another number.
    masked: HashMap<u32, Option<u32>>,
    /// Numbers of the values, once a mask needs them.
    numbers: HashMap<Vec<u8>, u32>,
    grown: bool,
}

impl Dictionary {
    /// Reads the dictionary of `page`, which is decompressed in `plain`.
    pub(super) fn new(page: &RawPage, plain: Vec<u8>, width: Width) -> Result<Self, Trouble> {
        let (count, _) = page.stated()?;
        let early = || Trouble::Damaged("a dictionary ends early");
        // No value is without a byte, so a count beyond the bytes is a lie.
        let mut places = Vec::with_capacity(count.min(plain.len()));
        match width {
            Width::Bit => return Err(Trouble::Other),
            Width::Fixed(width) => {
                if plain.len() / width < count {
                    return Err(early());
                }
                places.extend((0..count).map(|at| at * width..(at + 1) * width));
            }
            Width::Variable => {
                let mut rest = plain.as_slice();
                for _ in 0..count {
                    let (value, after) = variable(rest).ok_or_else(early)?;
                    let end = plain.len() - after.len();
                    places.push(end - value.len()..end);
                    rest = after;
                }
            }
        }
        Ok(Self { width, plain, places, masked: HashMap::new(), numbers: HashMap::new(), grown: false })
    }

    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether values were added since it was read.
    pub(super) fn grown(&self) -> bool {
        self.grown
    }

    /// Puts other values, which are not in it, in the places of values that no page refers to; their numbers ascend.
    pub(super) fn replace(&mut self, others: &[(usize, Vec<u8>)]) -> Result<(), Trouble> {
        let (mut plain, mut others) = (Vec::with_capacity(self.plain.len()), others.iter().peekable());
        for (number, place) in self.places.iter_mut().enumerate() {
            let other = others.next_if(|(at, _)| *at == number);
            let value = other.map_or(&self.plain[place.clone()], |(_, value)| value);
            if self.width == Width::Variable {
                push_variable(&mut plain, value)?;
            } else {
                plain.extend_from_slice(value);
            }
            *place = plain.len() - value.len()..plain.len();
        }
        self.plain = plain;
        self.grown = true;
        Ok(())
    }

    /// All values, in order.
    pub(super) fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|place| &self.plain[place.clone()])
    }

    /// The value `number`, if there is one.
    pub(super) fn get(&self, number: u32) -> Option<&[u8]> {
        let place = self.places.get(usize::try_from(number).ok()?)?;
        self.plain.get(place.clone())
    }

    /// The values in plain encoding.
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// The place of each value in `order`; none for values without one, such as NaN.
    pub(super) fn ranks(&self, order: Order) -> Vec<Option<u32>> {
        let value = |number: &u32| self.get(*number).unwrap_or_default();
        let mut sorted: Vec<u32> = (0..).take(self.places.len()).filter(|number| order.counts(value(number))).collect();
        sorted.sort_by(|a, b| order.compare(value(a), value(b)));
        let mut ranks = vec![None; self.places.len()];
        for (rank, number) in (0..).zip(sorted) {
            if let Some(slot) = usize::try_from(number).ok().and_then(|number| ranks.get_mut(number)) {
                *slot = Some(rank);
            }
        }
        ranks
    }

    /// What `masker` makes of the value `number`, and the number of what it makes.
    pub(super) fn mask(&mut self, number: u32, masker: &Masker) -> Result<(Masked, u32), Trouble> {
        let outcome = |to: Option<u32>| match to {
            None => (Masked::Null, number),
            Some(to) if to == number => (Masked::Same, to),
            // The caller needs the number only.
            Some(to) => (Masked::Value(Vec::new()), to),
        };
        if let Some(known) = self.masked.get(&number) {
            return Ok(outcome(*known));
        }
        let value = self.get(number).ok_or(NO_VALUE)?;
        let to = match masker.apply(value).map_err(|error| Trouble::Refused(Box::new(error)))? {
            Masked::Same => Some(number),
            Masked::Null => None,
            Masked::Value(new) => Some(self.number_of(new)?),
        };
        self.masked.insert(number, to);
        Ok(outcome(to))
    }

    fn number_of(&mut self, value: Vec<u8>) -> Result<u32, Trouble> {
        let too_many = |_| Trouble::Damaged("a dictionary has too many values");
        if self.numbers.is_empty() {
            for (number, place) in self.places.iter().enumerate() {
                let number = u32::try_from(number).map_err(too_many)?;
                self.numbers.entry(self.plain[place.clone()].to_vec()).or_insert(number);
            }
        }
        if let Some(known) = self.numbers.get(&value) {
            return Ok(*known);
        }
        let number = u32::try_from(self.places.len()).map_err(too_many)?;
        if self.width == Width::Variable {
            push_variable(&mut self.plain, &value)?;
        } else {
            self.plain.extend_from_slice(&value);
        }
        self.places.push(self.plain.len() - value.len()..self.plain.len());
        self.numbers.insert(value, number);
        self.grown = true;
        Ok(number)
    }

    /// Drops the values that none of `pages` refers to, and gives the others their new numbers there.
    pub(super) fn compact(&mut self, pages: &mut [&mut Vec<u32>]) -> Result<(), Trouble> {
        let mut used = vec![false; self.places.len()];
        for index in pages.iter().flat_map(|page| page.iter()) {
            let place = usize::try_from(*index).ok().and_then(|index| used.get_mut(index));
            *place.ok_or(NO_VALUE)? = true;
        }
        if used.iter().all(|used| *used) {
            return Ok(());
        }
        let mut numbers = vec![0; used.len()];
        let (mut next, mut plain, mut places) = (0, Vec::with_capacity(self.plain.len()), Vec::new());
        for (old, place) in self.places.iter().enumerate().filter(|(old, _)| used[*old]) {
            numbers[old] = next;
            next += 1;
            if self.width == Width::Variable {
                push_variable(&mut plain, &self.plain[place.clone()])?;
            } else {
                plain.extend_from_slice(&self.plain[place.clone()]);
            }
            places.push(plain.len() - place.len()..plain.len());
        }
        for index in pages.iter_mut().flat_map(|page| page.iter_mut()) {
            // Every index was looked up above.
            *index = numbers[usize::try_from(*index).unwrap_or(0)];
        }
        (self.plain, self.places) = (plain, places);
        Ok(())
    }
}

const NO_VALUE: Trouble = Trouble::Damaged("an index is beyond its dictionary");
