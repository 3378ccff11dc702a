//! A large zone, fetched whole: from rosterd, and from NSD and Knot that serve the same from its master file.

use crate::api::Api;
use crate::encoding::Encoding;
use crate::figures::{median, millis};
use crate::process::Rosterd;
use crate::servers::{Kind, Secondary};
use crate::world::World;
use crate::zone::{fetch, query, serial};
use crate::{Failure, Options, processes, unused_port};
use hickory_proto::rr::RecordType;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

/// Pods: A and TXT of each.
const ZONE: &str = "pod.cluster.local";

const SETTINGS: &str = "pods = \"verified\"\n[[transfer.secondaries]]\nclients = [\"127.0.0.1\"]\n";

/// A server of the zone.
struct Server {
    name: &'static str,
    address: SocketAddr,
    process: u32,
    times: Vec<Duration>,
    cpu: Vec<Duration>,
    memory: Vec<f64>,
    octets: usize,
}

pub fn measure(options: &Options) -> Result<(), Failure> {
    let api = Api::start(World::new(options.records), Encoding::Protobuf)?;
    let rosterd = Rosterd::start_with(&options.rosterd, &api, false, SETTINGS)?;
    while !api.is_watched() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("zone");
    let exported = Command::new(&options.rosterd)
        .args(["zone", "--origin", ZONE, "--config"])
        .arg(rosterd.settings())
        .arg("--kubeconfig")
        .arg(rosterd.kubeconfig())
        .output()?;
    if !exported.status.success() {
        return Err(String::from_utf8_lossy(&exported.stderr).into_owned().into());
    }
    fs::write(&file, exported.stdout)?;
    let file = file.display().to_string();
    let (nsd, knot) = (unused_port()?, unused_port()?);
    let nsd = Secondary::run(Kind::Nsd, nsd, &[], |folder| {
        let folder = folder.display();
        format!(
            "server:\n ip-address: 127.0.0.1\n port: {nsd}\n username: \"\"\n zonesdir: \"{folder}\"\n database: \"\"\n \
             pidfile: \"{folder}/pid\"\n xfrdfile: \"{folder}/xfrd\"\n xfrdir: \"{folder}\"\n zonelistfile: \
             \"{folder}/list\"\n server-count: 1\nremote-control:\n control-enable: no\nzone:\n name: {ZONE}\n \
             zonefile: {file}\n provide-xfr: 127.0.0.1 NOKEY\n"
        )
    });
    let knot = Secondary::run(Kind::Knot, knot, &[], |folder| {
        let folder = folder.display();
        format!(
            "server:\n    listen: 127.0.0.1@{knot}\n    rundir: {folder}\ndatabase:\n    storage: {folder}/db\nacl:\n  \
             - id: asked\n    address: 127.0.0.1\n    action: transfer\nzone:\n  - domain: {ZONE}\n    file: {file}\n    \
             zonefile-sync: -1\n    acl: asked\n"
        )
    });
    let server = |name, address, process| Server {
        name,
        address,
        process,
        times: Vec::new(),
        cpu: Vec::new(),
        memory: Vec::new(),
        octets: 0,
    };
    let mut servers = [
        server("rosterd", rosterd.address, rosterd.process()),
        server("NSD", nsd.address, nsd.process()),
        server("Knot", knot.address, knot.process()),
    ];
    let mut records = None;
    for server in &servers {
        let until = Instant::now() + crate::rosterd::PATIENCE;
        while serial(server.address, ZONE).is_none() {
            if Instant::now() > until {
                return Err(format!("{} does not serve the zone", server.name).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // The same of all, record by record.
        let served = fetch(server.address, ZONE, None)?.records;
        if records.get_or_insert_with(|| served.clone()) != &served {
            return Err(format!("{} serves other records", server.name).into());
        }
    }
    // And the SOA, twice.
    let records = records.map_or(0, |records| records.len()) + 2;
    for _ in 0..options.rounds {
        for server in &mut servers {
            let (before, began) = (processes::cpu(server.process), Instant::now());
            server.octets = transfer(server.address, records)?;
            server.times.push(began.elapsed());
            server.cpu.push(processes::cpu(server.process).saturating_sub(before));
            server.memory.push(processes::memory(server.process));
        }
    }
    println!("\n{ZONE} of {records} records, whole; medians of {} interleaved rounds", options.rounds);
    println!("{:>8} {:>9} {:>9} {:>9} {:>10}", "", "ms", "CPU ms", "MB after", "octets");
    for Server { name, times, cpu, memory, octets, .. } in servers {
        let memory = memory.iter().copied().fold(0.0, f64::max);
        let (time, cpu) = (millis(median(times)), millis(median(cpu)));
        println!("{name:>8} {time:>9.1} {cpu:>9.1} {memory:>9.1} {octets:>10}");
    }
    Ok(())
}

/// Reads a transfer of so many records without looking at them. Returns how many octets it has.
fn transfer(server: SocketAddr, records: usize) -> Result<usize, Failure> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(crate::rosterd::PATIENCE))?;
    let query = query(ZONE, RecordType::AXFR);
    stream.write_all(&[&u16::try_from(query.len())?.to_be_bytes(), &query[..]].concat())?;
    let (mut seen, mut octets) = (0, 0);
    let mut message = vec![0; 65_535];
    while seen < records {
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let message = &mut message[..u16::from_be_bytes(length).into()];
        stream.read_exact(message)?;
        // RFC 1035 4.1.1: RCODE in the last four bits of the fourth octet, ANCOUNT in the seventh and eighth.
        let [_, _, _, flags, _, _, high, low, ..] = *message else {
            return Err("a message without header".into());
        };
        if flags & 0x0f != 0 {
            return Err(format!("the transfer ends with RCODE {}", flags & 0x0f).into());
        }
        seen += usize::from(u16::from_be_bytes([high, low]));
        octets += message.len();
    }
    Ok(octets)
}
