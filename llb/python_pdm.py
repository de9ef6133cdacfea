"""Writes what a pdm.lock says as requirements with hashes.

Usage: python_pdm.py LOCK MANIFEST INDEX OUT GROUP...

INDEX is the index unless the project names another. GROUP... are the groups of the lock file to install, such as default. OUT gets hashed.txt and, for what comes from a git repository or a file,
unhashed.txt. Packages that are directories are left out: they are projects of the source. The environment's RTBUILD_MIRRORS is a JSON object:
replacements by prefix.
"""

import json
import os
import pathlib
import re
import sys

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11
    from pip._vendor import tomli as tomllib

MIRRORS = sorted(json.loads(os.environ.get("RTBUILD_MIRRORS", "{}")).items(), key=lambda mirror: -len(mirror[0]))
ARCHIVE = re.compile(r"\.(whl|zip|tar\.(gz|bz2|xz))$")


def mirrored(url):
    for prefix, replacement in MIRRORS:
        if url.startswith(prefix):
            return replacement + url[len(prefix) :]
    return url


def read(file):
    return tomllib.loads(pathlib.Path(file).read_text(encoding="utf-8-sig"))


def requirement(package):
    """Returns a package's line and whether it has hashes, or None for a project of the source."""
    name, version = package["name"], package["version"]
    hashes = sorted({file["hash"] for file in package.get("files", []) if "hash" in file})
    marker = f" ; {package['marker']}" if package.get("marker") else ""
    if "git" in package:
        revision = package.get("revision") or package.get("ref")
        part = f"#subdirectory={package['subdirectory']}" if package.get("subdirectory") else ""
        return f"{name} @ git+{mirrored(package['git'])}@{revision}{part}{marker}", False
    if "path" in package:
        if not ARCHIVE.search(package["path"]):
            return None
        return f"{name} @ {(pathlib.Path.cwd() / package['path']).as_uri()}{marker}", False
    what = f"{name} @ {mirrored(package['url'])}" if "url" in package else f"{name}=={version}"
    if not hashes:
        sys.exit(f"error: pdm.lock has no hash of {name} {version}: write the lock file again: pdm lock")
    return what + marker + "".join(f" --hash={digest}" for digest in hashes), True


def sources(manifest, index):
    """Returns the options for the indexes of the project. PDM searches all; the hashes decide which file it is."""
    options = []
    for source in manifest.get("tool", {}).get("pdm", {}).get("source", []):
        url = mirrored(source["url"])
        if source.get("type") == "find_links":
            options.append(f"--find-links {url}")
        elif source.get("name") == "pypi":
            index = url
        else:
            options.append(f"--extra-index-url {url}")
    return [f"--index-url {index}", *options]


def main(lock, manifest, index, out, *groups):
    lock, out = read(lock), pathlib.Path(out)
    if "inherit_metadata" not in lock["metadata"].get("strategy", []):
        sys.exit("error: pdm.lock does not say which groups a package is for: write it again: pdm lock --strategy inherit_metadata")
    chosen = [package for package in lock.get("package", []) if set(groups) & set(package.get("groups", []))]
    plain = {(package["name"], package["version"]) for package in chosen if not package.get("extras")}
    lines = {True: [], False: []}
    for package in chosen:
        if package.get("extras") and (package["name"], package["version"]) in plain:
            continue  # the same files once more
        if found := requirement(package):
            lines[found[1]].append(found[0])
    out.mkdir()
    for hashed, file in ((True, "hashed.txt"), (False, "unhashed.txt")):
        if lines[hashed]:
            (out / file).write_text("".join(line + "\n" for line in sources(read(manifest), index) + lines[hashed]), encoding="utf-8")


main(*sys.argv[1:])
