//! A series as it is drawn: so many columns at most, each with the least and the greatest value of its buckets, so that nothing
//! unusual is too short to be seen.

use schemas::{EarlierMark, SeriesColumn, SeriesPicture};

use super::detect::FIRST;
use super::measure::{Bucket, Measured, Series};
use super::raised::Earlier;
use super::robust::Middle;

/// Most columns of a picture.
const COLUMNS_MAX: usize = 360;

/// The picture of a series, without its alerts.
pub(super) fn picture(measured: &Measured<'_>, series: &Series, earlier: &[Earlier]) -> SeriesPicture {
    let wide = series.values.len().div_ceil(COLUMNS_MAX).max(1);
    let mut before: Vec<f64> = Vec::with_capacity(series.values.len());
    let (mut columns, mut marks) = (Vec::new(), Vec::new());
    for (column, buckets) in series.values.chunks(wide).enumerate() {
        let first = column * wide;
        let expected = (before.len() >= FIRST).then(|| Middle::of(&before)).flatten();
        let values = || buckets.iter().flatten().copied();
        let many = values().count();
        columns.push(SeriesColumn {
            start: measured.start_of(bucket(series, first)),
            end: measured.start_of(bucket(series, first + buckets.len())),
            values: u32::try_from(many).unwrap_or(u32::MAX),
            least: values().reduce(f64::min),
            // A sum of values may be beyond all numbers, one of their shares is not.
            mean: (many > 0).then(|| values().map(|value| value / many as f64).sum()),
            greatest: values().reduce(f64::max),
            low: expected.map(|middle| middle.median - middle.spread()),
            high: expected.map(|middle| middle.median + middle.spread()),
        });
        let median = expected.map_or(0.0, |middle| middle.median);
        let off = |one: &Earlier| (one.value - median).abs();
        let inside = earlier.iter().filter(|one| (first..first + buckets.len()).contains(&one.number));
        marks.extend(inside.max_by(|one, other| off(one).total_cmp(&off(other))).map(|one| EarlierMark {
            start: measured.start_of(bucket(series, one.number)),
            value: one.value,
            detector: one.detector.as_str().to_owned(),
        }));
        before.extend(values());
        // What was sorted before is one run, so this is a merge.
        before.sort_by(f64::total_cmp);
    }
    SeriesPicture {
        entity: series.entity.clone(),
        rows: series.rows,
        values: before.len() as u64,
        least: before.first().copied(),
        greatest: before.last().copied(),
        last: series.values.iter().flatten().last().copied(),
        columns,
        alerts: Vec::new(),
        earlier: marks,
    }
}

/// The bucket of a value.
fn bucket(series: &Series, number: usize) -> Bucket {
    series.first.saturating_add(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
pub(super) mod tests {
    use schemas::{DetectorKind, Interval, JobKind, SourceFile, check, parse_rfc3339};

    use super::*;

    /// A metric of a lake over 27 days of quarters of an hour, of which the last is judged.
    pub(in crate::anomalies) fn with_measured<T>(then: impl FnOnce(&Measured<'_>) -> T) -> T {
        let files = [
            ("lake.yaml", "lake: acme\nstore: file:./data\ntimezone: UTC\n"),
            ("datasets/logins.yaml", "dataset: logins\nlocation: logins/\ntenant: tenant_id\ntime: time\n"),
            ("datasets/alert.yaml", "dataset: alert\nlocation: alert/\nschema: alert.v1\n"),
            (
                "jobs/watch.yaml",
                "job: watch\nkind: anomalies\nwindow: 1d\ninto: alert\nmetrics: [{metric: logins, from: logins, by: actor, every: 15m}]\n",
            ),
        ];
        let file = |(path, text): (&str, &str)| SourceFile { path: path.to_owned(), text: text.as_bytes().to_vec() };
        let lake = check(&files.map(file)).expect("is right");
        let specs = lake.jobs.iter().filter_map(|job| match &job.kind {
            JobKind::Anomalies(spec) => Some(spec),
            _ => None,
        });
        let metric = specs.flat_map(|spec| &spec.metrics).next().expect("a metric");
        let dataset = lake.datasets.iter().find(|dataset| dataset.id == metric.from).expect("a dataset");
        let at = |text| parse_rfc3339(text).expect("an instant");
        let interval = Interval { start: at("2026-03-27T00:00:00Z"), end: at("2026-03-28T00:00:00Z") };
        then(&Measured::of((metric, dataset), interval, 27 * 86_400))
    }

    fn drawn(values: Vec<Option<f64>>, earlier: &[Earlier]) -> SeriesPicture {
        let series = |first| Series { tenant: "acme".to_owned(), entity: None, first, values, rows: 7 };
        with_measured(|measured| picture(measured, &series(measured.first), earlier))
    }

    #[test]
    fn no_value_is_lost_in_a_column_and_gaps_stay() {
        let mut values: Vec<Option<f64>> = (0..2_592).map(|at| Some(f64::from(at % 5))).collect();
        values[1_000] = Some(41.0);
        values[1_001] = Some(-3.0);
        values[2_000..2_100].fill(None);
        let earlier = [Earlier { number: 1_000, value: 41.0, detector: DetectorKind::Poisson }];
        let shown = drawn(values, &earlier);
        // Eight buckets of a quarter of an hour each.
        assert_eq!((shown.columns.len(), shown.values), (324, 2_492));
        let of = shown.columns[125];
        assert_eq!((of.least, of.greatest, of.values), (Some(-3.0), Some(41.0), 8));
        assert_eq!(of.mean, Some(6.25), "of 41, -3, 2, 3, 4, 0, 1 and 2");
        assert_eq!((shown.least, shown.greatest, shown.last), (Some(-3.0), Some(41.0), Some(1.0)));
        assert_eq!((shown.columns[255].values, shown.columns[255].greatest), (0, None));
        assert_eq!((shown.columns[0].low, shown.columns[3].low), (None, None), "fewer than thirty values before");
        assert_eq!((shown.columns[200].low, shown.columns[200].high), (Some(2.0 - 1.4826), Some(2.0 + 1.4826)));
        assert!(shown.columns.windows(2).all(|pair| pair[0].end == pair[1].start));
        let marks: Vec<_> = shown.earlier.iter().map(|mark| (mark.value, mark.detector.as_str())).collect();
        assert_eq!(marks, [(41.0, "poisson")]);
        assert!((of.start..of.end).contains(&shown.earlier[0].start));
    }

    #[test]
    fn few_buckets_are_columns_of_their_own() {
        let values: Vec<Option<f64>> = (0..360).map(|at| Some(f64::from(at))).collect();
        let shown = drawn(values, &[]);
        assert_eq!(shown.columns.len(), 360);
        assert!(shown.columns.iter().all(|column| column.values == 1 && column.least == column.greatest));
        let empty = drawn(vec![None; 400], &[]);
        assert_eq!((empty.columns.len(), empty.values, empty.least, empty.last), (200, 0, None, None));
    }
}
