"""Functions are found, named, refused."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ovt.errors import ProjectError
from ovt.functions.discover import discover, reads_tags, slice_files

PLAIN = """
from ovt import labeling_function
@labeling_function(task="Intent")
def {name}(r):
    return "age"
"""


def refused(bench, kind="labeling"):
    with pytest.raises(ProjectError) as caught:
        discover(bench.project, kind)
    return caught.value


def names(bench, kind="labeling"):
    return [function.name for function in discover(bench.project, kind)]


def test_python_and_yaml_are_found_and_sorted(bench):
    bench.write("labelers/b.py", PLAIN.format(name="zebra"))
    bench.write("labelers/a.yaml", "- {name: apple, task: Intent, keyword: tall, label: height}\n")
    bench.write("slices/s.py", "from ovt import slicing_function\n@slicing_function()\ndef rare(r): return True\n")
    bench.write("slices/s.yaml", "nutrition: {tag: nutrition}\n")
    assert names(bench) == ["apple", "zebra"]
    assert names(bench, "slicing") == ["nutrition", "rare"]
    zebra = discover(bench.project, "labeling")[1]
    assert (zebra.kind, zebra.task, zebra.at) == ("labeling", "Intent", "labelers/b.py:3")


def test_no_folders_no_functions(bench):
    assert discover(bench.project, "labeling") == discover(bench.project, "slicing") == []


def test_transformation_functions_stand_beside_labeling_functions(bench):
    bench.write("labelers/t.py", """
        from ovt import transformation_function
        @transformation_function()
        def shout(r): return None
        """)
    assert names(bench, "transformation") == ["shout"]
    assert names(bench) == []


def test_a_function_that_another_file_imports_is_found_once(bench):
    bench.write("labelers/a.py", PLAIN.format(name="first") + "\ndef helper(): return 1\n")
    bench.write("labelers/b.py", "from a import helper, first\n" + PLAIN.format(name="second"))
    bench.write("labelers/c.py", "from .a import helper\n" + PLAIN.format(name="third"))
    assert names(bench) == ["first", "second", "third"]


def test_twins_name_both_places(bench):
    bench.write("labelers/a.py", PLAIN.format(name="same"))
    bench.write("labelers/b.yaml", "- {name: same, task: Intent, keyword: tall, label: height}\n")
    error = refused(bench)
    assert "`same`" in error.what
    assert "labelers/a.py:3" in error.at
    assert "labelers/b.yaml:1" in error.at


def test_an_unknown_task_suggests_the_nearest(bench):
    bench.write("labelers/a.py", PLAIN.format(name="lost").replace("Intent", "Intend"))
    error = refused(bench)
    assert (error.at, error.fix) == ("labelers/a.py:3", "did you mean `Intent`?")


@pytest.mark.parametrize(("text", "at", "why"), [
    ("x = 1\ndef broken(:\n", "labelers/a.py:2", "invalid syntax"),
    ("import re\n\nre.compile('(')\n", "labelers/a.py:3", "missing )"),
    ("import nowhere_at_all\n", "labelers/a.py:1", "nowhere_at_all"),
    ("raise SystemExit(3)\n", "labelers/a.py:1", "SystemExit"),
    ("from ovt import labeling_function\n@labeling_function\ndef f(r): pass\n", "labelers/a.py:2", "names its task"),
    ("from ovt import slicing_function\n@slicing_function\ndef f(r): pass\n", "labelers/a.py:2", "with parentheses"),
    ("from ovt import labeling_function as lf\nlf('Intent')(3)\n", "labelers/a.py:2", "decorates a function"),
    ("from ovt import labeling_function as lf\nlf('Intent', resources='x')(len)\n", "labelers/a.py:2", "list of files"),
])
def test_a_file_that_cannot_be_imported_is_told_by_line(bench, text, at, why):
    bench.write("labelers/a.py", text)
    error = refused(bench)
    assert error.at == at
    assert why in error.why


def test_kinds_stay_in_their_folders(bench):
    bench.write("slices/a.py", PLAIN.format(name="lost"))
    assert "move it to labelers/" in refused(bench, "slicing").fix
    (bench.root / "slices/a.py").unlink()
    bench.write("slices/a.yaml", "- {name: lost, task: Intent, keyword: tall, label: height}\n")
    assert "move it to labelers/" in refused(bench, "slicing").fix


def test_undeclared_code_is_named_and_declared_code_is_used(bench):
    bench.write("lib/clean.py", "def fold(text): return text.casefold()\n")
    bench.write("labelers/a.py", "import re\nfrom lib.clean import fold\n" + PLAIN.format(name="user"))
    error = refused(bench)
    assert "lib/clean.py" in error.what
    assert error.at == "labelers/a.py:2"
    assert "code: [lib/clean.py]" in error.fix
    bench.write("ovt.yaml", "code: [lib]\n")
    assert names(bench) == ["user"]


def test_undeclared_code_in_a_body_is_named(bench):
    bench.write("lib/clean.py", "def fold(text): return text.casefold()\n")
    bench.write("labelers/a.py", """
        from ovt import labeling_function
        @labeling_function(task="Intent")
        def lazy(r):
            from lib.clean import fold
            return fold("AGE")
        """)
    assert "lib/clean.py" in refused(bench).what


def test_undeclared_files_are_named(bench):
    bench.write("words/list.txt", "tall")
    bench.write("labelers/a.py", f"from pathlib import Path\nWORDS = Path('{bench.root}/words/list.txt').read_text()\n")
    assert "words/list.txt" in refused(bench).what


def test_resources_are_checked(bench):
    text = PLAIN.format(name="user").replace('task="Intent"', 'task="Intent", resources=["labelers/words.txt"]')
    bench.write("labelers/a.py", text)
    assert "labelers/words.txt" in refused(bench).why
    bench.write("labelers/words.txt", "tall")
    before = discover(bench.project, "labeling")[0].key
    bench.write("labelers/words.txt", "high")
    assert discover(bench.project, "labeling")[0].key != before
    bench.write("labelers/a.py", text.replace("labelers/words.txt", "words.txt"))
    bench.write("words.txt", "tall")
    assert "words.txt" in refused(bench).what


def test_nothing_is_left_behind(bench):
    bench.write("labelers/helper.py", "VALUE = 1\n")
    bench.write("labelers/a.py", "import helper\n" + PLAIN.format(name="user"))
    path, modules = list(sys.path), set(sys.modules)
    discover(bench.project, "labeling")
    assert sys.path == path
    assert {name for name in set(sys.modules) - modules if name.split(".")[0] in {"helper", "labelers"}} == set()
    assert not list(bench.root.rglob("__pycache__"))


def test_two_projects_do_not_mix(bench, tmp_path_factory):
    other = type(bench)(tmp_path_factory.mktemp("other"))
    for number, one in enumerate((bench, other)):
        one.write("labelers/helper.py", f"NAME = 'n{number}'\n")
        one.write("labelers/a.py", "import helper\nfrom ovt import labeling_function\n"
                                   "labeling_function('Intent', name=helper.NAME)(lambda r: None)\n")
    assert (names(bench), names(other), names(bench)) == (["n0"], ["n1"], ["n0"])


def test_an_edited_helper_is_seen_in_the_same_process(bench):
    bench.write("labelers/helper.py", "NAME = 'old'\n")
    bench.write("labelers/a.py", "import helper\nfrom ovt import labeling_function\n"
                                 "labeling_function('Intent', name=helper.NAME)(lambda r: None)\n")
    assert names(bench) == ["old"]
    bench.write("labelers/helper.py", "NAME = 'new'\n")
    assert names(bench) == ["new"]


def test_what_a_file_prints_does_not_reach_stdout(bench, capsys):
    bench.write("labelers/a.py", "print('hello')\n" + PLAIN.format(name="user"))
    discover(bench.project, "labeling")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "hello\n"


def test_a_labeler_named_like_a_module_of_python_hides_nothing(bench):
    bench.write("labelers/numbers.py", PLAIN.format(name="user"))
    bench.write("labelers/z.py", "import numbers\nnumbers.Number\n")
    assert names(bench) == ["user"]


@pytest.mark.parametrize(("body", "expected"), [
    ("return 'age' if 'x' in r.tags else None", True),
    ("return getattr(r, 'tags')", True),
    ("return r.query  # .tags", False),
    ("return 'tags'", False),
])
def test_reads_tags_is_told_from_the_text(bench, body, expected):
    bench.write("labelers/a.py", f"raise RuntimeError\ndef f(r):\n    {body}\n")
    assert reads_tags(bench.project) is expected


def test_reads_tags_looks_into_declared_code(bench):
    assert not reads_tags(bench.project)
    bench.write("ovt.yaml", "code: [lib]\n")
    bench.write("lib/a.py", "def f(r): return r.tags\n")
    assert reads_tags(bench.project)


def test_labelers_that_define_slices_are_inputs_of_membership(bench):
    bench.write("labelers/a.yaml", "- {name: x, task: Intent, keyword: tall, label: height}\n")
    assert slice_files(bench.project) == []
    bench.write("labelers/b.yaml", "- {name: salad, slice: nutrition, keyword: salad}\n")
    bench.write("labelers/c.yaml", "{")
    assert slice_files(bench.project) == ["labelers/b.yaml", "labelers/c.yaml"]


def test_finding_functions_loads_no_numpy(bench):
    bench.write("labelers/a.py", "from ovt import labeling_function\n")
    code = ("import sys; from pathlib import Path; from ovt.project import Project;"
            "from ovt.functions.discover import reads_tags, slice_files;"
            f"project = Project(Path({str(bench.root)!r})); reads_tags(project); slice_files(project);"
            "sys.exit('numpy' in sys.modules or 'pyarrow' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
