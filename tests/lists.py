"""Proposes the readable lists of engine/allowed/ by rule from the installed libraries: `python -m tests.lists` prints
what the rules would add to the committed lists and take from them, and writes nothing.

A rule says which public names of a module or class are admitted; what files, processes, raw memory or foreign code
could be reached through is left out by the patterns below. The lists are read, completed by hand and committed: a name
is allowed because it stands in a list, never because a rule would let it through. python.txt and python_types.txt are
kept by hand alone.
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
import typing
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).parent.parent / "engine" / "allowed"

NEVER = re.compile(
    # files, code, processes
    r"load|save|from_file|compile|import_ir.*|parse_.*|fork|get_file_path|prepare_multi.*|set_vital|read_vitals|wait"
    r"|.*autocast_(cpu_|gpu_|ipu_|xla_)?(dtype|enabled|nesting)|autocast_.*_nesting|.*_autocast_(dtype|enabled|cache.*)"
    r"|clear_autocast.*|init_num_threads|thread_safe_generator|profiler_.*|.*_module_from_.*|set_flush.*"
    r"|set_num_interop.*|unify_type_list|merge_type.*|get_device_module|sym_.*|typename_.*|set_warn_on.*"
    # raw memory
    r"|apply_|map_|map2_|share_memory_?|storage_type|set_|.+data_ptr|resize_as_sparse_|resize_as"
    r"|sparse_resize.*|record_stream|pin_memory|reinforce|as_subclass|module_load|new|resize|volatile"
    r"|from_dlpack|to_dlpack|frombuffer"
    # kernels without checks, other devices, quantization, nested layouts
    r"|(cudnn|miopen|mkldnn|fbgemm|native|quantize|quantized|q|xpu|mtia)_.*|int_repr|dequantize|to_mkldnn|qscheme"
    r"|quantize_.*|fake_quantize.*|fused_moving.*|empty_quantized|choose_qparams.*|batch_norm_.*_.*|.*_cell|norm_except_dim"
    r"|(ccol|crow|col|row)_indices_copy|segment_reduce|nested.*|to_padded_tensor|conv_tbc|.*_elemt.*|.*_jvp"
    r"|while_loop|cond_branch|slice_inverse|affine_grid_gen.*|.*_with_counts|cudnn.*|lstsq_.*|nonzero_static_.*"
    r"|classproperty|is_vulkan_available|vitals_enabled|is_storage|share_memory|to_empty|.*_scaled_mm|scaled_.*mm|grouped_mm"
    r"|handle_torch_function|has_torch_function.*|boolean_dispatch|assert_int_or_pair|.*_notes|overload|is_tensor_like"
    r"|reproducibility.*|register_autograd.*|deserialize.*|lazy_load_hook|set_.*_threading.*|set_multithreading.*"
)

MODULES = [
    "torch",
    "torch.nn",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.parameter",
    "torch.nn.utils",
    "torch.nn.utils.rnn",
    "torch.nn.utils.parametrize",
    "torch.nn.utils.parametrizations",
    "torch.nn.utils.clip_grad",
    "torch.nn.utils.convert_parameters",
    "torch.nn.utils.stateless",
    "torch.nn.modules",
    "torch.nn.modules.module",
    "torch.nn.modules.loss",
    "torch.nn.modules.linear",
    "torch.nn.modules.activation",
    "torch.nn.modules.container",
    "torch.nn.modules.utils",
    "torch.nn.attention",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.optim.swa_utils",
    "torch.optim.optimizer",
    "torch.optim.sgd",
    "torch.optim.adam",
    "torch.linalg",
    "torch.fft",
    "torch.special",
    "torch.signal",
    "torch.signal.windows",
    "torch.autograd",
    "torch.autograd.functional",
    "torch.autograd.graph",
    "torch.autograd.forward_ad",
    "torch.autograd.function",
    "torch.autograd.gradcheck",
    "torch.autograd.variable",
    "torch.autograd.grad_mode",
    "torch.autograd.anomaly_mode",
    "torch.func",
    "torch.utils",
    "torch.utils.data",
    "torch.utils.data.dataset",
    "torch.utils.data.dataloader",
    "torch.utils.data.sampler",
    "torch.utils.checkpoint",
    "torch.masked",
    "torch.overrides",
    "torch.random",
    "torch.testing",
    "torch.amp",
    "torch.distributions",
    "torch.distributions.constraints",
    "torch.distributions.transforms",
    "torch.distributions.kl",
    "torch.distributions.normal",
    "torch.distributions.categorical",
    "torch.distributions.distribution",
    "torch.distributions.utils",
    "torch.distributions.constraint_registry",
    "torch.distributions.bernoulli",
    "torch.distributions.beta",
    "torch.distributions.gamma",
    "torch.distributions.uniform",
    "torch.distributions.multivariate_normal",
    "torch.distributions.independent",
    "torch.distributions.transformed_distribution",
    "torch.types",
    "torch.functional",
    "torch.sparse",
    "torch.cuda",
    "torch.cuda.amp",
    "torch.cpu",
    "torch.cpu.amp",
    "torch.mps",
    "torch.accelerator",
    "torch.version",
    "torch.backends",
    "torch.backends.cuda",
    "torch.backends.cudnn",
    "torch.backends.mps",
    "torch.backends.mkl",
    "torch.backends.mkldnn",
    "torch.backends.openmp",
    "torch.backends.cpu",
    "torch.xpu",
    "torch.__config__",
    "torch.__future__",
    "torch.utils.hooks",
]

TYPES = [
    "torch.Tensor",
    "torch.Size",
    "torch.dtype",
    "torch.device",
    "torch.layout",
    "torch.memory_format",
    "torch.finfo",
    "torch.iinfo",
    "torch.Generator",
    "torch.autograd.Function",
    "torch.autograd.function.FunctionCtx",
    "torch.autograd.graph.Node",
    "torch.utils.hooks.RemovableHandle",
    "torch.autograd.graph.GradientEdge",
    "torch._C._autograd.SavedTensor",
    "torch.nn.utils.rnn.PackedSequence",
    "torch.distributions.constraints.Constraint",
    "torch.nn.utils.parametrize.ParametrizationList",
    "torch.nn.modules.module._IncompatibleKeys",
    "torch.utils.data.dataloader._BaseDataLoaderIter",
    "torch.distributions.constraint_registry.ConstraintRegistry",
    "torch.nn.modules.rnn.RNNBase",
    "torch.nn.modules.conv._ConvNd",
    "torch.nn.modules.batchnorm._NormBase",
    "torch.nn.modules.batchnorm._BatchNorm",
    "torch.nn.modules.loss._Loss",
    "torch.nn.modules.loss._WeightedLoss",
    "torch.nn.modules.lazy.LazyModuleMixin",
    "torch.distributions.distribution.Distribution",
    "torch.nn.utils.weight_norm.WeightNorm",
    "torch.optim.lr_scheduler.LRScheduler",
    "torch.overrides.TorchFunctionMode",
    "torch.masked.MaskedTensor",
]

TYPE_EXTRA = {
    "torch.Tensor": "_version _base _is_view _nnz _indices _values _is_zerotensor is_shared itemsize names "
    "has_names grad_dtype "
    "as_strided as_strided_ as_strided_scatter resize_ resize_as_ new to_sparse to_sparse_coo coalesce solve",
    "torch.nn.Module": "_parameters _buffers _modules _forward_hooks _forward_pre_hooks _backward_hooks _get_name "
    "_non_persistent_buffers_set load_state_dict *",
    "torch.autograd.graph.Node": "_saved_* _raw_saved_* _sequence_nr name next_functions metadata register_hook "
    "register_prehook _register_hook_dict variable saved_tensors needs_input_grad materialize_grads *",
    "torch.autograd.function.FunctionCtx": "saved_tensors needs_input_grad saved_variables to_save *",
    "torch._C._autograd.SavedTensor": "register_hooks",
    "torch.optim.Optimizer": "_step_count load_state_dict *",
    "torch.optim.lr_scheduler.LRScheduler": "_step_count _last_lr _get_closed_form_lr load_state_dict *",
    "torch.optim.swa_utils.AveragedModel": "*",
    "torch.distributions.Distribution": "_validate_args *",
    "torch.distributions.Transform": "_cache_size _inv *",
    "torch.distributions.constraints.Constraint": "*",
    "torch.utils.data.Dataset": "*",
    "torch.utils.data.Sampler": "*",
    "torch.utils.data.DataLoader": "*",
    "torch.nn.utils.rnn.PackedSequence": "data batch_sizes sorted_indices unsorted_indices",
    "torch.nn.modules.module._IncompatibleKeys": "missing_keys unexpected_keys",
    "torch.autograd.graph.GradientEdge": "node output_nr ownership_token",
    "torch.dtype": "is_floating_point is_complex is_signed itemsize to_real to_complex",
    "torch.utils.hooks.RemovableHandle": "remove id",
    "torch.Generator": "manual_seed initial_seed seed get_state set_state device clone_state",
    "torch.utils.data.dataloader._BaseDataLoaderIter": "next",
}
MODULE_EXTRA = {
    "torch": "as_strided as_strided_scatter as_strided_copy sparse_coo_tensor save load svd_lowrank pca_lowrank "
    "lobpcg asarray "
    "set_rng_state seed compile __version__ autocast set_autocast_enabled is_autocast_enabled is_autocast_cpu_enabled "
    "get_autocast_cpu_dtype get_autocast_dtype is_autocast_cache_enabled rnn_tanh_cell rnn_relu_cell gru_cell "
    "lstm_cell "
    "set_flush_denormal is_storage",
    "torch.nn.functional": "native_channel_shuffle",
    "torch.optim.lr_scheduler": "_LRScheduler",
}
MODULE_NOT = {
    "torch": "cond while_loop",
    "torch.autograd": "function variable",
    "torch.autograd.graph": "region_activation_memory_budget",
}
MODULE_ONLY = {
    "torch.masked": "MaskedTensor amax amin argmax argmin as_masked_tensor cumprod cumsum is_masked_tensor log_softmax "
    "logaddexp logsumexp masked_tensor mean median norm normalize prod softmax softmin std sum var",
    "torch.overrides": "TorchFunctionMode handle_torch_function has_torch_function is_tensor_like resolve_name",
    "torch.sparse": "sum mm softmax log_softmax addmm sampled_addmm check_sparse_tensor_invariants spdiags "
    "as_sparse_gradcheck",
    "torch.utils": "",
    "torch.utils.hooks": "RemovableHandle",
    "torch.cuda": "is_available device_count is_initialized current_device synchronize empty_cache manual_seed "
    "manual_seed_all "
    "get_device_name memory_allocated max_memory_allocated memory_reserved reset_peak_memory_stats "
    "is_bf16_supported device",
    "torch.cuda.amp": "autocast GradScaler custom_fwd custom_bwd",
    "torch.cpu": "is_available device_count synchronize current_device",
    "torch.cpu.amp": "autocast GradScaler",
    "torch.mps": "is_available device_count",
    "torch.xpu": "is_available device_count",
    "torch.accelerator": "is_available current_accelerator device_count current_device_index current_device_idx "
    "empty_cache max_memory_allocated max_memory_reserved memory_allocated memory_reserved synchronize",
    "torch.version": "__version__ cuda hip",
    "torch.backends": "",
    "torch.backends.cuda": "is_built allow_fp16_bf16_reduction_math_sdp fp16_bf16_reduction_math_sdp_allowed "
    "flash_sdp_enabled math_sdp_enabled mem_efficient_sdp_enabled cudnn_sdp_enabled enable_flash_sdp enable_math_sdp "
    "enable_mem_efficient_sdp enable_cudnn_sdp is_flash_attention_available",
    "torch.backends.cudnn": "is_available version",
    "torch.backends.mps": "is_available is_built",
    "torch.backends.mkl": "is_available",
    "torch.backends.mkldnn": "is_available",
    "torch.backends.openmp": "is_available",
    "torch.backends.cpu": "get_cpu_capability",
    "torch.__config__": "",
    "torch.types": "Device Number",
    "torch.nn.attention": "SDPBackend sdpa_kernel",
    "torch.amp": "autocast custom_fwd custom_bwd is_autocast_available GradScaler",
    "torch.func": "grad grad_and_value vmap jacrev jacfwd hessian vjp jvp functional_call stack_module_state "
    "functionalize rearrange "
    "debug_unwrap replace_all_batch_norm_modules_ linearize",
    "torch.utils.checkpoint": "checkpoint checkpoint_sequential set_checkpoint_debug_enabled",
    "torch.testing": "assert_close assert_allclose make_tensor",
    "torch.utils.data": "BatchSampler ChainDataset ConcatDataset DataLoader Dataset IterableDataset "
    "RandomSampler Sampler "
    "SequentialSampler StackDataset Subset SubsetRandomSampler TensorDataset WeightedRandomSampler default_collate "
    "default_convert get_worker_info random_split",
}
CLASSES = [
    "Tensor",
    "Size",
    "dtype",
    "device",
    "Generator",
    "layout",
    "memory_format",
    "finfo",
    "iinfo",
    "no_grad",
    "enable_grad",
    "set_grad_enabled",
    "inference_mode",
    "autocast",
    "FloatTensor",
    "DoubleTensor",
    "HalfTensor",
    "BFloat16Tensor",
    "LongTensor",
    "IntTensor",
    "ShortTensor",
    "CharTensor",
    "ByteTensor",
    "BoolTensor",
    "OutOfMemoryError",
    "AcceleratorError",
]


def admitted(module: types.ModuleType) -> Iterator[str]:
    """The public names of a torch module that are functions or classes of torch, or constants, and none of NEVER."""
    dotted = module.__name__
    if dotted in MODULE_ONLY:
        yield from MODULE_ONLY[dotted].split()
        return
    left_out = set(MODULE_NOT.get(dotted, "").split())
    for name in public(module):
        if name.startswith("_") or NEVER.fullmatch(name) or name in left_out:
            continue
        value = getattr(module, name)
        if isinstance(value, types.ModuleType) or (
            isinstance(value, type) and dotted == "torch" and name not in CLASSES
        ):
            continue
        if dotted == "torch.distributions.constraints" and isinstance(value, value_types()):
            yield name
        elif isinstance(value, (bool, int, float, torch.dtype, torch.layout, torch.memory_format, torch.Generator)):
            if not name.isupper() and not name.startswith(("has_", "per_", "q", "bits", "legacy")):
                yield name
        elif callable(value) and not _foreign(value):
            yield name


def public(module: types.ModuleType) -> list[str]:
    """What a module exports, or, where it does not say, what it holds."""
    if module.__name__ in (
        "torch",
        "torch.nn.functional",
        "torch.nn",
        "torch.optim",
        "torch.distributions.constraints",
    ):
        return dir(module)
    exported = list(getattr(module, "__all__", ()))
    builtin = [name for name in dir(module) if isinstance(getattr(module, name), types.BuiltinFunctionType)]
    return exported + builtin if exported else dir(module)


def value_types() -> tuple[type, ...]:
    """The classes whose instances are constants of a module."""
    return (torch.distributions.constraints.Constraint,)


def _foreign(value: object) -> bool:
    home = getattr(value, "__module__", None) or ""
    if isinstance(value, typing.TypeVar) or typing.get_origin(value) is not None:
        return True
    return not (home.startswith("torch") or isinstance(value, types.BuiltinFunctionType)) or home == "torch.overrides"


def own_names(cls: type) -> Iterator[str]:
    """The public names that a class itself defines, none of NEVER."""
    for name in vars(cls) if cls is not torch.Tensor else dir(cls):
        if not name.startswith("_") and not NEVER.fullmatch(name):
            yield name


def resolve(dotted: str) -> Any:
    """The object of that dotted name, or None."""
    home, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(home), name, None)


def classes(sections: dict[str, list[str]]) -> dict[str, type]:
    """Every class that a list names, and the torch classes they derive from, once each, by dotted name."""
    found: dict[int, tuple[str, type]] = {}
    seeds = [*TYPES, *(f"{home}.{name}" for home, names in sections.items() for name in names)]
    for dotted in seeds:
        value = resolve(dotted)
        if inspect.isclass(value) and value.__module__.split(".")[0] == "torch":
            found.setdefault(id(value), (dotted, value))
            for base in value.__mro__:
                if base.__module__.startswith("torch"):
                    found.setdefault(id(base), (f"{base.__module__}.{base.__qualname__}", base))
    return {dotted: cls for dotted, cls in found.values() if "<locals>" not in dotted and reachable(dotted, cls)}


def reachable(dotted: str, cls: type) -> bool:
    """Whether the dotted name leads to the class (a named tuple's hidden base does not)."""
    try:
        return resolve(dotted) is cls
    except (AttributeError, ImportError):
        return False


NUMPY_NEVER = re.compile(
    r"load.*|save.*|genfromtxt|fromfile|tofile|memmap|fromregex|DataSource|ctypeslib|f2py|test|rec(array|ord)|char.*|source|who"
    r"|frombuffer|fromiter|frompyfunc|info|show_.*|seterrcall|geterrcall|setbufsize|getbufsize|get_include|from_dlpack"
    r"|ndarray|void|object_|matrix|asmatrix|mat|bmat|nditer|nested_iters|busday.*|datetime.*|timedelta.*"
    r"|is_busday|get_state|set_state|bit_generator|BitGenerator|get_bit_generator|set_bit_generator|SFC64|MT19937|Philox"
    r"|PCG64.*|SeedSequence|vonmises|zipf|bytes|as_strided|sliding_window_view|resize|setflags|data|ctypes|base|dump.*"
    r"|tobytes|byteswap|newbyteorder|getfield|setfield|str_|bytes_|flexible|character|asarray_chkfinite"
    r"|require|poly1d|format_parser|typename|iterable|broadcast|flatiter"
    r"|ufunc|roots|einsum_path|mask_indices|fromfunction|get_array_wrap|getlimits"
)
NUMPY_MODULES = [
    "numpy",
    *(f"numpy.{name}" for name in ("linalg", "random", "fft", "testing", "polynomial", "dtypes")),
]
NUMPY_ONLY = {
    "numpy.testing": "assert_allclose assert_almost_equal assert_array_almost_equal assert_array_equal assert_equal",
    "numpy.polynomial": "",
    "numpy.dtypes": "BoolDType Complex64DType Complex128DType Float16DType Float32DType Float64DType Int8DType "
    "Int16DType Int32DType Int64DType UInt8DType UInt16DType UInt32DType UInt64DType",
}
NUMPY_TYPES = (
    "ndarray generic ufunc dtype random.Generator random.RandomState errstate vectorize finfo iinfo ndenumerate "
    "ndindex _core.multiarray.flagsobj"
)


def numpy_names(module: types.ModuleType) -> Iterator[str]:
    """The public names of a numpy module that are functions, scalar types or constants, and none of NUMPY_NEVER."""
    if module.__name__ in NUMPY_ONLY:
        yield from NUMPY_ONLY[module.__name__].split()
        return
    for name in dir(module):
        value = getattr(module, name)
        if name.startswith("_") or NUMPY_NEVER.fullmatch(name) or isinstance(value, types.ModuleType):
            continue
        if callable(value) or isinstance(value, (int, float)) or value is None:
            yield name
    if module.__name__ == "numpy":
        yield from ("ndarray", "__version__", "roots", "r_", "c_", "s_", "mgrid", "ogrid", "index_exp", "newaxis")


def numpy_lists() -> dict[str, str]:
    """numpy.txt and numpy_types.txt, as the rules have them."""
    lines = ["# Functions, scalar types and constants of numpy: public, none that reads or writes files or raw memory."]
    for dotted in NUMPY_MODULES:
        lines += ["", f"[{dotted}]", *sorted(set(numpy_names(importlib.import_module(dotted))))]
    modules = "\n".join(lines) + "\n"
    lines = ["# Methods and attributes of numpy's classes, by the same rule."]
    for name in NUMPY_TYPES.split():
        cls = resolve(f"numpy.{name}")
        names = [one for one in dir(cls) if not one.startswith("_") and not NUMPY_NEVER.fullmatch(one)]
        lines += ["", f"[numpy.{name}]", *names]
    return {"numpy.txt": modules, "numpy_types.txt": "\n".join(lines) + "\n"}


def torch_lists() -> dict[str, str]:
    """torch.txt and torch_types.txt, as the rules have them."""
    sections = {}
    for dotted in MODULES:
        found = set(admitted(importlib.import_module(dotted))) | {
            name for name in MODULE_EXTRA.get(dotted, "").split() if hasattr(importlib.import_module(dotted), name)
        }
        sections[dotted] = sorted(found)
    lines = [
        "# Functions, classes and constants of PyTorch's modules: public, its own, and none that reaches files,",
        "# processes, foreign code, raw memory, kernels without checks, or devices other than the CPU.",
    ]
    for dotted, listed in sections.items():
        lines += ["", f"[{dotted}]", *listed]
    modules = "\n".join(lines) + "\n"
    lines = [
        "# Methods and attributes by class, the ones it defines itself: public, by the same rule. A line with * "
        "admits the",
        "# public fields that instances carry; a trailing * any name that begins so.",
    ]
    extra = {resolve(dotted): more.split() for dotted, more in TYPE_EXTRA.items()}
    for dotted, cls in classes(sections).items():
        lines += ["", f"[{dotted}]", *sorted({*own_names(cls), *extra.get(cls, ())})]
    return {"torch.txt": modules, "torch_types.txt": "\n".join(lines) + "\n"}


if __name__ == "__main__":
    for file, proposed in {**torch_lists(), **numpy_lists()}.items():
        committed = (FOLDER / file).read_text()
        print("".join(unified_diff(committed.splitlines(True), proposed.splitlines(True), file, "by rule", n=0)))
