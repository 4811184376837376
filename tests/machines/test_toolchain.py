"""C to programs: what comes out runs; what does not compile says where."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from seme.core.errors import CompileError, MissingExtraError, UsageError
from seme.machines.rv32 import toolchain
from seme.machines.rv32.elf import read_elf
from seme.machines.rv32.emulator import Emulator
from seme.machines.rv32.instructions import disassemble
from seme.machines.rv32.reference import Reference
from seme.machines.rv32.retired import Outcome, run
from seme.machines.rv32.toolchain import compile_c

EXAMPLES = Path(__file__).parents[2] / "examples" / "c"
LIMIT = 2_000_000


def compiled(tmp_path: Path, text: str, **options):
    (tmp_path / "program.c").write_text(text, encoding="utf-8")
    return compile_c(tmp_path / "program.c", **options)


def outcome(tmp_path: Path, text: str, stdin: bytes = b"", **options) -> Outcome:
    return run(Reference(compiled(tmp_path, text, **options), stdin), limit=LIMIT)


def test_hello_prints_and_exits():
    done = run(Reference(compile_c(EXAMPLES / "hello.c")), limit=LIMIT)
    assert (done.output, done.exit, done.trap) == (b"Hello, world!\n", 0, None)


def test_the_value_of_main_is_the_exit_code(tmp_path):
    assert outcome(tmp_path, "int main(void) { return 300; }").exit == 300 & 255


def test_an_error_names_file_and_line(tmp_path):
    with pytest.raises(CompileError, match=r"program.c:2:10: error: use of undeclared identifier 'x'") as caught:
        compiled(tmp_path, "int main(void) {\n  return x;\n}\n")
    assert (caught.value.code, caught.value.exit_code) == ("S040", 4)


def test_a_missing_function_is_named(tmp_path):
    with pytest.raises(CompileError, match="undefined symbol: not_there"):
        compiled(tmp_path, "int not_there(int);\nint main(void) { return not_there(1); }\n")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CompileError, match=r"cannot read `.*nothing.c`"):
        compile_c(tmp_path / "nothing.c")


def test_flags_of_the_user_win(tmp_path):
    text = "#include <assert.h>\nint main(void) { assert(CODE == 8); return CODE; }"
    assert outcome(tmp_path, text, cflags=["-DCODE=8"]).exit == 8
    failed = outcome(tmp_path, text, cflags=["-DCODE=7"])
    assert failed.exit == 134
    assert b"program.c:2: main: Assertion `CODE == 8' failed." in failed.output
    assert outcome(tmp_path, text, cflags=["-DCODE=7", "-DNDEBUG"]).exit == 7


def test_the_same_source_gives_the_same_program_also_from_an_empty_cache(tmp_path):
    again = compile_c(EXAMPLES / "hello.c", cache=tmp_path / "cache")
    assert again == compile_c(EXAMPLES / "hello.c")


def test_a_program_may_define_what_the_library_has(tmp_path):
    text = '#include <stdio.h>\nint puts(const char *s) { putchar(*s); return 0; }\nint main(void) { puts("ab"); }'
    assert outcome(tmp_path, text).output == b"a"


def test_a_warning_is_no_error(tmp_path):
    assert outcome(tmp_path, "int main(void) { int unused = 1; return 3; }", cflags=["-Wall"]).exit == 3


def test_signed_overflow_wraps(tmp_path):
    text = "int main(void) { volatile int x = 2147483647; return x + 1 < x && x + 1 == -2147483647 - 1 ? 9 : 1; }"
    assert outcome(tmp_path, text).exit == 9


def test_the_compilers_absence_is_named_with_the_remedy(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(toolchain.metadata, "version", missing)
    with pytest.raises(MissingExtraError) as caught:
        compile_c(EXAMPLES / "hello.c")
    assert caught.value.exit_code == 3
    assert caught.value.hint == "pip install 'seme[machines]'"


@pytest.mark.parametrize(
    ("module", "use"),
    [
        ("unicorn", lambda: Emulator(compile_c(EXAMPLES / "hello.c"))),
        ("capstone", lambda: disassemble(0x13)),
        ("elftools.elf.elffile", lambda: read_elf(sys.executable)),
    ],
)
def test_every_other_absence_is_named_too(module, use, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError) as caught:
        use()
    assert caught.value.hint == "pip install 'seme[machines]'"


def test_a_cache_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"cannot make the cache folder `.*file.cache`"):
        compile_c(EXAMPLES / "hello.c", cache=tmp_path / "file" / "cache")


def test_flags_that_the_compiler_refuses_are_told_as_flags_and_cut_short(tmp_path):
    with pytest.raises(CompileError, match=r"unknown CPU(?s:.*)more lines") as caught:
        compiled(tmp_path, "int main(void) { return 0; }", cflags=["-march=rv64gc"])
    assert len(caught.value.message.splitlines()) <= toolchain.SHOWN + 2
    assert "--cflags '-march=rv64gc'" in caught.value.hint


def test_of_many_errors_the_first_are_shown(tmp_path):
    with pytest.raises(CompileError, match="more lines") as caught:
        compiled(tmp_path, "int main(void) {\n" + "".join(f"  x{n};\n" for n in range(15)) + "}\n")
    assert "program.c:2:3: error:" in caught.value.message
    assert len(caught.value.message.splitlines()) == toolchain.SHOWN + 2
