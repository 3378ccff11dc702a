//! Octets in, objects out.
