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


TO_ANY = """
  #include <stdarg.h>
  #include <stdio.h>
  static void log_to(const char *format, ...) {
    va_list values;
    va_start(values, format);
    vprintf(format, values);
    va_end(values);
  }
  typedef int (*prints)(const char *, ...);
"""


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ('printf("%.2f", 1.5);', b"1.50"),
        ('printf("%.2Lf", 2.5L);', b"2.50"),
        ("log_to(FORMAT, (float)argc);", b"1.0"),
        ('prints volatile other = printf; other("%.1e", 250.0);', b"2.5e+02"),
        ('char text[9]; sprintf(text, "%g", 0.5); puts(text);', b"0.5\n"),
    ],
)
def test_doubles_are_printed_however_they_are_given(tmp_path, line, printed):
    text = f"{TO_ANY}\nint main(int argc, char **argv) {{ argc = argc ? argc : 1; {line} return 0; }}"
    assert outcome(tmp_path, text, cflags=['-DFORMAT="%.1f"', "-w"]).output == printed


def test_doubles_are_printed_by_a_function_declared_without_parameters(tmp_path):
    text = 'int printf(); int main(void) { printf("%d %.2f", 3, 1.5); return 0; }'
    assert outcome(tmp_path, text, cflags=["-w"]).output == b"3 1.50"


def test_what_prints_doubles_is_linked_where_some_may_be_given(tmp_path):
    def size(text: str, *cflags: str) -> int:
        return sum(len(part.data) for part in compiled(tmp_path, TO_ANY + text, cflags=["-w", *cflags]).segments)

    whole = 'double half(int x) { return x * .5; } int main(int n, char **v) { return printf("%d", (int)half(n)); }'
    given = 'int main(int n, char **v) { return printf("%d %f", n, n ? 1.0 : 2.0); }'
    (tmp_path / "more.h").write_text("")
    assert size(whole) + 4000 < size(given)
    assert size(whole) + 4000 < size(whole, "-include", str(tmp_path / "more.h"))


def test_numbers_of_more_than_a_word_are_printed_in_every_base(tmp_path):
    numbers = [0, 1, 2**32 - 1, 2**32, 10**18 + 7, 2**63, 2**64 - 1]
    calls = "".join(f'printf("%llu %llo %llx\\n", {n}ull, {n}ull, {n}ull);' for n in numbers)
    done = outcome(tmp_path, f"#include <stdio.h>\nint main(void) {{ {calls} return 0; }}")
    assert done.output.decode().splitlines() == [f"{n} {n:o} {n:x}" for n in numbers]


@pytest.mark.parametrize("standard", ["c89", "c23"])
def test_the_headers_are_of_every_standard(tmp_path, standard):
    headers = sorted(path.name for path in (toolchain.LIBRARY / "include").iterdir())
    assert "string.h" in headers
    text = "".join(f"#include <{name}>\n" for name in headers) + "int main(void) { return 7; }\n"
    assert outcome(tmp_path, text, cflags=[f"-std={standard}", "-pedantic", "-Werror"]).exit == 7
