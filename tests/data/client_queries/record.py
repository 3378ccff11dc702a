#!/usr/bin/env python3
"""Records what DNS clients send, for queries.txt beside it.

    unshare -n -m python3 record.py <a client's name and version> -- <command …>

Answers on UDP and TCP port 53 of 127.0.0.1 while the command runs, as a server of a set of 120 peers would: truncated
over UDP where the name has "n120" in it. Prints each query of a new form (identifiers and cookies aside) as a line of
queries.txt. /etc/resolv.conf is this server's, in a mount namespace of its own; an address besides the loopback one
keeps AI_ADDRCONFIG from leaving out look-ups.
"""

import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

A, SOA, PTR, TXT, AAAA, SRV, OPT, ANY = 1, 6, 12, 16, 28, 33, 41, 255
seen, lines = set(), []


def run(*words):
    subprocess.run(words, check=True)


def name(text):
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"


def end_of_question(query):
    at = 12
    while query[at]:
        at += 1 + query[at]
    return at + 5


def rdata(rtype):
    target = name("10-0-0-1.default.pod.cluster.local")
    return {
        A: bytes([10, 0, 0, 1]),
        AAAA: bytes(15) + b"\1",
        SRV: struct.pack("!HHH", 0, 10, 8080) + target,
        TXT: b"\x0emyapp@10.0.0.1",
        PTR: target,
    }.get(rtype)


def note(transport, query):
    form = bytearray(query[2:])
    cookie = form.find(b"\0\x0a\0\x08")
    if cookie >= 0:
        form[cookie + 4 : cookie + 12] = bytes(8)
    # Whoever changes the case of letters at random does so anew each time.
    form = (transport, bytes(form).lower())
    if form not in seen:
        seen.add(form)
        lines.append(f"{transport} {query.hex()}")


def reply(transport, query):
    note(transport, query)
    end = end_of_question(query)
    question = query[12:end]
    rtype = struct.unpack("!H", query[end - 4 : end - 2])[0]
    data = rdata(A if rtype == ANY else rtype)
    flags = 0x8400 | query[2] << 8 & 0x7900
    if transport == "udp" and b"\x04n120" in question.lower():
        flags, data = flags | 0x0200, None
    answer = b"" if data is None else b"\xc0\x0c" + struct.pack("!HHIH", rtype, 1, 5, len(data)) + data
    counts = struct.pack("!HHHH", 1, bool(answer), 0, 0)
    return query[:2] + struct.pack("!H", flags) + counts + question + answer


def serve_udp(server):
    while True:
        query, client = server.recvfrom(65535)
        server.sendto(reply("udp", query), client)


def serve_connection(connection):
    with connection:
        while head := connection.recv(2, socket.MSG_WAITALL):
            length = struct.unpack("!H", head)[0]
            answer = reply("tcp", connection.recv(length, socket.MSG_WAITALL))
            connection.sendall(struct.pack("!H", len(answer)) + answer)


def serve_tcp(server):
    while True:
        threading.Thread(target=serve_connection, args=(server.accept()[0],), daemon=True).start()


def main():
    split = sys.argv.index("--")
    title, command = " ".join(sys.argv[1:split]), sys.argv[split + 1 :]
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", "192.0.2.1/24", "dev", "lo")
    run("ip", "address", "add", "2001:db8::1/64", "dev", "lo", "nodad")
    with tempfile.NamedTemporaryFile("w") as resolv:
        options = os.environ.get("RESOLV_OPTIONS", "")
        resolv.write(f"nameserver 127.0.0.1\nsearch default.svc.peers.cluster.local\n{options}\n")
        resolv.flush()
        run("mount", "--bind", resolv.name, "/etc/resolv.conf")
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 53))
        tcp = socket.create_server(("127.0.0.1", 53))
        for serve, server in ((serve_udp, udp), (serve_tcp, tcp)):
            threading.Thread(target=serve, args=(server,), daemon=True).start()
        try:
            subprocess.run(command, stdout=sys.stderr, timeout=float(os.environ.get("SECONDS_MAX", "20")))
        except subprocess.TimeoutExpired:
            pass
        run("umount", "/etc/resolv.conf")
    print(f"\n# {title}, recorded")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
