//! Numbers made coarser or kept within bounds.
//!
//! Whole numbers are never taken through floating point, which cannot hold all of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;

use crate::column_values::{bucket, integers};

/// What becomes of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum NumberMethod {
    Bucket(f64),
    Round(f64),
    Clamp(Option<f64>, Option<f64>),
    Grid(u8),
}

impl NumberMethod {
    /// Why the method is not for whole numbers; nothing where it is.
    pub(super) fn unfit_for_integers(self) -> Option<String> {
        let is_whole = |number: &f64| number.fract() == 0.0 && number.abs() < MOST_EXACT;
        let (given, wanted) = match self {
            Self::Bucket(width) => (Some(width), "width"),
            Self::Round(to) => (Some(to), "to"),
            Self::Clamp(min, max) => ([min, max].into_iter().flatten().find(|bound| !is_whole(bound)), "min and max"),
            Self::Grid(_) => return Some("grid is for numbers with decimals; write round".to_owned()),
        };
        let given = given.filter(|given| !is_whole(given))?;
        Some(format!("the column holds whole numbers, and {given} is none; write {wanted} as a whole number"))
    }

    /// The column after it.
    pub(super) fn apply(self, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        if column.data_type().is_integer() {
            return integers(column, |number| self.integer(number));
        }
        let numbers = cast(column, &DataType::Float64)?;
        let made = numbers.as_primitive::<Float64Type>().iter().map(|number| Some(self.float(number?)));
        Ok(Arc::new(made.collect::<Float64Array>()))
    }

    fn integer(self, number: i64) -> Option<i64> {
        match self {
            Self::Bucket(width) => Some(bucket(number, whole(width))),
            Self::Round(to) => nearest(number, whole(to)),
            Self::Clamp(min, max) => {
                let number = min.map_or(number, |min| number.max(whole(min)));
                Some(max.map_or(number, |max| number.min(whole(max))))
            }
            Self::Grid(_) => Some(number),
        }
    }

    fn float(self, number: f64) -> f64 {
        match self {
            Self::Bucket(width) => (number / width).floor() * width,
            Self::Round(to) => (number / to).round() * to,
            Self::Clamp(min, max) => {
                // What is no number stays none.
                let number = min.map_or(number, |min| if number < min { min } else { number });
                max.map_or(number, |max| if number > max { max } else { number })
            }
            Self::Grid(decimals) => {
                let scale = 10_f64.powi(i32::from(decimals));
                (number * scale).round() / scale
            }
        }
    }
}

/// Below it every whole number is one of floating point.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Only whole numbers below 2^53 come here; a column of whole numbers refuses others.
fn whole(number: f64) -> i64 {
    number as i64
}

/// The nearest multiple; half way goes away from zero. None where it does not fit.
fn nearest(number: i64, to: i64) -> Option<i64> {
    let (number, to) = (i128::from(number), i128::from(to));
    let half = if number < 0 { -to / 2 } else { to / 2 };
    i64::try_from((number + half) / to * to).ok()
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, Int16Array, Int64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn integers(method: NumberMethod, numbers: &[i64]) -> Vec<Option<i64>> {
        let column: ArrayRef = Arc::new(Int64Array::from(numbers.to_vec()));
        method.apply(&column).expect("numbers").as_primitive::<Int64Type>().iter().collect()
    }

    fn floats(method: NumberMethod, numbers: &[f64]) -> Vec<f64> {
        let column: ArrayRef = Arc::new(Float64Array::from(numbers.to_vec()));
        method.apply(&column).expect("numbers").as_primitive::<Float64Type>().values().to_vec()
    }

    #[test]
    fn whole_numbers_stay_whole_and_exact() {
        let big = i64::MAX - 3;
        assert_eq!(integers(NumberMethod::Bucket(10.0), &[-1, 0, 9, 10]), [Some(-10), Some(0), Some(0), Some(10)]);
        assert_eq!(
            integers(NumberMethod::Round(10.0), &[-15, -14, 4, 5, 15]),
            [Some(-20), Some(-10), Some(0), Some(10), Some(20)]
        );
        assert_eq!(integers(NumberMethod::Round(1000.0), &[i64::MAX]), [None]);
        assert_eq!(integers(NumberMethod::Round(3.0), &[4, 5, -4, -5]), [Some(3), Some(6), Some(-3), Some(-6)]);
        assert_eq!(
            integers(NumberMethod::Clamp(Some(18.0), Some(90.0)), &[17, 18, 91, big]),
            [Some(18), Some(18), Some(90), Some(90)]
        );
        assert_eq!(integers(NumberMethod::Clamp(Some(18.0), None), &[big]), [Some(big)]);
    }

    #[test]
    fn numbers_with_decimals_do_as_well() {
        assert_eq!(floats(NumberMethod::Bucket(0.5), &[-0.1, 0.7]), [-0.5, 0.5]);
        assert_eq!(floats(NumberMethod::Grid(2), &[52.520_008, -13.404_954]), [52.52, -13.4]);
        assert_eq!(floats(NumberMethod::Round(2.5), &[3.0, 3.75]), [2.5, 5.0]);
        let clamped = floats(NumberMethod::Clamp(None, Some(1.0)), &[f64::INFINITY, f64::NAN]);
        assert!(clamped[0] == 1.0 && clamped[1].is_nan());
    }

    #[test]
    fn null_stays_null_and_narrow_types_are_read() {
        let column: ArrayRef = Arc::new(Int16Array::from(vec![Some(7), None]));
        let made = NumberMethod::Bucket(5.0).apply(&column).expect("numbers");
        assert_eq!(made.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(5), None]);
        assert_eq!(made.len(), 2);
    }

    #[test]
    fn whole_numbers_want_whole_widths() {
        assert!(NumberMethod::Bucket(0.5).unfit_for_integers().is_some());
        assert!(NumberMethod::Clamp(Some(1.0), Some(1.5)).unfit_for_integers().is_some());
        assert_eq!(NumberMethod::Round(100.0).unfit_for_integers(), None);
    }
}
