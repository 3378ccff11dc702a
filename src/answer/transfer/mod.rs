//! Transfers: who may fetch a zone, what a request for one wants, and the messages that it gets (RFC 5936, RFC 1995).

mod list;
mod messages;
mod names;
mod notify;
mod refusals;
mod request;
#[cfg(test)]
mod tests;

pub use list::{TransferList, TransferRule};
pub use messages::{TransferError, each_message};
pub use notify::{Notified, NotifyAnswer, notify_answer, notify_message};
pub use refusals::{Refusals, Refused, RefusedFor};
pub use request::TransferRequest;
pub(super) use request::{Asking, admit};
