//! How the columns of a section are shown, by the types that its statement gives; and why some cannot be.

use arrow::datatypes::{DataType, Field, Schema};
use schemas::{ChartKind, ColumnFormat, FilledColumn, TableSection, ValueKind};

/// A column, and what becomes of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) column: FilledColumn,
    /// Places that the point of whole numbers moves to the left.
    pub(super) shift: usize,
    /// Places of decimals that are shown at least.
    pub(super) places: usize,
}

/// The columns of a section in order.
///
/// # Errors
/// What is wrong with the first that cannot be shown or drawn, and what would be right.
pub(super) fn shapes(section: &TableSection, columns: &Schema) -> Result<Vec<Shape>, String> {
    let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Err(format!("the statement returns two columns {:?}; rename one with AS", twice.1));
    }
    let drawn = section.chart.iter().flat_map(|chart| std::iter::once(&chart.x).chain(&chart.y).chain(&chart.by));
    let named = section.columns.keys().map(|name| ("columns", name)).chain(drawn.map(|name| ("chart", name)));
    for (key, name) in named {
        if !names.contains(&name.as_str()) {
            let names = names.join(", ");
            return Err(format!(
                "{key} names column {name:?}, which the statement does not return; it returns: {names}"
            ));
        }
    }
    let plain = ColumnFormat::default();
    let of = |field: &std::sync::Arc<Field>| shape(field, section.columns.get(field.name()).unwrap_or(&plain));
    let shapes: Vec<Shape> = columns.fields().iter().map(of).collect::<Result<_, _>>()?;
    drawable(section, &shapes)?;
    Ok(shapes)
}

fn shape(field: &Field, format: &ColumnFormat) -> Result<Shape, String> {
    let name = field.name();
    let (kind, is_whole, is_decimal) = match value_type(field.data_type()) {
        DataType::Null | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => (ValueKind::Text, false, false),
        DataType::Boolean => (ValueKind::Flag, false, false),
        DataType::Timestamp(_, _) => (ValueKind::Instant, false, false),
        DataType::Date32 | DataType::Date64 => (ValueKind::Day, false, false),
        whole if whole.is_integer() => (ValueKind::Number, true, false),
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            (ValueKind::Number, false, true)
        }
        float if float.is_floating() => {
            return Err(format!(
                "column {name:?} is of floating point, whose digits are not exact; cast it, for example CAST({name} AS decimal(20, 3))"
            ));
        }
        other => {
            return Err(format!(
                "column {name:?} is of type {other}, which no table shows; leave it out, or make a text of it"
            ));
        }
    };
    if format.shift > 0 && !is_whole {
        return Err(format!("shift moves the point of whole numbers, and column {name:?} has none; leave shift out"));
    }
    if format.places > 0 && !is_decimal {
        return Err(format!("places are those of decimals, and column {name:?} has none; leave places out"));
    }
    Ok(Shape {
        column: FilledColumn {
            name: name.clone(),
            title: format.title.clone().unwrap_or_else(|| name.clone()),
            unit: format.unit.clone(),
            kind,
        },
        shift: usize::try_from(format.shift).unwrap_or_default(),
        places: usize::try_from(format.places).unwrap_or_default(),
    })
}

/// The type of the values, however they are kept.
fn value_type(kind: &DataType) -> &DataType {
    match kind {
        DataType::Dictionary(_, values) => value_type(values),
        DataType::RunEndEncoded(_, values) => value_type(values.data_type()),
        other => other,
    }
}

/// Lengths and heights are numbers, and points are in time.
fn drawable(section: &TableSection, shapes: &[Shape]) -> Result<(), String> {
    let Some(chart) = &section.chart else { return Ok(()) };
    let kind = |name: &String| shapes.iter().find(|shape| shape.column.name == *name).map(|shape| shape.column.kind);
    if let Some(y) = chart.y.iter().find(|y| kind(y) != Some(ValueKind::Number)) {
        return Err(format!("chart draws column {y:?} of y, which is no number; name one that is"));
    }
    if chart.kind == ChartKind::Line && !matches!(kind(&chart.x), Some(ValueKind::Instant | ValueKind::Day)) {
        let x = &chart.x;
        return Err(format!(
            "chart draws points in time, and column {x:?} of x is none; name one that is, or write kind: bar"
        ));
    }
    let units: Vec<_> = chart.y.iter().map(|y| shapes.iter().find(|shape| shape.column.name == *y)).collect();
    let unit = |shape: &Option<&Shape>| shape.and_then(|shape| shape.column.unit.clone());
    match units.windows(2).find(|pair| unit(&pair[0]) != unit(&pair[1])) {
        Some(_) => Err("chart draws columns of different units in one picture; name those of one unit".to_owned()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemas::{SectionChart, WrittenAt};

    use super::*;

    fn section(columns: &[(&str, ColumnFormat)], chart: Option<SectionChart>) -> TableSection {
        TableSection {
            id: "s".to_owned(),
            title: "S".to_owned(),
            note: None,
            roles: Vec::new(),
            records: Vec::new(),
            needs: Vec::new(),
            rows_max: 50,
            sql: String::new(),
            columns: columns
                .iter()
                .map(|(name, format)| ((*name).to_owned(), format.clone()))
                .collect::<BTreeMap<_, _>>(),
            chart,
            written: WrittenAt { file: "reports/s.yaml".to_owned(), line: 1, column: 1 },
        }
    }

    fn chart(kind: ChartKind, x: &str, y: &[&str]) -> Option<SectionChart> {
        let y = y.iter().map(|y| (*y).to_owned()).collect();
        Some(SectionChart { kind, x: x.to_owned(), y, by: None })
    }

    fn schema() -> Schema {
        let field = |name: &str, kind: DataType| Field::new(name, kind, true);
        let money = DataType::Decimal128(38, 12);
        Schema::new(vec![field("who", DataType::Utf8View), field("n", DataType::Int64), field("cost", money)])
    }

    #[track_caller]
    fn refused(section: &TableSection, schema: &Schema, expected: &str) {
        let why = shapes(section, schema).map(drop).expect_err("is refused");
        assert!(why.contains(expected), "{why}");
    }

    #[test]
    fn what_is_not_exact_or_not_there_is_refused() {
        let shift = ColumnFormat { shift: 3, ..ColumnFormat::default() };
        let places = ColumnFormat { places: 2, ..ColumnFormat::default() };
        let float = Schema::new(vec![Field::new("mean", DataType::Float64, true)]);
        refused(&section(&[], None), &float, "CAST(mean AS decimal(20, 3))");
        let bytes = Schema::new(vec![Field::new("hash", DataType::Binary, true)]);
        refused(&section(&[], None), &bytes, "type Binary, which no table shows");
        let twice = Schema::new(vec![Field::new("a", DataType::Int64, true), Field::new("a", DataType::Int64, true)]);
        refused(&section(&[], None), &twice, "two columns \"a\"");
        refused(&section(&[("m", shift.clone())], None), &schema(), "columns names column \"m\"");
        refused(&section(&[("cost", shift)], None), &schema(), "shift moves the point of whole numbers");
        refused(&section(&[("n", places)], None), &schema(), "places are those of decimals");
        let unit = ColumnFormat { unit: Some("ms".to_owned()), ..ColumnFormat::default() };
        let units = section(&[("n", unit)], chart(ChartKind::Bar, "who", &["n", "cost"]));
        refused(&units, &schema(), "different units in one picture");
        refused(&section(&[], chart(ChartKind::Bar, "where", &["n"])), &schema(), "chart names column \"where\"");
        refused(&section(&[], chart(ChartKind::Bar, "n", &["who"])), &schema(), "\"who\" of y, which is no number");
        refused(&section(&[], chart(ChartKind::Line, "who", &["n"])), &schema(), "points in time");
        let fits = section(&[], chart(ChartKind::Bar, "who", &["n", "cost"]));
        assert_eq!(shapes(&fits, &schema()).map(|shapes| shapes.len()), Ok(3));
    }
}
