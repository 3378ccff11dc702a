//! Who has a port: the line of an error that saves a search. Reads `/proc`; says nothing where that says nothing.

use std::fs;
use std::path::Path;

/// Lines of a socket table that are looked at, so that an error is never slow.
const LINES_MAX: usize = 100_000;

/// The program that listens on the local `port`, as `name (process 123)`.
pub(super) fn of_port(port: u16, transport: &str) -> Option<String> {
    let tables = if transport == "UDP" { ["udp", "udp6"] } else { ["tcp", "tcp6"] };
    let mut inodes = Vec::new();
    for table in tables {
        let text = fs::read_to_string(Path::new("/proc/net").join(table)).unwrap_or_default();
        let found = text.lines().skip(1).take(LINES_MAX).filter_map(|line| inode(line, port));
        inodes.extend(found.map(|inode| format!("socket:[{inode}]")));
    }
    if inodes.is_empty() {
        return None;
    }
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid = process.file_name().into_string().ok()?.parse::<u32>().ok()?;
        let holds = fs::read_dir(process.path().join("fd")).ok()?.flatten().any(|descriptor| {
            fs::read_link(descriptor.path())
                .is_ok_and(|target| inodes.iter().any(|inode| target.as_os_str() == inode.as_str()))
        });
        let name = fs::read_to_string(process.path().join("comm")).ok()?;
        holds.then(|| format!("{} (process {pid})", name.trim()))
    })
}

/// The inode of a line of `/proc/net/tcp` or `udp` whose local port is `port` and which has no remote one.
fn inode(line: &str, port: u16) -> Option<&str> {
    let mut columns = line.split_whitespace();
    let (_, local) = columns.nth(1)?.rsplit_once(':')?;
    let (_, remote) = columns.next()?.rsplit_once(':')?;
    let inode = columns.nth(6)?;
    let matches = u16::from_str_radix(local, 16) == Ok(port) && u16::from_str_radix(remote, 16) == Ok(0);
    (matches && inode != "0").then_some(inode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let listening = "   0: 0100007F:14B4 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 \
                         4242 1 0000000000000000 100 0 0 10 0";
        assert_eq!(inode(listening, 5300), Some("4242"));
        assert_eq!(inode(listening, 53), None);
        assert_eq!(inode(&listening.replace("00000000:0000 0A", "0100007F:0001 01"), 5300), None);
        assert_eq!(inode("sl local", 5300), None);
    }
}
