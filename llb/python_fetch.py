"""Fetches uv from a Python index, by its simple API alone.

Usage: python_fetch.py INDEX OUT GLIBC_FILE GLIBC_SHA256 MUSL_FILE MUSL_SHA256

INDEX is an address of the simple API (PEP 503). User and password come from the file $NETRC.
"""

import base64
import hashlib
import html.parser
import http.client
import io
import json
import netrc
import os
import platform
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile


class Links(html.parser.HTMLParser):
    """The links of a page as PEP 503 has it: address by file name."""

    def __init__(self):
        super().__init__()
        self.found = {}

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get("href")
        if tag == "a" and address:
            self.found[urllib.parse.unquote(urllib.parse.urlsplit(address).path.rsplit("/", 1)[-1])] = address


def login(host):
    try:
        found = netrc.netrc(os.environ["NETRC"]).authenticators(host)
    except (KeyError, OSError, netrc.NetrcParseError):
        return None
    return found and (found[0], found[2])


def get(url):
    """Returns the body at an address, its type, and its address after redirects."""
    request = urllib.request.Request(url)
    request.add_header("Accept", "application/vnd.pypi.simple.v1+json, text/html;q=0.5, */*;q=0.1")
    if user := login(urllib.parse.urlsplit(url).hostname):
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(":".join(user).encode()).decode())
    for pause in (1, 2, 4, None):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read(), answer.headers.get_content_type(), answer.url
        except (OSError, http.client.HTTPException) as error:
            passing = not isinstance(error, urllib.error.HTTPError) or error.code in (429, 500, 502, 503, 504)
            if not passing or not pause:
                sys.exit(f"fetching uv: GET {url}: {error}")
        time.sleep(pause)


def main(index, out, *wheels):
    name, digest = wheels[:2] if platform.libc_ver()[0] == "glibc" else wheels[2:]
    page, kind, address = get(index.rstrip("/") + "/uv/")
    if kind.endswith("json"):
        found = {file["filename"]: file["url"] for file in json.loads(page)["files"]}
    else:
        links = Links()
        links.feed(page.decode())
        found = links.found
    if name not in found:
        sys.exit(f"fetching uv: the index {address} has no {name}: add this wheel to the index")
    wheel = get(urllib.parse.urljoin(address, found[name]))[0]
    if hashlib.sha256(wheel).hexdigest() != digest:
        sys.exit(f"fetching uv: {name} of {address} has another checksum than rtbuild's: sha256 {hashlib.sha256(wheel).hexdigest()}, not {digest}")
    with zipfile.ZipFile(io.BytesIO(wheel)) as files:
        program = next(entry for entry in files.namelist() if entry.endswith(".data/scripts/uv"))
        with open(os.path.join(out, "uv"), "wb") as file:
            file.write(files.read(program))
    os.chmod(os.path.join(out, "uv"), 0o755)


main(*sys.argv[1:])
