//! Requests that nobody should make.

use crate::http::{get, raw};
use crate::scene::Scene;

#[test]
fn what_is_no_request_is_refused_or_unanswered_and_the_next_one_is_not() {
    let scene = Scene::new();
    let long = "a".repeat(20_000);
    let with = |headers: &str| format!("GET /live HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    let path = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (request, statuses) in [
        (with(&format!("X: {long}\r\n")), &[431][..]),
        (with(&"X: y\r\n".repeat(200)), &[431]),
        (path(&format!("/{long}")), &[414, 431]),
        (path(&format!("/live?{}", "a".repeat(2_000))), &[414]),
        (path("/../../etc/passwd"), &[404]),
        (path("/api/v1/sets/%2e%2e/%2e%2e"), &[404]),
        (path("/live/"), &[404]),
        (path("//live"), &[404]),
        ("GET http://other.example/live HTTP/1.1\r\nHost: other.example\r\n\r\n".to_owned(), &[421]),
        ("GET /live HTTP/1.1\r\nHost: rebound.example\r\n\r\n".to_owned(), &[421]),
        ("GET /live HTTP/1.1\r\n\r\n".to_owned(), &[421, 400]),
        ("GET /live HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n".to_owned(), &[421, 400]),
        (with("Content-Length: 5\r\n") + "12345", &[413]),
        (with("Transfer-Encoding: chunked\r\n") + "5\r\n12345\r\n0\r\n\r\n", &[413]),
        // RFC 9112 6.3: two lengths are how requests are smuggled.
        (with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", &[400, 413]),
        (with("Content-Length: 5\r\nContent-Length: 6\r\n") + "12345", &[400, 413]),
        (with("Content-Length: -1\r\n"), &[400, 413]),
        ("POST /live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), &[405]),
        ("TRACE /live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), &[405]),
        ("CONNECT localhost:53 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), &[400, 404, 405]),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), &[400, 404, 405]),
        ("GET /live HTTP/3.7\r\nHost: localhost\r\n\r\n".to_owned(), &[400, 505]),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[400, 404, 405, 421, 505]),
        ("\r\n\r\n\r\n\0\u{1}\u{2} not http".to_owned(), &[400]),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0".repeat(100), &[400]),
    ] {
        for address in [scene.probes, scene.api] {
            let shown: String = request.chars().take(80).collect();
            if let Some(answer) = raw(address, request.as_bytes()) {
                assert!(statuses.contains(&answer.status), "{shown:?}: {answer:?}");
            }
            assert_eq!(get(address, "/live").status, 200, "after {shown:?}");
        }
    }
}

#[test]
fn one_request_is_answered_and_what_stands_behind_it_is_not() {
    let scene = Scene::new();
    let two = "GET /live HTTP/1.1\r\nHost: localhost\r\n\r\nGET /config HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = raw(scene.api, two.as_bytes()).unwrap();
    assert!(answer.head.contains("connection: close"), "{}", answer.head);
    assert_eq!(answer.body, "live\n");
}
