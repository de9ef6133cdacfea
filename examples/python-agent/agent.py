"""A small agent tool server: runs shell commands over HTTP."""

import os
import platform
import signal
import subprocess
import sys

import bottle
import waitress

app = bottle.Bottle()


@app.get("/healthz")
def healthz():
    return {"status": "ok", "python": platform.python_version(), "user": os.getuid(), "cwd": os.getcwd()}


@app.post("/run")
def run():
    body = bottle.request.json
    command = body.get("command") if isinstance(body, dict) else None
    if not isinstance(command, str):
        bottle.response.status = 400
        return {"error": 'expected {"command": "..."} as JSON'}
    try:
        done = subprocess.run(["/bin/sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
    except subprocess.TimeoutExpired:
        return {"code": 124, "output": "timed out after 30 seconds\n"}
    return {"code": done.returncode, "output": done.stdout}


def main():
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8080"))
    server = waitress.create_server(app, host=host, port=port)
    # The first process of a container ignores signals that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"agent listens on {host}:{server.effective_port}", flush=True)
    server.run()


if __name__ == "__main__":
    main()
