"""Starts the programs under test, waits for what they say, and ends them by their process id."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

# Long enough for a busy machine with two cores. Every wait ends as soon as its condition holds.
PATIENCE = 30.0


def binary(name):
    """The path of a binary: in COMPUTE_BIN_DIR, or where a debug build puts it."""
    folder = os.environ.get("COMPUTE_BIN_DIR")
    if folder is None:
        folder = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "debug"
    path = Path(folder) / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: `cargo build --workspace --bins`, or set COMPUTE_BIN_DIR")
    return str(path)


def wait_until(condition, what, timeout=PATIENCE, interval=0.05):
    """Waits until `condition()` is true and returns what it returned; fails, naming `what`, after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not so after {timeout} s")
        time.sleep(interval)


class Output:
    """The lines that a process has written to one of its streams so far."""

    def __init__(self, stream):
        self.lines = []
        self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def first(self, accept, what, timeout=PATIENCE):
        """The first value, other than None, that `accept` returns for a line."""
        end = time.monotonic() + timeout
        seen = 0
        with self._changed:
            while True:
                for line in self.lines[seen:]:
                    value = accept(line)
                    if value is not None:
                        return value
                seen = len(self.lines)
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    why = "the process ended" if self._ended else f"{timeout} s have passed"
                    raise AssertionError(f"no {what}: {why}; its output was:\n{self.text()}")
                self._changed.wait(left)

    def close(self):
        """Waits for the rest of the output of a process that has ended."""
        self._reader.join(PATIENCE)

    def text(self):
        return "\n".join(self.lines)


class Process:
    """A running program."""

    def __init__(self, command, environment):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "COMPUTE_", "RUST_LOG"))}
        self.name = Path(command[0]).name
        self._popen = subprocess.Popen(
            [str(part) for part in command],
            env={**inherited, "RUST_BACKTRACE": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
        )
        self.pid = self._popen.pid
        self.stdout = Output(self._popen.stdout)
        self.stderr = Output(self._popen.stderr)

    @property
    def is_running(self):
        return self._popen.poll() is None

    def event(self, message, timeout=PATIENCE):
        """Waits for a log line with this message (of a process started with `--log-format json`); returns it."""

        def accept(line):
            try:
                event = json.loads(line)
            except ValueError:
                return None
            return event if isinstance(event, dict) and event.get("message") == message else None

        return self.stderr.first(accept, f"log line {message!r} of {self.name}", timeout)

    def printed(self, pattern, timeout=PATIENCE):
        """Waits for a line on standard output with this pattern; returns its first group."""

        def accept(line):
            match = re.search(pattern, line)
            return match and match.group(1)

        return self.stdout.first(accept, f"line {pattern!r} of {self.name}", timeout)

    def terminate(self):
        """Asks the process to end (SIGTERM) and does not wait."""
        self._popen.send_signal(signal.SIGTERM)

    def exit_code(self, timeout=PATIENCE):
        """Waits for the end of the process."""
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {timeout} s; its log:\n{self.stderr.text()}") from None

    def stop(self, timeout=PATIENCE):
        """Asks the process to end and checks that it does, with exit code 0."""
        self.terminate()
        code = self.exit_code(timeout)
        self.stderr.close()
        assert code == 0, f"{self.name} exited with {code}; its log:\n{self.stderr.text()}"

    def kill(self):
        """Ends the process at once, if it still runs."""
        self._popen.kill()
        self._popen.wait()
        self.stdout.close()
        self.stderr.close()


class Processes:
    """The processes of a test, to end them whatever becomes of it."""

    def __init__(self):
        self._all = []

    def start(self, command, environment=None):
        process = Process(command, environment or {})
        self._all.append(process)
        return process

    def end(self):
        """Kills what still runs, and fails if any of the programs panicked."""
        for process in self._all:
            process.kill()
        panics = [f"{p.name}:\n{p.stderr.text()}" for p in self._all if "panicked at" in p.stderr.text()]
        assert not panics, "\n".join(panics)
