//! What differs between two sets of settings, for people.

use super::{Effective, Settings};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A setting that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its whole key, `server.ttl` or `topologies[0].mode`.
    pub key: String,
    /// What it was, as the file has it; none where it was not set.
    pub old: Option<String>,
    /// What it is.
    pub new: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        write!(formatter, "{}: {} -> {}", self.key, text(&self.old), text(&self.new))
    }
}

impl Effective {
    /// What other settings say otherwise, by key. Secrets are not among settings: they stand in files of their own.
    pub fn differences(&self, new: &Effective) -> Vec<Difference> {
        let (old, new) = (self.by_key(), new.by_key());
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let differences = keys.into_iter().map(|key| {
            let value = |values: &BTreeMap<String, String>| values.get(key).cloned();
            Difference { key: key.clone(), old: value(&old), new: value(&new) }
        });
        differences.filter(|difference| difference.old != difference.new).collect()
    }

    /// These settings, as far as they can change while the program runs: what it has begun with stays.
    ///
    /// Sockets, the threads and buffers behind them, the form of log lines, the bounds of transfers, and where state is kept.
    #[must_use]
    pub fn on_top_of(&self, running: &Effective) -> Effective {
        let mut all = self.clone();
        let Settings { server, transfer, admin, log, state, .. } = &mut all.settings;
        let begun = &running.settings;
        server.listen.clone_from(&begun.server.listen);
        server.listen_tls.clone_from(&begun.server.listen_tls);
        server.listen_https.clone_from(&begun.server.listen_https);
        server.listen_quic.clone_from(&begun.server.listen_quic);
        server.tls.clone_from(&begun.server.tls);
        server.workers = begun.server.workers;
        server.udp_max = begun.server.udp_max;
        server.udp.clone_from(&begun.server.udp);
        server.tcp.clone_from(&begun.server.tcp);
        transfer.at_once = begun.transfer.at_once;
        transfer.time = begun.transfer.time;
        admin.listen.clone_from(&begun.admin.listen);
        admin.api.clone_from(&begun.admin.api);
        log.format = begun.log.format;
        state.directory.clone_from(&begun.state.directory);
        for Difference { key, .. } in all.differences(self) {
            all.origins.insert(key.clone(), running.origins.of(&key).clone());
        }
        all
    }

    /// The value of each setting that is set, as TOML.
    fn by_key(&self) -> BTreeMap<String, String> {
        let lines = self.show().lines.into_iter().filter(|line| !line.key.is_empty());
        let value = |setting: &str| setting.split_once(" = ").map(|(_, value)| value.to_owned());
        lines.filter_map(|line| Some((line.key, value(&line.setting)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Effective, File, Sources, load};

    fn effective(text: &str) -> Effective {
        let file = File { path: "rosterd.toml".into(), text: text.to_owned() };
        load(&Sources { file: Some(file), ..Sources::default() }).unwrap()
    }

    fn told(old: &Effective, new: &Effective) -> Vec<String> {
        old.differences(new).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn differences_name_key_and_both_values() {
        let old = effective("zone = 'a.b'\n[server]\nttl = 7\n[[topologies]]\nname = 'x'\n");
        let new = effective(
            "[server]\nnegative_ttl = 6\n[[topologies]]\nname = 'x'\nselector = 'a=b'\n[[topologies]]\nname = 'y'\n",
        );
        let told = told(&old, &new);
        for line in [
            "server.negative_ttl: 5 -> 6",
            "server.ttl: 7 -> not set",
            "topologies[0].selector: \"\" -> \"a=b\"",
            "topologies[1].name: not set -> \"y\"",
            "zone: \"a.b\" -> \"peers.cluster.local\"",
        ] {
            assert!(told.iter().any(|one| one == line), "no {line} in {told:#?}");
        }
        assert!(old.differences(&old).is_empty());
    }

    #[test]
    fn what_was_begun_with_stays() {
        let old = effective("[server]\nlisten = ['127.0.0.1:5300']\nttl = 7\n[log]\nlevel = 'warn'\n");
        let new = effective(
            "[server]\nlisten = ['127.0.0.1:5301']\nworkers = 3\nttl = 8\n[server.tcp]\nidle_timeout = '9s'\n\
             [admin]\napi = []\n[log]\nformat = 'json'\n[state]\ndirectory = '/x'\n[server.udp]\nbatch = 9\n\
             [server.tls]\nmax_handshakes = 7\n[transfer]\nat_once = 9\ntime = '9s'\n",
        );
        let both = new.on_top_of(&old);
        assert_eq!(told(&old, &both), ["log.level: \"warn\" -> \"info\"", "server.ttl: 7 -> 8"]);
        let kept: Vec<String> = both.differences(&new).into_iter().map(|one| one.key).collect();
        assert_eq!(
            kept,
            [
                "admin.api",
                "log.format",
                "server.listen",
                "server.tcp.idle_timeout",
                "server.tls.max_handshakes",
                "server.udp.batch",
                "server.workers",
                "state.directory",
                "transfer.at_once",
                "transfer.time"
            ]
        );
        assert_eq!(both.origins.of("server.listen").brief(), "rosterd.toml:2");
    }
}
