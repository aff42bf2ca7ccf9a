//! Which conditions cannot fail on any row, so that they may be evaluated on rows that nobody is to see.
//!
//! As PostgreSQL's leakproof functions: comparisons of a column with a literal of its own type, and what joins them.
//! Everything else waits above the row filter.

use arrow::datatypes::Schema;
use datafusion::logical_expr::expr::{Between, InList};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// Whether a condition on `columns` cannot fail. A column that is none of them, as a masked one, is never compared.
pub(super) fn is_infallible(condition: &Expr, columns: &Schema) -> bool {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            is_infallible(left, columns) && is_infallible(right, columns)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => is_comparison(*op) && are_alike(left, right, columns),
        Expr::Not(inner) => is_infallible(inner, columns),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => column(inner, columns).is_some(),
        Expr::Between(Between { expr, low, high, .. }) => {
            are_alike(expr, low, columns) && are_alike(expr, high, columns)
        }
        Expr::InList(InList { expr, list, .. }) => list.iter().all(|value| are_alike(expr, value, columns)),
        _ => false,
    }
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// A column and a literal, in either order, of one type that is no list, map or struct.
fn are_alike(left: &Expr, right: &Expr, columns: &Schema) -> bool {
    let (of, value) = match (column(left, columns), column(right, columns)) {
        (Some(of), None) => (of, right),
        (None, Some(of)) => (of, left),
        _ => return false,
    };
    matches!(value, Expr::Literal(value, _) if value.data_type() == *of) && !of.is_nested()
}

fn column<'a>(expr: &Expr, columns: &'a Schema) -> Option<&'a arrow::datatypes::DataType> {
    let Expr::Column(column) = expr else { return None };
    columns.field_with_name(&column.name).ok().map(arrow::datatypes::Field::data_type)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field};
    use datafusion::logical_expr::{cast, col, lit};

    use super::*;

    #[test]
    fn only_what_compares_a_column_with_its_own_kind_passes() {
        let columns = Schema::new(vec![Field::new("n", DataType::Int64, true), Field::new("t", DataType::Utf8, true)]);
        let passes = |condition: Expr| is_infallible(&condition, &columns);
        assert!(passes(col("n").eq(lit(1_i64))));
        assert!(passes(lit("a").lt(col("t")).and(col("n").is_null().or(col("n").between(lit(1_i64), lit(2_i64))))));
        assert!(passes(col("t").in_list(vec![lit("a"), lit("b")], true)));
        assert!(!passes(col("n").eq(lit(1_i32))), "another type means a cast somewhere");
        assert!(!passes(cast(col("t"), DataType::Int64).eq(lit(1_i64))), "a cast may fail");
        assert!(!passes((lit(1_i64) / col("n")).eq(lit(1_i64))), "a division may fail");
        assert!(!passes(col("masked").eq(lit("a"))), "no column that may be compared");
        assert!(!passes(lit(1_i64).eq(lit(1_i64))) && !passes(lit(true)), "a constant says nothing of a row");
        assert!(!passes(col("n").eq(lit(1_i64)).and(col("t").like(lit("a%")))));
    }
}
