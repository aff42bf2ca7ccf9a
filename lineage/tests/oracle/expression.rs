//! Random expressions, aggregates, windows and conditions.

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::rows::Holds;
use crate::statement::{Draw, Seen};

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An integer.
    Int,
    /// A text.
    Text,
}

impl Kind {
    pub(crate) fn holds(self) -> Holds {
        match self {
            Self::Int => Holds::Int,
            Self::Text => Holds::Text,
        }
    }
}

impl Draw {
    pub(crate) fn expression(&mut self, kind: Kind, sight: &[Seen], depth: usize) -> String {
        if depth == 0 || self.one_in(2) {
            return self.leaf(kind, sight);
        }
        let (d, other) = (depth - 1, if kind == Kind::Int { Kind::Text } else { Kind::Int });
        let case = |draw: &mut Self| {
            let condition = draw.condition(sight, 0);
            let (then, or) = (draw.expression(kind, sight, d), draw.expression(kind, sight, d));
            if draw.one_in(3) {
                let base = draw.expression(other, sight, 0);
                let when = draw.expression(other, sight, 0);
                return format!("CASE {base} WHEN {when} THEN {then} ELSE {or} END");
            }
            format!("CASE WHEN {condition} THEN {then} ELSE {or} END")
        };
        let mut of = |kind: Kind| self.expression(kind, sight, d);
        let (one, two) = (of(kind), of(kind));
        let third = of(other);
        match (kind, self.chance.random_range(0..8)) {
            (_, 0) => case(self),
            (_, 1) => format!("coalesce({one}, {two})"),
            (_, 2) => format!("nullif({one}, {two})"),
            (_, 3) => format!("named_struct('f', {one}, 'g', {third})['f']"),
            (_, 4) => format!("nvl2({third}, {one}, {two})"),
            (Kind::Int, 5) => format!("length({third})"),
            (Kind::Int, 6) => format!("({one} + {two})"),
            (Kind::Int, _) => format!("abs({one} * 2 - {two})"),
            (Kind::Text, 5) => format!("CAST({third} AS VARCHAR)"),
            (Kind::Text, 6) => format!("({one} || {two})"),
            (Kind::Text, _) => format!("upper({one})"),
        }
    }

    fn leaf(&mut self, kind: Kind, sight: &[Seen]) -> String {
        let mut leaves: Vec<String> =
            sight.iter().filter(|seen| seen.holds == kind.holds()).map(|seen| seen.name.clone()).collect();
        for seen in sight {
            match (seen.holds, kind) {
                (Holds::Struct, Kind::Int) => leaves.push(format!("{}['p']", seen.name)),
                (Holds::Struct, Kind::Text) => leaves.push(format!("{}['q']", seen.name)),
                (Holds::List, Kind::Int) => leaves.push(format!("CAST(array_length({}) AS BIGINT)", seen.name)),
                _ => {}
            }
        }
        let literal = if kind == Kind::Int { "1" } else { "'q'" };
        match leaves.choose(&mut self.chance) {
            Some(leaf) if !self.one_in(8) => leaf.clone(),
            _ => literal.to_owned(),
        }
    }

    /// An aggregate, and what it gives.
    pub(crate) fn aggregate(&mut self, sight: &[Seen]) -> (String, Holds) {
        let kind = self.kind();
        let arg = self.expression(kind, sight, 1);
        let filter =
            if self.one_in(4) { format!(" FILTER (WHERE {})", self.condition(sight, 0)) } else { String::new() };
        match (kind, self.chance.random_range(0..7)) {
            (_, 0) => (format!("count(*){filter}"), Holds::Int),
            (_, 1) => (format!("count({arg}){filter}"), Holds::Int),
            (_, 2) => (format!("count(DISTINCT {arg}){filter}"), Holds::Int),
            (Kind::Int, 3 | 4) => (format!("sum({arg}){filter}"), Holds::Int),
            (_, 5) => {
                let order = self.expression(Kind::Int, sight, 0);
                (format!("first_value({arg} ORDER BY {order})"), kind.holds())
            }
            (_, 6) => (format!("max({arg}){filter}"), kind.holds()),
            (_, _) => (format!("min({arg}){filter}"), kind.holds()),
        }
    }

    /// A window function that gives an integer, marked by a first letter that no statement has.
    pub(crate) fn window(&mut self, sight: &[Seen]) -> String {
        let (arg, order) = (self.expression(Kind::Int, sight, 1), self.expression(Kind::Int, sight, 1));
        let partition = if self.one_in(2) {
            let kind = self.kind();
            format!("PARTITION BY {} ", self.expression(kind, sight, 0))
        } else {
            String::new()
        };
        let function = match self.chance.random_range(0..6) {
            0 => format!("sum({arg})"),
            1 => format!("max({arg})"),
            2 => "CAST(rank()".to_owned(),
            3 => "CAST(dense_rank()".to_owned(),
            4 => format!("count({arg})"),
            _ => format!("min({arg})"),
        };
        let end = if function.starts_with("CAST") { " AS BIGINT)" } else { "" };
        format!("\u{1}{function} OVER ({partition}ORDER BY {order}){end}")
    }

    /// A subquery that gives one integer.
    pub(crate) fn scalar_subquery(&mut self, sight: &[Seen], depth: usize) -> String {
        let (sql, columns) = self.query(0, &[]);
        let name = self.alias("q");
        let inner: Vec<Seen> =
            columns.iter().map(|seen| Seen { name: format!("{name}.{}", seen.name), holds: seen.holds }).collect();
        let number = inner.iter().find(|seen| seen.holds == Holds::Int).map(|seen| seen.name.clone());
        let aggregate = match (number, self.chance.random_range(0..4)) {
            (Some(number), 0) => format!("max({number})"),
            (Some(number), 1) => format!("sum({number})"),
            (_, 2) => inner.first().map_or_else(|| "count(*)".to_owned(), |seen| format!("count({})", seen.name)),
            (Some(_) | None, _) => "count(*)".to_owned(),
        };
        let correlated = if depth < 2 && self.one_in(2) { self.equality(&inner, sight) } else { None };
        let condition = correlated.map(|equal| format!(" WHERE {equal}")).unwrap_or_default();
        format!("\u{1}(SELECT {aggregate} FROM ({sql}) AS {name}{condition})")
    }

    /// A condition.
    pub(crate) fn condition(&mut self, sight: &[Seen], depth: usize) -> String {
        if depth > 0 && self.one_in(3) {
            return self.subquery_condition(sight, depth - 1);
        }
        let kind = self.kind();
        let (one, two) = (self.expression(kind, sight, 1), self.expression(kind, sight, 0));
        match self.chance.random_range(0..9) {
            0 => format!("{one} IS NULL"),
            1 => format!("{one} IS NOT NULL"),
            2 => format!("{one} <> {two}"),
            3 => format!("{one} IN ({two}, {})", if kind == Kind::Int { "2" } else { "'p'" }),
            4 => format!("({one} = {two} OR {})", self.condition(sight, 0)),
            5 => format!("NOT ({one} >= {two})"),
            6 => format!("{one} BETWEEN {two} AND {}", if kind == Kind::Int { "3" } else { "'r'" }),
            7 => format!("{one} >= {two}"),
            _ => format!("{one} <= {two}"),
        }
    }

    fn subquery_condition(&mut self, sight: &[Seen], depth: usize) -> String {
        let outer = if self.one_in(2) { sight } else { &[] };
        let not = if self.one_in(3) { "NOT " } else { "" };
        let (sql, columns) = self.query(depth, outer);
        let Some(first) = columns.first() else { return format!("{not}EXISTS ({sql})") };
        let kind = if first.holds == Holds::Text { Kind::Text } else { Kind::Int };
        if self.one_in(2) || !matches!(first.holds, Holds::Int | Holds::Text) {
            return format!("{not}EXISTS ({sql})");
        }
        let tested = self.expression(kind, sight, 0);
        format!("{tested} {not}IN (SELECT {} FROM ({sql}) AS {})", first.name, self.alias("i"))
    }
}
