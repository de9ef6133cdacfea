"""Adds the hashes of wheels to requirements. Usage: hashes.py UV_LOCK REQUIREMENTS"""

import pathlib
import re
import sys
import tomllib

COMMON = re.compile(r"( ;| and) implementation_name == 'cpython' and sys_platform == 'linux'")


def fits(url):
    """Reports whether a wheel is for CPython 3.9 or newer on Linux, x86_64 or aarch64."""
    python, abi, platform = url.rsplit("/", 1)[1].removesuffix(".whl").split("-")[-3:]
    if platform != "any" and not re.search("linux.*(x86_64|aarch64)", platform):
        return False
    version = re.match(r"cp3(\d+)", python)
    return "py3" in python or version and (abi == "abi3" or int(version[1]) >= 9 and not abi.endswith("t"))


def main(lock, requirements):
    packages = tomllib.loads(pathlib.Path(lock).read_text(encoding="utf-8"))["package"]
    wheels = {(package["name"], package["version"]): package.get("wheels", []) for package in packages}
    for line in pathlib.Path(requirements).read_text(encoding="utf-8").splitlines():
        pinned = re.match(r"([^=\s]+)==(\S+)", line).groups()
        hashes = sorted(wheel["hash"] for wheel in wheels[pinned] if fits(wheel["url"]))
        if not hashes:
            sys.exit(f"no wheel fits: {line}")
        print(" \\\n    ".join([COMMON.sub("", line), *(f"--hash={digest}" for digest in hashes)]))


main(*sys.argv[1:])
