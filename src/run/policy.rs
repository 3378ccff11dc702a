//! The settings of answers, as the answering part wants them; the secrets of cookies among them.

use super::secret_file::read_text;
use super::transfers::{self, KeyError};
use crate::answer::{AccessList, AccessRule, Cookies, Network, Policy, RateLimiter, RateLimits, Transport};
use crate::config::{
    self, Access, CookieSettings, RateLimitSettings, ServerSettings, Settings, TransferSettings,
};
use crate::wire::CookieSecret;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Octets of the largest file of secrets: some hundreds of them.
const LARGEST: u64 = 64 << 10;

/// Where the system gives random octets.
const RANDOM: &str = "/dev/urandom";

/// Why there are no secrets to make cookies with, or signatures.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read server.cookies.secret_file {}: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It has no secret.
    #[error(
        "server.cookies.secret_file {} has no secret: wants 32 hexadecimal digits on a line, such as \
         `openssl rand -hex 16` prints", .0.display()
    )]
    Empty(PathBuf),
    /// A line of it is no secret. What stands there is not repeated: it would stand in logs.
    #[error("server.cookies.secret_file {}, line {line}: not a secret of 32 hexadecimal digits", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Where, counted from 1.
        line: usize,
    },
    /// The system gives no random octets for a secret of this process.
    #[error("cannot read {RANDOM}, which is needed for a secret of DNS cookies: {0}")]
    Random(io::Error),
    /// A key of signatures cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The settings of answers.
pub(super) fn policy(settings: &ServerSettings, transfer: &TransferSettings) -> Result<Policy, SecretError> {
    let octets = |text: &Option<Box<str>>| text.as_ref().map(|text| text.as_bytes().into());
    Ok(Policy {
        udp_max: settings.udp_max,
        recursion_available: settings.recursion_available,
        // Rounded down: a client that comes a little earlier finds the connection open (RFC 7828 3.1: units of 100 ms).
        tcp_idle: u16::try_from(settings.tcp.idle_timeout.as_millis() / 100).unwrap_or(u16::MAX),
        cookies: cookies(&settings.cookies)?,
        nsid: settings.nsid.clone().unwrap_or_default(),
        identity: octets(&settings.identity),
        version: octets(&settings.version),
        access: AccessList::new(settings.access.iter().map(access_rule).collect()),
        keys: transfers::keys(transfer)?,
        transfers: transfers::list(transfer),
    })
}

/// Whether the secrets of cookies and signatures can be had, as `serve` wants them.
pub fn check_secrets(settings: &Settings) -> Result<(), SecretError> {
    cookies(&settings.server.cookies)?;
    transfers::keys(&settings.transfer)?;
    Ok(())
}

/// What bounds the answers to each network, where that is set.
pub(super) fn limiter(settings: &RateLimitSettings) -> Option<RateLimiter> {
    let &RateLimitSettings { answers_per_second, slip, ipv4_prefix, ipv6_prefix } = settings;
    let answers_per_second = answers_per_second?;
    Some(RateLimiter::new(RateLimits { answers_per_second, slip, ipv4_prefix, ipv6_prefix }))
}

fn access_rule(rule: &config::AccessRule) -> AccessRule {
    let network = |network: &config::Network| Network::new(network.address, network.length);
    let transport = |transport: &config::Transport| match transport {
        config::Transport::Udp => Transport::Udp,
        config::Transport::Tcp => Transport::Tcp,
        config::Transport::Tls => Transport::Tls,
        config::Transport::Https => Transport::Https,
        config::Transport::Quic => Transport::Quic,
    };
    AccessRule {
        allow: rule.action == Access::Allow,
        clients: rule.clients.iter().flatten().map(network).collect(),
        zones: rule.zones.iter().flatten().cloned().collect(),
        transports: rule.transports.iter().flatten().map(transport).collect(),
    }
}

fn cookies(settings: &CookieSettings) -> Result<Option<Cookies>, SecretError> {
    if !settings.enabled {
        return Ok(None);
    }
    let (first, others) = match &settings.secret_file {
        Some(path) => {
            let text = read_text(path, LARGEST)
                .map_err(|error| SecretError::Unreadable { path: path.clone(), error })?;
            secrets(path, &text)?
        }
        // Replicas then renew each other's cookies at every query, which costs a client nothing but what they are for.
        None => (random().map_err(SecretError::Random)?, Vec::new()),
    };
    Ok(Some(Cookies::new(first, others, settings.require)))
}

/// The secrets of a file, one on each line that is not empty: the first makes cookies, those of all are good.
fn secrets(path: &Path, text: &str) -> Result<(CookieSecret, Vec<CookieSecret>), SecretError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut secrets = lines.map(|(index, line)| {
        let wrong = |_| SecretError::Line { path: path.to_owned(), line: index + 1 };
        line.trim().parse().map_err(wrong)
    });
    let first = secrets.next().ok_or_else(|| SecretError::Empty(path.to_owned()))??;
    Ok((first, secrets.collect::<Result<_, _>>()?))
}

fn random() -> io::Result<CookieSecret> {
    let mut octets = [0; 16];
    File::open(RANDOM)?.read_exact(&mut octets)?;
    Ok(CookieSecret::new(octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Sources, load};
    use std::time::Duration;

    fn settings(text: &str) -> ServerSettings {
        let file = config::File { path: "rosterd.toml".into(), text: text.to_owned() };
        load(&Sources { file: Some(file), ..Sources::default() }).unwrap().settings.server
    }

    fn policy(server: &ServerSettings) -> Result<Policy, SecretError> {
        super::policy(server, &load(&Sources::default()).unwrap().settings.transfer)
    }

    #[test]
    fn without_settings_it_is_the_default() {
        assert_eq!(policy(&settings("")).unwrap(), Policy::default());
        assert!(limiter(&settings("").rate_limit).is_none());
    }

    #[test]
    fn settings_become_rules() {
        let text = "[server]\nnsid = '0x00ff'\nidentity = 'me'\nversion = '1'\ntcp.idle_timeout = '250ms'\n\
                    [[server.access]]\naction = 'deny'\nclients = ['10.0.0.0/8']\nzones = ['a.b']\ntransports = ['tcp']\n\
                    [[server.access]]\naction = 'allow'\n";
        let rules = vec![
            AccessRule {
                allow: false,
                clients: vec![Network::new([10, 0, 0, 0].into(), 8)],
                zones: vec!["a.b".parse().unwrap()],
                transports: vec![Transport::Tcp],
            },
            AccessRule { allow: true, clients: vec![], zones: vec![], transports: vec![] },
        ];
        let expected = Policy {
            nsid: b"\0\xff"[..].into(),
            identity: Some(b"me"[..].into()),
            version: Some(b"1"[..].into()),
            tcp_idle: 2,
            access: AccessList::new(rules),
            ..Policy::default()
        };
        assert_eq!(policy(&settings(text)).unwrap(), expected);
        let day = ServerSettings {
            tcp: config::TcpSettings { idle_timeout: Duration::from_secs(86_400), ..settings("").tcp },
            ..settings("")
        };
        assert_eq!(policy(&day).unwrap().tcp_idle, u16::MAX, "more than the option holds");
        assert!(limiter(&settings("server.rate_limit.answers_per_second = 5").rate_limit).is_some());
    }

    #[test]
    fn the_longest_identifier_of_the_settings_is_the_longest_of_answers() {
        let longest = "n".repeat(Policy::NSID_MAX);
        assert!(policy(&settings(&format!("server.nsid = '{longest}'"))).is_ok());
        let file = config::File { path: "x".into(), text: format!("server.nsid = '{longest}n'") };
        assert!(load(&Sources { file: Some(file), ..Sources::default() }).is_err());
    }

    #[test]
    fn the_first_secret_signs_and_the_others_are_good() {
        let (one, two) = ("e5e973e5a6b2a43f48e7dc849e37bfcf", "445536bcd2513298075a5d379663c962");
        let path = Path::new("secret");
        let [first, second] = [one, two].map(|text| text.parse::<CookieSecret>().unwrap());
        assert_eq!(secrets(path, &format!("{one}\n")).unwrap(), (first.clone(), vec![]));
        assert_eq!(secrets(path, &format!("\n {one}\r\n\n{two}")).unwrap(), (first, vec![second]));
        for (text, message) in [
            ("", "server.cookies.secret_file secret has no secret: wants 32 hexadecimal digits on a line"),
            ("\n\n", "server.cookies.secret_file secret has no secret"),
            ("x", "server.cookies.secret_file secret, line 1: not a secret of 32 hexadecimal digits"),
            (&format!("\n{one}\n{two}0"), "server.cookies.secret_file secret, line 3: not a secret"),
        ] {
            let error = secrets(path, text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
            assert!(!error.contains("4455"), "{error}");
        }
    }

    #[test]
    fn secrets_come_from_the_file_or_are_random() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let made = |secret_file: Option<&Path>, enabled| {
            cookies(&CookieSettings { enabled, require: true, secret_file: secret_file.map(Into::into) })
        };
        assert!(matches!(made(Some(&path), true), Err(SecretError::Unreadable { .. })));
        assert_eq!(made(Some(&path), false).unwrap(), None);
        std::fs::write(&path, "e5e973e5a6b2a43f48e7dc849e37bfcf\n").unwrap();
        let secret = "e5e973e5a6b2a43f48e7dc849e37bfcf".parse().unwrap();
        assert_eq!(made(Some(&path), true).unwrap(), Some(Cookies::new(secret, vec![], true)));
        assert_ne!(made(None, true).unwrap(), made(None, true).unwrap());
    }
}
