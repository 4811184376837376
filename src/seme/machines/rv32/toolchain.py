"""C to programs, by the `ziglang` package: no system compiler is needed.

Our library is compiled once per compiler version and content, into an archive in the user's cache; a program then takes
one call of the compiler. The same C gives the same program on every run and machine.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from seme.core.cache import cache_folder
from seme.core.errors import CompileError, MissingExtraError
from seme.machines.rv32.elf import Program, read_elf

LIBRARY = Path(__file__).parent / "library"

TARGET = (
    "-target",
    "riscv32-freestanding-none",
    # Jumps are shortened when linking, and misaligned words are loaded whole: the machine does that in one instruction.
    "-mcpu=generic_rv32+m+relax+unaligned_scalar_mem",
)
PLAIN = ("-fwrapv", "-fno-sanitize=undefined", "-fomit-frame-pointer", "-nostdlib", "-static", "-g0")
PLAIN += ("-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fdata-sections")
# The compiler's driver defines NDEBUG when it optimises; in C it is the user who does.
PLAIN += ("-UNDEBUG",)

HOSTED = ("-fhosted",)
"""For the user's code: the compiler may know what `memcpy` and `printf` do, since the library has them."""

ALONE = ("-ffreestanding", "-fno-builtin")
"""For the library itself: `memcpy` must not be compiled to a call of `memcpy`."""

OFTEN = frozenset({"division", "malloc", "memory", "sort", "string"})
"""Files of the library that programs spend time in; the others are made small, since a program is part of a prompt."""

GIVES_DOUBLE = re.compile(r"\bcall\b.*\.\.\.\) .*\b(double|fp128)\b|^declare .*\(\.\.\.\)", re.MULTILINE)
"""In the compiler's own language: a call that gives a double to a function of any number of arguments, or a function
declared without parameters, as `int printf();`, of which it is not known whether it is one."""

SHOWN = 12
"""Lines of the compiler's that are shown. Before an unknown processor come all that are known."""


def compile_c(path: str | Path, *, cflags: Sequence[str] = (), cache: str | Path | None = None) -> Program:
    """The program of one C file, linked with our library.

    Args:
        path: The file.
        cflags: Given to the compiler after our own, so that they win.
        cache: Folder for compiled parts; by default see `seme.core.cache`.

    Raises:
        CompileError: The file does not compile or link; the message holds the compiler's, with file and line.
        MissingExtraError: `ziglang` or `pyelftools` is not installed.
        UsageError: The cache folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="seme-") as folder:
        elf = Path(folder) / "program.elf"
        build_elf(path, elf, cflags=cflags, cache=cache)
        return read_elf(elf)


def build_elf(
    path: str | Path, output: str | Path, *, cflags: Sequence[str] = (), cache: str | Path | None = None
) -> None:
    """Compiles one C file to a static ELF file at `output`. Arguments and errors as for `compile_c`."""
    source = Path(path)
    if not source.is_file():
        raise CompileError(f"cannot read `{path}`: no such file", hint="give the path of a C file")
    folder = cache_folder(root=cache)
    start, archive = _library(folder)
    # The file is named as C whatever its ending; -xnone lets the compiler tell the rest by theirs.
    inputs = ["-xc", str(source), "-xnone", str(start), str(archive), "-lcompiler_rt"]
    options = [*TARGET, *PLAIN, *HOSTED, "-O2", "-isystem", str(LIBRARY / "include"), *cflags]
    link = ["-Wl,--gc-sections", "-T", str(LIBRARY / "link.ld"), "-o", str(output)]
    if _may_print_doubles(source, options, cflags, folder):
        link.append("-Wl,-u,seme_put_real")
    done = _zig(["cc", *options, *inputs, *link], folder)
    if done.returncode:
        mend = "mend the C file; docs/machines.md lists what the library has"
        raise CompileError(
            f"`{path}` does not compile:\n{_first(done.stderr)}",
            hint=f"see whether it does without --cflags {shlex.join(cflags)!r}; if so, mend them, else {mend}"
            if cflags
            else mend,
        )


def _may_print_doubles(source: Path, options: Sequence[str], cflags: Sequence[str], cache: Path) -> bool:
    """Whether some call gives a double to a function of any number of arguments: without one nothing prints any.

    What is linked beside the file is not seen, so flags that may bring more are taken to bring doubles.
    """
    if any(not flag.startswith("-") or flag.startswith(("-l", "-Wl")) for flag in cflags):
        return True
    with tempfile.TemporaryDirectory(prefix="seme-") as folder:
        at = Path(folder) / "program.ll"
        shown = ["-S", "-emit-llvm", "-Xclang", "-disable-llvm-passes", "-o", str(at)]
        done = _zig(["cc", *options, *shown, "-xc", str(source)], cache)
        if done.returncode or not at.is_file():
            return True
        return GIVES_DOUBLE.search(at.read_text(errors="replace")) is not None


def _first(said: str) -> str:
    """The compiler's messages, from the first error on where there are many: as many as can be read at once."""
    lines = said.strip().splitlines()
    first = next((at for at, line in enumerate(lines) if "error:" in line), 0)
    if len(lines) <= SHOWN:
        return "\n".join(lines)
    kept = lines[first : first + SHOWN]
    return "\n".join([*kept, f"... {len(lines) - len(kept)} more lines"])


def _library(cache: Path) -> tuple[Path, Path]:
    """The start-up object and the archive of our library, compiled when they are not in the cache."""
    sources = sorted(path for path in (LIBRARY / "source").iterdir() if path.suffix in (".c", ".S"))
    folder = cache / f"library-{_fingerprint()}"
    start, archive = folder / "crt0.o", folder / "library.a"
    if start.is_file() and archive.is_file():
        return start, archive
    with tempfile.TemporaryDirectory(dir=cache, prefix="library-") as made:
        objects = [_compile_part(source, Path(made), cache) for source in sources]
        parts = [str(path) for path in objects if path.name != "crt0.o"]
        _must(_zig(["ar", "rcsD", str(Path(made) / "library.a"), *parts], cache), "the archive of the C library")
        folder.mkdir(exist_ok=True)
        # Each file is moved in whole, so that two processes may do this at once; both have the same bytes.
        for name in ("library.a", "crt0.o"):
            os.replace(Path(made) / name, folder / name)
    return start, archive


def _compile_part(source: Path, folder: Path, cache: Path) -> Path:
    made = folder / f"{source.stem}.o"
    size = "-O2" if source.stem in OFTEN else "-Os"
    options = [*TARGET, *PLAIN, *ALONE, size, "-isystem", str(LIBRARY / "include")]
    _must(_zig(["cc", *options, "-c", str(source), "-o", str(made)], cache), f"the C library's `{source.name}`")
    return made


def _fingerprint() -> str:
    """Changes with whatever the compiled library depends on."""
    digest = hashlib.sha256(repr((_version(), TARGET, PLAIN, ALONE, sorted(OFTEN))).encode())
    for path in sorted(LIBRARY.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(LIBRARY).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


def _version() -> str:
    try:
        return metadata.version("ziglang")
    except metadata.PackageNotFoundError as error:
        raise MissingExtraError("compiling C", "machines") from error


def _zig(arguments: list[str], cache: Path) -> subprocess.CompletedProcess[str]:
    _version()
    # Zig keeps compiled parts by content; beside ours they can be found and deleted together.
    environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": str(cache / "zig"), "ZIG_LOCAL_CACHE_DIR": str(cache / "zig")}
    command = [sys.executable, "-m", "ziglang", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace", check=False)


def _must(done: subprocess.CompletedProcess[str], what: str) -> None:
    if done.returncode:
        message = f"cannot compile {what}:\n{done.stderr.strip()}"
        raise CompileError(message, hint="install the compiler again: pip install --force-reinstall 'seme[machines]'")
