"""Callers of the gateway, with stubs that are generated from proto/ as a user would generate them."""

import importlib
import sys
import threading
from contextlib import contextmanager
from types import SimpleNamespace

import grpc
import grpc_tools
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from grpc_tools import protoc

from processes import REPOSITORY, wait_until


def generate_stubs(folder):
    """Generates the Python modules of the public API into `folder` and imports them."""
    include = str(next(iter(grpc_tools.__path__))) + "/_proto"
    flags = [f"-I{REPOSITORY / 'proto'}", f"-I{include}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    assert protoc.main(["protoc", *flags, "compute/v1/compute.proto"]) == 0
    sys.path.insert(0, str(folder))
    return SimpleNamespace(
        messages=importlib.import_module("compute.v1.compute_pb2"),
        services=importlib.import_module("compute.v1.compute_pb2_grpc"),
    )


class Caller:
    """A client of one gateway, to be closed."""

    def __init__(self, api, address, tls=None):
        self.api = api
        # Each caller has a connection of its own.
        options = [("grpc.use_local_subchannel_pool", 1)]
        if tls is None:
            self.channel = grpc.insecure_channel(address, options=options)
        else:
            self.channel = grpc.secure_channel(address, tls, options=options)
        self.stub = api.services.ComputeServiceStub(self.channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def compute(self, values, timeout=60, token=None, **fields):
        metadata = [] if token is None else [("authorization", f"Bearer {token}")]
        return self.stub.Compute(self.request(values, **fields), timeout=timeout, metadata=metadata)

    def start(self, values, timeout=60, **fields):
        """Starts a call; its `result()` is the answer."""
        return self.stub.Compute.future(self.request(values, **fields), timeout=timeout)

    def request(self, values, **fields):
        return self.api.messages.ComputeRequest(values=values, **fields)


def operation_id(call):
    """The operation id in the metadata of an answer, an error's too."""
    metadata = [*(call.initial_metadata() or ()), *(call.trailing_metadata() or ())]
    ids = {value for key, value in metadata if key == "operation-id"}
    assert len(ids) <= 1, ids
    return next(iter(ids), None)


def details(error):
    """The google.rpc details of an error, by the names of their types."""
    metadata = dict(error.trailing_metadata() or ())
    binary = metadata.get("grpc-status-details-bin")
    if binary is None:
        return {}
    status = status_pb2.Status.FromString(binary)
    assert (status.code, status.message) == (error.code().value[0], error.details())
    return dict(unpack(detail) for detail in status.details)


def unpack(detail: Any):
    name = detail.TypeName()
    message = getattr(error_details_pb2, name.rpartition(".")[2])()
    assert detail.Unpack(message)
    return name, message


def parts(api, values, size, **first):
    """The messages of a stream: values in pieces of that size; the first message has the other fields too."""
    for start in range(0, len(values), size):
        options = first if start == 0 else {}
        yield api.messages.ComputeStreamRequest(values=values[start : start + size], **options)


class OpenStream:
    """A stream that does not end before it is told to."""

    def __init__(self, caller, messages):
        self._end, self.taken = threading.Event(), 0
        self.call = caller.stub.ComputeStream.future(self._send(messages), timeout=120)

    def _send(self, messages):
        for message in messages:
            self.taken += message.ByteSize()
            yield message
        self._end.wait()

    def end(self):
        self._end.set()


class Load:
    """Calls from several threads, one after the other in each, over and over until stopped. Every answer is checked."""

    def __init__(self, api, address, threads=8, tls=None):
        self.answers, self.errors, self.wrong = [], [], []
        self._tls = tls
        self._stopping = threading.Event()
        callers = (threading.Thread(target=self._call, args=(api, address, n), daemon=True) for n in range(threads))
        self._threads = list(callers)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def _call(self, api, address, thread):
        with Caller(api, address, self._tls) as caller:
            number = 0
            while not self._stopping.is_set():
                number += 1
                values = [thread, number, 2 * number, -thread * number]
                try:
                    answer = caller.compute(values)
                except grpc.RpcError as error:
                    self.errors.append(error)
                    if error.code() is grpc.StatusCode.UNAVAILABLE:
                        return
                    continue
                statistics = answer.statistics
                expected = (4, min(values), max(values), str(sum(values)), sum(values) / 4)
                given = (statistics.count, statistics.min, statistics.max, statistics.sum, statistics.mean)
                (self.answers if given == expected else self.wrong).append(answer)

    @property
    def workers(self):
        return {answer.worker for answer in self.answers}

    def goes_on(self, calls=20):
        """Waits for that many further answers."""
        goal = len(self.answers) + calls
        wait_until(lambda: len(self.answers) >= goal, f"{calls} more calls are answered ({self.errors=})")

    def stop(self):
        """Lets the calls under way end and checks that none hangs."""
        self._stopping.set()
        self.join()

    def join(self):
        for thread in self._threads:
            thread.join(70)
        assert not any(thread.is_alive() for thread in self._threads), "a call hangs"


@contextmanager
def load_unharmed(api, system):
    """Calls flow before, during and after what a test throws at a system, all are right, and nothing of it is left."""
    with Load(api, system.gateway_process.address, threads=2) as load:
        load.goes_on(2)
        yield load
        load.goes_on(2)
    assert not load.errors and not load.wrong
    assert system.gateway_process.is_running and system.worker_process.is_running
    for queue in (system.requests, system.dead_letters, *system.reply_queues()):
        system.wait_until_empty(queue)
