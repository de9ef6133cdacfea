"""A small agent: it tells which version of a locked dependency it has. Usage: main.py PORT [HOST]"""

import http.server
import sys

import packaging


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"packaging {packaging.__version__} of {packaging.__file__}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
    with http.server.ThreadingHTTPServer((host, int(sys.argv[1])), Handler) as server:
        print(f"listening on {host}:{server.server_address[1]}", flush=True)
        server.serve_forever()
