"""A small real agent: it runs the shell commands that it is sent.

    python -m openhands.agent_server PORT [HOST]

GET /alive answers {"status": "ok"}; POST /execute_action takes {"command": "..."} and answers exit_code, stdout, stderr.
"""

import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import packaging  # of the lock file: without it the agent does not start

from openhands import __version__


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path != "/alive":
            return self.answer(404, {"error": "not found"})
        self.answer(200, {"status": "ok", "version": __version__, "packaging": packaging.__version__, "python": sys.executable})

    def do_POST(self):
        if self.path != "/execute_action":
            return self.answer(404, {"error": "not found"})
        try:
            command = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))["command"]
        except (ValueError, KeyError, TypeError) as error:
            return self.answer(400, {"error": f"a JSON object with a command is needed: {error}"})
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
        self.answer(200, {"exit_code": done.returncode, "stdout": done.stdout, "stderr": done.stderr})


def main():
    port, host = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    with ThreadingHTTPServer((host, port), Handler) as server:
        print(f"listening on {host}:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
