"""A real S3 server for tests: Ceph's RADOS Gateway from Debian's packages, without root and without installing.

One monitor, one OSD (BlueStore on a sparse file), cephx on, no manager. The
packages are fetched with `apt-get download` and unpacked into a folder; where
Ceph looks for plugins, it is told that folder.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

WANTED = ("ceph-mon", "ceph-osd", "radosgw")
LIBRARIES = "usr/lib/x86_64-linux-gnu"
ACCESS, SECRET = "OVTTESTACCESSKEY", "a-secret-that-ceph-really-checks"
DISK = 4 * 2**30
"""Bytes of the sparse file; some megabytes of it are written."""
PATIENCE = 120.0
CONFIGURATION = """[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{port}]
mon initial members = a
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = {base}/keyring
mon data = {base}/mon
osd data = {base}/osd
osd objectstore = bluestore
bluestore block size = {disk}
bluestore block wal create = false
bluestore block db create = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon warn on pool no redundancy = false
osd memory target = 939524096
ms bind ipv6 = false
run dir = {base}/run
admin socket = {base}/run/$name.$pid.asok
pid file = {base}/run/$name.pid
log file = {base}/log/$name.log
crash dir = {base}/crash
mon cluster log file = {base}/log/cluster.log
plugin dir = {libraries}/ceph
erasure code dir = {libraries}/ceph/erasure-code
osd class dir = {libraries}/rados-classes
compressor dir = {libraries}/ceph/compressor
rgw frontends = beast endpoint=127.0.0.1:{gateway}
rgw data = {base}/rgw
rgw enable usage log = false
rgw run sync thread = false
rgw gc max objs = 4
rgw lc max objs = 4
rgw usage max shards = 1
rgw usage max user shards = 1
rgw num rados handles = 1
rgw thread pool size = 16
"""


class Unavailable(Exception):  # noqa: N818 - the reason for a skip
    """The packages cannot be had here."""


def unpacked(folder: Path) -> Path:
    """The packages, fetched and unpacked once.

    Raises:
        Unavailable: no apt, no network, or not this Debian.
    """
    root = folder / "root"
    if (folder / "whole").is_file():
        return root
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise Unavailable("no apt-get here: Ceph's packages are Debian's")
    debs = folder / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    names = _closure()
    done = subprocess.run(["apt-get", "download", *names], cwd=debs, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise Unavailable(f"apt-get download: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    for package in sorted(debs.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(package), str(root)], check=True, capture_output=True)
    shutil.rmtree(debs)
    (folder / "whole").touch()
    return root


def _closure() -> list[str]:
    """The packages and what they need that is not installed."""
    done = subprocess.run(["apt-get", "install", "--simulate", "--no-install-recommends", *WANTED],
                          capture_output=True, text=True, check=False, timeout=120)
    names = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Inst ")]
    if done.returncode or not set(WANTED) & set(names):
        raise Unavailable("apt knows no Ceph (apt-get update?), or it is installed in another way")
    return names


def cache_folder() -> Path:
    """Where the packages are kept between runs: `OVT_CEPH`, else a folder of this user's below the temporary one."""
    return Path(os.environ.get("OVT_CEPH") or Path(tempfile.gettempdir()) / f"ovt-ceph-{os.getuid()}")


@dataclass
class Ceph:
    """A cluster in a folder; the name of the folder must be short, sockets lie in it."""

    root: Path
    base: Path
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> str:
        """Start it all; the address of the gateway."""
        gateway, monitor = free_port(), free_port()
        for name in ("mon", "osd", "run", "log", "crash", "rgw"):
            (self.base / name).mkdir(parents=True)
        fsid = str(uuid.uuid4())
        (self.base / "ceph.conf").write_text(CONFIGURATION.format(
            fsid=fsid, port=monitor, base=self.base, disk=DISK, libraries=self.root / LIBRARIES, gateway=gateway))
        self._start_monitor(fsid, monitor)
        self._start_disk()
        self._start_gateway()
        address = f"http://127.0.0.1:{gateway}"
        _until(lambda: _answers(gateway), "the gateway answers", self.base)
        return address

    def stop(self) -> None:
        """Stop what was started, the gateway first."""
        for process in reversed(self._running):
            process.terminate()
        for process in reversed(self._running):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start_monitor(self, fsid: str, port: int) -> None:
        ring = str(self.base / "keyring")
        self._run("ceph-authtool", "--create-keyring", ring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        everything = [word for kind in ("mon", "osd", "mgr") for word in ("--cap", kind, "allow *")]
        self._run("ceph-authtool", ring, "--gen-key", "-n", "client.admin", *everything)
        monmap = str(self.base / "monmap")
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{port}]", monmap)
        self._run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", ring)
        self._spawn("ceph-mon", "-i", "a")
        _until(lambda: self._tells("mon", "stat"), "the monitor has a quorum", self.base)

    def _start_disk(self) -> None:
        identity = str(uuid.uuid4())
        self._ceph("osd", "new", identity)
        caps = ("mon", "allow profile osd", "osd", "allow *")
        ring = self._ceph("auth", "get-or-create", "osd.0", *caps)
        (self.base / "osd" / "keyring").write_bytes(ring)
        with (self.base / "osd" / "block").open("wb") as file:
            file.truncate(DISK)
        keys = ("--keyring", str(self.base / "osd" / "keyring"))
        self._run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", identity, *keys)
        self._ceph("osd", "crush", "add", "osd.0", "1.0", "root=default", "host=here")
        self._spawn("ceph-osd", "-i", "0", *keys)
        _until(lambda: b'"num_up_osds":1' in self._ceph("osd", "stat", "-f", "json"), "the OSD is up", self.base)

    def _start_gateway(self) -> None:
        self._run("radosgw-admin", "user", "create", "--uid=ovt", "--display-name=ovt", f"--access-key={ACCESS}",
                  f"--secret-key={SECRET}")
        self._spawn("radosgw", "-n", "client.admin")

    def _ceph(self, *words: str) -> bytes:
        # The `ceph` program is Python; its libraries lie below the root as well.
        return self._run(sys.executable, str(self.root / "usr/bin/ceph"), *words)

    def _tells(self, *words: str) -> bool:
        try:
            return bool(self._ceph("--connect-timeout", "5", *words))
        except subprocess.CalledProcessError:
            return False

    def _run(self, program: str, *words: str) -> bytes:
        place = program if "/" in program else str(self.root / "usr/bin" / program)
        at = 1 if "/" in program else 0  # the script comes before its options
        words = (*words[:at], "-c", str(self.base / "ceph.conf"), *words[at:]) if "tool" not in program else words
        done = subprocess.run([place, *words], env=self._environment(), check=False, capture_output=True, timeout=PATIENCE)
        if done.returncode:
            sys.stderr.write(done.stderr.decode(errors="replace")[-2000:])
            done.check_returncode()
        return done.stdout

    def _spawn(self, program: str, *words: str) -> None:
        place = str(self.root / "usr/bin" / program)
        with (self.base / "log" / f"{program}.out").open("wb") as out:
            self._running.append(subprocess.Popen(
                [place, "-f", "-c", str(self.base / "ceph.conf"), *words], env=self._environment(), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, cwd=self.base))

    def _environment(self) -> dict[str, str]:
        here = [self.root / LIBRARIES, self.root / LIBRARIES / "ceph", self.root / "lib/x86_64-linux-gnu"]
        return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(map(str, here)),
                "PYTHONPATH": str(self.root / "usr/lib/python3/dist-packages"), "PYTHONWARNINGS": "ignore"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _until(true, what: str, base: Path) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            logs = "\n".join(path.read_text(errors="replace")[-1500:] for path in sorted((base / "log").iterdir()))
            raise TimeoutError(f"not within {PATIENCE:.0f} s: {what}\n{logs}")
        time.sleep(0.2)
