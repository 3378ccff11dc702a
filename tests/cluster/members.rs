//! Who is a member, step by step as Pods and Services come, change and go. After each step DNS says what the API says.

use crate::control_plane::ControlPlane;
use crate::scene::{ENDPOINTS, SLICES, Scene};
use crate::workload::Namespace;
use serde_json::json;

fn follow_members(watch: &str) {
    let plane = ControlPlane::shared();
    let name = format!("members-{watch}");
    let kubeconfig = plane.kubeconfig_with(&format!("{name}-reader"), &[&format!("{watch}.yaml")]);
    let namespace = Namespace::create(plane, &name);
    let scene = Scene::start(namespace, &kubeconfig, watch);
    scene.comes_to("nothing yet", &[], &[]);

    namespace.service("myapp", &json!({}));
    namespace.pod("myapp", "a", None);
    scene.comes_to("a is scheduled", &[], &[]);
    namespace.run("a", &["10.0.0.1"], false);
    scene.comes_to("a runs", &[], &[]);
    namespace.set_ready("a", true);
    scene.comes_to("a is ready", &["10.0.0.1"], &[]);
    namespace.ready_pod("myapp", "b", &["10.0.0.2"]);
    scene.comes_to("b is ready", &["10.0.0.1", "10.0.0.2"], &[]);
    namespace.set_ready("a", false);
    scene.comes_to("a is not ready", &["10.0.0.2"], &[]);
    namespace.set_ready("a", true);
    scene.comes_to("a is ready again", &["10.0.0.1", "10.0.0.2"], &[]);
    namespace.terminate("a");
    scene.comes_to("a terminates", &["10.0.0.2"], &[]);
    namespace.finish("a");
    scene.comes_to("a is gone", &["10.0.0.2"], &[]);

    namespace.label_service("myapp", &json!({"app": "other"}));
    scene.comes_to("the Service has another label", &[], &[]);
    namespace.label_service("myapp", &json!({"app": "myapp"}));
    scene.comes_to("the Service has its label again", &["10.0.0.2"], &[]);

    namespace.service("second", &json!({}));
    namespace.ready_pod("second", "c", &["10.0.0.3"]);
    scene.comes_to("a second Service has the label", &["10.0.0.2", "10.0.0.3"], &[]);
    namespace.api.delete(&namespace.path("services", "second"));
    scene.comes_to("the second Service is gone", &["10.0.0.2"], &[]);
    let ended = json!({"phase": "Succeeded", "conditions": [{"type": "Ready", "status": "False"}]});
    namespace.patch_status("b", &ended);
    scene.comes_to("b has ended", &[], &[]);
    namespace.ready_pod("myapp", "d", &["10.0.0.4"]);
    scene.comes_to("d is ready", &["10.0.0.4"], &[]);
    namespace.api.delete(&namespace.path("services", "myapp"));
    scene.comes_to("the Service is gone", &[], &[]);
}

#[test]
fn members_by_slices() {
    follow_members(SLICES);
}

#[test]
fn members_by_endpoints() {
    follow_members(ENDPOINTS);
}

fn follow_families(watch: &str) {
    let plane = ControlPlane::shared();
    let name = format!("families-{watch}");
    let kubeconfig = plane.kubeconfig_with(&format!("{name}-reader"), &[&format!("{watch}.yaml")]);
    let namespace = Namespace::create(plane, &name);
    let scene = Scene::start(namespace, &kubeconfig, watch);

    namespace.service("myapp", &json!({"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]}));
    namespace.ready_pod("myapp", "a", &["10.0.0.1", "fd00::1"]);
    namespace.ready_pod("myapp", "b", &["10.0.0.2", "fd00::2"]);
    scene.comes_to("IPv4 alone", &["10.0.0.1", "10.0.0.2"], &[]);

    let service = namespace.path("services", "myapp");
    let both = json!({"spec": {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4", "IPv6"]}});
    namespace.api.patch(&service, &both);
    scene.comes_to("both", &["10.0.0.1", "10.0.0.2"], &["fd00::1", "fd00::2"]);
    namespace.set_ready("a", false);
    scene.comes_to("a is not ready", &["10.0.0.2"], &["fd00::2"]);
    namespace.set_ready("a", true);
    scene.comes_to("a is ready again", &["10.0.0.1", "10.0.0.2"], &["fd00::1", "fd00::2"]);

    let one = json!({"spec": {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]}});
    namespace.api.patch(&service, &one);
    scene.comes_to("IPv4 alone again", &["10.0.0.1", "10.0.0.2"], &[]);

    namespace.api.delete(&service);
    scene.comes_to("no Service", &[], &[]);
    namespace.service("myapp", &json!({"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"]}));
    scene.comes_to("IPv6 alone", &[], &["fd00::1", "fd00::2"]);
}

#[test]
fn families_by_slices() {
    follow_families(SLICES);
}

#[test]
fn families_by_endpoints() {
    follow_families(ENDPOINTS);
}
