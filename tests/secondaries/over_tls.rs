//! Zones over TLS (RFC 9103): NSD and BIND fetch by it, and trust one authority; NOTIFY comes in the clear.

use crate::rosterd::{Rosterd, unused_port};
use crate::servers::{Kind, Secondary};
use crate::zone::serial;
use crate::{PATIENCE, ZONES, manifest, settings, wait_until_equal};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

/// A primary that lets its own host fetch everything, where it listens for TLS, and its certificate's folder.
fn primary(counts: &[u32], port: u16) -> (Rosterd, SocketAddr, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(folder.path().join("tls.crt"), made.cert.pem()).expect("a written file");
    std::fs::write(folder.path().join("tls.key"), made.signing_key.serialize_pem()).expect("a written file");
    let path = folder.path().display();
    let settings = format!(
        "{}listen_tls = ['127.0.0.1:0']\ntls = {{ certificate = '{path}/tls.crt', key = '{path}/tls.key' }}\n",
        settings(&[port], None)
    );
    let mut rosterd = Rosterd::start_on(&manifest(counts), &settings, &["127.0.0.1:0"]);
    let line = rosterd.wait_for_log("(DNS over TLS)");
    let rest = line.split("listening on ").nth(1).and_then(|rest| rest.split(' ').next());
    let tls = rest.and_then(|text| text.parse().ok()).expect("an address");
    (rosterd, tls, folder)
}

/// Follows changes by what `settings` make of those without TLS, given the address that speaks it and the certificate.
fn follows(kind: Kind, settings: impl Fn(String, SocketAddr, &Path) -> String) {
    let port = unused_port();
    let mut counts = vec![3, 40, 0, 300];
    let (mut rosterd, tls, folder) = primary(&counts, port);
    let certificate = folder.path().join("tls.crt");
    let secondary = Secondary::run(kind, port, &[], |folder| {
        settings(kind.settings(folder, port, tls, &ZONES, None), tls, &certificate)
    });
    wait_until_equal(rosterd.ipv4(), &secondary, None);
    for (service, count) in [(0, 5), (3, 299), (2, 7)] {
        counts[service] = count;
        let before = serial(rosterd.ipv4(), ZONES[0]);
        rosterd.replace_manifest(&manifest(&counts));
        let until = Instant::now() + PATIENCE;
        while serial(rosterd.ipv4(), ZONES[0]) == before {
            assert!(Instant::now() < until, "the primary does not follow its manifest");
        }
        wait_until_equal(rosterd.ipv4(), &secondary, None);
    }
    drop(secondary);
    let seen = rosterd.seen().len();
    rosterd.signal(nix::sys::signal::Signal::SIGTERM);
    rosterd.wait_for_log("SIGTERM");
    let log = &rosterd.seen()[seen..];
    let steps = log.iter().filter(|line| line.contains("transferred zone peers.cluster.local.")).count();
    assert!(steps >= 3, "{kind:?} was given what changed {steps} times:\n{}", log.join("\n"));
}

#[test]
fn nsd_follows() {
    follows(Kind::Nsd, |text, tls, certificate| {
        let plain = format!("{}@{} NOKEY\n allow", tls.ip(), tls.port());
        assert!(text.contains(&plain), "{text}");
        text.replace(&plain, &format!("{}@{} NOKEY primary\n allow", tls.ip(), tls.port())).replace(
            "remote-control:",
            &format!(
                " tls-cert-bundle: \"{}\"\ntls-auth:\n name: primary\n auth-domain-name: \"localhost\"\nremote-control:",
                certificate.display()
            ),
        )
    });
}

#[test]
fn bind_follows() {
    follows(Kind::Bind, |text, tls, certificate| {
        let plain = format!("{} port {};", tls.ip(), tls.port());
        assert!(text.contains(&plain), "{text}");
        let text = text.replace(&plain, &format!("{} port {} tls primary;", tls.ip(), tls.port()));
        format!(
            "tls primary {{ ca-file \"{}\"; remote-hostname \"localhost\"; }};\n{text}",
            certificate.display()
        )
    });
}
