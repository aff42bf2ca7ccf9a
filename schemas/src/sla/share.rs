//! Exact parts of a whole: what a percentage says, without a float.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Decimals that a percentage may have.
const DECIMALS_MAX: usize = 6;
/// Decimals of a percentage of money: hundredths of a per cent.
const BASIS_DECIMALS: u32 = 2;

/// A share of a whole as it is written, `99.9` per cent: a fraction, so that what it decides is decided exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    num: u64,
    den: u64,
}

impl Share {
    /// Nothing.
    pub const NONE: Self = Self { num: 0, den: 100 };
    /// 95 of 100.
    pub const P95: Self = Self { num: 95, den: 100 };

    /// So many of 100, which is the most.
    pub(crate) const fn of_hundred(num: u64) -> Self {
        Self { num: if num > 100 { 100 } else { num }, den: 100 }
    }

    /// Reads a percentage from 0 to 100 with at most six decimals, with or without `%`.
    ///
    /// ```
    /// use schemas::Share;
    /// let target = Share::of_percent("99.9").unwrap();
    /// assert_eq!((target.num(), target.den()), (999, 1_000));
    /// assert!(target.is_reached_by(43_157, 43_200) && !target.is_reached_by(43_156, 43_200));
    /// assert!(Share::of_percent("101").is_err());
    /// ```
    ///
    /// # Errors
    /// A sentence that quotes it.
    pub fn of_percent(given: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{given:?} is not a percentage; write 0 to 100 with at most {DECIMALS_MAX} decimals, for example 99.9"
            )
        };
        let text = given.trim().strip_suffix('%').map_or(given.trim(), str::trim_end);
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || (text.contains('.') && !is_number(decimals)) || decimals.len() > DECIMALS_MAX {
            return Err(wrong());
        }
        let num: u64 = format!("{whole}{decimals}").parse().map_err(|_| wrong())?;
        let den = 10u64.pow(2 + u32::try_from(decimals.len()).unwrap_or_default());
        if num > den { Err(wrong()) } else { Ok(Self { num, den }) }
    }

    /// Reads a part of one, `0.999`, from 0 to 1 with at most eight decimals.
    ///
    /// # Errors
    /// A sentence that quotes it.
    pub fn of_ratio(given: &str) -> Result<Self, String> {
        let most = DECIMALS_MAX + 2;
        let wrong =
            || format!("{given:?} is not a part of one; write 0 to 1 with at most {most} decimals, for example 0.999");
        let (whole, decimals) = given.split_once('.').unwrap_or((given, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(decimals) || decimals.len() > most {
            return Err(wrong());
        }
        let decimals = format!("{decimals:0<2}");
        let num: u64 = format!("{whole}{decimals}").parse().map_err(|_| wrong())?;
        let den = 10u64.pow(u32::try_from(decimals.len()).unwrap_or_default());
        if num > den { Err(wrong()) } else { Ok(Self { num, den }) }
    }

    /// The fraction's upper number.
    pub fn num(self) -> u64 {
        self.num
    }

    /// The fraction's lower number.
    pub fn den(self) -> u64 {
        self.den
    }

    /// The share that is left of the whole.
    pub fn rest(self) -> Self {
        Self { num: self.den - self.num, den: self.den }
    }

    /// Whether `part` of `whole` is at least the share.
    pub fn is_reached_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(self.den) >= u128::from(self.num) * u128::from(whole)
    }

    /// Whether `part` of `whole` is more than the share.
    pub fn is_exceeded_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(self.den) > u128::from(self.num) * u128::from(whole)
    }

    /// How many of `whole` may be outside of the share at most.
    pub fn spare_of(self, whole: u64) -> u64 {
        let spare = u128::from(self.den - self.num) * u128::from(whole) / u128::from(self.den);
        // It is at most `whole`.
        u64::try_from(spare).unwrap_or(u64::MAX)
    }

    /// Whether it is less than another share.
    pub fn is_below(self, other: Self) -> bool {
        u128::from(self.num) * u128::from(other.den) < u128::from(other.num) * u128::from(self.den)
    }
}

/// Per cent with the decimals that were written.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.den / 100;
        let decimals = unit.checked_ilog10().unwrap_or(0) as usize;
        match decimals {
            0 => write!(f, "{}", self.num),
            _ => write!(f, "{}.{:0decimals$}", self.num / unit, self.num % unit),
        }
    }
}

/// `part` of `whole` in per cent, cut off after `decimals`: never more than it is.
///
/// ```
/// assert_eq!(schemas::percent_of(43_157, 43_200, 4), "99.9004");
/// assert_eq!(schemas::percent_of(1, 1, 2), "100.00");
/// ```
pub fn percent_of(part: u64, whole: u64, decimals: u32) -> String {
    let unit = 10u128.pow(decimals.min(18));
    let all = (u128::from(part) * 100 * unit).checked_div(u128::from(whole)).unwrap_or(0);
    let digits = decimals as usize;
    if decimals == 0 { all.to_string() } else { format!("{}.{:0digits$}", all / unit, all % unit) }
}

/// A part of money in hundredths of a per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// All of it.
    pub const ALL: Self = Self(10_000);

    /// Reads a percentage from 0 to 100 with at most two decimals.
    ///
    /// # Errors
    /// A sentence that quotes it.
    pub fn of_percent(given: &str) -> Result<Self, String> {
        let share = Share::of_percent(given)?;
        let unit = 10u64.pow(2 + BASIS_DECIMALS);
        if !(share.num * unit).is_multiple_of(share.den) {
            return Err(format!("{given:?} has more than {BASIS_DECIMALS} decimals; write for example 12.5"));
        }
        Ok(Self(u32::try_from(share.num * unit / share.den).unwrap_or(u32::MAX)))
    }

    /// Hundredths of a per cent.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Per cent.
impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 100 {
            0 => write!(f, "{}", self.0 / 100),
            rest if rest % 10 == 0 => write!(f, "{}.{}", self.0 / 100, rest / 10),
            rest => write!(f, "{}.{rest:02}", self.0 / 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_kept_as_they_are_written() {
        for (text, num, den) in [("99.9", 999, 1_000), ("99.99", 9_999, 10_000), ("5", 5, 100), ("0.5 %", 5, 1_000)] {
            let share = Share::of_percent(text).expect("a percentage");
            assert_eq!((share.num(), share.den()), (num, den), "{text}");
            assert_eq!(share.to_string(), text.trim_end_matches(" %"));
        }
        for wrong in ["", ".", "99.", ".9", "-1", "1e2", "100.1", "99.1234567", "99,9", "+1", "NaN"] {
            assert!(Share::of_percent(wrong).is_err_and(|why| why.contains("is not a percentage")), "{wrong}");
        }
        for (text, percent) in [("0.999", "99.9"), ("0.9", "90"), ("0.9995", "99.95"), ("1", "100"), ("0.990", "99.0")]
        {
            assert_eq!(Share::of_ratio(text).map(|share| share.to_string()), Ok(percent.to_owned()), "{text}");
        }
        for wrong in ["", ".9", "0.", "1.1", "-0.9", "99.9", "0.123456789", "1e-1", "0,9"] {
            assert!(Share::of_ratio(wrong).is_err_and(|why| why.contains("is not a part of one")), "{wrong}");
        }
        assert!(Share::of_percent("99.0").expect("one").is_below(Share::of_percent("99.5").expect("one")));
        assert!(!Share::of_percent("99.0").expect("one").is_below(Share::of_percent("99").expect("one")));
    }

    #[test]
    fn parts_of_money_are_whole_hundredths_of_a_per_cent() {
        let of = BasisPoints::of_percent;
        for (text, points) in [("10", 1_000), ("12.5", 1_250), ("0.25", 25), ("100", 10_000), ("2.500", 250)] {
            assert_eq!(of(text).map(BasisPoints::get), Ok(points), "{text}");
        }
        assert!(of("0.125").is_err_and(|why| why.contains("more than 2 decimals")));
        assert_eq!(of("12.50").map(|points| points.to_string()), Ok("12.5".to_owned()));
    }
}
