"""Stands between a process and an AWS endpoint, and loses, holds or refuses what a test says, at the moment it says."""

import json
import re
import threading
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import recorded_calls
from processes import PATIENCE

# What belongs to one connection and is not passed on.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass
class Exchange:
    """A request and, once there is one, its response."""

    operation: str
    """`SQS.<Action>`, or `S3.<HTTP method>`."""
    body: bytes
    method: str = ""
    target: str = ""
    """Path and query."""
    access_key: str | None = None
    """Whose credentials signed it."""
    status: int | None = None
    answer: bytes = b""

    @property
    def messages(self):
        """The messages that a receive has brought."""
        if self.operation != "SQS.ReceiveMessage" or self.status != 200:
            return []
        return json.loads(self.answer).get("Messages", [])


class Hold:
    """Stops what it is for on its way, until it is let go. Nothing else is touched."""

    def __init__(self, operation, is_response, where):
        self._operation, self._is_response, self._where = operation, is_response, where
        self._held, self._let_go = threading.Event(), threading.Event()
        self._passes = True

    def applies(self, exchange, is_response):
        matches = is_response == self._is_response and fnmatchcase(exchange.operation, self._operation)
        return matches and not self._let_go.is_set() and self._where(exchange)

    def keep(self):
        """Waits in the connection's thread. False: it never arrives."""
        self._held.set()
        self._let_go.wait()
        return self._passes

    @property
    def is_reached(self):
        return self._held.is_set()

    def wait_until_reached(self, timeout=PATIENCE):
        assert self._held.wait(timeout), f"no {self._operation} came within {timeout} s"

    def release(self):
        """Lets what is held go on, and all that follows."""
        self._let_go.set()

    def drop(self):
        """What is held never arrives; its connection ends. What follows is not held any more."""
        self._passes = False
        self._let_go.set()


class AwsProxy:
    """An endpoint of its own, to be closed."""

    hides = False
    """Whether the endpoint behind it is told its own name, so that the URLs of queues have that."""

    def __init__(self, upstream):
        self.upstream = urlsplit(upstream).netloc
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Connection)
        self._server.proxy, self._server.daemon_threads = self, True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._changed = threading.Condition()
        self._exchanges, self._holds, self._refusals = [], [], {}
        self._lacks = lambda exchange: None
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for hold in self._holds:
            hold.drop()
        self._server.shutdown()
        self._server.server_close()

    # What a test asks for. Operations are patterns, such as `S3.*`.

    def hold_requests(self, operation, where=lambda exchange: True):
        return self._hold(Hold(operation, False, where))

    def hold_responses(self, operation, where=lambda exchange: True):
        return self._hold(Hold(operation, True, where))

    def _hold(self, hold):
        self._holds.append(hold)
        return hold

    def refuse(self, operation, status):
        """Answers with this status, and passes nothing on, until `accept`."""
        self._refusals[operation] = status

    def accept(self, operation):
        del self._refusals[operation]

    def deny(self, lacks):
        """Answers as AWS answers who may not do this, and passes nothing on, if `lacks` names the action of IAM that an exchange
        lacks.
        """
        self._lacks = lacks

    def passed(self, operation, where=lambda exchange: True):
        """The exchanges whose responses were passed on so far."""
        with self._changed:
            exchanges = list(self._exchanges)
        return [e for e in exchanges if fnmatchcase(e.operation, operation) and where(e)]

    def wait_until_passed(self, operation, where=lambda exchange: True, timeout=PATIENCE):
        """Waits for such an exchange; it returns the moment after its response was sent."""
        end, seen = time.monotonic() + timeout, 0
        with self._changed:
            while True:
                for exchange in self._exchanges[seen:]:
                    if fnmatchcase(exchange.operation, operation) and where(exchange):
                        return exchange
                seen = len(self._exchanges)
                assert self._changed.wait(end - time.monotonic()), f"no {operation} was passed within {timeout} s"

    # What connections ask for.

    def lets_pass(self, exchange, is_response):
        return all(hold.keep() for hold in list(self._holds) if hold.applies(exchange, is_response))

    def refusal(self, exchange):
        found = (status for operation, status in list(self._refusals.items()) if fnmatchcase(exchange.operation, operation))
        return next(found, None)

    def lacks(self, exchange):
        return self._lacks(exchange)

    def note(self, exchange):
        recorded_calls.keep(exchange)
        with self._changed:
            self._exchanges.append(exchange)
            self._changed.notify_all()


class Recorder(AwsProxy):
    """Passes everything on, as if it were not there, and keeps nothing of it but the record of calls."""

    hides = True

    def note(self, exchange):
        recorded_calls.keep(exchange)


class _Connection(BaseHTTPRequestHandler):
    """One connection of a client, with one of its own to the endpoint."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.proxy = self.server.proxy
        self.upstream = HTTPConnection(self.proxy.upstream)

    def finish(self):
        self.upstream.close()
        super().finish()

    def handle(self):
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            pass  # The client was killed, or the endpoint has ended.

    def exchange(self):
        assert "Transfer-Encoding" not in self.headers, "the clients under test know the length of what they send"
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        signed = re.search("Credential=([^/]+)/", self.headers.get("Authorization", ""))
        exchange = Exchange(self.operation(), body, self.command, self.path, signed and signed[1])
        if not self.proxy.lets_pass(exchange, is_response=False):
            self.close_connection = True
            return
        status = self.proxy.refusal(exchange)
        if status:
            exchange.status, headers = status, []
        elif action := self.proxy.lacks(exchange):
            exchange.status, headers = self.deny(exchange, action)
        else:
            exchange.status, headers = self.forward(exchange)
        if not self.proxy.lets_pass(exchange, is_response=True):
            self.close_connection = True
            return
        self.send(exchange, headers)
        self.proxy.note(exchange)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = exchange

    def operation(self):
        target = self.headers.get("X-Amz-Target", "")
        return f"SQS.{target.removeprefix('AmazonSQS.')}" if target else f"S3.{self.command}"

    def forward(self, exchange):
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        if self.proxy.hides:
            headers = {name: value for name, value in headers.items() if name.lower() != "host"} | {"Host": self.proxy.upstream}
        self.upstream.request(self.command, self.path, exchange.body, headers)
        response = self.upstream.getresponse()
        exchange.answer = response.read()
        return response.status, response.getheaders()

    @staticmethod
    def deny(exchange, action):
        """403, in the words of the service. A HEAD gets none."""
        user = "User: arn:aws:iam::000000000000:user/test"
        message = f"{user} is not authorized to perform: {action.lower()} because no identity-based policy allows the action"
        if exchange.operation.startswith("SQS."):
            exchange.answer = json.dumps({"__type": "com.amazonaws.sqs#AccessDeniedException", "message": message}).encode()
            return 403, [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-query-error", "AccessDenied;Sender")]
        if exchange.method != "HEAD":
            exchange.answer = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>".encode()
        return 403, [("Content-Type", "application/xml")]

    def send(self, exchange, headers):
        head = [f"HTTP/1.1 {exchange.status} -", f"Content-Length: {len(exchange.answer)}"]
        head += [f"{name}: {value}" for name, value in headers if name.lower() not in HOP_BY_HOP]
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + exchange.answer)

    def log_message(self, *_):
        pass
