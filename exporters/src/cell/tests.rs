use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewArray, BooleanArray, Date32Array, Date64Array, Decimal32Array, Decimal128Array,
    Decimal256Array, DictionaryArray, DurationMillisecondArray, FixedSizeBinaryArray, Float16Array, Float32Array,
    Float64Array, Int32Array, Int64Builder, IntervalMonthDayNanoArray, IntervalYearMonthArray, LargeBinaryArray,
    LargeStringArray, ListArray, MapBuilder, NullArray, RunArray, StringArray, StringBuilder, StructArray,
    Time64NanosecondArray, TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{ArrowPrimitiveType, Float16Type, Int8Type, Int32Type, IntervalMonthDayNano, i256};

use super::*;

#[track_caller]
fn check(array: impl Array + 'static, expected: &[&str]) {
    let array: ArrayRef = Arc::new(array);
    let field = Field::new("c", array.data_type().clone(), true);
    check_field(&field, array.as_ref(), expected);
}

/// Expected texts are JSON, so that kinds are checked too.
#[track_caller]
fn check_field(field: &Field, array: &dyn Array, expected: &[&str]) {
    let texts: Vec<_> = (0..array.len())
        .map(|row| {
            let mut out = String::new();
            push_value(&mut out, field, array, row, TextStyle::JSON, &mut Losses::default()).expect("has a text");
            out
        })
        .collect();
    assert_eq!(texts, expected);
}

#[test]
fn numbers_keep_every_digit() {
    check(UInt64Array::from(vec![u64::MAX]), &["18446744073709551615"]);
    check(BooleanArray::from(vec![Some(true), None]), &["true", "null"]);
    check(NullArray::new(1), &["null"]);
    check(
        Decimal128Array::from(vec![-5, 0, 12_345]).with_precision_and_scale(38, 3).expect("fits"),
        &["\"-0.005\"", "\"0.000\"", "\"12.345\""],
    );
    check(Decimal32Array::from(vec![0, -7]).with_precision_and_scale(9, -2).expect("fits"), &["\"0\"", "\"-700\""]);
    let most = Decimal256Array::from(vec![i256::MIN]).with_precision_and_scale(76, 0).expect("fits");
    check(most, &["\"-57896044618658097711785492504343953926634992332820282019728792003956564819968\""]);
}

#[test]
fn floats_are_short_read_back_and_look_like_floats() {
    check(
        Float64Array::from(vec![1.0, -0.0, 0.1, 1e22, 1.5e-7, 5e-324, f64::MAX]),
        &["1.0", "-0.0", "0.1", "1.0e+22", "1.5e-7", "5.0e-324", "1.7976931348623157e+308"],
    );
    check(
        Float64Array::from(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
        &["\"NaN\"", "\"Infinity\"", "\"-Infinity\""],
    );
    check(Float32Array::from(vec![0.1, 1e16]), &["0.1", "1.0e+16"]);
    let halves = [0.1, 65_504.0, -2.0].map(<Float16Type as ArrowPrimitiveType>::Native::from_f32);
    check(Float16Array::from(halves.to_vec()), &["0.1", "65500.0", "-2.0"]);
}

#[test]
fn instants_have_the_decimals_of_their_unit_in_any_year() {
    check(
        TimestampMicrosecondArray::from(vec![0, -1]).with_timezone("Europe/Berlin"),
        &["\"1970-01-01T00:00:00.000000Z\"", "\"1969-12-31T23:59:59.999999Z\""],
    );
    check(
        TimestampSecondArray::from(vec![1_709_208_000, i64::MAX, i64::MIN]),
        &["\"2024-02-29T12:00:00\"", "\"+292277026596-12-04T15:30:07\"", "\"-292277022657-01-27T08:29:52\""],
    );
    check(TimestampNanosecondArray::from(vec![1]), &["\"1970-01-01T00:00:00.000000001\""]);
    check(
        Date32Array::from(vec![20_541, -719_163, -719_528]),
        &["\"2026-03-29\"", "\"+000000-12-31\"", "\"+000000-01-01\""],
    );
    check(Date64Array::from(vec![-1]), &["\"1969-12-31\""]);
    check(Time64NanosecondArray::from(vec![86_399_000_001_000]), &["\"23:59:59.000001000\""]);
}

#[test]
fn durations_and_intervals_are_iso_8601() {
    check(
        DurationMillisecondArray::from(vec![1_500, -1_500, 0, 90_000]),
        &["\"PT1.5S\"", "\"-PT1.5S\"", "\"PT0S\"", "\"PT90S\""],
    );
    check(IntervalYearMonthArray::from(vec![14, -14]), &["\"P1Y2M\"", "\"-P1Y2M\""]);
    check(
        IntervalMonthDayNanoArray::from(vec![
            IntervalMonthDayNano::new(14, 3, 1_000_000_001),
            IntervalMonthDayNano::new(1, -3, -500_000_000),
        ]),
        &["\"P1Y2M3DT1.000000001S\"", "\"P1M-3DT-0.5S\""],
    );
}

#[test]
fn bytes_are_base64_or_hex() {
    check(LargeBinaryArray::from(vec![b"fo".as_ref(), b""]), &["\"Zm8=\"", "\"\""]);
    check(
        BinaryViewArray::from(vec![b"foobar and more than twelve".as_ref()]),
        &["\"Zm9vYmFyIGFuZCBtb3JlIHRoYW4gdHdlbHZl\""],
    );
    let sixteen = FixedSizeBinaryArray::try_from_iter([(0_u8..16).collect::<Vec<_>>()].into_iter()).expect("is fixed");
    let uuid = Field::new("c", DataType::FixedSizeBinary(16), true)
        .with_metadata(HashMap::from([("ARROW:extension:name".into(), "arrow.uuid".into())]));
    check_field(&uuid, &sixteen, &["\"00010203-0405-0607-0809-0a0b0c0d0e0f\""]);
    check(sixteen, &["\"000102030405060708090a0b0c0d0e0f\""]);
}

#[test]
fn nested_values_are_json_and_encodings_are_their_values() {
    check(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]), &["[1,null]", "null"]);
    let text: ArrayRef = Arc::new(LargeStringArray::from(vec!["a\"\u{7f}\u{2028}é"]));
    let fields = vec![(Arc::new(Field::new("t", DataType::LargeUtf8, true)), text)];
    check(StructArray::from(fields), &["{\"t\":\"a\\\"\\u007f\\u2028é\"}"]);
    check(DictionaryArray::<Int8Type>::from_iter([Some("x"), None]), &["\"x\"", "null"]);
    let runs = RunArray::try_new(&Int32Array::from(vec![2, 3]), &StringArray::from(vec![Some("r"), None]));
    check(runs.expect("is a run"), &["\"r\"", "\"r\"", "null"]);
    let mut texts = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    texts.keys().append_value("k");
    texts.values().append_null();
    texts.append(true).expect("appends");
    check(texts.finish(), &["{\"k\":null}"]);
    let mut numbers = MapBuilder::new(None, Int64Builder::new(), StringBuilder::new());
    numbers.keys().append_value(7);
    numbers.values().append_value("v");
    numbers.append(true).expect("appends");
    check(numbers.finish(), &["[{\"key\":7,\"value\":\"v\"}]"]);
}

#[test]
fn instants_stand_in_the_zone_that_is_asked_for() {
    let show = |array: &dyn Array, zone: chrono_tz::Tz| {
        let field = Field::new("c", array.data_type().clone(), true);
        let show = |row: usize| {
            let mut out = String::new();
            let style = TextStyle::in_zone(Some(zone));
            push_value(&mut out, &field, array, row, style, &mut Losses::default()).expect("has a text");
            out
        };
        (0..array.len()).map(show).collect::<Vec<_>>()
    };
    // Around the end of summer time in 2026, before standard time, and where no calendar of zones goes.
    let seconds = vec![1_792_889_999, 1_792_890_000, -5_000_000_000, i64::MAX];
    let instants = TimestampSecondArray::from(seconds).with_timezone("UTC");
    assert_eq!(
        show(&instants, chrono_tz::Europe::Berlin),
        [
            "\"2026-10-25T02:59:59+02:00\"",
            "\"2026-10-25T02:00:00+01:00\"",
            "\"1811-07-23T15:06:40Z\"",
            "\"+292277026596-12-04T15:30:07Z\""
        ]
    );
    assert_eq!(show(&instants.slice(0, 1), chrono_tz::UTC), ["\"2026-10-25T00:59:59Z\""]);
    assert_eq!(show(&instants.slice(0, 1), chrono_tz::America::St_Johns), ["\"2026-10-24T22:29:59-02:30\""]);
    let local = TimestampSecondArray::from(vec![0]);
    assert_eq!(show(&local, chrono_tz::Europe::Berlin), ["\"1970-01-01T00:00:00\""]);
}

#[test]
fn wide_numbers_can_be_texts() {
    let array = UInt64Array::from(vec![u64::MAX, 1]);
    let field = Field::new("c", DataType::UInt64, true);
    let style = TextStyle { int64_as_text: true, ..TextStyle::JSON };
    let (mut out, mut losses) = (String::new(), Losses::default());
    push_value(&mut out, &field, &array, 0, style, &mut losses).expect("has a text");
    assert_eq!((out.as_str(), losses), ("\"18446744073709551615\"", Losses::NONE));
    push_value(&mut out, &field, &array, 0, TextStyle::JSON, &mut losses).expect("has a text");
    assert_ne!(losses, Losses::NONE);
}

#[test]
fn a_byte_is_found_wherever_it_stands() {
    for length in 0..70 {
        let mut bytes = vec![b'a'; length];
        assert!(!any_byte(&bytes, |byte| byte == b'"'), "{length}");
        for at in 0..length {
            bytes[at] = b'"';
            assert!(any_byte(&bytes, |byte| byte == b'"'), "{at} of {length}");
            bytes[at] = b'a';
        }
    }
}
