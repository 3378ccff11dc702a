//! The way to the API server: from the pod around, or from a kubeconfig.
//!
//! Credentials are kube's: token files and, in a cluster, the CA file are read again about once a minute, exec plugins
//! run again when what they gave expires. Knows nothing of what is asked.

use super::transport::credentials;
use http::{HeaderValue, Uri};
use kube::client::AuthError;
use kube::config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a connection may take to stand. kube's own 30 s are as long as the longest pause between attempts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the API server is, and how to prove who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// Of the cluster that this program runs in, by the addresses in its environment and its service account.
    InCluster,
    /// As a kubeconfig says.
    Kubeconfig {
        /// The file; those in `KUBECONFIG`, else `~/.kube/config`, where none is named.
        path: Option<PathBuf>,
        /// The context; the file's current one where none is named.
        context: Option<String>,
    },
}

/// Why there is no way to the API server. Nothing has been asked of it yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The environment does not say where the API server is.
    #[error(
        "cannot reach the Kubernetes API from here: {0}; a pod has KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT in \
         its environment, elsewhere name a kubeconfig with --kubeconfig"
    )]
    Environment(String),
    /// There are no credentials of a service account.
    #[error(
        "cannot reach the Kubernetes API from here: there is no service account ({0}); the pod must not set \
         automountServiceAccountToken: false"
    )]
    ServiceAccount(String),
    /// The kubeconfig cannot be read.
    #[error("cannot read the kubeconfig {}: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// No kubeconfig is named, and there is no home to look in.
    #[error("there is no kubeconfig: name one with --kubeconfig, or in KUBECONFIG")]
    NoKubeconfig,
    /// The kubeconfig is not one.
    #[error("{origin} is not a kubeconfig: {reason}")]
    Malformed {
        /// The file, or `the kubeconfig`.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// The kubeconfig has no context of this name.
    #[error("{origin} has no context {context:?}: {}", known_contexts(.known))]
    UnknownContext {
        /// The file, or `the kubeconfig`.
        origin: String,
        /// The context that was asked for.
        context: String,
        /// Those that there are, in the file's order.
        known: Vec<String>,
    },
    /// The kubeconfig does not say which of its contexts is meant.
    #[error("{origin} {}", no_current_context(.known))]
    NoContext {
        /// The file, or `the kubeconfig`.
        origin: String,
        /// Those that there are, in the file's order.
        known: Vec<String>,
    },
    /// The API server's address is no URL.
    #[error("the server {0} of the cluster must begin with https:// or http://")]
    Server(String),
    /// The proxy that stands between speaks none of the known protocols.
    #[error("the proxy {0} of the API server must begin with http://, https:// or socks5://")]
    Proxy(String),
    /// Certificates, tokens or an exec plugin are missing or wrong.
    #[error("cannot use the credentials for the Kubernetes API: {0}")]
    Credentials(String),
}

impl Connection {
    /// A client of the API server, and where that is, for people. Opens no connection yet, but reads files, and runs an
    /// exec plugin.
    ///
    /// Works within a runtime, on which its connections live.
    pub async fn client(&self) -> Result<(Client, String), ConnectError> {
        let mut config = match self {
            // Not by `kubernetes.default.svc`: this may be the server that the cluster asks for that name. And not by a
            // kubeconfig that happens to lie about.
            Connection::InCluster => Config::incluster_env().map_err(|error| in_cluster(&error))?,
            Connection::Kubeconfig { path, context } => {
                from_kubeconfig(path.as_deref(), context.as_deref()).await?
            }
        };
        usable(&config)?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // Watches have their own back-off, which knows what has been asked for. Two would multiply.
        config.default_retry = false;
        config.disable_compression = true;
        let server = address(&config.cluster_url);
        let client = Client::try_from(config).map_err(|error| no_client(error, self))?;
        Ok((client, server))
    }
}

/// Finds what kube's client would panic at: an address that is no URL of the web, a token that is no header.
fn usable(config: &Config) -> Result<(), ConnectError> {
    if !matches!(config.cluster_url.scheme_str(), Some("http" | "https")) {
        // Without what may be a password.
        let host = config.cluster_url.host().unwrap_or_default().to_owned();
        return Err(ConnectError::Server(host));
    }
    let token = config.auth_info.token.as_ref().map(|token| HeaderValue::from_str(token.expose_secret()));
    match token {
        Some(Err(error)) => {
            Err(ConnectError::Credentials(credentials(&AuthError::InvalidBearerToken(error))))
        }
        _ => Ok(()),
    }
}

/// Where the API server is, without what may be a password. The path tells clusters behind one gateway apart.
fn address(url: &Uri) -> String {
    let scheme = url.scheme_str().unwrap_or("https");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    format!("{scheme}://{}{port}{path}", url.host().unwrap_or_default())
}

async fn from_kubeconfig(path: Option<&Path>, context: Option<&str>) -> Result<Config, ConnectError> {
    let origin = path.map_or_else(|| "the kubeconfig".to_owned(), |path| path.display().to_string());
    let read = path.map_or_else(Kubeconfig::read, Kubeconfig::read_from);
    let kubeconfig = read.map_err(|error| unusable(error, &origin))?;
    let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let wanted = context.or(kubeconfig.current_context.as_deref()).filter(|name| !name.is_empty());
    let Some(wanted) = wanted.map(str::to_owned) else {
        return Err(ConnectError::NoContext { origin, known });
    };
    if !known.contains(&wanted) {
        return Err(ConnectError::UnknownContext { origin, context: wanted, known });
    }
    if let Some(user) = unknown_user(&kubeconfig, &wanted) {
        // kube would ask without credentials.
        let reason = format!("the user {user:?} of its context {wanted:?} is missing");
        return Err(ConnectError::Malformed { origin, reason });
    }
    let ca_file = ca_file(&kubeconfig, &wanted);
    let options = KubeConfigOptions { context: Some(wanted), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let mut config = config.map_err(|error| unusable(error, &origin))?;
    config.root_cert_file = ca_file;
    Ok(config)
}

/// The user that the context names, where there is none of that name.
fn unknown_user<'a>(kubeconfig: &'a Kubeconfig, context: &str) -> Option<&'a str> {
    let context = kubeconfig.contexts.iter().find(|named| named.name == context)?.context.as_ref()?;
    let user = context.user.as_deref().filter(|user| !user.is_empty())?;
    kubeconfig.auth_infos.iter().all(|named| named.name != user).then_some(user)
}

/// The file with the certificates that the context's cluster is known by: a file is read again when it is replaced, data
/// in the kubeconfig, which goes before, is not.
fn ca_file(kubeconfig: &Kubeconfig, context: &str) -> Option<PathBuf> {
    let context = kubeconfig.contexts.iter().find(|named| named.name == context)?.context.as_ref()?;
    let cluster = kubeconfig.clusters.iter().find(|named| named.name == context.cluster)?.cluster.as_ref()?;
    let data = cluster.certificate_authority_data.as_ref().filter(|data| !data.is_empty());
    let file = cluster.certificate_authority.as_ref().filter(|_| data.is_none());
    file.filter(|file| !file.is_empty()).map(PathBuf::from)
}

fn in_cluster(error: &InClusterError) -> ConnectError {
    match error {
        InClusterError::ReadDefaultNamespace(_) | InClusterError::ReadCertificateBundle(_) => {
            ConnectError::ServiceAccount(error.to_string())
        }
        InClusterError::ParseCertificates(_) => ConnectError::Credentials(error.to_string()),
        _ => ConnectError::Environment(error.to_string()),
    }
}

fn unusable(error: KubeconfigError, origin: &str) -> ConnectError {
    match error {
        KubeconfigError::ReadConfig(error, path) => {
            ConnectError::Unreadable { path, reason: error.to_string() }
        }
        KubeconfigError::FindPath => ConnectError::NoKubeconfig,
        KubeconfigError::LoadCertificateAuthority(_)
        | KubeconfigError::LoadClientCertificate(_)
        | KubeconfigError::LoadClientKey(_)
        | KubeconfigError::ParseCertificates(_) => ConnectError::Credentials(error.to_string()),
        // The first line says what and where; those that follow show the file, and with it secrets.
        KubeconfigError::Parse(error) => {
            let words = error.to_string();
            let reason = words.lines().next().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason).to_owned();
            ConnectError::Malformed { origin: origin.to_owned(), reason }
        }
        other => ConnectError::Malformed { origin: origin.to_owned(), reason: other.to_string() },
    }
}

fn no_client(error: kube::Error, connection: &Connection) -> ConnectError {
    use kube::Error as Kube;
    match error {
        Kube::ProxyProtocolDisabled { proxy_url, .. } | Kube::ProxyProtocolUnsupported { proxy_url } => {
            // Without what may be a password.
            ConnectError::Proxy(proxy_url.host().unwrap_or_default().to_owned())
        }
        Kube::Auth(AuthError::ReadTokenFile(..)) if *connection == Connection::InCluster => {
            ConnectError::ServiceAccount(error.to_string())
        }
        Kube::Auth(error) => ConnectError::Credentials(credentials(&error)),
        Kube::InferKubeconfig(error) => unusable(error, "the kubeconfig"),
        other => ConnectError::Credentials(other.to_string()),
    }
}

fn no_current_context(known: &[String]) -> String {
    match known {
        [] => "has no contexts: is it a kubeconfig?".to_owned(),
        known => format!("has no current context: name one with --context: {}", known_contexts(known)),
    }
}

fn known_contexts(known: &[String]) -> String {
    match known {
        [] => "it has none".to_owned(),
        known => format!("it has {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
clusters:
- name: plain
  cluster: {server: 'http://127.0.0.1:1'}
- name: by-file
  cluster: {server: 'https://127.0.0.1:1', certificate-authority: ca.crt}
- name: by-data
  cluster: {server: 'https://127.0.0.1:1', certificate-authority: ca.crt, certificate-authority-data: Cg==}
- name: nowhere
  cluster: {}
- name: bare
  cluster: {server: '127.0.0.1:6443'}
- name: foreign
  cluster: {server: 'ftp://user:secret@host/'}
- name: behind
  cluster: {server: 'http://127.0.0.1:1', proxy-url: 'ftp://user:secret@proxy.example:3128'}
users:
- name: nobody
  user: {}
- name: by-token-file
  user: {tokenFile: none}
- name: by-plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: sh
      args: [-c, 'echo result; echo \"not logged in\" >&2; exit 7']
      interactiveMode: Never
- name: by-broken-token
  user: {token: \"secret\\n\"}
- name: by-nothing
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, interactiveMode: Never}}
- name: by-talk
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: echo, args: [secret], interactiveMode: Never}
contexts:
- {name: good, context: {cluster: plain, user: nobody}}
- {name: file, context: {cluster: by-file, user: nobody}}
- {name: data, context: {cluster: by-data, user: nobody}}
- {name: homeless, context: {cluster: nowhere, user: nobody}}
- {name: proxied, context: {cluster: behind, user: nobody}}
- {name: tokenless, context: {cluster: plain, user: by-token-file}}
- {name: refused, context: {cluster: plain, user: by-plugin}}
- {name: broken, context: {cluster: plain, user: by-broken-token}}
- {name: deserted, context: {cluster: plain, user: lost}}
- {name: bare, context: {cluster: bare, user: nobody}}
- {name: foreign, context: {cluster: foreign, user: nobody}}
- {name: missing, context: {cluster: plain, user: by-nothing}}
- {name: talk, context: {cluster: plain, user: by-talk}}
";

    /// What connecting by a kubeconfig of this text says, its folder left out.
    async fn tried(text: &str, context: Option<&str>) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, text).unwrap();
        let connection = Connection::Kubeconfig { path: Some(path), context: context.map(str::to_owned) };
        let client = connection.client().await;
        let told =
            |error: ConnectError| error.to_string().replace(&format!("{}/", folder.path().display()), "");
        client.map(drop).map_err(told)
    }

    #[test]
    fn the_address_for_people_has_no_password() {
        for (url, shown) in [
            ("https://127.0.0.1:6443/", "https://127.0.0.1:6443"),
            ("https://[fd00::1]:6443", "https://[fd00::1]:6443"),
            (
                "https://me:secret@gateway.example/k8s/clusters/c-1?a=b",
                "https://gateway.example/k8s/clusters/c-1",
            ),
        ] {
            assert_eq!(address(&url.parse().unwrap()), shown);
        }
    }

    #[tokio::test]
    async fn contexts_are_found_or_those_that_are_there_are_named() {
        const ALL: &str = "it has good, file, data, homeless, proxied, tokenless, refused, broken, deserted, bare, foreign, \
             missing, talk";
        assert_eq!(tried(KUBECONFIG, Some("good")).await, Ok(()));
        let current = format!("{KUBECONFIG}current-context: good\n");
        assert_eq!(tried(&current, None).await, Ok(()));
        for (text, context, error) in [
            (KUBECONFIG, Some("godo"), format!("kubeconfig has no context \"godo\": {ALL}")),
            (KUBECONFIG, None, format!("kubeconfig has no current context: name one with --context: {ALL}")),
            (
                "apiVersion: v1\nkind: List\n",
                None,
                "kubeconfig has no contexts: is it a kubeconfig?".to_owned(),
            ),
            (
                "apiVersion: v1\nkind: Config\ncurrent-context: x\n",
                None,
                "kubeconfig has no context \"x\": it has none".to_owned(),
            ),
        ] {
            assert_eq!(tried(text, context).await, Err(error));
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_kubeconfig_is_said_by_cause() {
        for (text, context, says) in [
            ("a: [", None, "kubeconfig is not a kubeconfig: line 1"),
            (KUBECONFIG, Some("homeless"), "kubeconfig is not a kubeconfig: cluster url is missing"),
            (
                KUBECONFIG,
                Some("file"),
                "cannot use the credentials for the Kubernetes API: failed to load certificate authority",
            ),
            (
                KUBECONFIG,
                Some("proxied"),
                "the proxy proxy.example of the API server must begin with http://",
            ),
            (
                KUBECONFIG,
                Some("tokenless"),
                "cannot use the credentials for the Kubernetes API: failed to read token file",
            ),
            (
                KUBECONFIG,
                Some("missing"),
                "cannot use the credentials for the Kubernetes API: the exec plugin cannot be started: No such file",
            ),
            (
                KUBECONFIG,
                Some("talk"),
                "cannot use the credentials for the Kubernetes API: the exec plugin's output is no ExecCredential",
            ),
            (
                KUBECONFIG,
                Some("broken"),
                "cannot use the credentials for the Kubernetes API: the token holds what no token can",
            ),
            (
                KUBECONFIG,
                Some("deserted"),
                "kubeconfig is not a kubeconfig: the user \"lost\" of its context \"deserted\" is missing",
            ),
            (
                KUBECONFIG,
                Some("bare"),
                "the server 127.0.0.1 of the cluster must begin with https:// or http://",
            ),
            (
                KUBECONFIG,
                Some("foreign"),
                "the server host of the cluster must begin with https:// or http://",
            ),
            ("users: [{name: u, user: {token: [secret]}}]", None, "kubeconfig is not a kubeconfig: line 1"),
        ] {
            let error = tried(text, context).await.unwrap_err();
            assert!(error.starts_with(says), "{error}");
            assert!(!error.contains("secret") && error.lines().count() == 1, "{error}");
        }
        let refused = tried(KUBECONFIG, Some("refused")).await.unwrap_err();
        assert!(refused.ends_with("the exec plugin failed with exit status: 7: not logged in"), "{refused}");
        assert!(!refused.contains("result"), "{refused}");
        let path = PathBuf::from("/nowhere/kubeconfig");
        let connection = Connection::Kubeconfig { path: Some(path.clone()), context: None };
        let reason = "No such file or directory (os error 2)".to_owned();
        assert_eq!(connection.client().await.err(), Some(ConnectError::Unreadable { path, reason }));
    }

    #[test]
    fn a_file_of_certificates_is_read_again() {
        let kubeconfig = Kubeconfig::from_yaml(KUBECONFIG).unwrap();
        for (context, file) in [("file", Some("ca.crt")), ("data", None), ("good", None), ("none", None)] {
            assert_eq!(ca_file(&kubeconfig, context), file.map(PathBuf::from), "{context}");
        }
    }

    #[test]
    fn what_a_pod_lacks_is_named() {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let no_account = in_cluster(&InClusterError::ReadDefaultNamespace(missing()));
        assert!(matches!(no_account, ConnectError::ServiceAccount(_)), "{no_account:?}");
        assert!(no_account.to_string().ends_with("the pod must not set automountServiceAccountToken: false"));
        let outside = InClusterError::ReadEnvironmentVariable(std::env::VarError::NotPresent);
        assert!(in_cluster(&outside).to_string().contains("--kubeconfig"));
        let token = kube::Error::Auth(AuthError::ReadTokenFile(missing(), "token".into()));
        let no_token = no_client(token, &Connection::InCluster);
        assert!(matches!(no_token, ConnectError::ServiceAccount(_)), "{no_token:?}");
    }
}
