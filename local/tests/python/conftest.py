def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "moto_differs(reason): AWS's documentation and moto disagree; on moto the test must fail, so that we notice when it no longer does",
    )
    config.addinivalue_line("markers", "embedded_only(reason): says nothing about moto and is skipped on it")
