//! What is saved, and how it is written.

use super::form::{DIGEST, Form, sha256};
use super::object::put_key;
use super::objects::Objects;
use super::octets::Put;
use crate::roster::{Gives, ObjectKey, Scope};
use crate::source::kubernetes::WatchPlan;
use std::io::{self, Write};

/// A file of state.
pub(super) const STATE: Form = Form { file: super::FILE, magic: *b"rosterd\n", version: 1 };

/// What tells settings apart: those of two equal ones are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fingerprint(pub(super) [u8; DIGEST]);

impl Fingerprint {
    /// That of a text.
    pub fn of(text: &str) -> Fingerprint {
        Fingerprint(sha256(text.as_bytes()))
    }

    /// That of these settings together with something else.
    #[must_use]
    pub fn and(self, text: &str) -> Fingerprint {
        Fingerprint(sha256(&[&self.0, text.as_bytes()].concat()))
    }
}

/// All that is saved, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// Where the objects come from, in words: another cluster's are not served.
    pub origin: String,
    /// What zones are made with: the same objects give the same records only with the same settings.
    pub settings: Fingerprint,
    /// The serial of each zone, by its apex.
    pub serials: Vec<(Box<str>, u32)>,
    pub(super) watches: Vec<ImageWatch>,
}

/// What a watch has delivered.
#[derive(Debug, Clone)]
pub(super) struct ImageWatch {
    pub(super) plan: WatchPlan,
    pub(super) revision: Option<u64>,
    /// When that was last current: Unix time in seconds.
    pub(super) current: u64,
    pub(super) objects: Objects,
}

impl Image {
    /// How many objects there are.
    pub fn objects(&self) -> usize {
        self.watches.iter().map(|watch| watch.objects.len()).sum()
    }

    /// Writes the body.
    pub(super) fn write_body(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut put = Put::default();
        put.text(&self.origin);
        put.0.extend_from_slice(&self.settings.0);
        put.count(self.serials.len());
        for (apex, serial) in &self.serials {
            put.text(apex);
            put.number(u64::from(*serial));
        }
        put.count(self.watches.len());
        to.write_all(&put.0)?;
        for ImageWatch { plan, revision, current, objects } in &self.watches {
            put.0.clear();
            let WatchPlan { resource, scope, selector, gives } = plan;
            let namespace = match scope {
                Scope::All => None,
                Scope::Namespace(name) => Some(&**name),
            };
            // A plan is written as a key is: its kind first. It has no name.
            put_key(
                &mut put,
                &ObjectKey {
                    kind: *resource,
                    namespace: namespace.unwrap_or_default().into(),
                    name: "".into(),
                },
            );
            put.octet(u8::from(namespace.is_some()));
            put.optional_text(selector.as_deref());
            put.octet(u8::from(*gives == Gives::Addresses));
            put.octet(u8::from(revision.is_some()));
            put.number(revision.unwrap_or_default());
            put.number(*current);
            put.count(objects.len());
            to.write_all(&put.0)?;
            for octets in objects.iter() {
                to.write_all(octets)?;
            }
        }
        Ok(())
    }
}
