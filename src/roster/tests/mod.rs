//! The roster's rules, each on objects small enough to read. `build` makes objects from short texts, `served` follows
//! what a roster tells and checks that each difference fits what was told before.

mod addresses;
mod broken;
mod build;
mod changes;
mod conditions;
mod joining;
mod lists;
mod naming;
mod notices;
mod properties;
mod readiness;
mod served;
mod sets;
mod views;
