"""A reply queue that gateways are given belongs to one of them at a time; one of their own says that its owner lives."""

import re
import socket
import time

import pytest

LAST_ACTIVE = "sqs-rpc:last-active"
OWNER = "sqs-rpc:owner"


@pytest.fixture(params=["local_aws", "moto"])
def system(request, queues):
    return queues(request.getfixturevalue(request.param), "replies")


def given(system, instance=None):
    flags = ["--reply-queue", f"{system.prefix}-replies-{{instance}}"]
    return flags + (["--instance", instance] if instance else [])


def tags(system, queue):
    return system.aws.sqs.list_queue_tags(QueueUrl=queue).get("Tags", {})


def test_a_second_gateway_on_a_given_queue_does_not_start_and_names_the_first(system, connect):
    queue = system.reply_queue("one-example")
    first = system.gateway(*given(system, "one.example"))
    holder = tags(system, queue)[OWNER]
    assert re.fullmatch(rf"[0-9a-f-]{{36}}/{first.pid}@one-example", holder)

    assert holder in system.gateway_that_fails(*given(system, "one.example")), "the same instance, whose process runs"
    assert holder in system.gateway_that_fails("--reply-queue", queue, "--instance", "two"), "another instance"

    system.worker("a")
    assert connect(first.address).compute([1, 2, 3]).statistics.median == 2
    first.stop()
    assert tags(system, queue) == {}
    assert system.reply_queues() == [queue], "it stays"
    second = system.gateway("--reply-queue", queue, "--instance", "two")
    assert connect(second.address).compute([1, 2, 3]).statistics.median == 2


def test_a_gateway_that_was_killed_has_its_queue_back_at_once_and_others_have_not(system, connect):
    host = re.sub("[^A-Za-z0-9_-]", "-", socket.gethostname())
    queue = system.reply_queue(host)
    system.gateway(*given(system)).kill()
    assert f"@{host}" in system.gateway_that_fails("--reply-queue", queue, "--instance", "another")

    again = system.gateway(*given(system))
    system.worker("a")
    assert connect(again.address).compute([1, 2, 3]).statistics.median == 2


def test_a_queue_of_its_own_is_made_with_the_sign_of_life_that_keeps_it(system):
    gateway = system.gateway()
    queue = gateway.event("ready")["reply_queue"]
    assert abs(int(tags(system, queue)[LAST_ACTIVE]) / 1000 - time.time()) < 60
    assert system.attributes(queue)["MessageRetentionPeriod"] == "300"
    gateway.stop()
    assert system.reply_queues() == []
