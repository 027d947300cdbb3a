"""The Debian packages that `deploy/dist` makes, installed for real in a clean Debian, booted with its own systemd."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

import debian_root
from processes import REPOSITORY, binary

MISSING = debian_root.missing()
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(900), pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]

ROLES = ["gateway", "worker"]
# What exists by itself or stays by Debian's custom: the log of the installation, the user that files may still belong to.
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


def test_packages_install_without_a_start_run_from_their_units_and_leave_nothing_when_purged(host):
    before = host.run(PATHS).stdout
    host.run("dpkg --install /release/*.deb")
    for role in ROLES:
        assert host.shows(f"compute-{role}", "ActiveState") == "inactive", "it is not configured yet"
        assert host.run(f"systemctl is-enabled compute-{role}", check=False).stdout == "disabled\n"
        assert host.run(f"stat --format '%a %U' /etc/compute/{role}.env").stdout == "640 root\n"
        [path] = host.run(f"dpkg --listfiles compute-{role} | grep 'service$'").stdout.split()
        checked = host.run(f"systemd-analyze verify {path}")
        assert "compute" not in checked.stdout + checked.stderr
        command = host.run(f"sed -n 's/^ExecStart=//p' {path}").stdout.strip()
        assert host.run(f"{command} --version").stdout.startswith(f"compute-{role} ")
    host.run("id compute")
    # The unit starts it, as its user and in its sandbox; without AWS it says so, and is tried again.
    host.run("systemctl start compute-worker.service")
    assert host.shows("compute-worker", "Result") in ("success", "exit-code")
    host.run("echo '# mine' >> /etc/compute/worker.env; dpkg --install /release/*.deb")
    assert host.run("tail -n 1 /etc/compute/worker.env").stdout == "# mine\n", "an upgrade keeps settings"
    host.run("dpkg --purge compute-gateway compute-worker")
    assert host.run(PATHS).stdout == before
