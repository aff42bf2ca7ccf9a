//! What is owed in money: a part of the fee, rounded once.

use schemas::{BasisPoints, Tiers};
use serde::{Deserialize, Serialize};

use super::attained::{Attained, Metric};

/// Decimals of a fee as bills have it.
pub(super) const FEE_DECIMALS: u32 = 12;
/// Decimals of an amount as results have it.
const AMOUNT_DECIMALS: u32 = 4;

/// A part of a period under one tier: what it counts for, and which of its metrics is owed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owed {
    /// Days of the part.
    pub(super) days: u32,
    /// The largest credit of its metrics.
    pub(super) credit: BasisPoints,
    /// Whose it is; the first where several are as large.
    pub(super) metric: Option<Metric>,
    /// Whether it is paid.
    pub(super) money: bool,
}

impl Owed {
    /// Of the figures of a part: the largest credit, not the sum.
    pub(super) fn of(days: u32, attained: &[Attained], money: bool) -> Self {
        let mut largest = Self { days, credit: BasisPoints::NONE, metric: None, money };
        for one in attained {
            if one.credit > largest.credit {
                (largest.credit, largest.metric) = (one.credit, Some(one.metric));
            }
        }
        largest
    }
}

/// What a tenant is paid for a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Credit {
    /// The fee, in 1/10000 of the currency, rounded half away from zero.
    pub(super) fee: i64,
    /// ISO 4217.
    pub(super) currency: String,
    /// What is paid, in 1/10000 of the currency.
    pub(super) amount: i64,
    /// The part of each part of the period, which add up.
    pub(super) parts: Vec<i64>,
    /// Why less is paid than the ladder says.
    pub(super) note: Option<String>,
}

/// What is paid for the parts of a period of so many days; none where it is too large to compute.
///
/// Fee and parts are multiplied whole and divided once, so that no part is rounded before the sum is.
pub(super) fn credit(
    fee: i128,
    (currency, decimals): (&str, u32),
    (parts, days): (&[Owed], u32),
    tiers: &Tiers,
) -> Option<Credit> {
    let scale = 10i128.checked_pow(FEE_DECIMALS - decimals)?;
    let whole = i128::from(days).checked_mul(10_000)?.checked_mul(scale)?;
    let unit = 10i64.checked_pow(AMOUNT_DECIMALS - decimals)?;
    let (mut exact, mut paid, mut amounts) = (0i128, 0i128, Vec::new());
    for part in parts {
        let points = if part.money { i128::from(part.credit.get()) } else { 0 };
        exact = exact.checked_add(fee.max(0).checked_mul(points)?.checked_mul(i128::from(part.days))?)?;
        let so_far = rounded(exact, whole)?;
        amounts.push(i64::try_from(so_far - paid).ok()?.checked_mul(unit)?);
        paid = so_far;
    }
    let amount: i64 = amounts.iter().try_fold(0i64, |sum, part| sum.checked_add(*part))?;
    let unpaid = parts.iter().any(|part| !part.money && part.credit > BasisPoints::NONE);
    let note = if amount > 0 && amount < tiers.minimum {
        let (least, amount) = (in_currency(tiers.minimum, decimals), in_currency(amount, decimals));
        Some(format!("{amount} {currency} is below {least} {currency}, the least that is paid"))
    } else if fee < 0 {
        Some("the fee is below zero, so nothing is paid".to_owned())
    } else if unpaid {
        Some("the tier is not paid credits; the percentage is what it would have earned".to_owned())
    } else {
        None
    };
    let is_paid = amount >= tiers.minimum;
    let fee = rounded(fee, 10i128.checked_pow(FEE_DECIMALS - AMOUNT_DECIMALS)?)?;
    Some(Credit {
        fee: i64::try_from(fee).ok()?,
        currency: currency.to_owned(),
        amount: if is_paid { amount } else { 0 },
        parts: if is_paid { amounts } else { vec![0; amounts.len()] },
        note,
    })
}

/// Half away from zero.
fn rounded(value: i128, unit: i128) -> Option<i128> {
    let half = unit / 2;
    let toward = if value < 0 { value.checked_sub(half)? } else { value.checked_add(half)? };
    // Units are even, as they are multiples of ten.
    Some(toward / unit)
}

/// An amount in 1/10000 with the decimals of its currency.
pub(crate) fn in_currency(amount: i64, decimals: u32) -> String {
    let unit = 10u64.pow(AMOUNT_DECIMALS);
    let (sign, amount) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    let (whole, rest) = (amount / unit, amount % unit / 10u64.pow(AMOUNT_DECIMALS - decimals.min(AMOUNT_DECIMALS)));
    let width = decimals as usize;
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest:0width$}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::shipped_tiers;

    const FEE: i128 = 499_000_000_000_000;

    fn owed(days: u32, points: &str, money: bool) -> Owed {
        let credit = BasisPoints::of_percent(points).expect("a percentage");
        Owed { days, credit, metric: Some(Metric::Uptime), money }
    }

    fn of(fee: i128, decimals: u32, parts: &[Owed]) -> Credit {
        let days = parts.iter().map(|part| part.days).sum();
        credit(fee, ("EUR", decimals), (parts, days), &shipped_tiers()[0]).expect("in range")
    }

    #[test]
    fn a_credit_is_a_part_of_the_fee_rounded_once() {
        let one = of(FEE, 2, &[owed(30, "10", true)]);
        assert_eq!((one.fee, one.amount, one.note), (4_990_000, 499_000, None));
        // 12.345 is rounded away from zero, 12.344999 is not.
        assert_eq!(of(123_450_000_000_000, 2, &[owed(30, "10", true)]).amount, 123_500);
        assert_eq!(of(123_449_990_000_000, 2, &[owed(30, "10", true)]).amount, 123_400);
        assert_eq!(of(123_450_000_000_000, 0, &[owed(30, "10", true)]).amount, 120_000);
        assert_eq!(of(123_456_000_000_000, 3, &[owed(30, "10", true)]).amount, 123_460);
    }

    #[test]
    fn parts_of_a_period_add_up_to_its_credit() {
        // 100.00 × (10 % × 14/30 + 25 % × 16/30) = 18.0000: by themselves 4.666… and 13.333….
        let both = of(100_000_000_000_000, 2, &[owed(14, "10", true), owed(16, "25", true)]);
        assert_eq!((both.amount, both.parts.clone()), (180_000, vec![46_700, 133_300]));
        let half = of(100_000_000_000_000, 2, &[owed(15, "0", true), owed(15, "25", true)]);
        assert_eq!((half.amount, half.parts), (125_000, vec![0, 125_000]));
    }

    #[test]
    fn what_is_not_paid_says_why() {
        let small = of(9_000_000_000_000, 2, &[owed(30, "10", true)]);
        assert_eq!(small.amount, 0);
        assert_eq!(small.note.as_deref(), Some("0.90 EUR is below 1.00 EUR, the least that is paid"));
        let free = of(FEE, 2, &[owed(30, "25", false)]);
        assert!(free.amount == 0 && free.note.is_some_and(|note| note.contains("would have earned")));
        let negative = of(-FEE, 2, &[owed(30, "25", true)]);
        assert_eq!((negative.fee, negative.amount), (-4_990_000, 0));
        assert!(negative.note.is_some_and(|note| note.contains("below zero")));
        assert_eq!(credit(i128::MAX, ("EUR", 2), (&[owed(30, "10", true)], 30), &shipped_tiers()[0]), None);
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let shown = [(-4_990_000, 2), (5, 4), (120_000, 0), (123_460, 3)].map(|(amount, of)| in_currency(amount, of));
        assert_eq!(shown, ["-499.00", "0.0005", "12", "12.346"]);
    }
}
