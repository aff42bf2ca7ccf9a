//! What a generalisation costs: how much of what a table said it no longer says.

/// How the loss of a generalisation is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Non-uniform entropy (de Waal and Willenborg 1999): the bits that it takes to tell which value it was, summed over
    /// rows and columns. Suppressed rows count as generalised ones do, which keeps the loss monotone. ARX: monotonic
    /// non-uniform entropy.
    Entropy,
    /// The same, and the bits that suppression takes from the generalised rows. Not monotone. ARX: non-monotonic
    /// non-uniform entropy.
    EntropyAndSuppression,
    /// Rows that each row cannot be told from, summed; a suppressed one cannot be told from any (Bayardo and Agrawal 2005).
    Discernibility,
    /// The sum of the levels.
    Height,
}
