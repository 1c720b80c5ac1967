"""The measurements. Each adds samples; the systems take turns, in an order that moves on by one each round."""

import concurrent.futures
import dataclasses
import os
import signal
import statistics
import subprocess
import sys
import time

import processes
import systems

GIB = 1 << 30
MIB = 1 << 20


@dataclasses.dataclass
class Plan:
    """How much of each; the seconds bound the whole run."""

    seconds: int
    patience: float
    logins: int
    rate_rounds: int
    rate_logins: int
    echo_rounds: int
    keystrokes: int
    bulk_rounds: int
    bulk_bytes: int
    sessions: tuple

    @staticmethod
    def full():
        return Plan(seconds=600, patience=60, logins=60, rate_rounds=5, rate_logins=48, echo_rounds=4, keystrokes=600,
                    bulk_rounds=5, bulk_bytes=GIB, sessions=(10, 200))

    @staticmethod
    def quick():
        return Plan(seconds=95, patience=10, logins=15, rate_rounds=2, rate_logins=24, echo_rounds=1, keystrokes=500,
                    bulk_rounds=2, bulk_bytes=128 * MIB, sessions=(10, 50))


def idle_share(seconds):
    """The part of all cores' time that nobody used in the next moment."""
    def read():
        with open("/proc/stat") as file:
            values = [int(word) for word in file.readline().split()[1:]]
        return sum(values), values[3] + values[4]

    before = read()
    time.sleep(seconds)
    after = read()
    return (after[1] - before[1]) / max(after[0] - before[0], 1)


def remark(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def give_up(*_):
    raise processes.Failure("a keystroke did not come back in time")


class Bench:
    def __init__(self, stage, plan, deadline, patience):
        self.stage = stage
        self.plan = plan
        self.deadline = deadline
        self.patience = patience
        self.waited = 0.0
        self.samples = {}
        signal.signal(signal.SIGALRM, give_up)
        self.login_cost = {}

    def add(self, metric, name, value):
        self.samples.setdefault(metric, {}).setdefault(name, []).append(value)

    def turns(self, round_number):
        names = self.stage.names
        first = round_number % len(names)
        return names[first:] + names[:first]

    def rounds(self, count, what, least=1):
        """Round numbers, fewer when time runs out."""
        for number in range(count):
            if number >= least and time.monotonic() > self.deadline:
                remark(f"{what}: out of time after {number} of {count} rounds")
                return
            yield number

    def settle(self):
        """Waits until the machine has nothing else to do, as long as patience lasts."""
        start = time.monotonic()
        while self.patience > 0 and idle_share(0.03) < 0.9:
            self.patience -= 0.03
        waited = time.monotonic() - start
        if waited > 0.1:
            self.waited += waited

    def cpu(self, name):
        group = self.stage.groups.get(name)
        return group.cpu_seconds() if group else 0.0

    # MARK: it works at all

    def check(self):
        """Every byte arrives both ways, by every way and with every cipher."""
        size = 3 * MIB + 1
        for name in self.stage.names:
            for cipher in systems.CIPHERS:
                down = subprocess.run(self.stage.command(name, f"head -c {size} /dev/zero", cipher=cipher),
                                      stdin=subprocess.DEVNULL, capture_output=True)
                up = subprocess.run(self.stage.command(name, "wc -c", cipher=cipher), input=bytes(size),
                                    capture_output=True)
                if len(down.stdout) != size or up.stdout.strip() != str(size).encode():
                    error = (down.stderr + up.stderr).decode(errors="replace").strip()
                    raise processes.Failure(f"{name} with {cipher} does not carry {size} bytes both ways: {error}")

    # MARK: logins

    def log_in_once(self, name):
        """Seconds to the first byte of output, seconds to the end, gateway CPU seconds."""
        self.settle()
        cpu = self.cpu(name)
        start = time.perf_counter()
        with subprocess.Popen(self.stage.command(name, "echo"), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as process:
            first = process.stdout.read(1)
            seen = time.perf_counter()
            status = process.wait()
            end = time.perf_counter()
        if not first or status != 0:
            raise processes.Failure(f"a login by {name} failed with status {status}")
        return seen - start, end - start, self.cpu(name) - cpu

    def login(self):
        remark("login latency")
        for number in self.rounds(self.plan.logins, "login", least=10):
            for name in self.turns(number):
                first, end, cpu = self.log_in_once(name)
                self.add("login", name, first)
                self.add("login_end", name, end)
                if name in self.stage.groups:
                    self.add("login_cpu", name, cpu)

    def rate(self):
        remark("logins per second, 8 in parallel")
        for number in self.rounds(self.plan.rate_rounds, "rate"):
            for name in self.turns(number):
                line = self.stage.command(name, "true")
                self.settle()

                def one(_, line=line):
                    return subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode

                with concurrent.futures.ThreadPoolExecutor(8) as pool:
                    start = time.perf_counter()
                    statuses = list(pool.map(one, range(self.plan.rate_logins)))
                    seconds = time.perf_counter() - start
                if any(statuses):
                    raise processes.Failure(f"{sum(map(bool, statuses))} of {len(statuses)} logins by {name} failed")
                self.add("rate", name, len(statuses) / seconds)

    # MARK: echo

    def echo(self):
        remark("keystroke echo")
        for number in self.rounds(self.plan.echo_rounds, "echo"):
            sessions = {}
            signal.alarm(120)
            try:
                for name in self.stage.names:
                    sessions[name] = Keyboard(self.stage, name)
                for stroke in range(self.plan.keystrokes):
                    if stroke % 50 == 0:
                        self.settle()
                    for name in self.turns(number + stroke):
                        self.add("echo", name, sessions[name].press())
                        time.sleep(0.001)
            finally:
                signal.alarm(0)
                for session in sessions.values():
                    session.close()

    # MARK: bulk

    def bulk(self):
        remark("bulk throughput")
        self.calibrate()
        for number in self.rounds(self.plan.bulk_rounds, "bulk"):
            for cipher in systems.CIPHERS:
                for direction in ("down", "up"):
                    for name in self.turns(number):
                        self.transfer(name, cipher, direction)

    def calibrate(self):
        """What a session costs without any transfer; taken off each transfer."""
        for name in self.stage.names:
            trials = [self.log_in_once(name) for _ in range(5)]
            self.login_cost[name] = [statistics.median(values) for values in zip(*trials)]

    def transfer(self, name, cipher, direction):
        size = self.plan.bulk_bytes
        self.settle()
        cpu = self.cpu(name)
        start = time.perf_counter()
        if direction == "down":
            line = self.stage.command(name, f"head -c {size} /dev/zero", cipher=cipher)
            status = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode
        else:
            line = self.stage.command(name, "cat >/dev/null", cipher=cipher)
            with subprocess.Popen(["head", "-c", str(size), "/dev/zero"], stdout=subprocess.PIPE) as source:
                status = subprocess.run(line, stdin=source.stdout, stdout=subprocess.DEVNULL).returncode
                source.stdout.close()
        wall = time.perf_counter() - start
        cpu = self.cpu(name) - cpu
        if status != 0:
            raise processes.Failure(f"a transfer by {name} failed with status {status}")
        _, login_wall, login_cpu = self.login_cost[name]
        per_gib = GIB / size
        self.add(f"wall_{direction}_{cipher}", name, max(wall - login_wall, 0.0) * per_gib)
        if name in self.stage.groups:
            self.add(f"cpu_{direction}_{cipher}", name, max(cpu - login_cpu, 0.0) * per_gib)

    # MARK: memory

    def memory(self):
        remark("memory of idle sessions")
        time.sleep(0.5)
        for name in self.stage.names:
            if name in self.stage.groups:
                self.memory_of(name)

    def memory_of(self, name):
        daemon = self.stage.daemons[name]
        self.add("daemon_0", name, processes.pss_kib(daemon))
        sessions = []
        try:
            for count in self.plan.sessions:
                with concurrent.futures.ThreadPoolExecutor(8) as pool:
                    opening = [pool.submit(IdleSession, self.stage, name, sessions)
                               for _ in range(count - len(sessions))]
                for one in opening:
                    one.result()
                time.sleep(1)
                pids = [pid for pid in self.stage.groups[name].pids() if pid != daemon]
                self.add(f"pss_{count}", name, sum(map(processes.pss_kib, pids)) / count)
                self.add(f"processes_{count}", name, len(pids) / count)
                alone = processes.pss_kib(daemon)
                self.add(f"daemon_{count}", name, alone)
                self.add(f"growth_{count}", name, (alone - self.samples["daemon_0"][name][-1]) / count)
        finally:
            for session in sessions:
                session.close()
            for session in sessions:
                session.wait()


class Keyboard:
    """A session with a terminal whose far end sends every byte back."""

    def __init__(self, stage, name):
        self.name = name
        line = stage.command(name, "stty raw -echo; printf R; exec cat", flags=["-tt"])
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.keys = self.process.stdin.fileno()
        self.screen = self.process.stdout.fileno()
        if not self.wait_for(b"R"):
            self.close()
            raise processes.Failure(f"no terminal session by {name}")

    def wait_for(self, byte):
        while data := os.read(self.screen, 4096):
            if byte in data:
                return True
        return False

    def press(self):
        start = time.perf_counter()
        os.write(self.keys, b"k")
        arrived = self.wait_for(b"k")
        seconds = time.perf_counter() - start
        if not arrived:
            raise processes.Failure(f"a keystroke by {self.name} did not come back")
        return seconds

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class IdleSession:
    """A session whose command waits for input."""

    def __init__(self, stage, name, registry):
        self.process = subprocess.Popen(stage.command(name, "cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        bufsize=0)
        registry.append(self)
        self.process.stdin.write(b"x")
        if self.process.stdout.read(1) != b"x":
            raise processes.Failure(f"an idle session by {name} ended")

    def close(self):
        try:
            self.process.stdin.close()
        except OSError:
            pass

    def wait(self):
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
