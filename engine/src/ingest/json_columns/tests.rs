use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::json;

use super::*;

fn infer(records: &[Value]) -> InferredType {
    let mut inferred = InferredType::default();
    records.iter().for_each(|record| inferred.observe(record));
    inferred
}

/// The type of every column in short, and its values.
fn show(records: &[Value]) -> Vec<String> {
    let fields = infer(records).to_fields();
    let arrays = decode(&fields, records);
    RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields.clone())), arrays.clone()).expect("a batch");
    let options = FormatOptions::new().with_null("-");
    let column = |(field, array): (&Arc<Field>, &arrow::array::ArrayRef)| {
        let cells = ArrayFormatter::try_new(array, &options).expect("shows");
        let cells: Vec<String> = (0..array.len()).map(|row| cells.value(row).to_string()).collect();
        format!("{} {}: {}", field.name(), short(field.data_type()), cells.join(" | "))
    };
    fields.iter().zip(&arrays).map(column).collect()
}

fn short(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 => "text".into(),
        DataType::List(item) => format!("[{}]", short(item.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields.iter().map(|f| format!("{} {}", f.name(), short(f.data_type()))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string().to_lowercase(),
    }
}

#[track_caller]
fn check(records: &[Value], want: &[&str]) {
    assert_eq!(show(records), want);
}

#[test]
fn scalars_have_their_own_type() {
    let records = [json!({"b": true, "i": -5, "f": 0.5, "s": "x", "n": null}), json!({"i": 7, "new": 1})];
    let want = [
        "b boolean: true | -",
        "i int64: -5 | 7",
        "f float64: 0.5 | -",
        "s text: x | -",
        "n text: - | -",
        "new int64: - | 1",
    ];
    check(&records, &want);
}

#[test]
fn values_that_disagree_become_text_and_lose_nothing() {
    let a = |value: Value| json!({"a": value});
    check(&[a(json!(1)), a(json!(0.5))], &["a float64: 1.0 | 0.5"]);
    check(&[a(json!(1)), a(json!("x")), a(json!(true)), a(json!(null))], &["a text: 1 | x | true | -"]);
    check(&[a(json!(true)), a(json!(1))], &["a text: true | 1"]);
    check(&[a(json!({"b": 1})), a(json!("x"))], &["a text: {\"b\":1} | x"]);
    check(&[a(json!([1, "x"])), a(json!(["y"]))], &["a [text]: [1, x] | [y]"]);
    check(&[a(json!([1])), a(json!({"b": 1}))], &["a text: [1] | {\"b\":1}"]);
    // Beyond 64 bits signed, and an integer that a float cannot hold.
    check(&[a(json!(1)), a(json!(u64::MAX))], &["a text: 1 | 18446744073709551615"]);
    check(&[a(json!(i64::MAX)), a(json!(0.5))], &["a text: 9223372036854775807 | 0.5"]);
    check(&[a(json!(i64::MAX)), a(json!(i64::MIN))], &["a int64: 9223372036854775807 | -9223372036854775808"]);
}

#[test]
fn objects_and_lists_nest() {
    let records =
        [json!({"a": {"x": 1, "l": [{"p": 1}, null, {"q": "z"}]}}), json!({"a": null}), json!({"a": {"y": []}})];
    let want = "a {x int64, l [{p int64, q text}], y [text]}: {x: 1, l: [{p: 1, q: -}, -, {p: -, q: z}], y: -} | - | {x: -, l: -, y: []}";
    check(&records, &[want]);
    check(&[json!({"a": {}, "b": [{}], "c": []})], &["a text: {}", "b [text]: [{}]", "c [text]: []"]);
    check(&[json!({"a": {}}), json!({"a": {"b": 1}})], &["a {b int64}: {b: -} | {b: 1}"]);
}

#[test]
fn the_type_does_not_depend_on_the_order_of_records() {
    let values =
        [json!(null), json!(1), json!(1u64 << 60), json!(0.5), json!("x"), json!([1]), json!({"b": 1}), json!(true)];
    for one in &values {
        for other in &values {
            for third in &values {
                let [a, b, c] = [one, other, third].map(|value| json!({"a": value}));
                let there = infer(&[a.clone(), b.clone(), c.clone()]).to_fields();
                assert_eq!(there, infer(&[c, b, a]).to_fields());
            }
        }
    }
}

#[test]
fn nesting_and_keys_have_limits() {
    let deep = (0..40).fold(json!(1), |inner, _| json!({"a": inner}));
    let [column] = &show(&[deep])[..] else { panic!("one column") };
    assert_eq!(column.matches("{a ").count(), LEVELS_MAX - 1, "{column}");
    assert!(column.contains("a text") && column.contains("{\"a\":{\"a\":1}}"));

    let keys = |from: usize, to: usize| Value::Object((from..to).map(|key| (format!("k{key}"), json!(key))).collect());
    let fits = infer(&[json!({"m": keys(0, KEYS_MAX)})]).to_fields();
    assert!(matches!(fits[0].data_type(), DataType::Struct(fields) if fields.len() == KEYS_MAX));
    let records = [json!({"m": keys(0, 1500)}), json!({"m": keys(1000, KEYS_MAX + 1)}), json!({"m": {"k": 1}})];
    assert_eq!(infer(&records).to_fields()[0].data_type(), &DataType::Utf8);
    assert!(show(&records)[0].ends_with("| {\"k\":1}"));

    let wide = infer(&[keys(0, KEYS_MAX + 1)]);
    assert_eq!((wide.to_fields().len(), wide.left_out()), (KEYS_MAX, true));
    let many: Vec<Value> = (0..20).map(|n| json!({format!("m{n}"): keys(0, 1_900)})).collect();
    let total: usize =
        infer(&many).to_fields().iter().map(|field| short(field.data_type()).matches(" int64").count()).sum();
    assert!(total <= FIELDS_MAX && total > FIELDS_MAX / 2);
}

#[test]
fn what_was_never_observed_is_null() {
    let fields = infer(&[json!({"i": 1, "l": [1], "o": {"a": 1}})]).to_fields();
    for array in decode(&fields, &[json!({"i": "x", "l": 5, "o": []}), json!(5)]) {
        assert_eq!(array.null_count(), 2);
    }
    assert_eq!(decode(&fields, &[]).len(), 3);
    assert_eq!(infer(&[json!(1), json!([])]).to_fields().len(), 0);
}

#[test]
fn the_type_of_two_parts_is_that_of_the_whole() {
    let records = [
        json!({"a": 1, "o": {"x": null, "l": [1]}, "n": null}),
        json!({"b": "t", "a": 2.5, "o": {"y": true}}),
        json!({"a": null, "o": {"l": [null, {"k": 1}]}, "wide": 9_007_199_254_740_993_i64}),
        json!({"n": [[]], "wide": 0.5, "o": 3}),
        json!({"n": [[1], ["t"]], "c": {"d": {}}}),
    ];
    let whole = infer(&records).to_fields();
    for border in 0..=records.len() {
        let mut parts = infer(&records[..border]);
        parts.join(infer(&records[border..]));
        assert_eq!(parts.to_fields(), whole, "{border}");
    }
    let many: Vec<Value> = (0..=KEYS_MAX).map(|key| json!({format!("k{key}"): 1})).collect();
    let mut parts = infer(&many[..9]);
    parts.join(infer(&many[9..]));
    assert!(parts.left_out() && infer(&many).left_out());
}
