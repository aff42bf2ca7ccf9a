mod cases;
mod excused;
mod explained;
mod given;
mod oracle;
mod property;
mod table;
mod world;
