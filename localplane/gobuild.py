"""Parts built from Go modules: one compilation for all that is missing, into the cache.

One ``go build`` makes every missing program, because the programs share most of their packages and while one
is linked the others still compile. Go's own build cache is what a second try after Ctrl-C resumes from.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from localplane import slices
from localplane.lock import exclusive
from localplane.sources import Found, StepFailed, ToolMissing, cache_folder, output_of, run
from localplane.table import Build, Part, builds, part, parts, version_in

TOOLCHAIN = Path(__file__).with_name("toolchain")
GO_NEEDED = (1, 26)
#: Called with a step, what is done of it, how much there is (0: unknown), and how many parts are finished.
Report = Callable[[str, int, int, int], None]

#: What `go build -v` prints for each package that it compiles.
PACKAGE = re.compile(r"[\w./~-]+")
FLAGS = (
    "-trimpath",  # the same packages in the build cache for every checkout
    "-buildvcs=false",
    "-gcflags=all=-dwarf=false",  # debugging information is dropped by the linker anyway; 10 % less work
)
SURROUNDINGS = {
    "CGO_ENABLED": "0",  # no C compiler is needed, and the programs run on any distribution
    "GOFLAGS": "-mod=readonly",
    "GOWORK": "off",
    "GOGC": "400",  # the compiler collects garbage less often; it has the memory for it
}


def find(wanted: Part) -> Found | None:
    """The part from the cache, when it was built from the present recipe."""
    build = builds()[wanted.build]
    path = folder(build) / "bin" / wanted.name
    if not path.exists():
        return None
    why = "built from Go modules, see docs/adr/0002-toolchain.md"
    return Found(wanted.name, wanted.version, path, "build", why)


def folder(build: Build) -> Path:
    """Where the build lies: its name says the version and the recipe."""
    return cache_folder() / build.name / f"{build.version}-{recipe(build)}"


def recipe(build: Build) -> str:
    """A short hash over everything of ours that decides what the build makes."""
    digest = hashlib.sha256(f"{build!r} {FLAGS} {platform.machine()}".encode())
    module = TOOLCHAIN / build.module
    own = [package for package in build.packages if package.startswith("./")]
    made = {module / name for files in build.embeds.values() for name in files}
    for place in sorted(["go.mod", "go.sum", *own, *build.needs]):
        for path in sorted(set(_sources(module / place)) - made):
            digest.update(f"{path.relative_to(module)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _sources(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    else:
        yield from (path for path in place.rglob("*") if path.suffix in (".go", ".json", ".py", ".txt"))


def obtain(names: Sequence[str], report: Report) -> None:
    """Build what makes these parts; raises ToolMissing without a fitting Go and StepFailed when Go fails.

    Two checkouts at once take turns; the second finds what the first has made.
    """
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with exclusive(cache / "go.lock", "go build", lambda text: report(text, 0, 0, 0)):
        wanted = {part(name).build for name in names if find(part(name)) is None}
        log = cache / "go-build.log"
        log.unlink(missing_ok=True)
        for module in sorted({builds()[name].module for name in wanted}):
            group = [builds()[name] for name in sorted(wanted) if builds()[name].module == module]
            _Compilation(module, group, log, report).make()


def check_go() -> None:
    """Raises ToolMissing when there is no Go that can build the parts."""
    said = output_of(["go", "env", "-C", TOOLCHAIN / "kubernetes", "GOVERSION"], SURROUNDINGS)
    found = version_in(said.removeprefix("go"))
    if not found:
        raise ToolMissing(
            "go is not on PATH, or cannot read localplane/toolchain: building the parts needs Go "
            f"{GO_NEEDED[0]}.{GO_NEEDED[1]} or newer.\nInstall Go, then repeat the command; "
            "or name parts that are there already (docs/quickstart/Quickstart.md)."
        )
    if tuple(int(number) for number in found.split(".")[:2]) < GO_NEEDED:
        raise ToolMissing(f"go on PATH is {found}; building the parts needs {GO_NEEDED[0]}.{GO_NEEDED[1]} or newer.")


class _Compilation:
    """One ``go build`` of several builds of a module, in a copy of its folder that is thrown away afterwards."""

    def __init__(self, module: str, wanted: Sequence[Build], log: Path, report: Report) -> None:
        self._source = TOOLCHAIN / module
        self._wanted = wanted
        self._log = log
        self._report = report
        self._names = ", ".join(build.name for build in wanted)
        self._packages = [package for build in wanted for package in build.packages]
        self._fetched = self._compiled = self._total = 0

    def make(self) -> None:
        check_go()
        with _workshop(self._log.parent) as workshop:
            modules, made = workshop / "toolchain", workshop / "made"
            shutil.copytree(self._source, modules)
            made.mkdir()
            self._prepare(modules)
            self._count(modules)
            try:
                self._compile(modules, made)
            finally:  # what is complete is kept, even if another program failed
                for build in self._wanted:
                    if all((made / program).exists() for program in build.programs.values()):
                        self._install(build, modules, made, workshop / build.name)

    def _prepare(self, modules: Path) -> None:
        """Make in the copy what the builds need beyond the committed files."""
        for build in self._wanted:
            for module, files in build.embeds.items():
                source = self._module(module, modules)
                for target, name in files.items():
                    _copy_json(source / name, modules / target, build.version)
            for module, patterns in build.slices.items():
                slice_ = modules / slices.FOLDER / module
                slices.cut(self._module(module, modules), patterns, slice_)
                if module == slices.SDK:
                    shorter = modules / build.packages[0] / "kinds.go.txt"
                    slices.shorten(slice_, shorter.read_text(encoding="utf-8"))
                replacement = f"{module}=./{slices.FOLDER}/{module}"
                self._go(["mod", "edit", "-replace", replacement], modules, "fetching modules")

    def _module(self, module: str, modules: Path) -> Path:
        """The folder of a module's sources; fetched when needed."""
        self._go(["mod", "download", module], modules, "fetching modules")
        command: list[str | Path] = ["go", "list", "-C", modules, "-m", "-f", "{{.Dir}}", module]
        return Path(output_of(command, SURROUNDINGS).strip())

    def _count(self, modules: Path) -> None:
        """Fetches all modules on the way, which is why it is a step of its own."""
        packages: list[str] = []
        self._go(["list", "-deps", *self._packages], modules, "fetching modules", packages.append)
        self._total = len([name for name in packages if not name.startswith("go: ")])

    def _compile(self, modules: Path, made: Path) -> None:
        values = {name: value for build in self._wanted for name, value in build.values.items()}
        linker = "-s -w " + " ".join(f"-X {name}={value}" for name, value in values.items())
        arguments = ["build", "-v", *FLAGS, f"-ldflags={linker}", "-o", f"{made}{os.sep}", *self._packages]
        self._go(arguments, modules, "compiling packages", self._notice, lambda: self._tell(made))

    def _notice(self, line: str) -> None:
        self._compiled += PACKAGE.fullmatch(line) is not None

    def _tell(self, made: Path) -> None:
        there = {path.name for path in made.iterdir()}
        finished = sum(program in there for build in self._wanted for program in build.programs.values())
        self._report("compiling packages", self._compiled, self._total, finished)

    def _go(
        self, arguments: Sequence[str | Path], modules: Path, step: str,
        on_line: Callable[[str], None] = lambda line: None, tick: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        def notice(line: str) -> None:
            self._fetched += line.startswith("go: downloading ")
            on_line(line)

        run(
            ["go", *arguments], part=self._names, log=self._log, cwd=modules,
            environment={**os.environ, **SURROUNDINGS}, on_line=notice,
            tick=tick or (lambda: self._report(step, self._fetched, 0, 0)),
            noise=PACKAGE, hint="What was compiled is kept: repeating the command goes on from here. A module that "
            "cannot be fetched is a matter of the network or of GOPROXY (`go env`).",
        )  # fmt: skip

    def _install(self, build: Build, modules: Path, made: Path, prepared: Path) -> None:
        """Lay out the build's folder, run every program in it, then rename it into place."""
        self._report(f"checking {build.name}", 0, 0, 0)
        programs = prepared / "bin"
        programs.mkdir(parents=True)
        for name, program in build.programs.items():
            if program != name:
                (programs / name).symlink_to(program)
        for program in set(build.programs.values()):
            shutil.move(made / program, programs / program)
        for module, files in build.copies.items():
            source = self._module(module, modules)
            for name, path in files.items():
                shutil.copyfile(source / path, programs / name)
                (programs / name).chmod(0o755)
        _verify(build, programs, self._log)
        final = folder(build)
        final.parent.mkdir(parents=True, exist_ok=True)
        prepared.rename(final)


@contextmanager
def _workshop(cache: Path) -> Iterator[Path]:
    """A temporary folder on the cache's own disk, so that renaming out of it is atomic."""
    for left in cache.glob("workshop-*"):  # by one that was killed; the lock says that nobody uses it
        shutil.rmtree(left, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix="workshop-", dir=cache))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _copy_json(source: Path, target: Path, version: str) -> None:
    """As the provider's release process does: the schema tells its version, white space is left out."""
    content: Mapping[str, object] = json.loads(source.read_text(encoding="utf-8"))
    if source.name == "schema.json":
        content = {**content, "version": version}
    target.write_text(json.dumps(content, separators=(",", ":")), encoding="utf-8")


def _verify(build: Build, programs: Path, log: Path) -> None:
    for name in build.programs:
        row = parts()[name]
        said = version_in(output_of([programs / name, *row.show]))
        if said != row.version:
            raise StepFailed(
                f"{name}: was built, but `{name} {' '.join(row.show)}` answers version {said or 'nothing'} instead "
                f"of {row.version}; the build's log is {log}. Nothing was installed."
            )
