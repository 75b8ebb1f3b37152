"""A server on this machine that gives out images, and whatever else a server may do."""

import contextlib
import http.server
import threading
import time
from collections import Counter


class Handler(http.server.BaseHTTPRequestHandler):
    timeout = 30
    protocol_version = "HTTP/1.1"

    def handle(self):
        # A client that goes away is no error here.
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.asked[self.command, path] += 1
        self.server.headers_sent.append((self.path, dict(self.headers)))
        self.server.routes.get(path, missing)(self)

    do_HEAD = do_GET

    def answer(self, code=200, body=b"", length=None, **headers):
        """Send all of an answer; its length may be a lie."""
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def missing(handler):
    handler.answer(404, b"nothing")


def content(body, **headers):
    """A route that gives out a file."""
    return lambda handler: handler.answer(200, body, **headers)


def status(code):
    """A route that never gives anything but a status."""
    return lambda handler: handler.answer(code, b"no")


def redirect(to):
    return lambda handler: handler.answer(302, Location=to)


def short(body):
    """A route that promises the file and closes the connection after half of it."""

    def route(handler):
        handler.answer(200, body[: len(body) // 2], length=len(body))
        handler.close_connection = True

    return route


def stalling(body, seconds):
    """A route that pauses in the middle."""

    def route(handler):
        handler.answer(200, body[:100], length=len(body))
        with contextlib.suppress(OSError):
            time.sleep(seconds)
            handler.wfile.write(body[100:])
        handler.close_connection = True

    return route


def after_failures(times, code, then):
    """A route that fails so many times before it does what another one does."""

    def route(handler):
        if handler.server.asked["GET", handler.path.partition("?")[0]] <= times:
            handler.answer(code, b"wait")
        else:
            then(handler)

    return route


@contextlib.contextmanager
def serving(routes):
    """A server with its ``routes``, ``address``, ``asked`` (counts) and ``headers_sent``."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.routes, server.asked, server.headers_sent = routes, Counter(), []
        server.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(timeout=30)
