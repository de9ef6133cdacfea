"""Hands files of Poetry's artifact cache from one directory to another: those that the poetry.lock here names by hash.

Usage: poetry_cache.py FROM TO

Poetry keeps the wheels that it builds beside the archives that it downloads, and checks the archives alone. So what steps
share is what the lock file names; the rest belongs to the step. Both directories are on one file system.
"""

import hashlib
import os
import pathlib
import re
import sys


def digest(file):
    with file.open("rb") as content:
        whole = hashlib.sha256()
        while part := content.read(1 << 20):
            whole.update(part)
    return whole.hexdigest()


def main(source, target):
    lock = pathlib.Path("poetry.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r'file = "([^"/]+)", hash = "sha256:([0-9a-f]{64})"', lock))
    names = {name for name, _ in locked}
    for file in sorted(source.rglob("*")):
        if file.name not in names or file.is_symlink() or not file.is_file() or (file.name, digest(file)) not in locked:
            continue
        place = target / file.relative_to(source)
        if place.exists() and place.samefile(file):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        link = place.with_name(f".{place.name}.{os.getpid()}.{os.path.basename(os.environ['POETRY_CACHE_DIR'])}")
        os.link(file, link)
        os.replace(link, place)


main(*map(pathlib.Path, sys.argv[1:]))
