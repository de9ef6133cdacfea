"""Writes the requirements of each part of a Python environment.

Usage: python_resolve.py LOCK PLAN PARTS OUT NAME [PIN]

LOCK is a poetry.lock, PLAN the output of "poetry sync --dry-run", NAME the environment's name. OUT gets:
    parts/00 ...  the distributions with a wheel for this interpreter, by the hash of their name
    build         the distributions that must be built
    env           no distributions
    pins          what is planned of PIN and all that it needs, if it is given
Each is a directory of requirements files and a file "name" with the environment's name. X.index beside X.txt names the index that its distributions come from.
A distribution's part depends on its name alone, so that it is the same in every lock file.
"""

import hashlib
import json
import os
import pathlib
import re
import sys

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11
    try:
        import tomli as tomllib
    except ModuleNotFoundError:
        from pip._vendor import tomli as tomllib
try:
    from packaging.tags import sys_tags
    from packaging.utils import parse_wheel_filename
except ModuleNotFoundError:
    from pip._vendor.packaging.tags import sys_tags
    from pip._vendor.packaging.utils import parse_wheel_filename

TAGS = frozenset(sys_tags())
MIRRORS = sorted(json.loads(os.environ.get("RTBUILD_MIRRORS", "{}")).items(), key=lambda mirror: -len(mirror[0]))


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def mirrored(url):
    for prefix, replacement in MIRRORS:
        if url.startswith(prefix):
            return replacement + url[len(prefix) :]
    return url


def planned(text):
    """Yields name and version of what Poetry would install. A version in a git repository is followed by its commit."""
    for line in text.splitlines():
        found = re.match(r"\s*\S+\s+(?:Installing|Updating|Downgrading) (\S+) \((?:\S+ -> )?([^\s)]+)[^)]*\)(.*)$", line)
        if found and "Skipped" not in found[3]:
            yield normalised(found[1]), found[2]


def has_wheel(files):
    for file in files:
        if file["file"].endswith(".whl"):
            try:
                tags = parse_wheel_filename(file["file"])[3]
            except ValueError:
                continue
            if tags & TAGS:
                return True
    return False


class Lock:
    def __init__(self, file):
        lock = tomllib.loads(pathlib.Path(file).read_text(encoding="utf-8"))
        older = lock.get("metadata", {}).get("files", {})  # up to lock-version 1.1
        self.packages = {}
        for package in lock.get("package", []):
            package.setdefault("files", older.get(package["name"], []))
            self.packages.setdefault(normalised(package["name"]), []).append(package)

    def find(self, name, version):
        found = [package for package in self.packages.get(name, []) if package["version"] == version]
        if len(found) > 1:
            sys.exit(f"poetry.lock has {name} {version} from several sources: let Poetry itself install: dependencies: {{installer: poetry}}")
        if found:
            return found[0]
        sys.exit(f"poetry.lock has no {name} {version}, which Poetry would install: write the lock file again: poetry lock")


def needs(name, packages):
    """Returns a package and all that it needs, of the packages by name."""
    todo, seen = [normalised(name)], {}
    while todo:
        name = todo.pop()
        if name not in seen and name in packages:
            seen[name] = packages[name]
            todo += [normalised(needed) for needed in packages[name].get("dependencies", {})]
    return [seen[name] for name in sorted(seen)]


def requirement(package):
    """Returns the requirements file that a package belongs into, its index, and its line."""
    source = package.get("source", {})
    kind, name, url = source.get("type", ""), package["name"], source.get("url", "")
    hashes = sorted({file["hash"] for file in package["files"]})
    pinned = " ".join([f"{name}=={package['version']}", *(f"--hash={h}" for h in hashes)])
    if kind == "git":
        at = f"{name} @ git+{mirrored(url)}@{source.get('resolved_reference') or source.get('reference')}"
        return "unhashed", "", at + (f"#subdirectory={source['subdirectory']}" if source.get("subdirectory") else "")
    if kind == "url":
        return "hashed", "", " ".join([f"{name} @ {mirrored(url)}", *(f"--hash={h}" for h in hashes)])
    if kind in ("directory", "file"):
        return "unhashed", "", f"{name} @ {(pathlib.Path.cwd() / url).as_uri()}"
    if not hashes:
        sys.exit(f"poetry.lock has no hash of {name} {package['version']}: write the lock file again: poetry lock")
    if kind == "legacy":
        return "index-" + hashlib.sha256(url.encode()).hexdigest()[:12], mirrored(url), pinned
    return "hashed", "", pinned


def write(directory, environment, packages):
    directory.mkdir(parents=True)
    (directory / "name").write_text(environment, encoding="utf-8")
    files = {}
    for package in packages:
        file, index, line = requirement(package)
        files.setdefault(file, (index, []))[1].append(line)
    for file, (index, lines) in files.items():
        (directory / f"{file}.txt").write_text("".join(line + "\n" for line in sorted(lines)), encoding="utf-8")
        if index:
            (directory / f"{file}.index").write_text(index, encoding="utf-8")


def main(lock, plan, parts, out, environment, pin=None):
    left_out = {normalised(name) for name in os.environ.get("RTBUILD_LEFT_OUT", "").split()}
    lock, parts, out = Lock(lock), int(parts), pathlib.Path(out)
    wheels, build, packages = [[] for _ in range(parts)], [], {}
    for name, version in planned(pathlib.Path(plan).read_text(encoding="utf-8")):
        if name in left_out:
            continue
        package = packages[name] = lock.find(name, version)
        if package.get("source", {}).get("type", "legacy") == "legacy" and has_wheel(package["files"]):
            number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") % parts
            wheels[number].append(package)
        else:
            build.append(package)
    for number, part in enumerate(wheels):
        write(out / "parts" / f"{number:02}", environment, part)
    write(out / "build", environment, build)
    write(out / "env", environment, [])
    write(out / "pins", environment, needs(pin, packages) if pin else [])
    count = sum(map(len, wheels))
    print(f"{count + len(build)} packages: {count} with a wheel, {len(build)} to build")


main(*sys.argv[1:])
