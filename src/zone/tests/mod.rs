//! The zone as a whole: names and what stands there, sizes, and what changes lead to.

mod changes;
mod names;
mod sizes;
pub(super) mod world;
