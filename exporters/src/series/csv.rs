//! Series as CSV, one file per table; texts that look like formulas are guarded, as in reports.

use schemas::{MetricPictures, SeriesPicture, SeriesReport, rfc3339};

use crate::report::csv::{Cell, CsvTable, Table, number};

/// Every table of the series. Same series, same bytes.
pub fn series_csv(report: &SeriesReport) -> Vec<CsvTable> {
    vec![series(report), values(report), alerts(report)]
}

fn shown(report: &SeriesReport) -> impl Iterator<Item = (&MetricPictures, &SeriesPicture)> {
    report.metrics.iter().flat_map(|metric| metric.pictures.iter().map(move |picture| (metric, picture)))
}

fn series(report: &SeriesReport) -> CsvTable {
    let columns =
        ["tenant", "metric", "by", "entity", "every_seconds", "rows", "values", "least", "greatest", "last", "alerts"];
    let mut table = Table::new("series", &columns);
    for (metric, picture) in shown(report) {
        table.row([
            (&report.tenant).into(),
            (&metric.metric).into(),
            metric.by.as_ref().into(),
            picture.entity.as_ref().into(),
            metric.every_seconds.into(),
            picture.rows.into(),
            picture.values.into(),
            picture.least.map_or(Cell::Null, number),
            picture.greatest.map_or(Cell::Null, number),
            picture.last.map_or(Cell::Null, number),
            number(picture.alerts.len()),
        ]);
    }
    table.done()
}

fn values(report: &SeriesReport) -> CsvTable {
    let columns = ["metric", "entity", "start_at", "end_at", "values", "least", "mean", "greatest", "low", "high"];
    let mut table = Table::new("values", &columns);
    for (metric, picture) in shown(report) {
        for column in &picture.columns {
            table.row([
                (&metric.metric).into(),
                picture.entity.as_ref().into(),
                Cell::Plain(rfc3339(column.start)),
                Cell::Plain(rfc3339(column.end)),
                u64::from(column.values).into(),
                column.least.map_or(Cell::Null, number),
                column.mean.map_or(Cell::Null, number),
                column.greatest.map_or(Cell::Null, number),
                column.low.map_or(Cell::Null, number),
                column.high.map_or(Cell::Null, number),
            ]);
        }
    }
    table.done()
}

fn alerts(report: &SeriesReport) -> CsvTable {
    let columns =
        ["metric", "entity", "alert_id", "bucket_start", "detector", "value", "score", "severity", "explanation"];
    let mut table = Table::new("alerts", &columns);
    for (metric, picture) in shown(report) {
        for alert in &picture.alerts {
            table.row([
                (&metric.metric).into(),
                picture.entity.as_ref().into(),
                (&alert.alert_id).into(),
                Cell::Plain(rfc3339(alert.start)),
                (&alert.detector).into(),
                number(alert.value),
                number(alert.score),
                (&alert.severity).into(),
                (&alert.explanation).into(),
            ]);
        }
    }
    table.done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::read_back;
    use crate::series::sample::{hostile, sample};

    #[test]
    fn tables_have_every_column_of_every_picture_and_guard_formulas() {
        let [series, values, alerts] = series_csv(&sample()).try_into().expect("three tables");
        assert_eq!(read_back(&series.bytes).len(), 1 + 2);
        assert_eq!(read_back(&values.bytes).len(), 1 + 2 * 48);
        let alerts = read_back(&alerts.bytes);
        assert_eq!((alerts.len(), alerts[1][5].as_deref(), alerts[1][6].as_deref()), (2, Some("41"), Some("80.25")));
        for table in series_csv(&hostile()) {
            for cell in read_back(&table.bytes).iter().skip(1).flatten().flatten() {
                assert!(!cell.starts_with(['=', '+', '@']), "{cell}");
            }
        }
    }
}
