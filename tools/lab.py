"""Machines to try Tacita on: network namespaces with a folder each, and links between them.

A link is a pair of TUN devices and a process that carries packets from one to the other, each direction with a latency
and a rate of its own. The kernel has a tool for that (netem), but many kernels, those of small virtual machines among
them, are built without. Needs root, iproute2 and /dev/net/tun.
"""

import collections
import fcntl
import itertools
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve()
TACITA = TARGET / "release" / "tacita"

MODELS = REPOSITORY / "models"

# Packets that wait for their turn on a link; further ones are lost, as in a router.
QUEUE = 1000
# The longest that a relay sleeps with nothing to do, in seconds.
IDLE = 1.0


class Failed(Exception):
    """What went wrong, for a person."""


def require(*programs):
    """Ends the script, with an error, where it cannot do what it is for."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        sys.exit(f"{sys.argv[0]}: no {', '.join(missing)}: install it (ip is in the package iproute2)")
    if not TACITA.exists():
        sys.exit(f"{sys.argv[0]}: no {TACITA}: cargo build --workspace --bins --release")


def require_namespaces():
    """As `require`, for scripts that make machines."""
    if os.geteuid() != 0:
        sys.exit(f"{sys.argv[0]}: makes network namespaces, so it needs root: run it with sudo")
    require("ip")
    if not os.path.exists("/dev/net/tun"):
        sys.exit(f"{sys.argv[0]}: no /dev/net/tun: load the kernel's module tun")


def stop_on_signals():
    """Makes Ctrl-C and SIGTERM exceptions, so that everything is taken down on the way out."""

    def leave(number, _frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


class Folders:
    """A folder for each member, and the processes that were started in them: all is gone when it is left."""

    def __init__(self, names):
        self.names = list(names)
        self.folder = None
        self.running = []

    def __enter__(self):
        stop_on_signals()
        try:
            self.make()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.wait()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def make(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tacita-"))
        for name in self.names:
            self.home(name).mkdir()

    def home(self, name):
        """A member's folder."""
        return self.folder / name

    def words(self, _name, words):
        """What starts a program where this member is."""
        return list(words)

    def start(self, name, words, **more):
        """Starts a program where this member is, in its folder."""
        environment = dict(os.environ)
        environment["PATH"] = f"{TACITA.parent}:{environment['PATH']}"
        for unwanted in ("TACITA_LOG", "RUST_BACKTRACE"):
            environment.pop(unwanted, None)
        process = subprocess.Popen(
            self.words(name, words), cwd=self.home(name), env=environment, stdin=subprocess.DEVNULL, **more
        )
        self.running.append(process)
        return process

    def run(self, name, *words):
        """Runs a program where this member is, and returns what it printed."""
        process = self.start(name, words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = process.communicate(timeout=60)
        if process.returncode != 0:
            raise Failed(f"{name}: {' '.join(words)}: exit code {process.returncode}: {err}")
        return out

    def copy(self, source, *to):
        """Copies a file of one member, as (name, file), to others."""
        for name in to:
            shutil.copy(self.home(source[0]) / source[1], self.home(name))


class Lab(Folders):
    """Machines by name, with their addresses, and a link between every two.

    `admitted` has who may open TCP connections to whom at which port, by name; without it, everybody may.
    """

    def __init__(self, machines, latency_ms=0.0, mbit=10_000.0, admitted=None):
        super().__init__(machines)
        self.machines = machines
        self.shape = (latency_ms, mbit)
        self.admitted = admitted
        self.prefix = f"tacita-{os.getpid()}"
        self.links = {}

    def make(self):
        sweep()
        super().make()
        hosts = "127.0.0.1 localhost\n"
        hosts += "".join(f"{address} {name}.example\n" for name, address in self.machines.items())
        for name in self.machines:
            files = pathlib.Path("/etc/netns") / self.namespace(name)  # what `ip netns exec` puts over /etc
            files.mkdir(parents=True)
            (files / "hosts").write_text(hosts)
            ip("netns", "add", self.namespace(name))
            ip("-n", self.namespace(name), "link", "set", "lo", "up")
        for number, (one, other) in enumerate(itertools.combinations(self.machines, 2)):
            self.links[frozenset((one, other))] = self.link(number, one, other)

    def __exit__(self, *exception):
        super().__exit__(*exception)
        # a relay holds the pipes of those that were made before it
        for link in reversed(self.links.values()):
            link.close()
        remove(self.prefix)

    def words(self, name, words):
        return ["ip", "netns", "exec", self.namespace(name), *words]

    def namespace(self, name):
        return f"{self.prefix}-{name}"

    def link(self, number, one, other):
        link = Link([f"tac{os.getpid()}.{number}{end}" for end in "ab"], *self.shape)
        if self.admitted is not None:
            address = {name: socket.inet_aton(address) for name, address in self.machines.items()}
            link.admitted = {
                address[source] + address[target] + struct.pack("!H", port) for source, target, port in self.admitted
            }
        for name, peer, device in ((one, other, link.names[0]), (other, one, link.names[1])):
            ip("link", "set", device, "netns", self.namespace(name))
            here, there = self.machines[name], self.machines[peer]
            inside = ("-n", self.namespace(name))
            ip(*inside, "address", "add", here, "peer", there, "dev", device)
            ip(*inside, "link", "set", device, "up")
        link.start()
        return link

    def between(self, one, other):
        """The link between two machines."""
        return self.links[frozenset((one, other))]


class Link:
    """Two devices and the process between them."""

    def __init__(self, names, latency_ms, mbit):
        self.names = names
        self.shape = (latency_ms, mbit)
        self.devices = [tun(name) for name in names]
        self.admitted = None
        self.control = None
        self.relay = None

    def start(self):
        theirs, self.control = os.pipe()
        self.relay = os.fork()
        if self.relay == 0:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # the end of the pipe is what ends it
            os.close(self.control)
            try:
                carry(self.devices, theirs, self.admitted, *self.shape)
            finally:
                os._exit(0)
        os.close(theirs)
        for device in self.devices:
            os.close(device)

    def set(self, latency_ms, mbit):
        """Changes both directions; a rate of 0 cuts them."""
        os.write(self.control, struct.pack("dd", latency_ms, mbit))

    def close(self):
        if self.relay:
            os.close(self.control)
            os.waitpid(self.relay, 0)
            self.relay = None


class Direction:
    """Packets on their way from one device to another: waiting for their turn, then flying."""

    def __init__(self, source, sink, admitted):
        self.source, self.sink, self.admitted = source, sink, admitted
        self.waiting = collections.deque()
        self.flying = collections.deque()
        self.done = None  # when the first that waits will have been sent

    def take(self, now, bits):
        """Takes in what the device has."""
        for _ in range(64):
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            # a link that is cut carries nothing
            if bits > 0 and len(self.waiting) < QUEUE and self.passes(packet):
                self.waiting.append(packet)
                if self.done is None:
                    self.done = now + len(packet) * 8 / bits

    def passes(self, packet):
        """The firewall: IPv4, and TCP connections are opened only where that is admitted."""
        if packet[0] >> 4 != 4:
            return False
        header = (packet[0] & 15) * 4
        is_tcp, flags = packet[9] == 6, packet[header + 13 : header + 14]
        if self.admitted is None or not is_tcp or flags[0] & 0x12 != 0x02:  # SYN without ACK
            return True
        return packet[12:20] + packet[header + 2 : header + 4] in self.admitted

    def move(self, now, latency, bits):
        """Moves what has been sent by now, and delivers what has arrived; returns when to look again."""
        while self.waiting and self.done <= now:
            self.flying.append((self.done + latency, self.waiting.popleft()))
            self.done = self.done + len(self.waiting[0]) * 8 / bits if self.waiting else None
        while self.flying and self.flying[0][0] <= now:
            try:
                os.write(self.sink, self.flying.popleft()[1])
            except OSError:
                pass  # lost: the device is down
        times = [self.done] if self.waiting else []
        return min(times + [self.flying[0][0]] if self.flying else times, default=now + IDLE)


def carry(devices, control, admitted, latency_ms, mbit):
    """Carries packets between two devices until the control pipe is closed."""
    latency, bits = latency_ms / 1e3, mbit * 1e6
    directions = [Direction(*devices, admitted), Direction(*reversed(devices), admitted)]
    while True:
        now = time.monotonic()
        due = min(direction.move(now, latency, bits) for direction in directions)
        ready, _, _ = select.select([*devices, control], [], [], max(0.0, due - time.monotonic()))
        now = time.monotonic()
        for direction in directions:
            if direction.source in ready:
                direction.take(now, bits)
        if control in ready:
            message = os.read(control, struct.calcsize("dd"))
            if not message:
                return
            latency_ms, mbit = struct.unpack("dd", message)
            latency, bits = latency_ms / 1e3, mbit * 1e6
            for direction in directions:
                if bits == 0:
                    direction.waiting.clear()
                    direction.flying.clear()
                direction.done = now + len(direction.waiting[0]) * 8 / bits if direction.waiting else None


def tun(name):
    """A new TUN device, which is there as long as somebody has it open."""
    set_interface, is_tun, no_information = 0x400454CA, 0x0001, 0x1000
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(device, set_interface, struct.pack("16sH22x", name.encode(), is_tun | no_information))
    return device


def ip(*words):
    ended = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise Failed(f"ip {' '.join(words)}: {ended.stderr.strip()}")
    return ended.stdout


def remove(prefix):
    """Removes the namespaces that begin like this; processes in them have ended."""
    for line in ip("netns", "list").splitlines():
        if line.startswith(f"{prefix}-"):
            ip("netns", "delete", line.split()[0])
    for files in pathlib.Path("/etc/netns").glob(f"{prefix}-*"):
        shutil.rmtree(files)


def sweep():
    """Removes what a script left behind that was killed."""
    for line in ip("netns", "list").splitlines():
        owner = re.match(r"tacita-(\d+)-", line)
        if owner and not os.path.exists(f"/proc/{owner[1]}"):
            remove(f"tacita-{owner[1]}")


def prepare(folders, addresses, settings=None, graph=(), home=str):
    """A session of these members, each in its folder: keys, session file, LeNet's graph.

    `addresses` has the parties in order and the dealer last, None for who needs no address; `settings` are lines of the
    session file to change, `graph` says more about the graph, `home` is the folder's name of a member's.
    """
    *parties, dealer = addresses
    first, others = home(parties[0]), [home(name) for name in parties[1:]]
    for name in addresses:
        where = home(name)
        if not (folders.home(where) / f"{name}.key").exists():
            folders.run(where, "tacita", "identity", name)
        if where != first:
            folders.copy((where, f"{name}.crt"), first)

    def member(name):
        return f"{name}={name}.crt" + (f"@{addresses[name]}" if addresses[name] else "")

    listed = [word for name in parties for word in ("--party", member(name))]
    folders.run(first, "tacita", "session", "new", *listed, "--dealer", member(dealer), "-o", "session.toml")
    path = folders.home(first) / "session.toml"
    text = path.read_text()
    for line, value in (settings or {}).items():
        text, found = re.subn(rf"(?m)^{line} = .*$", f"{line} = {value}", text)
        if found != 1:
            raise Failed(f"the session file has {found} lines `{line}`")
    path.write_text(text)
    folders.run(first, "tacita", "export-graph", str(MODELS / "lenet.onnx"), *graph, "-o", "lenet.graph")
    folders.copy((first, "session.toml"), *others, home(dealer))
    folders.copy((first, "lenet.graph"), *others)


def join(name, *more):
    """What a party of such a session types; bob has the model."""
    mine = ["--model", str(MODELS / "lenet.onnx")] if name == "bob" else ["--graph", "lenet.graph"]
    return ["tacita", "join", "--session", "session.toml", "--as", name, *mine, *more]


def give_digits(folder, count):
    """The shipped 200 images and labels as .npy files of so many, from the first on and again."""
    with zipfile.ZipFile(MODELS / "mnist-200.npz") as archive:
        for name in ("images.npy", "labels.npy"):
            (folder / name).write_bytes(npy(archive.read(name), count))


# How `join` reads them.
DIGITS = ["--input", "images.npy", "--scale", "255", "--labels", "labels.npy"]


def npy(array, count):
    """An .npy file of version 1 with its samples repeated or cut to so many."""
    data = 10 + struct.unpack("<H", array[8:10])[0]
    header = array[10:data].decode()
    there = int(re.search(r"'shape': \((\d+),", header)[1])
    header = re.sub(r"'shape': \(\d+,", f"'shape': ({count},", header).rstrip()
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    sample = (len(array) - data) // there
    samples = itertools.islice(itertools.cycle(range(there)), count)
    body = b"".join(array[data + sample * i : data + sample * (i + 1)] for i in samples)
    return array[:8] + struct.pack("<H", len(header)) + header.encode() + body
