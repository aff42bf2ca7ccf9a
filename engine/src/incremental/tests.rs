//! Folds equal the plain statement, whatever is kept; what is not plainly allowed is refused; and no state outlives its file.

mod folds;
mod kept;
mod lake;
mod meet;
mod refused;
