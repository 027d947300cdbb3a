"""Those who mean no good get nowhere, are counted, and do nobody else any harm. More in `local/tests/e2e/edge_*.rs`."""

import hashlib
import resource
import socket
import struct
import threading
import time
from contextlib import contextmanager

import grpc
import pytest

from callers import Load, details
from certificates import Authority
from deployment import Deployment, metric
from processes import Processes, wait_until

COMPUTE = b"/compute.v1.ComputeService/Compute"
ENDED = 'compute_gateway_connections_ended_total{reason="%s"}'


class SlowHeaders:
    """Sends the headers of requests byte by byte, for longer than the gateway waits for them, while other tests run."""

    def __init__(self, gateway, header_timeout):
        self.gateway, self.header_timeout = gateway, header_timeout
        # When each connection was hung up on, in seconds since it was made.
        self.ended = []
        self._threads = [threading.Thread(target=self._dribble, daemon=True) for _ in range(5)]
        for thread in self._threads:
            thread.start()

    def _dribble(self):
        began = time.monotonic()
        with connect(self.gateway) as connection:
            connection.settimeout(0.5)
            try:
                for byte in b"POST " + COMPUTE + b" HTTP/1.1\r\nhost: gateway\r\nx-slow: " + b"x" * 10_000:
                    connection.sendall(bytes([byte]))
                    try:
                        if not connection.recv(1):
                            break
                    except TimeoutError:
                        pass
            except ConnectionError:
                pass
        self.ended.append(time.monotonic() - began)

    def wait(self):
        end = time.monotonic() + self.header_timeout + 30
        for thread in self._threads:
            thread.join(max(0, end - time.monotonic()))


@pytest.fixture(scope="module", autouse=True)
def slow_headers(local_aws):
    """Slow senders at a gateway with no time set, from the first test of this module to the last: it takes its time."""
    processes = Processes()
    gateway = Deployment(local_aws, processes, "attacked-slowly").gateway()
    yield SlowHeaders(gateway, header_timeout=30)
    processes.end()


@pytest.fixture
def system(queues, local_aws):
    system = queues(local_aws, "attacked")
    system.worker("only")
    return system


@contextmanager
def load_unharmed(api, gateway):
    """Calls flow before, during and after, and all are right."""
    with Load(api, gateway.address, threads=2) as load:
        load.goes_on(2)
        yield load
        load.goes_on(5)
    assert not load.errors and not load.wrong
    assert gateway.is_running


def connect(gateway):
    host, _, port = gateway.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=60)


def ended(gateway, reason):
    return metric(gateway, ENDED % reason)


def rest_of(connection):
    """What comes until the other end hangs up, which it has to."""
    received = b""
    try:
        while piece := connection.recv(65_536):
            received += piece
    except ConnectionError:
        pass
    return received


# HTTP/2 frames (RFC 9113) and headers (RFC 7541), by hand: clients do not do such things.

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_HEADERS = 4
ENHANCE_YOUR_CALM = 11


def frame(kind, stream=0, content=b"", flags=0):
    return struct.pack(">I", len(content))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + content


def text(value):
    assert len(value) < 127
    return bytes([len(value)]) + value


# POST, http, :path, :authority, content-type, te.
CALL = b"\x83\x86\x04" + text(COMPUTE) + b"\x01" + text(b"gateway") + b"\x0f\x10" + text(b"application/grpc")
CALL += b"\x00" + text(b"te") + text(b"trailers")


def frames_in(received):
    while len(received) >= 9:
        length = int.from_bytes(received[:3])
        yield received[3], received[9 : 9 + length]
        received = received[9 + length :]


def last_error(received):
    """The code of the GOAWAY among these frames, if there is one."""
    codes = [int.from_bytes(content[4:8]) for kind, content in frames_in(received) if kind == GOAWAY]
    return codes[-1] if codes else None


def send_until_refused(connection, pieces):
    """Sends until the other end has had enough."""
    try:
        for piece in pieces:
            connection.sendall(piece)
    except OSError:
        pass


def test_ten_thousand_idle_connections_leave_room_for_everybody(api, system):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    attackers = 11_000
    assert hard == resource.RLIM_INFINITY or hard > attackers + 500, "this test opens 11,000 connections: ulimit -Hn"
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gateway = system.gateway()
    connections = []
    try:
        with load_unharmed(api, gateway) as load:
            for number in range(attackers):
                connections.append(connect(gateway))
                # The gateway hangs up on these before long, as they do not answer its pings.
                if number % 20 == 0:
                    connections[-1].sendall(PREFACE + frame(SETTINGS))
                # The system holds a few hundred that are not accepted yet, and lets further ones wait for seconds.
                if number % 100 == 0:
                    accepted = "compute_gateway_connections_total"
                    wait_until(lambda n=number: metric(gateway, accepted) > n, "they are accepted", interval=0.01)
                if number % 500 == 0:
                    load.goes_on(1)
            wait_until(lambda: ended(gateway, "crowded_out") >= 100, "places are taken from those that do nothing")
            assert metric(gateway, "compute_gateway_connections") > 9_000
            load.goes_on(5)
            newcomer = connect(gateway)
            newcomer.sendall(b"GET /healthz HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n")
            assert rest_of(newcomer).startswith(b"HTTP/1.1 200")
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_until(lambda: metric(gateway, "compute_gateway_connections") < 10, "the places are free again")


def test_http2_rapid_reset_ends_the_connection(api, system):
    gateway = system.gateway()
    burst = b"".join(
        frame(HEADERS, stream, CALL, END_HEADERS) + frame(RST_STREAM, stream, struct.pack(">I", 8))
        for stream in range(1, 2_001, 2)
    )
    with load_unharmed(api, gateway):
        for _ in range(5):
            before = ended(gateway, "protocol")
            connection = connect(gateway)
            send_until_refused(connection, [PREFACE + frame(SETTINGS), burst])
            received = rest_of(connection)
            # The end may outrun what was said before it.
            assert last_error(received) in (ENHANCE_YOUR_CALM, None), received
            wait_until(lambda n=before: ended(gateway, "protocol") > n, "it is counted")
    assert metric(gateway, "compute_gateway_calls_in_flight") == 0


def test_headers_without_an_end_and_frames_out_of_order_end_the_connection(api, system):
    gateway = system.gateway()
    more = frame(CONTINUATION, 1, b"\x00" + text(b"x-more") + text(b"x" * 100))
    attacks = {
        "endless headers": [frame(HEADERS, 1, CALL), *[more] * 100_000],
        "empty endless headers": [frame(HEADERS, 1, CALL), *[frame(CONTINUATION, 1)] * 100_000],
        "data of no stream": [frame(DATA, 7, b"x")],
        "a stream of the server's": [frame(HEADERS, 2, CALL, END_HEADERS)],
        "a frame that is too long": [frame(DATA, 1, b"x" * 20_000)],
        "headers that are none": [frame(HEADERS, 1, b"\xff" * 50, END_HEADERS)],
    }
    with load_unharmed(api, gateway) as load:
        for name, frames in attacks.items():
            before = ended(gateway, "protocol")
            connection = connect(gateway)
            send_until_refused(connection, [PREFACE + frame(SETTINGS), *frames])
            rest_of(connection)
            wait_until(lambda n=before: ended(gateway, "protocol") > n, f"{name}: it is counted")
            load.goes_on(1)


def test_slow_senders_are_hung_up_on(api, system, tmp_path):
    gateway = system.gateway("--stream-idle-timeout", "2s", "--header-timeout", "5s")
    server = Authority(tmp_path, "ca").issue("server", "localhost")
    with_tls = system.gateway("--tls-certificate", server.certificate, "--tls-key", server.key)
    silent = [connect(with_tls) for _ in range(50)]
    half = [connect(gateway) for _ in range(50)]
    stopping = threading.Event()

    def dribble():
        request = b"POST " + COMPUTE + b" HTTP/1.1\r\nhost: gateway\r\nx-slow: " + b"x" * 10_000
        for byte in request:
            if stopping.wait(0.5):
                return
            for connection in half:
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    pass

    dribbling = threading.Thread(target=dribble, daemon=True)
    dribbling.start()
    with load_unharmed(api, gateway):
        body = b"content-type: application/grpc-web+proto\r\ncontent-length: 1000000\r\n\r\n"
        stalled = {path: [connect(gateway) for _ in range(50)] for path in (COMPUTE, b"/grpc.health.v1.Health/Check")}
        for path, connections in stalled.items():
            for connection in connections:
                connection.sendall(b"POST " + path + b" HTTP/1.1\r\nhost: gateway\r\n" + body + b"\0\0\x0f\x42\x3b")
        for connection in (connection for connections in stalled.values() for connection in connections):
            # DEADLINE_EXCEEDED
            assert b"grpc-status: 4\r\n" in rest_of(connection)
        assert metric(gateway, "compute_gateway_memory_taken_bytes") < 10_000_000
        for connection in silent:
            assert rest_of(connection) == b""
        assert ended(with_tls, "handshake_timeout") == 50
        for connection in half:
            rest_of(connection)
        stopping.set()
    dribbling.join(60)
    assert ended(gateway, "protocol") >= 50


def test_logs_hold_no_tokens_keys_or_values_however_much_is_logged(api, connect, queues, local_aws, tmp_path):
    system = queues(local_aws, "silent")
    system.log_level = "trace"
    worker = system.worker("only")
    ca = Authority(tmp_path, "ca")
    server, tokens = ca.issue("server", "localhost"), tmp_path / "tokens"
    token, value = "a-token-that-nobody-may-see", 987654321012345678
    tokens.write_text(f"{hashlib.sha256(token.encode()).hexdigest()} acme\n")
    # Both, since without TLS the library that reads HTTP has the token in its hands as it comes.
    flags = ["--tokens", tokens]
    plain = system.gateway(*flags)
    with_tls = system.gateway(*flags, "--tls-certificate", server.certificate, "--tls-key", server.key)
    caller = connect(plain.address)
    assert caller.compute([value, value], token=token).statistics.min == value
    large = caller.compute([value] * 100_000, token=token)
    assert large.statistics.count == 100_000
    for wrong in ("a-token-of-nobody", token + "x"):
        with pytest.raises(grpc.RpcError) as failed:
            caller.compute([value], token=wrong)
        assert details(failed.value)["google.rpc.ErrorInfo"].reason == "TOKEN_UNKNOWN"
    port = with_tls.address.rpartition(":")[2]
    tls = grpc.ssl_channel_credentials(ca.certificate.read_bytes())
    stub = api.services.ComputeServiceStub(grpc.secure_channel(f"localhost:{port}", tls))
    request = api.messages.ComputeRequest(values=[value])
    assert stub.Compute(request, metadata=[("authorization", f"Bearer {token}")], timeout=60).statistics.max == value
    assert metric(plain, 'compute_gateway_turned_away_total{reason="token_unknown"}') == 2

    for process in (plain, with_tls, worker):
        process.stop()
    key = server.key.read_text().splitlines()[1]
    assert key not in server.certificate.read_text()
    for process in (plain, with_tls, worker):
        log = process.stderr.text()
        assert '"level":"TRACE"' in log, "everything is logged"
        for secret in (token, "a-token-of-nobody", str(value), key):
            lines = [line[:500] for line in process.stderr.lines if secret in line]
            assert not lines, (process.name, secret, lines[:5], len(lines))


# The last test of this module: by now there is little or nothing to wait for.
def test_without_a_setting_headers_may_take_half_a_minute_and_no_longer(slow_headers):
    slow_headers.wait()
    assert len(slow_headers.ended) == 5 and ended(slow_headers.gateway, "protocol") == 5
    shortest, longest = min(slow_headers.ended), max(slow_headers.ended)
    # A busy machine may be late, and is not early.
    assert slow_headers.header_timeout <= shortest <= longest < slow_headers.header_timeout + 15, slow_headers.ended
