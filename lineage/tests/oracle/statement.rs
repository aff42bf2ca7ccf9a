//! Random statements.
//!
//! Absent: `random()`, a LIMIT without a total order, sums of floats, and aggregates whose result depends on the order
//! of rows that nothing orders: what they answer changes by itself.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::expression::Kind;
use crate::rows::{Holds, TABLES};

/// A column in sight.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) holds: Holds,
}

/// Draws statements.
#[derive(Debug)]
pub(crate) struct Draw {
    pub(crate) chance: ChaCha8Rng,
    /// Common tables in sight, with their columns.
    common: Vec<(String, Vec<Seen>)>,
    aliases: usize,
    /// How many relations may still be joined: where constants are compared, every row meets every other.
    left: usize,
}

/// Relations of a statement beside those that a query begins with.
const JOINED: usize = 4;

/// A query and what its columns hold.
type Query = (String, Vec<Seen>);

impl Draw {
    pub(crate) fn new(chance: ChaCha8Rng) -> Self {
        Self { chance, common: Vec::new(), aliases: 0, left: JOINED }
    }

    pub(crate) fn one_in(&mut self, n: u32) -> bool {
        self.chance.random_ratio(1, n)
    }

    /// A whole statement.
    pub(crate) fn statement(&mut self) -> String {
        let mut with = Vec::new();
        let mut recursive = "";
        if self.one_in(3) {
            let (sql, columns) = self.query(1, &[]);
            let name = self.alias("w");
            with.push(format!("{name} AS ({sql})"));
            self.common.push((name, columns));
        }
        if self.one_in(6) {
            let (first, start) =
                (self.expression(Kind::Int, &table("t", "t"), 1), self.expression(Kind::Int, &table("t", "t"), 1));
            let name = self.alias("r");
            let own = [("n", Holds::Int), ("m", Holds::Int)].map(|(column, holds)| seen(&name, column, holds));
            let next = self.expression(Kind::Int, &own, 1);
            let union = if self.one_in(2) { "UNION" } else { "UNION ALL" };
            with.push(format!(
                "{name} AS (SELECT CAST({first} AS BIGINT) AS n, CAST({start} AS BIGINT) AS m FROM t {union} \
                 SELECT {name}.n + 1, CAST({next} AS BIGINT) FROM {name} WHERE {name}.n < 4 AND {name}.n > -9)"
            ));
            recursive = "RECURSIVE ";
            self.common.push((
                name,
                [("n", Holds::Int), ("m", Holds::Int)].map(|(name, holds)| seen("", name, holds)).to_vec(),
            ));
        }
        let (sql, _) = self.query(2, &[]);
        if with.is_empty() { sql } else { format!("WITH {recursive}{} {sql}", with.join(", ")) }
    }

    pub(crate) fn alias(&mut self, stem: &str) -> String {
        self.aliases += 1;
        format!("{stem}{}", self.aliases)
    }

    /// A query that sees `outer`.
    pub(crate) fn query(&mut self, depth: usize, outer: &[Seen]) -> Query {
        if depth > 0 && self.one_in(6) {
            return self.set_operation(depth - 1);
        }
        self.select(depth, outer)
    }

    fn set_operation(&mut self, depth: usize) -> Query {
        let kinds: Vec<Kind> = (0..self.chance.random_range(1..3)).map(|_| self.kind()).collect();
        let operation = ["UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"];
        let operation = *operation.choose(&mut self.chance).unwrap_or(&"UNION");
        let arms: Vec<String> = (0..2).map(|_| self.select_of(&kinds, depth)).collect();
        let columns = kinds.iter().enumerate().map(|(at, kind)| seen("", &format!("c{at}"), kind.holds()));
        (arms.join(&format!(" {operation} ")), columns.collect())
    }

    /// A plain selection with columns of these kinds.
    fn select_of(&mut self, kinds: &[Kind], depth: usize) -> String {
        let (from, sight) = self.from(depth);
        let columns: Vec<String> = kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| format!("{} AS c{at}", self.expression(*kind, &sight, 2)))
            .collect();
        let condition = self.condition_or_none(&sight, depth, &[]);
        format!("SELECT {} FROM {from}{condition}", columns.join(", "))
    }

    fn select(&mut self, depth: usize, outer: &[Seen]) -> Query {
        let (from, sight) = self.from(depth);
        let condition = self.condition_or_none(&sight, depth, outer);
        if self.one_in(3) {
            return self.grouped(&from, &condition, &sight);
        }
        let count = self.chance.random_range(1..4);
        let mut columns = Vec::new();
        let mut names = Vec::new();
        for at in 0..count {
            let kind = self.kind();
            let expression = match self.chance.random_range(0..8) {
                0 => self.window(&sight),
                1 if depth > 0 => self.scalar_subquery(&sight, depth - 1),
                _ => self.expression(kind, &sight, 2),
            };
            // A window or a subquery gives an integer.
            let holds = if expression.starts_with('\u{1}') { Holds::Int } else { kind.holds() };
            columns.push(format!("{} AS c{at}", expression.trim_start_matches('\u{1}')));
            names.push(seen("", &format!("c{at}"), holds));
        }
        let distinct = if self.one_in(6) { "DISTINCT " } else { "" };
        let limit = if self.one_in(6) {
            let every: Vec<String> = (1..=count).map(|at| at.to_string()).collect();
            format!(" ORDER BY {} LIMIT {}", every.join(", "), self.chance.random_range(1..6))
        } else {
            String::new()
        };
        (format!("SELECT {distinct}{} FROM {from}{condition}{limit}", columns.join(", ")), names)
    }

    fn grouped(&mut self, from: &str, condition: &str, sight: &[Seen]) -> Query {
        let keys: Vec<(String, Kind)> = (0..self.chance.random_range(0..3))
            .map(|_| {
                let kind = self.kind();
                (self.expression(kind, sight, 1), kind)
            })
            .collect();
        let mut columns: Vec<String> = Vec::new();
        let mut names = Vec::new();
        for (key, kind) in &keys {
            names.push(seen("", &format!("c{}", columns.len()), kind.holds()));
            columns.push(format!("{key} AS c{}", columns.len()));
        }
        for _ in 0..self.chance.random_range(1..3) {
            let (aggregate, holds) = self.aggregate(sight);
            names.push(seen("", &format!("c{}", columns.len()), holds));
            columns.push(format!("{aggregate} AS c{}", columns.len()));
        }
        let listed = keys.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>().join(", ");
        let by = match (keys.len(), self.chance.random_range(0..6)) {
            (0, _) => String::new(),
            (_, 0) => format!(" GROUP BY ROLLUP ({listed})"),
            (_, 1) => format!(" GROUP BY CUBE ({listed})"),
            (2, 2) => format!(" GROUP BY GROUPING SETS (({listed}), ({}))", keys[1].0),
            _ => format!(" GROUP BY {listed}"),
        };
        let having = if self.one_in(4) {
            let (aggregate, holds) = self.aggregate(sight);
            let against = if holds == Holds::Text { "'q'" } else { "1" };
            format!(" HAVING {aggregate} >= {against}")
        } else {
            String::new()
        };
        (format!("SELECT {} FROM {from}{condition}{by}{having}", columns.join(", ")), names)
    }

    fn condition_or_none(&mut self, sight: &[Seen], depth: usize, outer: &[Seen]) -> String {
        let correlated = if outer.is_empty() { None } else { self.equality(sight, outer) };
        let own = self.one_in(2).then(|| self.condition(sight, depth));
        let all: Vec<String> = correlated.into_iter().chain(own).collect();
        if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
    }

    /// A column of one equals a column of the other.
    pub(crate) fn equality(&mut self, one: &[Seen], other: &[Seen]) -> Option<String> {
        let holds = if self.one_in(3) { Holds::Text } else { Holds::Int };
        let pick = |of: &[Seen], chance: &mut ChaCha8Rng| {
            let fit: Vec<&Seen> = of.iter().filter(|seen| seen.holds == holds).collect();
            fit.choose(chance).map(|seen| seen.name.clone())
        };
        Some(format!("{} = {}", pick(one, &mut self.chance)?, pick(other, &mut self.chance)?))
    }

    /// Relations, and the columns they show.
    fn from(&mut self, depth: usize) -> (String, Vec<Seen>) {
        let (mut from, mut sight) = self.relation(depth);
        while self.left > 0 && self.one_in(3) {
            self.left -= 1;
            let is_lateral = depth > 0 && self.one_in(4);
            let has_list = sight.iter().find(|seen| seen.holds == Holds::List).map(|seen| seen.name.clone());
            if let (Some(list), true) = (has_list, self.one_in(3)) {
                let name = self.alias("e");
                from = format!("{from} CROSS JOIN UNNEST({list}) AS {name}(k)");
                sight.push(seen(&name, "k", Holds::Int));
                continue;
            }
            if is_lateral {
                let (sql, columns) = self.select(0, &sight);
                let name = self.alias("y");
                from = format!("{from} CROSS JOIN LATERAL ({sql}) AS {name}");
                sight.extend(columns.iter().map(|column| seen(&name, &column.name, column.holds)));
                continue;
            }
            let (right, columns) = self.relation(depth);
            let on = self.equality(&sight, &columns).unwrap_or_else(|| "true".to_owned());
            let mut both = sight.clone();
            both.extend(columns.iter().cloned());
            let on = if self.one_in(4) { format!("{on} AND {}", self.condition(&both, 0)) } else { on };
            let joins = ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT SEMI JOIN", "LEFT ANTI JOIN"];
            let join = *joins.choose(&mut self.chance).unwrap_or(&"JOIN");
            from = format!("{from} {join} {right} ON {on}");
            if !join.contains("SEMI") && !join.contains("ANTI") {
                sight = both;
            }
        }
        (from, sight)
    }

    fn relation(&mut self, depth: usize) -> (String, Vec<Seen>) {
        if depth > 0 && self.left > 0 && self.one_in(4) {
            self.left -= 1;
            let (sql, columns) = self.query(depth - 1, &[]);
            let name = self.alias("d");
            let columns = columns.iter().map(|column| seen(&name, &column.name, column.holds)).collect();
            return (format!("({sql}) AS {name}"), columns);
        }
        if !self.common.is_empty() && self.one_in(2) {
            let (table, columns) = self.common.choose(&mut self.chance).cloned().unwrap_or_default();
            let name = self.alias("k");
            let columns = columns.iter().map(|column| seen(&name, &column.name, column.holds)).collect();
            return (format!("{table} AS {name}"), columns);
        }
        let name = TABLES.choose(&mut self.chance).map_or("t", |(name, _)| *name);
        let alias = self.alias(name);
        (format!("{name} AS {alias}"), table(name, &alias))
    }

    pub(crate) fn kind(&mut self) -> Kind {
        if self.one_in(3) { Kind::Text } else { Kind::Int }
    }
}

/// The columns of a table under an alias.
pub(crate) fn table(name: &str, alias: &str) -> Vec<Seen> {
    let columns = TABLES.iter().find(|(table, _)| *table == name).map_or(&[] as &[_], |(_, columns)| *columns);
    columns.iter().map(|(column, holds)| seen(alias, column, *holds)).collect()
}

fn seen(alias: &str, name: &str, holds: Holds) -> Seen {
    Seen { name: if alias.is_empty() { name.to_owned() } else { format!("{alias}.{name}") }, holds }
}
