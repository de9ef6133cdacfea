"""Makes files of a Python environment that are the same every time.

Usage:
    python_install.py install --home DIR --large DIR --requirements DIR --bytecode all|startup|none [--no-build]
    python_install.py compile --home DIR --bytecode all|startup|none

The first installs one part: the requirements files of a directory. The file "name" there names the environment below --home.
Only the files of the distributions stay there; those of large ones move to --large. The second compiles
the byte code of an interpreter's libraries anew. Both give all files the same time stamp.
"""

import argparse
import csv
import dis
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import traceback
import warnings
from importlib._bootstrap_external import SourceFileLoader
from importlib._bootstrap_external import _code_to_hash_pyc as code_to_hash_pyc

LARGE = 8_000_000  # bytes; less than the smaller distributions of a part together
EPOCH = 315532800  # 1980-01-01, as llb's partTime


class Environment:
    """A virtual environment that holds nothing but the files of distributions."""

    def __init__(self, root):
        self.root = root
        self.version = f"{sys.version_info.major}.{sys.version_info.minor}"
        self.packages = root / "lib" / f"python{self.version}" / "site-packages"
        self.python = root / "bin" / "python"

    def __enter__(self):
        self.packages.mkdir(parents=True)
        self.python.parent.mkdir()
        self.python.symlink_to(sys.executable)
        home = os.path.dirname(sys.executable)
        (self.root / "pyvenv.cfg").write_text(f"home = {home}\ninclude-system-site-packages = false\nversion = {self.version}\n")
        return self

    def __exit__(self, *_):
        for name in ("bin/python", "pyvenv.cfg", ".lock"):
            (self.root / name).unlink(missing_ok=True)

    def install(self, requirements, flags):
        for file in sorted(requirements.glob("*.txt")):
            check_git(file)
            command = [os.environ["UV"], "pip", "install", "--quiet", "--python", self.python, "--no-deps", "--requirements", file, *flags]
            if file.stem != "unhashed":
                command.append("--require-hashes")
            index = file.with_suffix(".index")
            if index.exists():
                command += ["--default-index", index.read_text()]
            if code := subprocess.run(command).returncode:
                sys.exit(code)

    def distributions(self):
        """Yields the files of each distribution that are still here, relative to the environment. Several may name the same file."""
        for record in sorted(self.packages.glob("*.dist-info/RECORD")):
            with record.open(newline="", encoding="utf-8") as rows:
                names = [os.path.normpath(self.packages / row[0]) for row in csv.reader(rows) if row]
            yield sorted(os.path.relpath(name, self.root) for name in names if os.path.lexists(name))


def check_git(requirements):
    """Exits if a requirement comes from a git repository and there is no git, or no ssh for an address that needs it."""
    for line in requirements.read_text(encoding="utf-8").splitlines():
        name, _, address = line.partition(" @ git+")
        for program, package, needed in (("git", "git", address), ("ssh", "openssh-client", address.startswith("ssh://"))):
            if needed and not shutil.which(program):
                sys.exit(f"{name} comes from a git repository, but the image has no {program}: add it to packages: [{package}]")


def imported(code, package):
    """Yields the modules that a module imports when it is loaded, not those that its functions import later."""
    constants = []
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_CONST", "LOAD_SMALL_INT"):
            constants.append(step.argval)
        elif step.opname == "IMPORT_NAME":
            level, names = constants[-2:]
            above = package.split(".")[: package.count(".") + 2 - level] if level else []
            base = ".".join([*above, *filter(None, [step.argval])])
            yield base
            yield from (f"{base}.{name}" for name in names or ())


class Compiler:
    """Compiles the modules of one distribution. Its files are at root, and in the image at final."""

    def __init__(self, root, files, final):
        self.root, self.final = root, final
        self.files = [name for name in files if name.endswith(".py")]

    def compile(self, name):
        """Writes the byte code of a file, and returns it, or None for a template or code for another version of Python."""
        file = self.root / name
        source = file.read_bytes()
        loader = SourceFileLoader("", str(self.final / name))
        try:
            code = loader.source_to_code(source, str(self.final / name))
        except (SyntaxError, ValueError, RecursionError):
            return None
        cache = pathlib.Path(importlib.util.cache_from_source(file))
        cache.parent.mkdir(exist_ok=True)
        cache.write_bytes(code_to_hash_pyc(code, importlib.util.source_hash(source), False))
        return code

    def all(self):
        for name in self.files:
            self.compile(name)

    def startup(self):
        """Compiles what is loaded when the modules are imported that no other module contains."""
        modules = {}
        for name in self.files:
            if found := re.fullmatch(r"lib/python[^/]*/site-packages/(.*)\.py", name):
                modules[found[1].removesuffix("/__init__").replace("/", ".")] = name
        todo, seen = sorted(name for name in modules if name.rpartition(".")[0] not in modules), set()
        while todo:
            name = todo.pop()
            if name in seen or name not in modules:
                continue
            seen.add(name)
            if code := self.compile(modules[name]):
                package = name if modules[name].endswith("/__init__.py") else name.rpartition(".")[0]
                for needed in imported(code, package):
                    todo += [needed.rsplit(".", n)[0] for n in range(needed.count(".") + 1)]


def compile_files(kind, *args):
    """Compiles in a process of its own: byte code depends on what the process compiled before."""
    if kind == "none":
        return
    sys.stdout.flush()
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]:
            sys.exit("compiling byte code failed")
        return
    try:
        warnings.simplefilter("ignore")
        getattr(Compiler(*args), kind)()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def move(files, source, target):
    for name in files:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(source / name, place)


def settle(root, keep=False):
    """Removes empty directories unless they are to be kept, and gives everything the same time stamp."""
    for path, names, files in os.walk(root, topdown=False):
        for name in files + names:
            entry = os.path.join(path, name)
            if not keep and name in names and not os.path.islink(entry) and not os.listdir(entry):
                os.rmdir(entry)
            else:
                os.utime(entry, (EPOCH, EPOCH), follow_symlinks=False)
    os.utime(root, (EPOCH, EPOCH))


def install(args):
    """Installs the requirements of a part into an environment below args.home."""
    name = (args.requirements / "name").read_text(encoding="utf-8")
    os.umask(0o022)
    with Environment(args.home / name) as env:
        env.install(args.requirements, ["--no-build"] if args.no_build else [])
        for files in env.distributions():
            place = env.root
            if args.no_build and sum((env.root / file).lstat().st_size for file in files) > LARGE:
                place = args.large / name
                move(files, env.root, place)
            compile_files(args.bytecode, place, files, env.root)
    settle(args.home)
    if args.no_build:
        settle(args.large)


def compile_tree(args):
    """Compiles the libraries of an interpreter anew, each top directory by itself."""
    for cache in sorted(args.home.rglob("__pycache__")):
        shutil.rmtree(cache)
    kind = "none" if args.bytecode == "none" else "all"
    for library in sorted(args.home.glob("**/lib/python3.*")):
        for top in sorted([*library.iterdir(), *library.glob("site-packages/*")]):
            if top.name != "site-packages":
                files = [top] if top.is_file() else sorted(file for file in top.rglob("*.py") if file.is_file())
                compile_files(kind, args.home, [str(file.relative_to(args.home)) for file in files], args.home)
    settle(args.home, keep=True)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("command", choices=["install", "compile"])
    for name in ("home", "large", "requirements"):
        args.add_argument("--" + name, type=pathlib.Path)
    args.add_argument("--bytecode", choices=["all", "startup", "none"])
    args.add_argument("--no-build", action="store_true")
    args = args.parse_args()
    {"install": install, "compile": compile_tree}[args.command](args)


main()
