"""The readable lists name what exists, nothing of what security forbids, and agree with the rules that propose them."""

from __future__ import annotations

import types

import pytest

from engine import lists
from tests import lists as rules

FORBIDDEN = [
    "load_library",
    "from_file",
    "hub",
    "jit",
    "export",
    "onnx",
    "fx",
    "library",
    "ops",
    "classes",
    "multiprocessing",
    "distributed",
    "futures",
    "profiler",
    "monitor",
    "serialization",
    "storage",
    "ao",
    "quantization",
    "quantize_per_tensor",
    "nested",
    "segment_reduce",
    "PyTorchFileReader",
    "PyTorchFileWriter",
    "CompilationUnit",
    "import_ir_module",
    "parse_ir",
    "fork",
    "wait",
    "while_loop",
    "cond",
    "DisableTorchFunction",
    "from_dlpack",
    "to_dlpack",
    "frombuffer",
    "set_vital",
    "read_vitals",
    "UntypedStorage",
    "ScriptModule",
]
FORBIDDEN_METHODS = [
    "apply_",
    "map_",
    "map2_",
    "share_memory_",
    "storage_type",
    "set_",
    "const_data_ptr",
    "__array__",
    "__reduce__",
    "__setstate__",
    "module_load",
    "record_stream",
    "pin_memory",
    "reinforce",
    "to_mkldnn",
]
FORBIDDEN_NUMPY = [
    "load",
    "save",
    "savez",
    "loadtxt",
    "savetxt",
    "genfromtxt",
    "fromfile",
    "memmap",
    "fromregex",
    "DataSource",
    "ctypeslib",
    "f2py",
    "frombuffer",
    "info",
    "show_config",
    "source",
    "who",
    "seterrcall",
    "lib",
    "rec",
    "char",
    "object_",
    "void",
]


@pytest.mark.parametrize("home", sorted(lists.module_names()))
def test_every_name_exists_and_is_no_module(home: str) -> None:
    """A list is true of the installed libraries, and no module is a value."""
    for name in lists.module_names()[home]:
        assert not isinstance(getattr(lists.real_module(home), name), types.ModuleType), name


def test_every_class_exists_and_has_the_names() -> None:
    """Names of a class are there on it, or are fields that its instances carry."""
    for cls, names in lists.type_names().items():
        for name in names:
            assert name.endswith("*") or hasattr(cls, name) or not name.startswith("__"), (cls, name)


def test_nothing_that_security_forbids_is_listed() -> None:
    """Files, processes, foreign code, raw memory."""
    names = lists.module_names()
    assert not set(FORBIDDEN) & set(names["torch"])
    assert not set(FORBIDDEN_NUMPY) & set(names["numpy"])
    assert not {"attrgetter", "methodcaller"} & set(names["operator"])
    assert "compile" not in lists.type_names()[lists.resolve("torch.nn.Module")]
    for cls, members in lists.type_names().items():
        assert cls.__module__.split(".")[0] != "torch" or not set(FORBIDDEN_METHODS) & members, cls
    for storage in ("UntypedStorage", "TypedStorage"):
        assert (
            not {"resize_", "copy_", "fill_", "from_buffer", "cpu"}
            & lists.type_names()[lists.resolve(f"torch.storage.{storage}")]
        )
    array = lists.type_names()[lists.resolve("numpy.ndarray")]
    assert not {"resize", "setflags", "data", "ctypes", "base", "dump", "dumps", "tobytes", "tofile"} & array


def test_the_lists_are_what_the_rules_propose() -> None:
    """What stands in torch.txt for torch.linalg is what the rule finds: a change of either shows."""
    assert set(lists.module_names()["torch.linalg"]) == set(rules.admitted(lists.real_module("torch.linalg")))
    assert set(lists.module_names()["torch.nn.functional"]) >= set(
        rules.admitted(lists.real_module("torch.nn.functional"))
    )


def test_a_list_is_plain_text() -> None:
    """Headings, names, comments; a heading twice or a name under none is an error."""
    assert lists.parse("# why\n[a.b]\nc\nd # too\n") == {"a.b": ("c", "d")}
    with pytest.raises(ValueError, match="twice"):
        lists.parse("[a]\n[a]\n")
    with pytest.raises(ValueError, match="no heading"):
        lists.parse("a\n")


def test_a_name_that_leads_nowhere() -> None:
    """`resolve` says so."""
    with pytest.raises(AttributeError):
        lists.resolve("torch.nothing")
    with pytest.raises(ModuleNotFoundError):
        lists.resolve("nothing.at_all")
