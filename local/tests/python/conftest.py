from sqs_endpoints import new_queue, queue, sqs, sqs_endpoint  # noqa: F401  (fixtures of the SQS suite)


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "moto_differs(reason): moto does not do what AWS documents; there the test must fail, so that we notice when it does",
    )
    config.addinivalue_line("markers", "embedded_only(reason): has nothing to say about moto and is skipped there")
