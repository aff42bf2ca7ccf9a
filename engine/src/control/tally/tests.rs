use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};

use super::*;

/// Rows of tenants, each with a truth of population and violation; the time of row n is n.
fn batch(rows: &[(&str, Option<bool>, Option<bool>)]) -> RecordBatch {
    let times = TimestampMicrosecondArray::from_iter_values(0..rows.len() as i64).with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringViewArray::from_iter_values(rows.iter().map(|(tenant, ..)| tenant))),
        Arc::new(times),
        Arc::new(rows.iter().map(|(_, population, _)| *population).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|(.., violation)| *violation).collect::<BooleanArray>()),
    ];
    let fields = ["scope", "happened_at", "p0", "w0"].into_iter().zip(&columns);
    let fields: Vec<Field> = fields.map(|(name, column)| Field::new(name, column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a batch")
}

fn counted(batches: &[RecordBatch]) -> Tally {
    let mut part = Part::new(1);
    for batch in batches {
        part.add(batch).expect("counted");
    }
    part.into_tally()
}

#[test]
fn each_truth_of_a_row_counts_where_it_belongs() {
    const ALL: [Option<bool>; 3] = [Some(true), Some(false), None];
    let rows: Vec<_> = ALL.iter().flat_map(|p| ALL.iter().map(move |w| ("a-tenant-of-some-length", *p, *w))).collect();
    let tally = counted(&[batch(&rows)]);
    // In the population: three rows. Of them one violates and one is undecided. Of the three whose population is not
    // known, that which surely does not violate is none of its business.
    let expected = Counts::new([3, 1, 1, 2], None);
    assert_eq!(tally.counts, [ByScope::from([("a-tenant-of-some-length".to_owned(), expected)])]);
    assert_eq!(tally.instants, Some(BTreeSet::from([0])));
}

#[test]
fn tenants_that_change_from_row_to_row_count_as_tenants_in_a_row_do() {
    let names: Vec<String> = (0..7).map(|tenant| format!("tenant number {tenant}")).collect();
    let truth = |row: usize, step: usize| [Some(true), Some(false), None, Some(true)][(row / step) % 4];
    let mixed: Vec<_> = (0..900).map(|row| (names[row * 5 % 7].as_str(), truth(row, 1), truth(row, 3))).collect();
    let mut sorted = mixed.clone();
    sorted.sort_by_key(|(tenant, ..)| *tenant);
    let (mixed, sorted) = (batch(&mixed), batch(&sorted));
    assert!(stretches(mixed.column(0).as_string_view()).len() > STRETCHES);
    assert_eq!(stretches(sorted.column(0).as_string_view()).len(), 7);
    assert_eq!(counted(std::slice::from_ref(&mixed)).counts, counted(std::slice::from_ref(&sorted)).counts);

    let mut joined = Part::new(1);
    for half in [mixed.slice(0, 400), mixed.slice(400, 500)] {
        let mut part = Part::new(1);
        part.add(&half).expect("counted");
        joined.join(part);
    }
    assert_eq!(joined.into_tally().counts, counted(&[sorted]).counts);
}

#[test]
fn violations_at_too_many_instants_are_not_few() {
    let rows: Vec<_> = (0..=INSTANTS).map(|_| ("t", Some(true), Some(true))).collect();
    let few = counted(&[batch(&rows[1..])]);
    assert_eq!(few.instants.map(|instants| instants.len()), Some(INSTANTS));
    let many = counted(&[batch(&rows)]);
    assert_eq!(many.instants, None);
    assert_eq!(many.counts[0]["t"].violations, INSTANTS as u64 + 1);
}
