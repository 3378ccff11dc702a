//! How it looks, and how it is read aloud.

use crate::driver::Browser;
use crate::scene::{MANIFEST, Scene};
use serde_json::{Value, json};

/// Names as long as Kubernetes allows: nothing may push the page apart.
fn long_names() -> String {
    let (set, namespace) = ("s".repeat(63), "n".repeat(63));
    MANIFEST
        .replace("kubernetes.io/service-name: web", &format!("kubernetes.io/service-name: {set}"))
        .replace("namespace: default", &format!("namespace: {namespace}"))
}

const PATHS: [&str; 5] = ["/", "/sets", "/explain", "/explain?name=10.0.0.1", "/sets/default/none"];

#[test]
fn on_a_phone_nothing_stands_beside_the_screen() {
    for manifest in [MANIFEST.to_owned(), long_names()] {
        let scene = Scene::of(&manifest, "[server]");
        let browser = Browser::start(500, 900);
        let phone = json!({ "width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": true });
        browser.devtools("Emulation.setDeviceMetricsOverride", &phone);
        browser.open(&format!("http://{}/", scene.api));
        let set = browser.run("return document.querySelector('tbody th a').pathname");
        let set = set.as_str().unwrap().to_owned();
        for path in PATHS.into_iter().chain([set.as_str()]) {
            browser.open(&format!("http://{}{path}", scene.api));
            let widths = browser.run("return [document.documentElement.scrollWidth, window.innerWidth]");
            assert!(widths[0].as_u64() <= Some(360) && widths[1] == 360, "{path}: {widths}");
        }
        // A cell says what it is of.
        let label =
            browser.run("return getComputedStyle(document.querySelector('tbody td'), '::before').content");
        assert_eq!(label, "\"State\"");
    }
}

#[test]
fn everything_has_a_role_and_a_name() {
    let scene = Scene::new();
    for width in [1280, 360] {
        let browser = Browser::start(width.max(500), 900);
        let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500 });
        browser.devtools("Emulation.setDeviceMetricsOverride", &screen);
        browser.open(&format!("http://{}/", scene.api));
        let tree = browser.devtools("Accessibility.getFullAXTree", &json!({}));
        let nodes: Vec<&Value> =
            tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] == false).collect();
        let name = |node: &Value| node["name"]["value"].as_str().unwrap_or_default().to_owned();
        let of_role = |role: &str| -> Vec<String> {
            nodes.iter().filter(|node| node["role"]["value"] == role).map(|node| name(node)).collect()
        };
        for role in ["banner", "main", "contentinfo", "search"] {
            assert_eq!(of_role(role).len(), 1, "{role} at {width}");
        }
        assert_eq!(of_role("navigation"), ["Pages", "For programs"]);
        assert_eq!(of_role("RootWebArea").len(), 1);
        assert!(of_role("RootWebArea")[0].starts_with("Overview · rosterd"));
        assert!(!of_role("status").is_empty());
        assert!(of_role("columnheader").contains(&"State".to_owned()) || width < 500);
        assert!(
            of_role("rowheader").iter().any(|name| name.contains("web")),
            "{:?} at {width}",
            of_role("rowheader")
        );
        for role in
            ["link", "button", "textbox", "searchbox", "checkbox", "table", "image", "heading", "region"]
        {
            for name in of_role(role) {
                assert!(!name.trim().is_empty(), "a {role} without a name at {width}");
            }
        }
        assert!(of_role("table").len() >= 3, "{:?} at {width}", of_role("table"));
        let headings = browser.run("return [...document.querySelectorAll('h1,h2,h3')].map((h) => h.tagName)");
        let headings = headings.as_array().unwrap();
        assert_eq!(headings.iter().filter(|heading| **heading == json!("H1")).count(), 1);
        assert_eq!(headings[0], "H1");
    }
}

/// WCAG 2.2, 1.4.3: the contrast of text is 4.5:1 at least. Each text against the nearest ground that is painted.
const CONTRASTS: &str = "
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const rgb = (color) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = rgb(getComputedStyle(at).backgroundColor);
    if (color[3] === 255) return color;
  }
  return [255, 255, 255];
};
const faults = [];
let seen = 0;
for (const element of document.querySelectorAll('body *')) {
  const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.nodeValue.trim());
  if (!says || !element.offsetParent) continue;
  seen += 1;
  const [one, other] = [light(rgb(getComputedStyle(element).color)), light(ground(element))];
  const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (contrast < 4.5) faults.push(`${contrast.toFixed(2)} ${element.outerHTML.slice(0, 90)}`);
}
return [seen, faults];";

#[test]
fn text_can_be_read_in_light_and_in_darkness() {
    let scene = Scene::new();
    let browser = Browser::start(1280, 900);
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        browser.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
        for path in PATHS.into_iter().chain(["/sets/default/web"]) {
            browser.open(&format!("http://{}{path}", scene.api));
            let found = browser.run(CONTRASTS);
            assert!(found[0].as_u64() > Some(10), "{found}");
            assert_eq!(found[1], json!([]), "{scheme} {path}");
        }
        grounds.push(browser.run("return getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(grounds[0], grounds[1]);
}

#[test]
fn who_wants_no_motion_sees_none() {
    let scene = Scene::new();
    let browser = Browser::start(1280, 900);
    let changed = "const cell = document.querySelector('tbody td'); cell.className = 'changed'; \
                   return getComputedStyle(cell).animationName";
    for (wants, animation) in [("no-preference", "changed"), ("reduce", "none")] {
        let features = json!([{ "name": "prefers-reduced-motion", "value": wants }]);
        browser.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
        browser.open(&format!("http://{}/sets", scene.api));
        assert_eq!(browser.run(changed), animation);
    }
}
