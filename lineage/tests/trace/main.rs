//! What the columns of statements come from: a test for every rule of nodes, expressions and statements.

mod classes;
mod expressions;
mod extension;
mod functions;
mod lake;
mod nodes;
mod print;
mod queries;
mod statements;
mod traps;
