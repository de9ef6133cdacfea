# Waits until an address answers: python3 ask ADDRESS SECONDS. ADDRESS is a URL or HOST:PORT. It ends early if /tmp/ended exists, which holds
# the exit code of the program that should answer.
import http.client
import os
import socket
import sys
import time
import urllib.request

address, seconds = sys.argv[1], float(sys.argv[2])
deadline = time.monotonic() + seconds


def ask():
    if not address.startswith(("http:", "https:")):
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
        return
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=5) as response:
        response.read()


while True:
    try:
        ask()
        break
    except (OSError, http.client.HTTPException) as e:
        why = getattr(e, "reason", None) or e
    if os.path.exists("/tmp/ended"):
        with open("/tmp/ended") as f:
            sys.exit(f"The command ended with exit code {f.read().strip()} before {address} answered ({why}).")
    if time.monotonic() > deadline:
        sys.exit(f"{address} did not answer within {seconds:.0f} s ({why}).")
    time.sleep(0.05)
