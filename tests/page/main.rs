//! The status page in a real browser, as people meet it: live, by keyboard, on a phone, read aloud, without a script.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../support/client.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod client;
mod driver;
#[path = "../admin/http.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod http;
mod looks;
#[path = "../support/rosterd.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod rosterd;
#[path = "../admin/scene.rs"]
#[allow(dead_code, reason = "shared with tests that use the rest")]
mod scene;

use driver::{Browser, TAB};
use scene::{MANIFEST, Scene};
use serde_json::json;

/// A name as nobody should have one.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'&";

#[test]
fn what_changes_is_shown_without_a_reload_and_focus_stays() {
    let scene = Scene::new();
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/sets/default/web", scene.api));
    assert!(browser.text().contains("web@10.0.0.1"), "{}", browser.text());
    // The page that is there is the one that is changed.
    browser.run("window.sameDocument = true; document.getElementById('ask').focus()");
    browser.press("my");
    scene.server.replace_manifest(&MANIFEST.replace("10.0.0.1", "10.0.0.9"));
    browser.wait_until("document.body.innerText.includes('web@10.0.0.9')");
    assert!(!browser.text().contains("10.0.0.1"), "{}", browser.text());
    let state = browser
        .run("return [window.sameDocument, document.activeElement.id, document.getElementById('ask').value]");
    assert_eq!(state, json!([true, "ask", "my"]));
    // A set that is gone, and comes back, is the same page too.
    scene.server.replace_manifest(&MANIFEST.replace("namespace: default", "namespace: elsewhere"));
    browser.wait_until("document.body.innerText.includes('There is no such set')");
    scene.server.replace_manifest(MANIFEST);
    browser.wait_until("document.body.innerText.includes('web@10.0.0.1')");
    assert_eq!(browser.run("return window.sameDocument"), json!(true));
}

#[test]
fn who_pauses_it_reads_in_peace_and_who_loses_the_server_is_told() {
    let mut scene = Scene::new();
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/", scene.api));
    browser.run("document.getElementById('pause').click()");
    browser.wait_until("document.getElementById('live').textContent === 'Paused.'");
    let shown = browser.run("return document.getElementById('asof').textContent");
    browser.run("document.getElementById('pause').click()");
    // It goes on from there.
    browser.wait_until(&format!("document.getElementById('asof').textContent !== {shown}"));
    scene.server.kill();
    browser.wait_until("document.getElementById('live').textContent.includes('does not answer')");
    assert!(browser.text().contains("default/web"), "what was shown stays");
}

#[test]
fn without_a_script_all_is_there_to_read() {
    let scene = Scene::new();
    let browser = Browser::start(1280, 900);
    browser.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    browser.open(&format!("http://{}/", scene.api));
    for text in ["Ready", "default/web", "other/db", "peers.cluster.local.", "Reload the page"] {
        assert!(browser.text().contains(text), "{text}: {}", browser.text());
    }
    browser.open(&format!("http://{}/sets/default/web", scene.api));
    for text in ["web@10.0.0.1", "10.0.0.2", "it serves but is not ready", "it is not ready"] {
        assert!(browser.text().contains(text), "{text}: {}", browser.text());
    }
    // A form as people send it.
    browser.open(&format!("http://{}/", scene.api));
    browser.run(
        "document.getElementById('ask').value = '10.0.0.3'; document.querySelector('header form').submit()",
    );
    browser.wait_until("document.body.innerText.includes('not ready') && location.pathname === '/explain'");
    assert!(browser.text().contains("default/web"), "{}", browser.text());
}

#[test]
fn names_of_others_are_text() {
    let quoted = serde_json::to_string(HOSTILE).unwrap();
    let manifest = MANIFEST.replace("name: web-1", &format!("name: {quoted}")).replace(
        "{addresses: [10.0.0.1]",
        &format!("{{addresses: [10.0.0.1], nodeName: {quoted}, zone: {quoted}"),
    );
    let scene = Scene::of(&manifest, "[server]");
    let browser = Browser::start(1280, 900);
    for path in
        ["/", "/sets/default/web", "/explain?name=10.0.0.1", "/sets?text=%3Cscript%3Ealert(1)%3C%2Fscript%3E"]
    {
        browser.open(&format!("http://{}{path}", scene.api));
        // Twice: as it came, and as the script took it over.
        let before = browser.run("return document.getElementById('asof').textContent");
        browser.wait_until(&format!("document.getElementById('asof').textContent !== {before}"));
        assert_eq!(
            browser.run("return document.images.length + document.querySelectorAll('main script').length"),
            0
        );
    }
    browser.open(&format!("http://{}/sets/default/web", scene.api));
    assert!(browser.text().contains(HOSTILE), "{}", browser.text());
    // Not a word of a script that was refused, or of an alert.
    assert_eq!(browser.complaints(), [] as [String; 0]);
}

#[test]
fn the_keyboard_reaches_everything_in_order() {
    let scene = Scene::new();
    let browser = Browser::start(1280, 900);
    browser.open(&format!("http://{}/", scene.api));
    let mut reached = Vec::new();
    for _ in 0..24 {
        browser.press(TAB);
        let focused = "const e = document.activeElement; \
                       const s = getComputedStyle(e); \
                       const name = e === document.body ? 'BODY' : e.innerText || e.getAttribute('name') || e.tagName; \
                       return [name, s.outlineStyle !== 'none']";
        let focused = browser.run(focused);
        let name = focused[0].as_str().unwrap().to_owned();
        if name == "BODY" {
            break;
        }
        assert_eq!(focused[1], true, "{name} has no visible focus");
        reached.push(name);
    }
    let place = |name: &str| {
        let place = reached.iter().position(|reached| reached == name);
        place.unwrap_or_else(|| panic!("{name} was not reached: {reached:?}"))
    };
    assert_eq!(place("Skip to the content"), 0);
    let order =
        ["rosterd", "Overview", "name", "text", "troubled", "default/web", "other/db", "Pause", "Metrics"];
    let places: Vec<usize> = order.map(place).to_vec();
    assert!(places.is_sorted(), "{reached:?}");
    // The skip link leads to the content.
    browser.open(&format!("http://{}/", scene.api));
    browser.press(&format!("{TAB}\u{e007}{TAB}"));
    let focused = browser.run("return document.getElementById('main').contains(document.activeElement)");
    assert_eq!(focused, true);
}
