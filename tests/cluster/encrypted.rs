//! The overlay for encrypted transports: its ports lead from Service to container, and its variables are settings with which
//! the server listens on them by the certificate of the Secret.

use crate::overlays::{deploy, dry_run, named};
use crate::rosterd::Rosterd;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;

/// `number/protocol` by the name of the port.
fn ports(list: &Value, number: &str) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = list.as_array().expect("ports");
    list.iter()
        .map(|port| (text(&port["name"]), format!("{}/{}", port[number], text(&port["protocol"]))))
        .collect()
}

#[test]
fn encrypted_transports_beside_plain_dns() {
    let objects = dry_run(&deploy().join("overlays/encrypted"));
    let pod = &named(&objects, "Deployment", "rosterd")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let service = &named(&objects, "Service", "rosterd")["spec"]["ports"];
    let expected = [
        ("dns", "53/UDP", "5300/UDP"),
        ("dns-https", "443/TCP", "8443/TCP"),
        ("dns-quic", "853/UDP", "8853/UDP"),
        ("dns-tcp", "53/TCP", "5300/TCP"),
        ("dns-tls", "853/TCP", "8853/TCP"),
        ("metrics", "9153/TCP", "9153/TCP"),
    ];
    let map = |of: fn(&(&str, &str, &str)) -> String| -> BTreeMap<String, String> {
        expected.iter().map(|row| (row.0.to_owned(), of(row))).collect()
    };
    assert_eq!(ports(service, "port"), map(|row| row.1.to_owned()));
    assert_eq!(ports(&container["ports"], "containerPort"), map(|row| row.2.to_owned()));
    for port in service.as_array().expect("ports") {
        assert_eq!(port["targetPort"], port["name"]);
    }
    let policy = &named(&objects, "NetworkPolicy", "rosterd")["spec"]["ingress"][0]["ports"];
    let open: Vec<&Value> = policy.as_array().expect("ports").iter().map(|port| &port["port"]).collect();
    assert_eq!(open, ["dns", "dns-tcp", "metrics", "dns-tls", "dns-https", "dns-quic"]);

    let mount =
        container["volumeMounts"].as_array().expect("mounts").iter().find(|mount| mount["name"] == "tls");
    let mount = mount.and_then(|mount| mount["mountPath"].as_str()).expect("a mount");
    let volume = pod["volumes"].as_array().expect("volumes").iter().find(|volume| volume["name"] == "tls");
    assert_eq!(volume.expect("a volume")["secret"]["secretName"], json!("rosterd-tls"));

    // The variables as they are, but for where the files are and which ports are free.
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(["rosterd".to_owned()]).expect("a certificate");
    std::fs::write(folder.path().join("tls.crt"), made.cert.pem()).expect("a written file");
    std::fs::write(folder.path().join("tls.key"), made.signing_key.serialize_pem()).expect("a written file");
    let mut program = Command::new(env!("CARGO_BIN_EXE_rosterd"));
    for variable in container["env"].as_array().expect("variables") {
        let (Some(name), Some(value)) = (variable["name"].as_str(), variable["value"].as_str()) else {
            continue;
        };
        if name.starts_with("ROSTERD__SERVER__LISTEN_") || name.starts_with("ROSTERD__SERVER__TLS__") {
            let value = value.replace(mount, &folder.path().display().to_string());
            program.env(name, value.replace(":8853", ":0").replace(":8443", ":0"));
        }
    }
    let manifest = deploy().join("examples/myapp.yaml");
    let mut rosterd =
        Rosterd::start_by(program, &format!("manifests = ['{}']\n[server]\n", manifest.display()));
    for transport in ["TLS", "HTTPS", "QUIC"] {
        rosterd.wait_for_log(&format!("(DNS over {transport})"));
    }
}
