"""A WebDAV server of another make: wsgidav, over HTTPS."""

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import trustme
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from dav_server import PASSWORD, USER
from wsgidav.wsgidav_app import WsgiDAVApp


@contextmanager
def wsgidav_server(root: Path, certificate: trustme.LeafCert) -> Iterator[str]:
    """Serve a folder; give the address."""
    logging.getLogger("wsgidav").addHandler(logging.NullHandler())
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": str(root)},
            "simple_dc": {"user_mapping": {"*": {USER: {"password": PASSWORD}}}},
            "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    server = Server(("127.0.0.1", 0), app)
    server.expiration_interval = 0.01  # How often it looks whether it should stop.
    with ExitStack() as stack:
        chain, key = (
            stack.enter_context(blob.tempfile())
            for blob in (certificate.private_key_and_cert_chain_pem, certificate.private_key_pem)
        )
        server.ssl_adapter = BuiltinSSLAdapter(chain, key)
        server.prepare()
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield f"https://localhost:{server.bind_addr[1]}"
        finally:
            server.stop()
            thread.join()
