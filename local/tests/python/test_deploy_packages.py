"""The Debian packages that `deploy/dist` makes, installed for real in a clean Debian, booted with its own systemd."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import grpc
import pytest

import debian_root
from callers import Caller
from deployment import Deployment
from emulators import free_port
from processes import REPOSITORY, binary, wait_until

MISSING = debian_root.missing()
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900), pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]

ROLES = ["gateway", "worker"]
# Without what Debian keeps by itself: the log of the installation, caches, dpkg's own books.
PATHS = "find / -xdev -path /var/log -prune -o -path /var/cache -prune -o -path /var/lib/dpkg -prune -o -name '*compute*' -print"


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Archives and packages: those in COMPUTE_DIST, or made of the debug build."""
    if os.environ.get("COMPUTE_DIST"):
        return Path(os.environ["COMPUTE_DIST"])
    folder = tmp_path_factory.mktemp("dist")
    target = Path(binary("compute-gateway")).parents[1]
    environment = {**os.environ, "PROFILE": "debug", "CARGO_TARGET_DIR": str(target)}
    subprocess.run([REPOSITORY / "deploy" / "dist", folder], check=True, env=environment, timeout=600)
    return folder


def test_sums_are_those_of_the_files_and_archives_hold_what_a_host_needs(packed):
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=packed, check=True, timeout=60)
    for role in ROLES:
        [archive] = packed.glob(f"compute-{role}-*.tar.gz")
        with tarfile.open(archive) as tar:
            names = [member.name.partition("/")[2] for member in tar]
            assert {member.uid for member in tar} == {0} and len({member.mtime for member in tar}) == 1
        unit = [f"compute-{role}", f"systemd/compute-{role}.service", f"systemd/{role}.env.example"]
        assert {*unit, "LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-LICENCES", "README.md"} <= set(names)


@pytest.mark.skipif(shutil.which("lintian") is None, reason="this needs lintian: `make deploy-check` installs it")
def test_lintian_finds_nothing_that_is_not_explained(packed):
    command = ["lintian", "--allow-root", "--fail-on", "error,warning", *packed.glob("*.deb")]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.fixture(scope="module")
def host(packed, tmp_path_factory):
    root = debian_root.build(tmp_path_factory.mktemp("debian"))
    container = debian_root.Container(root, packed, tmp_path_factory.mktemp("container"))
    yield container
    container.end()


@pytest.fixture(scope="module")
def left_from_before(host):
    return host.run(PATHS).stdout


@pytest.fixture(scope="module")
def installed(host, left_from_before):  # noqa: ARG001  (what is looked at first)
    host.run("dpkg --install /release/*.deb")
    return host


@pytest.fixture(scope="module")
def configured(installed, local_aws):
    """Both run from their units, with the local stack in place of AWS."""
    system = Deployment(local_aws, None, "packages")
    aws_is = "".join(f"{name}={value}\n" for name, value in local_aws.environment.items())
    names = f"COMPUTE_REQUEST_QUEUE=packages-requests\nCOMPUTE_LOG_BUCKET={system.bucket}\nCOMPUTE_PREFIX=packages\n"
    installed.address = f"127.0.0.1:{free_port()}"
    for role, own in (("gateway", f"COMPUTE_LISTEN={installed.address}\n"), ("worker", "COMPUTE_POLL_WAIT=1s\n")):
        admin = f"127.0.0.1:{free_port()}"
        installed.write(f"/etc/compute/{role}.env", f"{aws_is}{names}{own}COMPUTE_ADMIN_LISTEN={admin}\n")
        installed.run(f"systemctl enable --now compute-{role}.service")
        wait_until(lambda admin=admin: installed.run(f"curl -sf http://{admin}/readyz", check=False).returncode == 0, f"{role} is ready")
    return installed


def call(host, api):
    with Caller(api, host.address) as caller:
        return caller.compute([4, 5, 2, 35, 2452]).statistics


@pytest.mark.parametrize("role", ROLES)
def test_a_package_starts_nothing_and_its_unit_verifies(installed, role):
    assert installed.shows(f"compute-{role}", "ActiveState") == "inactive", "it is not configured yet"
    assert installed.run(f"systemctl is-enabled compute-{role}", check=False).stdout == "disabled\n"
    assert installed.run(f"stat --format '%a %U' /etc/compute/{role}.env").stdout == "640 root\n"
    checked = installed.run(f"systemd-analyze verify compute-{role}.service")
    assert "compute" not in checked.stdout + checked.stderr


def test_a_call_goes_through_gateway_and_worker_that_their_units_started(configured, api):
    assert call(configured, api).median == 5
    for role in ROLES:
        running = configured.shows(f"compute-{role}", "MainPID")
        assert configured.run(f"readlink /proc/{running}/exe").stdout == f"/usr/bin/compute-{role}\n"
        assert configured.run(f"stat --format %u /proc/{running}").stdout != "0\n"


def test_an_upgrade_starts_what_runs_again_and_keeps_settings(configured, api):
    before = [configured.shows(f"compute-{role}", "MainPID") for role in ROLES]
    settings = configured.run("cat /etc/compute/*.env").stdout
    configured.run("dpkg --install /release/*.deb")
    assert configured.run("cat /etc/compute/*.env").stdout == settings
    for role, pid in zip(ROLES, before, strict=True):
        assert configured.shows(f"compute-{role}", "MainPID") not in ("0", pid)
    with Caller(api, configured.address) as caller:
        wait_until(lambda: answered(caller), "the gateway listens again")
    assert call(configured, api).median == 5


def answered(caller):
    try:
        return caller.compute([1, 3], timeout=10).statistics.mean == 2
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        return False


def test_a_purge_stops_both_and_leaves_nothing_but_the_user(configured, left_from_before):
    running = [configured.shows(f"compute-{role}", "MainPID") for role in ROLES]
    assert "/usr/bin/compute-worker\n" in configured.run(PATHS).stdout
    configured.run("dpkg --purge compute-gateway compute-worker")
    for pid in running:
        assert pid != "0" and configured.run(f"test -d /proc/{pid}", check=False).returncode != 0
    assert configured.run(PATHS).stdout == left_from_before
    configured.run("id compute")
