"""A plugin that makes poetry (1.3 to 2.x) fetch from mirrors; poetry itself has no setting for it.

The environment's RTBUILD_MIRRORS is a JSON object: replacements by prefix. In every address that poetry contacts, the longest
prefix that fits is replaced: those of indexes and of the files that they link to. PyPI is asked by the simple index
(PEP 503 and 691) alone, the part of it that mirrors have. Lock files keep the addresses that they name.
"""

import dataclasses
import json
import os

import requests
from poetry.plugins.plugin import Plugin
from poetry.repositories.legacy_repository import LegacyRepository
from poetry.repositories.pypi_repository import PyPiRepository

MIRRORS = sorted(json.loads(os.environ.get("RTBUILD_MIRRORS", "{}")).items(), key=lambda mirror: -len(mirror[0]))


def mirrored(url):
    for prefix, replacement in MIRRORS:
        if url.startswith(prefix):
            return replacement + url[len(prefix) :]
    return url


def prepare_request(session, request, real=requests.Session.prepare_request):
    request.url = mirrored(request.url)
    return real(session, request)


class MirrorPlugin(Plugin):
    def activate(self, poetry, io):
        for key, entry in list(poetry.pool._repositories.items()):
            pypi = entry.repository
            if isinstance(pypi, PyPiRepository) and mirrored(pypi.url) != pypi.url:
                # "PyPI" is the name under which the installer looks for what a lock file names no source of.
                simple = LegacyRepository(pypi.name, pypi.url, config=poetry.config)
                poetry.pool._repositories[key] = dataclasses.replace(entry, repository=simple)
        if MIRRORS:
            requests.Session.prepare_request = prepare_request
