"""TLS on the gateway's port, as openssl, curl, grpcio and Chromium see it."""

import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import grpc
import pytest

from browser import Browser, BrowserError
from callers import Caller, Load
from certificates import Authority
from deployment import metric
from processes import wait_until
from test_readme import block

COMPUTE = "/compute.v1.ComputeService/Compute"


@pytest.fixture
def ca(tmp_path):
    return Authority(tmp_path, "ca")


@pytest.fixture
def other_ca(tmp_path):
    (tmp_path / "other").mkdir()
    return Authority(tmp_path / "other", "other-ca")


@pytest.fixture
def system(queues, local_aws):
    return queues(local_aws, "tls")


def serving(issued):
    return ["--tls-certificate", issued.certificate, "--tls-key", issued.key]


def port(gateway):
    return gateway.address.rpartition(":")[2]


def trusting(ca, client=None):
    """What grpcio needs to call."""
    identity = [client.key.read_bytes(), client.certificate.read_bytes()] if client else [None, None]
    return grpc.ssl_channel_credentials(ca.certificate.read_bytes(), *identity)


def call(api, address, tls, values=(1, 2)):
    with Caller(api, address, tls) as caller:
        return caller.compute(list(values), timeout=20)


def is_refused(api, address, tls):
    """Whether grpcio gets no connection."""
    with pytest.raises(grpc.RpcError) as failed, Caller(api, address, tls) as caller:
        caller.compute([1, 2], timeout=20)
    return failed.value.code() is grpc.StatusCode.UNAVAILABLE


def curl(*arguments):
    command = ["curl", "--silent", "--show-error", "--max-time", "20", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def s_client(address, *arguments):
    """What `openssl s_client` says about a connection."""
    command = ["openssl", "s_client", "-connect", address, *map(str, arguments)]
    return subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)


def test_openssl_agrees_on_tls_1_2_and_1_3_and_http_2_and_on_nothing_older(system, ca):
    gateway = system.gateway(*serving(ca.issue("server", "localhost")))
    for version in ("-tls1_2", "-tls1_3"):
        trust = ["-CAfile", ca.certificate, "-verify_return_error", "-verify_hostname", "localhost"]
        agreed = s_client(gateway.address, version, *trust, "-alpn", "h2,http/1.1")
        assert agreed.returncode == 0, agreed.stderr
        assert "ALPN protocol: h2" in agreed.stdout and "Verify return code: 0 (ok)" in agreed.stdout
    agreed = s_client(gateway.address, "-alpn", "http/1.1")
    assert "ALPN protocol: http/1.1" in agreed.stdout
    for old in ("-tls1", "-tls1_1"):
        assert s_client(gateway.address, old, "-cipher", "DEFAULT@SECLEVEL=0").returncode != 0
    assert metric(gateway, 'compute_gateway_connections_ended_total{reason="handshake_failed"}') >= 2


def test_openssl_knows_a_wrong_certificate_and_plaintext(system, ca, other_ca):
    gateway = system.gateway(*serving(ca.issue("server", "localhost")))
    expired = system.gateway(*serving(ca.issue("expired", "localhost", days=-1)))
    checking = ["-verify_return_error", "-verify_hostname", "localhost", "-CAfile"]
    for address, trust, reason in (
        (expired.address, [*checking, ca.certificate], "certificate has expired"),
        (gateway.address, [*checking, other_ca.certificate], "unable to get local issuer certificate"),
        (gateway.address, ["-verify_return_error", "-verify_hostname", "elsewhere", "-CAfile", ca.certificate], "hostname mismatch"),
    ):
        refused = s_client(address, *trust)
        assert refused.returncode != 0 and reason in refused.stderr, refused
    # Postgres's way to TLS begins with eight bytes in the clear.
    refused = s_client(gateway.address, "-starttls", "postgres")
    assert refused.returncode != 0 and "no peer certificate available" in refused.stdout, refused
    assert metric(gateway, 'compute_gateway_connections_ended_total{reason="handshake_failed"}') >= 1
    plain = system.gateway()
    refused = s_client(plain.address)
    assert refused.returncode != 0 and "no peer certificate available" in refused.stdout


def test_curl_gets_page_and_health_by_both_versions_of_http_and_knows_a_wrong_certificate(system, ca, other_ca):
    gateway = system.gateway(*serving(ca.issue("server", "localhost")))
    trust = ["--cacert", ca.certificate]
    for version, number in (("--http1.1", "1.1"), ("--http2", "2")):
        for path in ("/", "/healthz"):
            url = f"https://localhost:{port(gateway)}{path}"
            got = curl(*trust, version, "--write-out", "\n%{http_code} %{http_version}", url)
            assert got.stdout.splitlines()[-1] == f"200 {number}", got
    wrong_name = curl(*trust, f"https://{gateway.address}/healthz")
    wrong_ca = curl("--cacert", other_ca.certificate, f"https://localhost:{port(gateway)}/healthz")
    expired = system.gateway(*serving(ca.issue("expired", "localhost", days=-1)))
    too_old = curl(*trust, f"https://localhost:{port(expired)}/healthz")
    assert (wrong_name.returncode, wrong_ca.returncode, too_old.returncode) == (60, 60, 60)
    assert "expired" in too_old.stderr


def test_grpcio_calls_and_knows_a_wrong_certificate(api, system, ca, other_ca):
    system.worker("only")
    gateway = system.gateway(*serving(ca.issue("server", "localhost")))
    assert call(api, f"localhost:{port(gateway)}", trusting(ca)).statistics.mean == 1.5
    assert is_refused(api, f"localhost:{port(gateway)}", trusting(other_ca)), "another CA"
    assert is_refused(api, gateway.address, trusting(ca)), "a name that is not in the certificate"
    expired = system.gateway(*serving(ca.issue("expired", "localhost", days=-1)))
    assert is_refused(api, f"localhost:{port(expired)}", trusting(ca))


def test_plaintext_gets_no_answer(api, system, ca):
    gateway = system.gateway(*serving(ca.issue("server", "localhost")))
    assert is_refused(api, gateway.address, None)
    for version in ("--http1.1", "--http2-prior-knowledge"):
        got = curl(version, f"http://{gateway.address}/healthz")
        assert got.returncode != 0 and "ok" not in got.stdout, got
    assert metric(gateway, 'compute_gateway_connections_ended_total{reason="handshake_failed"}') >= 3


def test_where_client_certificates_are_wanted_nobody_gets_in_without_a_good_one(api, system, ca, other_ca):
    system.worker("only")
    gateway = system.gateway(*serving(ca.issue("server", "localhost")), "--tls-client-ca", ca.certificate)
    address, acme = f"localhost:{port(gateway)}", ca.issue("acme", "acme.example")
    answer = call(api, address, trusting(ca, acme))
    record = wait_until(lambda: system.log_record(answer.operation_id, "acme.example"), "the call is its tenant's")
    assert record["tenant"] == "acme.example"
    for nobody in (ca.issue("no-name"), ca.issue("two-names", "a.example", "b.example"), ca.issue("address", "127.0.0.1")):
        answer = call(api, address, trusting(ca, nobody))
        assert wait_until(lambda: system.log_record(answer.operation_id), "the call has no tenant")

    expired, stranger = ca.issue("late", "acme.example", days=-1), other_ca.issue("acme", "acme.example")
    url, trust = f"https://{address}/healthz", ["--cacert", ca.certificate]
    for bad in (None, expired, stranger):
        assert is_refused(api, address, trusting(ca, bad))
        identity = ["--cert", bad.certificate, "--key", bad.key] if bad else []
        assert curl(*trust, *identity, url).returncode != 0
        identity = ["-cert", bad.certificate, "-key", bad.key] if bad else []
        # TLS 1.2, where the client hears of it before it believes to be connected.
        assert s_client(address, "-tls1_2", *identity).returncode != 0
    assert curl(*trust, "--cert", acme.certificate, "--key", acme.key, url).stdout == "ok\n"


def test_a_certificate_is_swapped_under_load_without_a_failed_call(api, system, ca, tmp_path):
    certificate, key = tmp_path / "live.pem", tmp_path / "live.key"

    def install(issued):
        # Not at once, as those do it who copy two files.
        shutil.copy(issued.certificate, certificate)
        shutil.copy(issued.key, key)

    def served():
        return ssl.get_server_certificate(("localhost", int(port(gateway))))

    first = ca.issue("first", "localhost")
    install(first)
    system.worker("only")
    gateway = system.gateway("--tls-certificate", certificate, "--tls-key", key)
    address, new_connections, failed = f"localhost:{port(gateway)}", [], []
    stopping = threading.Event()

    def connect_again_and_again():
        while not stopping.is_set():
            try:
                new_connections.append(call(api, address, trusting(ca)).worker)
            except grpc.RpcError as error:
                failed.append(error)

    connecting = threading.Thread(target=connect_again_and_again, daemon=True)
    with Load(api, address, threads=2, tls=trusting(ca)) as load:
        connecting.start()
        for name in ("second", "third"):
            issued = ca.issue(name, "localhost")
            load.goes_on(5)
            install(issued)
            wait_until(lambda pem=issued.certificate.read_text(): served() == pem, f"the {name} certificate is served")
        in_force = served()
        for bad in (b"", b"no certificate"):
            failures = metric(gateway, 'compute_gateway_reloads_total{outcome="certificates_failed"}')
            certificate.write_bytes(bad)
            wait_until(
                lambda n=failures: metric(gateway, 'compute_gateway_reloads_total{outcome="certificates_failed"}') > n,
                "the bad file is noticed",
            )
            assert served() == in_force
        shutil.copy(first.certificate, certificate)
        wait_until(
            lambda: metric(gateway, 'compute_gateway_reloads_total{outcome="certificates_failed"}') == 3,
            "a certificate without its key is noticed",
        )
        assert served() == in_force
        load.goes_on(5)
        stopping.set()
        connecting.join(60)
    assert not load.errors and not load.wrong and not failed
    assert len(new_connections) > 5
    assert metric(gateway, 'compute_gateway_reloads_total{outcome="certificates_loaded"}') == 2


def test_files_that_are_of_no_use_stop_the_start_and_are_named(system, ca, tmp_path):
    server, other = ca.issue("server", "localhost"), ca.issue("other", "localhost")
    empty = tmp_path / "empty"
    empty.touch()
    for flags, named, reason in (
        (["--tls-certificate", tmp_path / "gone", "--tls-key", server.key], "--tls-certificate", "No such file"),
        (["--tls-certificate", empty, "--tls-key", server.key], "--tls-certificate", "certificates in PEM"),
        (["--tls-certificate", server.certificate, "--tls-key", server.certificate], "--tls-key", "private key"),
        (["--tls-certificate", server.certificate, "--tls-key", other.key], "--tls-key", "not the key"),
        ([*serving(server), "--tls-client-ca", empty], "--tls-client-ca", "certificates in PEM"),
        (["--tokens", empty], "--tokens", "no token"),
    ):
        log = system.gateway_that_fails(*flags)
        assert named in log and reason in log, log


# What the page does, by hand: a call over gRPC-Web, with the list [1, 2].
CALL = """
return fetch(arguments[0], {
  method: "POST",
  headers: {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"},
  body: new Uint8Array([0, 0, 0, 0, 4, 10, 2, 2, 4]),
}).then(async (answer) => [answer.status, answer.headers.get("operation-id"), (await answer.arrayBuffer()).byteLength]);
"""


def test_chromium_opens_the_page_and_calls(processes, system, ca, tmp_path):
    system.worker("only")
    server = ca.issue("server", "localhost")
    gateway = system.gateway(*serving(server))
    profile = tmp_path / "profile"
    with Browser(processes, f"--ignore-certificate-errors-spki-list={server.pin}", f"--user-data-dir={profile}") as browser:
        browser.open(f"https://localhost:{port(gateway)}/")
        assert browser.run("return [document.readyState, location.protocol]") == ["complete", "https:"]
        status, operation_id, size = browser.run(CALL, COMPUTE)
        assert status == 200 and operation_id and size > 20
        assert browser.run("return performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"


# By TLS 1.3 a client is refused when it believes to be connected; whether its browser sees the reason is a race.
HUNG_UP = {"ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED", "ERR_SOCKET_NOT_CONNECTED"}


def knowing(ca, home, client=None):
    """The surroundings of a browser that knows a CA, and has that certificate to show."""
    folder = home / ".pki" / "nssdb"
    folder.mkdir(parents=True)
    commands = [["certutil", "-N", "--empty-password"], ["certutil", "-A", "-n", "ca", "-t", "C,,", "-i", ca.certificate]]
    if client:
        pair, out = ["-in", client.certificate, "-inkey", client.key], ["-out", home / "client.p12", "-passout", "pass:"]
        subprocess.run(["openssl", "pkcs12", "-export", *pair, *out], check=True, capture_output=True, timeout=60)
        commands += [["pk12util", "-i", home / "client.p12", "-W", ""]]
    for command in commands:
        subprocess.run([*command, "-d", f"sql:{folder}"], check=True, capture_output=True, timeout=60)
    return {"HOME": str(home)}


def test_chromium_takes_the_certificate_of_a_ca_that_it_knows_and_no_wrong_one(processes, system, ca, other_ca, tmp_path):
    gateway = system.gateway(*serving(ca.issue("server", "localhost")))
    expired = system.gateway(*serving(ca.issue("expired", "localhost", days=-1)))
    stranger = system.gateway(*serving(other_ca.issue("stranger", "localhost")))
    asking = system.gateway(*serving(ca.issue("asking", "localhost")), "--tls-client-ca", ca.certificate)
    with Browser(processes, environment=knowing(ca, tmp_path / "home")) as browser:
        browser.open(f"https://localhost:{port(gateway)}/")
        assert browser.run("return location.protocol") == "https:"
        for url, reasons in (
            (f"https://localhost:{port(expired)}/", {"ERR_CERT_DATE_INVALID"}),
            (f"https://{gateway.address}/", {"ERR_CERT_COMMON_NAME_INVALID"}),
            (f"https://localhost:{port(stranger)}/", {"ERR_CERT_AUTHORITY_INVALID"}),
            (f"https://localhost:{port(asking)}/", {"ERR_BAD_SSL_CLIENT_AUTH_CERT", *HUNG_UP}),
            (f"http://localhost:{port(gateway)}/", {"ERR_INVALID_HTTP_RESPONSE", *HUNG_UP}),
        ):
            named = refusal(browser, url)
            assert named & reasons, (url, named)


# What makes a browser show the certificate that it has to whoever asks for one, without a word to the user.
SHOWS_ITS_CERTIFICATE = {"profile.managed_auto_select_certificate_for_urls": ['{"pattern": "https://*", "filter": {}}']}


def test_chromium_gets_in_with_a_client_certificate_and_not_with_one_of_somebody_with_the_cas_name(processes, system, ca, tmp_path):
    (tmp_path / "impostor").mkdir()
    # A browser shows nothing but what was issued by the name that the gateway asks for.
    impostor = Authority(tmp_path / "impostor", ca.certificate.stem)
    gateway = system.gateway(*serving(ca.issue("server", "localhost")), "--tls-client-ca", ca.certificate)
    url = f"https://localhost:{port(gateway)}/"
    with shown(processes, ca, tmp_path / "good", ca.issue("acme", "acme.example")) as browser:
        browser.open(url)
        assert browser.run("return location.protocol") == "https:"
    with shown(processes, ca, tmp_path / "bad", impostor.issue("acme", "acme.example")) as browser:
        named = refusal(browser, url)
        assert named & {"ERR_SSL_DECRYPT_ERROR_ALERT", *HUNG_UP}, named
    assert metric(gateway, 'compute_gateway_connections_ended_total{reason="handshake_failed"}') >= 1


def shown(processes, ca, home, client):
    return Browser(processes, environment=knowing(ca, home, client), preferences=SHOWS_ITS_CERTIFICATE)


def refusal(browser, url):
    """The errors that the browser names on the page that it shows in place of this one."""
    try:
        browser.open(url)
    except BrowserError as error:
        return set(re.findall("ERR_[A-Z_]+", str(error)))
    assert browser.run("return location.protocol") == "chrome-error:", url
    return set(re.findall("ERR_[A-Z_]+", browser.run("return document.documentElement.outerHTML")))


def test_the_readmes_way_to_tls_and_tokens_works(system, ca, tmp_path):
    system.worker("only")
    server = ca.issue("server", "localhost")
    make_token = block("sh", "openssl rand -hex 32")
    token = run(f'{make_token}echo "$token"', tmp_path).strip()
    start = shlex.split(block("sh", "--tls-certificate server.pem").replace("\\\n", " "))
    files = {"server.pem": server.certificate, "server.key": server.key, "tokens": tmp_path / "tokens"}
    gateway = system.gateway(*(files.get(word, word) for word in start[start.index("--tls-certificate") :]))
    call = block("sh", "grpcurl -cacert ca.pem").replace("localhost:8443", f"localhost:{port(gateway)}")
    assert json.loads(run(f"token={token}\n{call}", tmp_path))["statistics"]["mean"] == 499.6


def run(script, folder):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout
