"""The command line of the stand-in: `playwright install chromium`, called, fetched and laid out as the real one's."""

import hashlib
import io
import os
import pathlib
import platform
import shutil
import ssl
import sys
import urllib.request
import zipfile

from playwright import __version__

REVISION = "1148"
BROWSER = "131.0.6778.33"
DOWNLOADS = "https://cdn.playwright.dev/dbazure/download/playwright"
FLAGS = {"--with-deps", "--force", "--no-shell", "--only-shell"}


def refuse(why):
    print(f"playwright (a stand-in of rtbuild's tests) called as: playwright {' '.join(sys.argv[1:])}", file=sys.stderr)
    print(f"the stand-in does not know this call: {why}", file=sys.stderr)
    sys.exit(2)


def get(url):
    """Fetches an address with the authorities that Node.js trusts: OpenSSL's variables mean nothing to it."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        os.environ.pop(name, None)
    context = ssl.create_default_context()
    if extra := os.environ.get("NODE_EXTRA_CA_CERTS"):
        context.load_verify_locations(extra)
    request = urllib.request.Request(url, headers={"User-Agent": f"Playwright/{__version__} (a stand-in of rtbuild's tests)"})
    with urllib.request.urlopen(request, context=context, timeout=30) as answer:
        return answer.read()


def browsers():
    told = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    return pathlib.Path(told) if told else pathlib.Path.home() / ".cache/ms-playwright"


def install(arguments):
    flags = [a for a in arguments if a.startswith("-")]
    if unknown := set(flags) - FLAGS:
        refuse(f"install {' '.join(sorted(unknown))}")
    if [a for a in arguments if not a.startswith("-")] != ["chromium"]:
        refuse("only chromium can be installed")
    if "--with-deps" in flags:
        print("--with-deps: the stand-in's browser needs no packages, so none are installed")
    to = browsers() / f"chromium-{REVISION}"
    if (to / "INSTALLATION_COMPLETE").exists() and "--force" not in flags:
        return
    name = "chromium-linux-arm64.zip" if platform.machine() == "aarch64" else "chromium-linux.zip"
    host = os.environ.get("PLAYWRIGHT_DOWNLOAD_HOST") or DOWNLOADS
    url = f"{host.rstrip('/')}/builds/chromium/{REVISION}/{name}"
    print(f"Downloading Chromium {BROWSER} (playwright build v{REVISION}) from {url}", flush=True)
    try:
        content = get(url)
    except OSError as error:
        print(f"Failed to install browsers\nError: Failed to download Chromium {BROWSER}, caused by\n{url}: {error}", file=sys.stderr)
        sys.exit(1)
    shutil.rmtree(to, ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            file = pathlib.Path(archive.extract(entry, to))
            if mode := entry.external_attr >> 16 & 0o777:
                file.chmod(mode)
    (to / "INSTALLATION_COMPLETE").touch()
    (to / "DEPENDENCIES_VALIDATED").touch()
    links = browsers() / ".links"
    links.mkdir(exist_ok=True)
    package = str(pathlib.Path(__file__).parent / "driver/package")
    (links / hashlib.sha1(package.encode()).hexdigest()).write_text(package)
    print(f"Chromium {BROWSER} (playwright build v{REVISION}) downloaded to {to}")


def main():
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        print(f"Version {__version__}")
    elif arguments[:1] == ["install"]:
        install(arguments[1:])
    else:
        refuse("only --version and install are stood in for")


if __name__ == "__main__":
    main()
