//! The zone as a whole: names and what stands there, what is known of them, sizes, and what changes lead to.

mod changes;
mod known;
mod names;
mod sizes;
pub(super) mod world;
