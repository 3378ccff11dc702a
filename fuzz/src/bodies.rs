//! Any octets as the body of a list or a watch of the Kubernetes API, in pieces of any size: what comes out does not
//! depend on where it was cut.
//!
//! The first octet says what is read of which kind, the second how large the pieces are.

use rosterd::roster::ObjectKind;
use rosterd::source::kubernetes::bodies::{self, Encoding::Json};

/// Reads an input.
pub fn check(input: &[u8]) {
    let [how, size, body @ ..] = input else { return };
    let kind = [ObjectKind::EndpointSlice, ObjectKind::Endpoints, ObjectKind::Pod][usize::from(how >> 1) % 3];
    let pieces = || body.chunks(usize::from(*size).max(1));
    if how & 1 == 0 {
        let [whole, cut] = [bodies::list(Json, kind, [body]), bodies::list(Json, kind, pieces())];
        assert_eq!(whole, cut);
    } else {
        let [whole, cut] = [bodies::watch(Json, kind, [body]), bodies::watch(Json, kind, pieces())];
        assert_eq!(whole, cut);
        // One line holds one event at most.
        assert!(whole.len() < body.split(|octet| *octet == b'\n').count());
    }
}
