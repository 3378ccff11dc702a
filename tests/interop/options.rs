//! EDNS options as dig and kdig see them: cookies over two replicas with one secret, NSID, keepalive; names in class CH.

use crate::rosterd::Rosterd;
use std::net::SocketAddr;
use std::process::Command;

const NAME: &str = "myapp.default.svc.peers.cluster.local.";

/// A replica whose secrets are these; the first makes cookies.
fn replica(folder: &std::path::Path, secrets: &[&str], settings: &str) -> Rosterd {
    let file = folder.join("cookie-secret");
    std::fs::write(&file, secrets.join("\n")).expect("a written secret");
    let cookies = format!("[server.cookies]\nenabled = true\nsecret_file = \"{}\"\n", file.display());
    Rosterd::start(include_str!("../data/schema.yaml"), &format!("{cookies}{settings}"))
}

fn dig(server: SocketAddr, arguments: &[&str]) -> String {
    run("dig", server, arguments)
}

fn run(program: &str, server: SocketAddr, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .arg(format!("@{}", server.ip()))
        .args(["-p", &server.port().to_string()])
        .args(arguments)
        .output()
        .expect("the program");
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The cookie that dig prints, which it has compared with its own half.
fn good_cookie(text: &str) -> &str {
    let line = text.lines().find_map(|line| line.strip_prefix("; COOKIE: ")).expect(text);
    line.strip_suffix(" (good)").expect(text)
}

#[test]
fn a_cookie_of_one_replica_is_good_at_another() {
    const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";
    const NEXT: &str = "445536bcd2513298075a5d379663c962";
    let folders = [(); 4].map(|()| tempfile::tempdir().expect("a folder"));
    let [one, two, rolling, other] = &folders;
    let require = "require = true\n[server]";
    let one = replica(one.path(), &[SECRET], require);
    let two = replica(two.path(), &[SECRET], require);
    let rolling = replica(rolling.path(), &[NEXT, SECRET], require);
    let other = replica(other.path(), &[NEXT], require);
    // dig comes again by itself with the cookie that BADCOOKIE gave it.
    let learnt = dig(one.ipv4(), &[NAME, "A", "+cookie"]);
    assert!(learnt.contains("status: NOERROR"), "{learnt}");
    let cookie = good_cookie(&learnt);
    let with = format!("+cookie={cookie}");
    for (server, kept) in [(&one, true), (&two, true), (&rolling, false)] {
        let text = dig(server.ipv4(), &[NAME, "A", &with, "+nobadcookie"]);
        assert!(text.contains("status: NOERROR") && text.contains("10.0.0.1"), "{text}");
        assert_eq!(good_cookie(&text) == cookie, kept, "{text}");
    }
    let text = dig(other.ipv4(), &[NAME, "A", &with, "+nobadcookie"]);
    assert!(text.contains("status: BADCOOKIE") && !text.contains("10.0.0.1"), "{text}");
    let text = dig(other.ipv4(), &[NAME, "A", &with]);
    assert!(text.contains("status: NOERROR") && text.contains("10.0.0.1"), "{text}");
    // Over TCP an address is not forged.
    let text = dig(other.ipv4(), &[NAME, "A", &with, "+tcp"]);
    assert!(text.contains("status: NOERROR"), "{text}");
}

#[test]
fn kdig_takes_the_cookies_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = replica(folder.path(), &["e5e973e5a6b2a43f48e7dc849e37bfcf"], "require = true\n[server]");
    let text = run("kdig", server.ipv4(), &[NAME, "A", "+cookie"]);
    assert!(text.contains("NOERROR") && text.contains("10.0.0.1"), "{text}");
}

#[test]
fn the_server_says_who_it_is() {
    let settings = "[server]\nnsid = \"replica-1\"\nidentity = \"replica-1\"\nversion = \"one\"\ntcp.idle_timeout = \"20s\"";
    let server = Rosterd::start(include_str!("../data/schema.yaml"), settings);
    let text = dig(server.ipv4(), &[NAME, "A", "+nsid"]);
    assert!(text.contains("(\"replica-1\")"), "{text}");
    for (name, said) in [("id.server", "replica-1"), ("version.bind", "one")] {
        let text = dig(server.ipv6(), &["CH", "TXT", name, "+norec"]);
        assert!(text.contains(&format!("TXT\t\"{said}\"")), "{text}");
        assert!(text.contains("flags: qr aa;"), "{text}");
    }
    let text = dig(server.ipv4(), &[NAME, "A", "+tcp", "+keepalive"]);
    assert!(text.contains("TCP-KEEPALIVE: 20.0 secs") || text.contains("TCP KEEPALIVE: 20.0 secs"), "{text}");
}

#[test]
fn a_key_that_nobody_knows_is_named_as_such() {
    let server = Rosterd::start(include_str!("../data/schema.yaml"), "[server]");
    let text = dig(server.ipv4(), &[NAME, "A", "-y", "hmac-sha256:nobody.:c2VjcmV0"]);
    assert!(text.contains("status: NOTAUTH") && text.contains("BADKEY"), "{text}");
}
