"""A clean Debian that boots with its own systemd, in a container that shares nothing but the network."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from processes import wait_until

BASE = ["systemd", "systemd-sysv", "dbus", "ca-certificates", "curl"]
# debootstrap does not get the order right in which these are set up.
MORE = ["python3", "awscli"]
# Debian's aws CLI is older than the variable AWS_ENDPOINT_URL; that of Amazon Linux is not.
AWS = '#!/bin/sh\nexec /usr/bin/aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"\n'


def missing():
    """Why there can be no such container here; None if there can."""
    if os.geteuid() != 0:
        return "this needs root"
    lacking = [tool for tool in ("debootstrap", "systemd-nspawn", "nsenter") if shutil.which(tool) is None]
    return f"this needs {', '.join(lacking)}: `make deploy-check` installs it" if lacking else None


def build(folder):
    """Makes the clean root in a folder, in a minute; or takes the one in COMPUTE_DEBIAN_ROOT, which is left as it is."""
    given = os.environ.get("COMPUTE_DEBIAN_ROOT")
    if given:
        return Path(given)
    root = folder / "root"
    base = ["debootstrap", "--variant=minbase", f"--include={','.join(BASE)}", "bookworm", root]
    more = f"apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends {' '.join(MORE)}"
    for command in (base, ["chroot", root, "/bin/sh", "-c", more]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)
    return root


class Container:
    """A booted copy of a root. Whatever it writes is gone at the end."""

    def __init__(self, root, release, folder):
        (folder / "aws").write_text(AWS, encoding="utf-8")
        (folder / "aws").chmod(0o755)
        binds = [f"--bind-ro={release}:/release", f"--bind-ro={folder / 'aws'}:/usr/local/bin/aws"]
        quiet = ["--register=no", "--keep-unit", "--machine=clean-root", "--quiet", "--volatile=overlay"]
        self._output = open(folder / "console", "w", encoding="utf-8")  # noqa: SIM115  (closed in `end`)
        self._nspawn = subprocess.Popen(
            ["systemd-nspawn", "--directory", root, "--boot", *quiet, *binds],
            stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.leader = wait_until(self._leader, "the container has a process", interval=0.2)
        wait_until(lambda: self.run("systemctl is-system-running", check=False).stdout in ("running\n", "degraded\n"), "it has booted")

    def _leader(self):
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text(encoding="utf-8").split()
        return children[0] if children else None

    def run(self, script, check=True, timeout=120, stdin=None):
        """Runs a shell script inside."""
        path = "PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin"
        enter = ["nsenter", "--target", self.leader, "--all", "/usr/bin/env", "-i", path]
        command = [*enter, "/bin/sh", "-euc", script]
        ended = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
        assert not check or ended.returncode == 0, f"{script}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended

    def write(self, path, text):
        self.run(f"mkdir -p $(dirname {path}); cat > {path}", stdin=text)

    def shows(self, unit, name):
        return self.run(f"systemctl show --property {name} --value {unit}").stdout.strip()

    def end(self):
        # What its init takes for `halt`.
        self._nspawn.send_signal(signal.SIGTERM)
        try:
            self._nspawn.wait(60)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
        self._output.close()
