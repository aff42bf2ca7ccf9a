//! Decimals that are added and compared exactly: whole numbers of their smallest place.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A decimal with so many places, as a whole number of the smallest one.
///
/// As text and in JSON it is written with the places that it needs: no reader makes a float of it by the way.
///
/// ```
/// use schemas::Quantity;
/// let half: Quantity = Quantity::parse("0.5").unwrap();
/// assert_eq!((half.units(), half.to_string().as_str()), (500_000_000_000_000, "0.5"));
/// assert!(Quantity::parse("1e3").is_none() && Quantity::parse("-1.5").is_some());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Exact<const PLACES: u32>(i128);

/// How much: 15 places, as `usage.v1` has it.
pub type Quantity = Exact<15>;
/// A cost: 12 places, as `usage.v1` has it.
pub type Cost = Exact<12>;

impl<const PLACES: u32> Exact<PLACES> {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// Places after the point.
    pub const PLACES: u32 = PLACES;

    /// Of a number of its smallest place.
    pub const fn of_units(units: i128) -> Self {
        Self(units)
    }

    /// The number of its smallest place.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// The sum; none where it is too large.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Reads a decimal in plain digits with at most its places; none of anything else, and of what is too large.
    pub fn parse(text: &str) -> Option<Self> {
        let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
        let width = PLACES as usize;
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        // `5.` is no number, and neither is `.5`.
        let is_written = !whole.is_empty() && (digits.contains('.') != rest.is_empty()) && rest.len() <= width;
        if !is_written || !is_number(whole) || !is_number(rest) {
            return None;
        }
        let units: i128 = format!("{whole}{rest:0<width$}").parse().ok()?;
        Some(Self(if is_negative { -units } else { units }))
    }

    /// Rounded half away from zero to fewer places, as a number of the smallest of those; none where it is too large.
    pub fn rounded(self, places: u32) -> Option<i128> {
        let unit = 10i128.checked_pow(PLACES.checked_sub(places)?)?;
        let half = if self.0 < 0 { -(unit / 2) } else { unit / 2 };
        self.0.checked_add(half).map(|value| value / unit)
    }
}

impl<const PLACES: u32> fmt::Display for Exact<PLACES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10u128.pow(PLACES);
        let (sign, value) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (whole, rest, width) = (value / unit, value % unit, PLACES as usize);
        let rest = format!("{rest:0width$}");
        match rest.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            rest => write!(f, "{sign}{whole}.{rest}"),
        }
    }
}

impl<const PLACES: u32> Serialize for Exact<PLACES> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const PLACES: u32> Deserialize<'de> for Exact<PLACES> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom(format!("{text:?} is no decimal of at most {PLACES} places")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_come_back_as_they_were_written() {
        for text in ["0", "1", "-1", "0.000000000000001", "-0.1", "12345678901234567890123.000000000000001"] {
            let parsed = Quantity::parse(text).expect(text);
            assert_eq!(parsed.to_string(), text);
            let json = serde_json::to_string(&parsed).expect("written");
            assert_eq!(serde_json::from_str::<Quantity>(&json).expect("read"), parsed);
        }
        assert_eq!(Quantity::parse("1.50").expect("read").to_string(), "1.5");
        for text in ["", ".5", "5.", "1e3", "+1", "--1", "1.0000000000000001", "ten", " 1", "1_0"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
        assert_eq!(Quantity::parse(&"9".repeat(40)), None, "too large");
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        let rounded = |text: &str| Cost::parse(text).and_then(|cost| cost.rounded(2));
        assert_eq!((rounded("0.005"), rounded("0.004999"), rounded("-0.005")), (Some(1), Some(0), Some(-1)));
        assert_eq!((rounded("1"), Cost::of_units(i128::MAX).rounded(2)), (Some(100), None));
    }
}
