//! What the command line may say.

use super::ask::URL;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Peer discovery by plain DNS.
#[derive(Debug, Parser)]
#[command(
    name = "rosterd",
    version,
    about = "Peer discovery by plain DNS: lists of peers from Kubernetes endpoints",
    long_about = "Peer discovery by plain DNS.\n\n\
        rosterd answers the question that a starting cluster node asks: who are my peers? It reads endpoint objects \
        and serves each set of peers as <set>.<namespace>.svc.<zone>: TXT has the node names, A and AAAA the \
        addresses, SRV the ports.",
    after_help = EXAMPLES,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    max_term_width = 110
)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the server.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(SettingArguments),
    /// Validate settings, manifests or rights in the cluster, say what would be served, and exit.
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// Print the settings in force as TOML, each with its origin, instead of reading manifests or the cluster.
        #[arg(long)]
        show: bool,
        /// Say instead what these settings would change about the sets of the running server with this API (admin.api)
        #[arg(long, value_name = "URL", conflicts_with = "show")]
        against: Option<String>,
        /// How that is shown
        #[arg(long, value_name = "HOW", value_enum, default_value_t, requires = "against")]
        output: Output,
        #[command(flatten)]
        settings: SettingArguments,
    },
    /// Print what would be served as master files, and exit.
    #[command(after_help = ZONE_EXAMPLES)]
    Zone {
        /// Print only the zone of this name, as a file that other servers load [default: all zones, one after another]
        #[arg(long, value_name = "NAME")]
        origin: Option<String>,
        /// Fetch the zone of --origin from this server (AXFR) instead; given twice, show in what the two differ
        #[arg(long, value_name = "ADDRESS[:PORT]", num_args = 1, requires = "origin")]
        from: Vec<String>,
        /// Sign what is fetched by the key in this file, as `tsig-keygen NAME` prints it
        #[arg(long, value_name = "FILE", requires = "from")]
        key: Option<PathBuf>,
        #[command(flatten)]
        settings: SettingArguments,
    },
    /// Show how a running server is: whether it is ready, its peers, watches, zones and queries.
    #[command(after_help = STATUS_EXAMPLES)]
    Status {
        /// Where the server's API is (admin.api)
        #[arg(long, value_name = "URL", default_value = URL)]
        url: String,
        /// How it is shown
        #[arg(long, value_name = "HOW", value_enum, default_value_t)]
        output: Output,
        /// Show all sets, not only some that deserve a look
        #[arg(long)]
        sets: bool,
    },
    /// Say why a name is answered as it is: which records, from which objects, who is left out and by which rule.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain {
        /// A set (myapp.default, default/myapp), a peer's or a pod's name, an address, a node name, or any other name
        #[arg(value_name = "NAME")]
        asked: String,
        /// The type of records, such as SRV [default: all that there are]
        #[arg(value_name = "TYPE")]
        record_type: Option<String>,
        /// Where the API of a running server is [default: http://127.0.0.1:9154, unless settings are given]
        #[arg(long, value_name = "URL", conflicts_with_all = ["config", "manifest", "kubeconfig", "context"])]
        url: Option<String>,
        /// How it is shown
        #[arg(long, value_name = "HOW", value_enum, default_value_t)]
        output: Output,
        #[command(flatten)]
        settings: SettingArguments,
    },
    /// Watch a running server: queries, changes, watches, and sets that deserve a look.
    #[command(after_help = TOP_EXAMPLES)]
    Top {
        /// Where the server's API is (admin.api)
        #[arg(long, value_name = "URL", default_value = URL)]
        url: String,
        /// Seconds from one look to the next
        #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3600))]
        interval: u32,
        /// How many looks to take [default: until ended]
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
        count: Option<u64>,
    },
    /// Print what to paste so that pods ask rosterd for its zones, and exit.
    #[command(after_help = STANZA_EXAMPLES)]
    Stanza {
        /// What is to ask rosterd
        #[arg(long = "for", value_name = "WHAT", value_enum)]
        what: Target,
        #[command(flatten)]
        stanza: StanzaArguments,
        #[command(flatten)]
        settings: SettingArguments,
    },
    /// Print what makes a shell complete this command line, and exit.
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: CompletingShell,
    },
    /// Print the manual page, of one command where one is named, and exit.
    #[command(after_help = MAN_EXAMPLES)]
    Man {
        /// A command, such as serve
        command: Option<String>,
    },
}

impl Command {
    /// What it is called on the command line.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Command::Serve(_) => "serve",
            Command::Check { .. } => "check",
            Command::Zone { .. } => "zone",
            Command::Status { .. } => "status",
            Command::Explain { .. } => "explain",
            Command::Top { .. } => "top",
            Command::Stanza { .. } => "stanza",
            Command::Completions { .. } => "completions",
            Command::Man { .. } => "man",
        }
    }
}

/// Shells that can complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CompletingShell {
    Bash,
    Zsh,
    Fish,
}

/// What asks rosterd, or has it asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
    /// A Corefile that you may edit: kubeadm, kind, and most others
    Coredns,
    /// The ConfigMap coredns-custom: AKS, k3s, RKE2 and others whose Corefile is not yours
    CorednsCustom,
    /// The configuration values of the EKS add-on coredns
    Eks,
    /// The ConfigMap kube-dns of GKE
    Gke,
    /// NodeLocal DNSCache, the ConfigMap node-local-dns
    Nodelocal,
    /// The DNS operator of OpenShift
    Openshift,
    /// The resolver of an Erlang or Elixir node
    Inetrc,
    /// dnsConfig of a Pod
    Dnsconfig,
}

/// What a stanza says besides the zones, which are settings.
#[derive(Debug, Default, Args)]
pub(super) struct StanzaArguments {
    /// Where rosterd is asked, by IP address; may be given several times [default: server.advertise]
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = server_address)]
    pub(super) at: Vec<SocketAddr>,
    /// Ask the first address as long as it answers, and the next only then [default: any of them]
    #[arg(long)]
    pub(super) in_order: bool,
    /// Names of pods too, where the cluster's DNS does not answer them
    #[arg(long)]
    pub(super) with_pods: bool,
    /// The reverse zones of the settings too
    #[arg(long)]
    pub(super) with_reverse: bool,
    /// Keep answers for so long at least, which spares repeated questions; 5 is the least [default: do not cache]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(5..=3600))]
    pub(super) cache: Option<u32>,
    /// The cluster's own DNS, for all other names (inetrc, dnsconfig)
    #[arg(long, value_name = "ADDRESS")]
    pub(super) cluster_dns: Option<IpAddr>,
}

/// The port of DNS (RFC 1035 4.2.1).
pub(super) const DNS_PORT: u16 = 53;

/// An address, with the port of DNS where none is named.
fn server_address(text: &str) -> Result<SocketAddr, String> {
    let alone = || text.parse().map(|address: IpAddr| SocketAddr::new(address, DNS_PORT)).ok();
    let address = text.parse().ok().or_else(alone);
    let address = address.filter(|address: &SocketAddr| !address.ip().is_unspecified() && address.port() > 0);
    address.ok_or_else(|| {
        "wants an IP address, such as 10.96.0.53, 10.96.0.53:5300 or [fd00::53]:5300".to_owned()
    })
}

/// How results are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people
    #[default]
    Text,
    /// For programs, as the API has it
    Json,
}

/// The settings that are flags. Values are read by the settings themselves, as those of the other layers are.
#[derive(Debug, Default, Clone, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct SettingArguments {
    /// A TOML file with settings; a commented one with all of them is deploy/rosterd.toml
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A master file (RFC 1035), or a folder with *.zone files; may be given several times [default: none]
    #[arg(long, value_name = "PATH")]
    zone_file: Vec<String>,
    /// A file or folder with endpoint objects, or - for standard input; may be given several times
    #[arg(long, value_name = "PATH")]
    manifest: Vec<String>,
    /// A kubeconfig that says which cluster to watch [default: the cluster around, in a pod]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<String>,
    /// A context of the kubeconfig; alone, of the one in KUBECONFIG or ~/.kube/config [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// An address with a port to serve UDP and TCP at; may be given several times [default: 0.0.0.0:53 and [::]:53]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<String>,
    /// An address of the name server's own name; may be given several times [default: found out at start]
    #[arg(long, value_name = "ADDRESS")]
    advertise: Vec<String>,
    /// The zone of the peers [default: peers.cluster.local]
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,
    /// The cluster's own domain, which names of pods end in [default: cluster.local]
    #[arg(long, value_name = "NAME")]
    cluster_domain: Option<String>,
    /// How names of pods are answered: verified, insecure or disabled [default: by what is watched]
    #[arg(long, value_name = "HOW")]
    pods: Option<String>,
    /// A reverse zone, by name or network (10.in-addr.arpa, 10.0.0.0/8); may be given several times [default: none]
    #[arg(long, value_name = "ZONE")]
    reverse_zone: Vec<String>,
    /// How many seconds answers may be cached [default: 5, and 0 for more than 90 records]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    ttl: Option<String>,
    /// An address with a port for probes and metrics; may be given several times [default: port 9153 of all addresses]
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin_listen: Vec<String>,
    /// An address with a port for what is served, over HTTP; may be given several times [default: 127.0.0.1:9154]
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin_api: Vec<String>,
    /// How log lines look: text, json, or auto for text on a terminal and JSON elsewhere [default: auto]
    #[arg(long, value_name = "HOW")]
    log_format: Option<String>,
    /// What is logged: off, error, warn, info, debug or trace; RUST_LOG has more to choose from [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Which objects are peers of each other, by their labels, as in `kubectl get endpoints -l` [default: all]
    #[arg(
        long,
        value_name = "SELECTOR",
        help_heading = "One topology (instead of [[topologies]] in the file)"
    )]
    selector: Option<String>,
    /// A namespace to look in, or . for the one rosterd runs in; may be given several times [default: all]
    #[arg(
        long,
        value_name = "NAMESPACE",
        help_heading = "One topology (instead of [[topologies]] in the file)"
    )]
    namespace: Vec<String>,
    /// The set that all matching objects of a namespace form [default: each Service is a set of its own]
    #[arg(long, value_name = "SET", help_heading = "One topology (instead of [[topologies]] in the file)")]
    name: Option<String>,
    /// What stands before the @ of node names [default: the name of the set]
    #[arg(long, value_name = "NAME", help_heading = "One topology (instead of [[topologies]] in the file)")]
    basename: Option<String>,
    /// What stands behind the @ of node names: ip, dns, hostname or peer [default: ip]
    #[arg(long, value_name = "MODE", help_heading = "One topology (instead of [[topologies]] in the file)")]
    mode: Option<String>,
    /// Who is listed: ready, serving (also those that drain) or all [default: ready]
    #[arg(long, value_name = "WHO", help_heading = "One topology (instead of [[topologies]] in the file)")]
    include: Option<String>,
}

impl SettingArguments {
    /// Whether any was given, or a file with some.
    pub(super) fn are_given(&self) -> bool {
        self.config.is_some() || !self.flags().is_empty()
    }

    /// The flags that were given, with their values, as [`crate::config::Sources`] takes them.
    pub(super) fn flags(&self) -> Vec<(&'static str, Vec<String>)> {
        let one = |value: &Option<String>| value.iter().cloned().collect();
        let all: [(&'static str, Vec<String>); 21] = [
            ("--zone-file", self.zone_file.clone()),
            ("--manifest", self.manifest.clone()),
            ("--kubeconfig", one(&self.kubeconfig)),
            ("--context", one(&self.context)),
            ("--listen", self.listen.clone()),
            ("--advertise", self.advertise.clone()),
            ("--zone", one(&self.zone)),
            ("--cluster-domain", one(&self.cluster_domain)),
            ("--pods", one(&self.pods)),
            ("--reverse-zone", self.reverse_zone.clone()),
            ("--ttl", one(&self.ttl)),
            ("--admin-listen", self.admin_listen.clone()),
            ("--admin-api", self.admin_api.clone()),
            ("--log-format", one(&self.log_format)),
            ("--log-level", one(&self.log_level)),
            ("--selector", one(&self.selector)),
            ("--namespace", self.namespace.clone()),
            ("--name", one(&self.name)),
            ("--basename", one(&self.basename)),
            ("--mode", one(&self.mode)),
            ("--include", one(&self.include)),
        ];
        all.into_iter().filter(|(_, values)| !values.is_empty()).collect()
    }
}

const EXAMPLES: &str = "\
Examples:
  rosterd serve --context kind-kind --listen 127.0.0.1:5300
  dig @127.0.0.1 -p 5300 +short TXT myapp.default.svc.peers.cluster.local

Peers come from manifests (--manifest), else from the cluster that a kubeconfig
names (--kubeconfig, --context), else from the one that rosterd runs in.

Settings come from defaults, a TOML file (--config), the environment and flags;
the later win. Names in the environment are keys of the file in capitals behind
ROSTERD__, with two underscores between parts: server.ttl is
ROSTERD__SERVER__TTL. Lists are separated by commas. The one topology that
flags describe is ROSTERD__TOPOLOGY__SELECTOR, ROSTERD__TOPOLOGY__MODE and so
on.

Exit codes:
  0  all is well
  1  something failed, settings or manifests are wrong, or the server that was
     asked is not ready
  2  the command line was not understood, it names nothing to read peers from,
     or no server answers
  3  check --against, zone --from: there is a difference";

const SERVE_EXAMPLES: &str = "\
Examples:
  rosterd serve
  rosterd serve --kubeconfig ~/.kube/config --listen 127.0.0.1:5300
  rosterd serve --manifest /etc/rosterd/manifests/ --name myapp --mode dns
  rosterd serve --zone-file /etc/rosterd/zones/
  ROSTERD__SERVER__TTL=30 rosterd serve --config rosterd.toml

In a pod the first one is enough. Until the cluster has been listed, names wait
(SERVFAIL); everything else is answered at once.

Manifests are followed: a changed file is served as soon as it has stopped
changing. SIGTERM ends the server after it has finished what it began.";

const CHECK_EXAMPLES: &str = "\
Examples:
  rosterd check --config rosterd.toml --manifest endpoints.yaml
  rosterd check --context kind-kind --selector app=myapp
  rosterd check --config rosterd.toml --show
  kubectl -n rosterd exec deploy/rosterd -- \\
      rosterd check --config /etc/rosterd/rosterd.toml
  rosterd check --config new.toml --context kind-kind \\
      --against http://127.0.0.1:9154

With a cluster it says which rights are missing to whom it runs as: the last
one asks as the server itself, with its settings. What --show prints is itself
a settings file: each setting with its origin in a comment.

--against compares who would be listed now, by their node names, with the sets
of a running server; that of a pod is reached by kubectl port-forward. It reads
manifests or the cluster by itself, a moment before it asks the server. TTLs,
ports and types of records are not compared.

Without manifests and outside a cluster only settings and zone files are
checked, and the result says so: that is what a pipeline has for the settings
of a Deployment. With no settings either there is nothing to check.

Exit codes:
  0  what there is to check is right; with --against, nothing would change
  1  settings, manifests, zone files or rights are wrong
  2  there is nothing to check, or, with --against, nothing to compare: no
     source of peers, or no server that answers
  3  --against: something would change";

const ZONE_EXAMPLES: &str = "\
Examples:
  kubectl get endpointslices -A -o yaml | rosterd zone --manifest -
  rosterd zone --context kind-kind
  rosterd zone --config rosterd.toml --origin peers.cluster.local > peers.zone
  rosterd zone --origin peers.cluster.local --from 127.0.0.1:5300
  rosterd zone --origin peers.cluster.local --from 10.96.0.53 \\
      --from 192.0.2.1 --key transfer.key

--from fetches by AXFR, which the server must grant to this address or key
(transfer.secondaries). Given twice, lines that only the first has begin with
a -, those of the second with a +, and the exit code is 3 where there are any.

Answered but not listed: the parts of sets, which are made as they are asked
for (_<i>._of<n>.<set>.<namespace>.svc.<zone>), and the names of pods where
every address is answered (pods = \"insecure\").";

const STATUS_EXAMPLES: &str = "\
Examples:
  rosterd status
  rosterd status --sets
  rosterd status --output json | jq '.watches[] | select(.stale)'
  kubectl -n rosterd exec deploy/rosterd -- rosterd status

It asks over HTTP, where the same is shown as a page. The API is open to
the server's own host unless `admin.api` says otherwise.

Exit codes:
  0  the server is ready
  1  it is not, and the first lines say why
  2  no server answers";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  rosterd explain myapp.default
  rosterd explain 10.0.0.1
  rosterd explain _http._tcp.web.default.svc.peers.cluster.local SRV
  rosterd explain myapp@10.0.0.1
  rosterd explain 10-0-0-1.default.pod.cluster.local --output json
  kubectl get endpointslices -A -o yaml |
      rosterd explain myapp.default --manifest -

A name without its end is looked for below svc.<zone>, <zone> and the cluster's
domain; one label is a set of the namespace default. With --manifest, --config
or any other setting no server is asked: what these would make is explained.";

const TOP_EXAMPLES: &str = "\
Examples:
  rosterd top
  rosterd top --interval 5
  rosterd top --count 60 > minute.txt

On a terminal it stays in place; q or Ctrl-C ends it. Elsewhere every look is
a line.";
const STANZA_EXAMPLES: &str = "\
Examples:
  rosterd stanza --for coredns --at 10.96.0.53
  rosterd stanza --for coredns-custom --at 10.96.0.53 | kubectl apply -f -
  rosterd stanza --for eks --at 10.100.0.53 > values.json
  rosterd stanza --for nodelocal --at 169.254.20.11 --config rosterd.toml
  rosterd stanza --for inetrc --at 10.96.0.53 --cluster-dns 10.96.0.10

Zones come from the settings, so give the settings of the server. What is
printed says how to apply it, and how to see that it works.

--at takes addresses, no names: CoreDNS resolves names once, when it starts.
Fix the address of the Service (clusterIP), so that it survives a new one.";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  rosterd completions bash > /usr/share/bash-completion/completions/rosterd
  rosterd completions zsh > \"${fpath[1]}/_rosterd\"
  rosterd completions fish > ~/.config/fish/completions/rosterd.fish

For this shell alone:
  source <(rosterd completions bash)";

const MAN_EXAMPLES: &str = "\
Examples:
  rosterd man | man -l -
  rosterd man > /usr/local/share/man/man1/rosterd.1
  rosterd man serve > /usr/local/share/man/man1/rosterd-serve.1";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_is_a_setting_and_reaches_it() {
        let command = Arguments::command();
        let serve = command.find_subcommand("serve").unwrap();
        let defined: BTreeSet<String> = serve
            .get_arguments()
            .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
            .collect();
        let mut settings: BTreeSet<String> = crate::config::flag_names().map(str::to_owned).collect();
        let mut line = vec!["rosterd".to_owned(), "serve".to_owned()];
        line.extend(settings.iter().flat_map(|flag| [flag.clone(), format!("value of {flag}")]));
        let Command::Serve(parsed) = Arguments::parse_from(line).command else { panic!("not serve") };
        let given: Vec<(&str, Vec<String>)> = parsed.flags();
        for (flag, values) in &given {
            assert_eq!(*values, [format!("value of {flag}")]);
        }
        assert_eq!(given.iter().map(|(flag, _)| (*flag).to_owned()).collect::<BTreeSet<_>>(), settings);
        settings.insert("--config".to_owned());
        assert_eq!(defined, settings);
    }

    #[test]
    fn examples_fit_a_terminal_of_eighty_columns() {
        for line in [
            EXAMPLES,
            SERVE_EXAMPLES,
            CHECK_EXAMPLES,
            ZONE_EXAMPLES,
            STATUS_EXAMPLES,
            EXPLAIN_EXAMPLES,
            TOP_EXAMPLES,
            STANZA_EXAMPLES,
            COMPLETIONS_EXAMPLES,
            MAN_EXAMPLES,
        ]
        .iter()
        .flat_map(|text| text.lines())
        {
            assert!(line.len() < 80, "{line}");
        }
    }

    #[test]
    fn flags_that_were_not_given_are_not_told() {
        assert_eq!(SettingArguments::default().flags(), []);
    }

    #[test]
    fn servers_are_addresses() {
        for (text, address) in [
            ("10.96.0.53", Some("10.96.0.53:53")),
            ("10.96.0.53:5300", Some("10.96.0.53:5300")),
            ("fd00::53", Some("[fd00::53]:53")),
            ("[fd00::53]:5300", Some("[fd00::53]:5300")),
            ("rosterd.rosterd.svc", None),
            ("0.0.0.0", None),
            ("10.96.0.53:0", None),
            ("10.96.0.53:", None),
            ("", None),
        ] {
            let parsed = server_address(text).ok().map(|address| address.to_string());
            assert_eq!(parsed.as_deref(), address, "{text}");
        }
    }
}
