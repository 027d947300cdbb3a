"""A Chromium that is told what to do, by the WebDriver protocol (https://www.w3.org/TR/webdriver2/)."""

import json
import urllib.error
import urllib.request

# The port that it picks for IPv6 may be taken for IPv4; it then ends.
STARTED = r"(started successfully on port \d+|port not available)"
ATTEMPTS = 5
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]


def driver_port(processes, environment):
    """The port of a driver that has been started for this."""
    for _ in range(ATTEMPTS):
        said = processes.start(["chromedriver", "--port=0"], environment).printed(STARTED)
        if said.startswith("started"):
            return said.rpartition(" ")[2]
    raise AssertionError(f"chromedriver found no port, {ATTEMPTS} times")


class Browser:
    """A browser with a profile of its own, until the end of the `with`."""

    def __init__(self, processes, *flags, environment=None, preferences=None):
        self._server = f"http://127.0.0.1:{driver_port(processes, environment)}"
        options = {"args": [*FLAGS, *flags], "prefs": preferences or {}}
        capabilities = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        self._session = f"/session/{self._ask('POST', '/session', {'capabilities': capabilities})['sessionId']}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._ask("DELETE", self._session)

    def open(self, url):
        """Opens a page, or what the browser shows in its place."""
        self._ask("POST", f"{self._session}/url", {"url": url})

    def run(self, script, *arguments):
        """Runs a script in the page; returns what it returns, or what the promise that it returns is fulfilled with."""
        body = {"script": script, "args": list(arguments)}
        return self._ask("POST", f"{self._session}/execute/sync", body)

    def _ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._server + path, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise BrowserError(json.load(error)["value"]["message"]) from None


class BrowserError(Exception):
    """What the browser did not do, and why."""
