"""What the Dockerfiles put into images, tried without Docker: the binary, the libraries that it is linked to and the certificates
of authorities, in a folder that is mounted read-only and is the whole root of a process without privileges."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from callers import Caller
from deployment import Deployment
from processes import REPOSITORY, binary

LACKING = [tool for tool in ("ldd", "unshare", "chroot") if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(os.geteuid() != 0, reason="this needs root"),
    pytest.mark.skipif(bool(LACKING), reason=f"this needs {', '.join(LACKING)}"),
]

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec chroot --userspec "$1" "$0" "$2" "${@:3}"'


class Image:
    """What `docker run --read-only` would start."""

    def __init__(self, role, root):
        self.root = root
        written = (REPOSITORY / "deploy" / f"Dockerfile.{role}").read_text(encoding="utf-8")
        [self.user] = re.findall(r"^USER (\S+)$", written, re.MULTILINE)
        [self.entry] = re.findall(r'^ENTRYPOINT \["(\S+)"\]$', written, re.MULTILINE)
        [variables] = re.findall(r"^ENV (.+)$", written, re.MULTILINE)
        self.environment = dict(pair.split("=", 1) for pair in variables.split())
        built = Path(binary(f"compute-{role}"))
        linked = subprocess.run(["ldd", built], check=True, capture_output=True, text=True, timeout=60).stdout
        self._put(built, self.entry)
        for file in {CERTIFICATES, *map(Path, re.findall(r"/\S+", linked))}:
            self._put(file, str(file))

    def _put(self, file, place):
        inside = self.root / place.lstrip("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, inside)

    def start(self, processes, environment):
        command = ["unshare", "--mount", "bash", "-euc", READ_ONLY, self.root, self.user, self.entry]
        return processes.start(command, {**self.environment, **environment})


@pytest.fixture
def image(tmp_path):
    return lambda role: Image(role, tmp_path / role)


def status(process, name):
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(line.split()[1:] for line in lines if line.startswith(f"{name}:"))


def test_images_need_no_other_file_no_root_and_no_place_to_write(image, processes, local_aws, api):
    system = Deployment(local_aws, processes, "images")
    settings = {
        **local_aws.environment, "COMPUTE_REQUEST_QUEUE": "images-requests", "COMPUTE_LOG_BUCKET": system.bucket,
        "COMPUTE_PREFIX": "images", "COMPUTE_ADMIN_LISTEN": "127.0.0.1:0",
    }  # fmt: skip
    worker = image("worker").start(processes, {**settings, "COMPUTE_POLL_WAIT": "1s"})
    gateway = image("gateway").start(processes, {**settings, "COMPUTE_LISTEN": "127.0.0.1:0"})
    for process in (worker, gateway):
        process.event("ready")
        assert status(process, "Uid") == ["65532"] * 4 and int(status(process, "CapEff")[0], 16) == 0
        assert " ro," in Path(f"/proc/{process.pid}/mountinfo").read_text(encoding="utf-8").splitlines()[-1]
        admin = process.event("the admin port listens")["address"]
        for path in ("livez", "readyz"):
            with urlopen(f"http://{admin}/{path}", timeout=10) as answer:
                assert answer.status == 200
    with Caller(api, gateway.event("ready")["address"]) as caller:
        assert caller.compute([4, 5, 2, 35, 2452]).statistics.median == 5
    gateway.stop()
    worker.stop()
