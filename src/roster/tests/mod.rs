//! The roster's rules, each on objects small enough to read. `build` makes objects from short texts, `served` follows
//! what a roster tells and checks that each difference fits what was told before.

mod build;
mod properties;
mod served;
