"""Stand-ins: plots become series, the clock repeats, the bar is silent, the rest is harmless."""

from __future__ import annotations

import re

import pytest

from engine.allowlist import Allowlist
from engine.interpreter import Interpreter
from engine.messages import render
from engine.observer import Observer
from engine.program import parse
from tests.vocabulary_cases import run, stop


def test_plots_become_figures() -> None:
    """Each pair of axes with a series is one figure; the format says whether there is a line."""
    allowlist = Allowlist()
    source = (
        "import matplotlib.pyplot as plt, numpy as np, torch\n"
        "plt.figure(figsize=(4, 3))\n"
        "plt.plot([1, 2], [3, 4], 'ro', label='points')\n"
        "plt.plot(torch.tensor([5.0, 6.0]))\n"
        "plt.title('T'); plt.xlabel('x'); plt.ylabel('y'); plt.legend(); plt.grid(True); plt.show()\n"
        "fig, ax = plt.subplots(1, 2)\n"
        "ax[1].bar([0, 1], [2, 3]); ax[1].set_title('B')\n"
    )
    Interpreter(parse(source), allowlist, Observer()).run()
    first, second = allowlist.run.figures()
    assert (first.title, first.xlabel, first.ylabel) == ("T", "x", "y")
    assert first.series == [("scatter", "points", [1, 2], [3, 4]), ("line", "", [0, 1], [5, 6])]
    assert (second.title, second.series) == ("B", [("bar", "", [0, 1], [2, 3])])


def test_a_tensor_that_requires_grad_cannot_be_plotted() -> None:
    """PyTorch's own words."""
    with pytest.raises(RuntimeError, match=r"Use tensor.detach\(\).numpy\(\) instead"):
        run("import matplotlib.pyplot as plt, torch\nplt.plot(torch.ones(2, requires_grad=True))")


def test_the_clock_repeats_and_sleeps_at_once() -> None:
    """Two runs read the same times."""
    source = "import time\na = time.perf_counter()\ntime.sleep(100)\nb = time.perf_counter() - a"
    first, second = run(source)[0], run(source)[0]
    assert (first["a"], first["b"]) == (second["a"], second["b"])
    assert first["b"] > 100


def test_tqdm_iterates_and_shows_nothing() -> None:
    """Only `tqdm.write` prints."""
    _, printed = run(
        "from tqdm import tqdm, trange\n"
        "for i in tqdm(range(2), desc='x'): print(i)\n"
        "bar = trange(2)\n"
        "for i in bar: bar.set_postfix(loss=i)\n"
        "tqdm.write('done')\n"
    )
    assert printed == "0\n1\ndone\n"


def test_environment_gc_and_devices() -> None:
    """There, empty, and of this run."""
    _, printed = run(
        "import os, gc, sys, torch, platform\n"
        "os.environ['A'] = 'b'\n"
        "print(os.environ['A'], os.getenv('A'), os.path.join('a', 'b'), gc.collect(), torch.cuda.is_available())\n"
        "torch.backends.cudnn.benchmark = True\n"
        "print(torch.backends.cudnn.benchmark, torch.backends.mps.is_available())\n"
        "sys.stdout.write('out\\n')\n"
        "print('err', file=sys.stderr)\n"
    )
    assert printed == "b b a/b 0 False\nTrue False\nout\n"


def test_make_dot_and_compile_do_no_harm() -> None:
    """Lessons call them and go on."""
    variables, _ = run(
        "import torch\nfrom torchviz import make_dot\nx = torch.ones(1, requires_grad=True)\n"
        "make_dot(x * 2, params={'x': x}).render('g')\n"
        "f = torch.compile(lambda x: x + 1)\ny = f(x)\n"
    )
    assert variables["y"].item() == 2


def test_a_name_that_a_stand_in_lacks() -> None:
    """Is refused with its dotted name."""
    ended = stop("import matplotlib.pyplot as plt\nplt.triplot([1])")
    assert (ended.code, ended.params) == ("refused.name", {"name": "matplotlib.pyplot.triplot"})


def test_data_loader_runs_in_one_process() -> None:
    """Whatever number of workers is asked for."""
    _, printed = run(
        "import torch\nfrom torch.utils.data import DataLoader, TensorDataset\n"
        "loader = DataLoader(TensorDataset(torch.arange(4.)), batch_size=2, num_workers=4, pin_memory=True)\n"
        "for (x,) in loader: print(x)\n"
        "print(len(loader), loader.num_workers)\n"
    )
    assert printed == "tensor([0., 1.])\ntensor([2., 3.])\n2 0\n"


def test_a_profiler_lists_what_ran_and_times_nothing() -> None:
    """Its table says so, and the rows are the same in every run; the handler it was given is called."""
    source = (
        "import torch\n"
        "from torch.profiler import profile, record_function, schedule\n"
        "seen = []\n"
        "with profile(schedule=schedule(wait=1, warmup=1, active=1), on_trace_ready=seen.append) as prof:\n"
        "    for step in range(3):\n"
        "        with record_function('mine'):\n"
        "            y = torch.ones(2) * 2\n"
        "        prof.step()\n"
        "print(prof.key_averages().table(sort_by='cpu_time_total'))\n"
        "with profile() as prof:\n"
        "    pass\n"
        "empty = prof.key_averages().table()\n"
    )
    variables, printed = run(source)
    assert variables["y"].tolist() == [2, 2]
    assert len(variables["seen"]) == 1
    assert printed.startswith(render("standin.profiler") + "\n")
    assert {"mine", "aten::mul", "ProfilerStep*"} <= set(printed.split())
    assert variables["empty"] == render("standin.profiler")
    assert run(source)[1] == printed


@pytest.mark.parametrize(
    "wrong",
    [
        "profile().export_memory_timeline('a.html')",
        "profile(execution_trace_observer=3)",
        "p.events().table(max_name_column_width=[3])",
        "torch.utils.benchmark.Timer('x', language='c++')",
        "torch.utils.benchmark.FuzzedParameter('k', 1, 2, 'uniform').sample(3)",
        "torch.utils.benchmark.trim_sigfig(1.0, -10**9)",
        "q = profile(on_trace_ready=type(p.profiler.config())); q.start(); q.stop()",
        "profile(schedule=type(p.profiler.config()))",
    ],
)
def test_what_a_profiler_and_a_benchmark_do_not_do(wrong: str) -> None:
    """Files of the machine, other languages, templates, numbers without bound, classes nobody listed."""
    source = (
        f"import torch, torch.utils.benchmark\nfrom torch.profiler import profile\nwith profile() as p: pass\n{wrong}"
    )
    assert stop(source).code.startswith("refused.")


def test_the_days_are_those_of_the_clock_of_the_run() -> None:
    """In UTC, whatever the machine says."""
    source = (
        "import time, datetime\n"
        "first = time.localtime()\n"
        "text = time.strftime('%Y-%m-%d')\n"
        "ago = time.time() - time.mktime(first)\n"
        "other = datetime.datetime.now().strftime('%Y-%m-%d')\n"
        "start = time.mktime((2024, 14, 31, 0, 0, 0, 0, 0, 0)), time.asctime(time.localtime(0)), time.ctime(0)\n"
    )
    variables, _ = run(source)
    assert variables["text"] == variables["other"] == "2023-11-14"
    assert 0 <= variables["ago"] < 1
    assert variables["start"] == (1740960000.0, "Thu Jan  1 00:00:00 1970", "Thu Jan  1 00:00:00 1970")


def test_an_execution_takes_a_tick() -> None:
    """A benchmark's times are of the run's clock, the same in every run."""
    source = (
        "from torch.utils.benchmark import Timer, Compare\n"
        "m = Timer('f(x)', label='f', description='d').blocked_autorange()\n"
        "print(m.median, m.number_per_run, len(m.times)); Compare([m]).print()\n"
    )
    printed = run(source)[1]
    assert printed.startswith("0.0001 10 200\n[")
    assert "f(x)  |  100.0" in printed
    assert run(source)[1] == printed


def test_temporary_files_lie_in_the_folder_of_the_run() -> None:
    """A temporary folder takes with it what was saved under it."""
    source = (
        "import os, tempfile, torch\n"
        "with tempfile.TemporaryDirectory() as folder:\n"
        "    path = os.path.join(folder, 'w.pt')\n"
        "    torch.save(torch.ones(2), path)\n"
        "    there = os.path.exists(path)\n"
        "gone = not os.path.exists(path)\n"
        "with tempfile.NamedTemporaryFile() as file:\n"
        "    torch.save({'a': 1}, file); file.seek(0); loaded = torch.load(file)\n"
    )
    variables, _ = run(source)
    assert (variables["there"], variables["gone"], variables["loaded"]) == (True, True, {"a": 1})


def test_a_parser_reads_no_command_line_of_ours() -> None:
    """Nothing is passed; help is printed where `print` prints."""
    variables, printed = run(
        "import argparse\np = argparse.ArgumentParser(description='Trains.')\n"
        "p.add_argument('--lr', type=float, default=0.1)\nargs = p.parse_args()\nlr = vars(args)['lr']\np.print_help()"
    )
    assert variables["lr"] == 0.1
    assert printed.startswith("usage: program.py [-h] [--lr LR]")


def test_a_compiled_module_is_the_module_one_level_down() -> None:
    """As PyTorch shows it, with the same parameters."""
    variables, printed = run(
        "import torch\nm = torch.nn.Linear(2, 1)\nc = torch.compile(m)\nprint(c, list(c.state_dict()))\n"
        "same = c.weight is m.weight and torch.equal(c(torch.ones(2)), m(torch.ones(2)))"
    )
    assert variables["same"] is True
    assert printed.startswith("OptimizedModule(\n  (_orig_mod): Linear(")
    assert "['_orig_mod.weight', '_orig_mod.bias']" in printed


def test_a_finalizer_runs_between_statements() -> None:
    """`__del__` is called once for each value that nobody holds any more, before the next statement."""
    _, printed = run(
        "class A:\n    def __init__(self, n): self.n = n\n    def __del__(self): print('bye', self.n)\n"
        "a = A(1)\na = A(2)\nprint('one')\ndel a\nprint('two')\nA(3)\nprint('three')"
    )
    assert printed.splitlines() == ["bye 1", "one", "bye 2", "two", "bye 3", "three"]


def test_a_star_import_brings_what_is_listed() -> None:
    """A name that is not offered is refused only where it is used."""
    variables, _ = run("from torch import *\nx = ones(2).sum()")
    assert variables["x"].item() == 2
    assert stop("from torch.utils.data import *\nDistributedSampler").code == "refused.name"


def test_futures_call_back_at_once() -> None:
    """What waits for a value is called when it is set; nobody waits for ever."""
    _, printed = run(
        "import torch\n"
        "f = torch.futures.Future()\n"
        "g = f.then(lambda done: print('got', done.wait()) or 3)\n"
        "f.set_result(5)\n"
        "print(g.wait(), torch.futures.wait_all([f, g]), torch.futures.collect_all([f]).wait()[0].wait())\n"
        "bad = torch.futures.Future()\n"
        "bad.set_exception(ValueError('no'))\n"
        "try: bad.wait()\n"
        "except ValueError as error: print(error)\n"
    )
    assert printed == "got 5\n3 [5, 3] 5\nno\n"
    assert stop("import torch\ntorch.futures.Future().wait()").code == "refused.wait"


def test_pools_and_queues_do_it_at_once() -> None:
    """One thread does what several would."""
    _, printed = run(
        "import queue\n"
        "from concurrent.futures import ThreadPoolExecutor, as_completed\n"
        "with ThreadPoolExecutor(max_workers=2) as pool:\n"
        "    print(list(pool.map(lambda x: x * 2, [1, 2])))\n"
        "    print([f.result() for f in as_completed([pool.submit(pow, 2, 3)])])\n"
        "q = queue.PriorityQueue()\n"
        "for i in (3, 1): q.put(i)\n"
        "print(q.get(), q.qsize(), q.empty())\n"
    )
    assert printed == "[2, 4]\n[8]\n1 1 False\n"


def test_pickle_gives_back_what_the_run_wrote() -> None:
    """Data, tensors, modules and objects of the program's own classes; foreign bytes and functions are refused."""
    _, printed = run(
        "import pickle, torch\n"
        "class A:\n    def __init__(self): self.x = torch.ones(2)\n"
        "a = pickle.loads(pickle.dumps({'a': A(), 'm': torch.nn.Linear(1, 1)}))\n"
        "print(a['a'].x, a['m'])\n"
        "with open('f', 'wb') as file: pickle.dump([1], file)\n"
        "with open('f', 'rb') as file: print(pickle.load(file))\n"
    )
    assert printed == "tensor([1., 1.]) Linear(in_features=1, out_features=1, bias=True)\n[1]\n"
    assert stop("import pickle\npickle.loads(b'cos\\nsystem\\n.')").code == "refused.load"
    assert stop("import pickle, torch\npickle.dumps([torch.nn.functional.relu])").code == "refused.pickle"


def test_inspect_tells_headers_and_texts() -> None:
    """Of what the program defines; what an object says of itself is not believed."""
    _, printed = run(
        "import inspect, torch, traceback\n"
        "def f(a, b: int = 2, *c, d=3) -> int:\n    return a\n"
        "print(inspect.signature(f), inspect.signature(f).parameters['b'].default, inspect.getfullargspec(f).args)\n"
        "print(inspect.getsource(f), end='')\n"
        "print(inspect.isfunction(f), inspect.isclass(torch.nn.Linear), inspect.signature(torch.nn.Linear.forward))\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: print(traceback.format_exc().splitlines()[-1])\n"
    )
    assert printed == (
        "(a, b: int = 2, *c, d=3) -> int 2 ['a', 'b']\ndef f(a, b: int = 2, *c, d=3) -> int:\n    return a\n"
        "True True (self, input: torch.Tensor) -> torch.Tensor\nZeroDivisionError: division by zero\n"
    )
    source = "import inspect\ndef f(): pass\nf.__signature__ = 1\ninspect.signature(f)"
    assert stop(source).code == "refused.dunder"


def test_texts_of_bytes_and_tables() -> None:
    """hashlib, base64, struct, csv: as they are, within the sizes of a run."""
    _, printed = run(
        "import hashlib, base64, struct, csv, io, datetime\n"
        "print(hashlib.sha256(b'a').hexdigest()[:6], base64.b64encode(b'a'), end=' ')\n"
        "print(struct.unpack('<I', struct.pack('<I', 3)))\n"
        "text = io.StringIO()\n"
        "csv.writer(text).writerows([[1, 'a'], [2, 'b']])\n"
        "print(list(csv.reader(text.getvalue().splitlines())), type(datetime.datetime.now()).__name__)\n"
    )
    assert printed == "ca9781 b'YQ==' (3,)\n[['1', 'a'], ['2', 'b']] datetime\n"
    assert stop("import struct\nstruct.pack('999999999x')").code == "limit.text"


def test_what_needs_a_device_says_so_in_pytorchs_words() -> None:
    """Where there is none; switches of compilers change nothing."""
    _, printed = run(
        "import timeit, torch, torch._dynamo\n"
        "try: torch.cuda.get_device_capability()\n"
        "except AssertionError as error: print(error)\n"
        "torch._dynamo.reset()\n"
        "@torch.compiler.set_stance('force_eager')\n"
        "def f(x): return x + 1\n"
        "print(f(1), torch.compiler.is_compiling(), torch.cond(torch.tensor(True), f, lambda x: x, (torch.ones(1),)))\n"
        "print(timeit.Timer(lambda: f(1)).timeit(2) > 0, torch.utils.serialization.config.save.storage_alignment)\n"
    )
    assert printed == "Torch not compiled with CUDA enabled\n2 False tensor([2.])\nTrue 64\n"


SCRIPTED = (
    "import torch\n"
    "class Net(torch.nn.Module):\n"
    "    def __init__(self):\n"
    "        super().__init__()\n"
    "        self.linear, self.count = torch.nn.Linear(2, 1), 3\n"
    "    def forward(self, x): return self.linear(x) * self.count\n"
    "    @torch.jit.export\n"
    "    def version(self): return 1.0\n"
)


def test_a_frozen_module_shows_nothing_but_what_is_preserved() -> None:
    """It is a copy: what is written to the module afterwards does not change it."""
    _, printed = run(
        SCRIPTED + "net = torch.jit.script(Net().eval())\n"
        "frozen = torch.jit.freeze(net, ['version', 'count'])\n"
        "before = net(torch.ones(2))\n"
        "with torch.no_grad(): net.linear.weight.zero_()\n"
        "same = torch.equal(frozen(torch.ones(2)), before)\n"
        "print(frozen, frozen.version(), frozen.count, frozen.state_dict(), same)\n"
        "for name in ('linear', 'training', 'weight'):\n"
        "    try: getattr(frozen, name)\n"
        "    except AttributeError as error: print(error)\n"
        "try: torch.jit.freeze(net, ['other'])\n"
        "except RuntimeError as error: print(error)\n"
        "print(torch.jit.optimize_for_inference(net)(torch.ones(2)).requires_grad)\n"
    )
    told = "'RecursiveScriptModule' object has no attribute "
    assert printed == (
        "RecursiveScriptModule(original_name=Net) 1.0 3 OrderedDict() True\n"
        + "".join(f"{told}'{name}'\n" for name in ("linear", "training", "weight"))
        + "Unknown name: other\nFalse\n"
    )


def test_what_was_not_compiled_has_no_code() -> None:
    """Nor a graph; a module that is compiled as it is made is a module like any other."""
    _, printed = run(
        SCRIPTED + "class Plain(torch.jit.ScriptModule):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.scale = torch.nn.Parameter(torch.ones(1))\n"
        "    @torch.jit.script_method\n"
        "    def forward(self, x): return x * self.scale\n"
        "plain = Plain()\n"
        "print(plain, plain(torch.ones(2)), list(plain.state_dict()), isinstance(plain, torch.jit.ScriptModule))\n"
        "net = torch.jit.script(Net())\n"
        "print(torch.jit.script(net) is net, torch.jit.trace(net, torch.ones(2)) is net, net.version(), net.count)\n"
        "net.double()\n"
        "print(net(torch.ones(2, dtype=torch.float64)).dtype, torch.jit.trace(Net(), torch.ones(2)).version())\n"
        "print(isinstance(torch.jit.script(lambda x: x), torch.jit.ScriptFunction))\n"
    )
    assert printed == (
        "Plain() tensor([1., 1.], grad_fn=<MulBackward0>) ['scale'] True\nTrue True 1.0 3\ntorch.float64 1.0\nTrue\n"
    )
    for value in ("torch.jit.script(lambda x: x)", "torch.jit.script(torch.nn.ReLU())"):
        for name in ("code", "graph", "inlined_graph"):
            assert stop(f"import torch\n{value}.{name}").code == "refused.attribute"


def test_what_a_trace_says_names_no_line_of_ours() -> None:
    """Neither its graph, nor what it raises, nor the comparison of two traces."""
    _, printed = run(
        "import torch\n"
        "def f(x): return x * torch.ones(x.shape[0] // 2 * 2)\n"
        "def g(x):\n"
        "    for row in x: x = x + row\n"
        "    return x\n"
        "traced = torch.jit.trace(f, torch.ones(2))\n"
        "torch.jit.trace(torch.nn.Linear(2, 1), torch.ones(2)).save('t.pt')\n"
        "print(traced.graph)\n"
        "for wrong in (\n"
        "    lambda: traced(torch.ones(3)),\n"
        "    lambda: torch.jit.load('t.pt')(torch.ones(3)),\n"
        "    lambda: torch.jit.trace(g, torch.ones(1, 2), check_inputs=[torch.ones(2, 2)]),\n"
        "):\n"
        "    try: wrong()\n"
        "    except Exception as error: print(error, error.__cause__)\n"
    )
    assert printed.count("Traceback of TorchScript") >= 3
    assert "Graphs differed across invocations!" in printed
    assert not re.search(r"\.py\b(?!\")", printed)
    assert "<program>" not in printed


@pytest.mark.parametrize(
    "number",
    [
        "torch.linalg.matrix_power(torch.eye(2), x.shape[0])",
        "torch.nn.functional.max_pool2d(x, [x.shape[0], 1])",
        "torch.diff(x, n=x.shape[0])",
    ],
)
def test_a_size_is_no_other_number_of_a_trace(number: str) -> None:
    """Where a guard bounds the number: a trace would take another one."""
    assert stop(f"import torch\ntorch.jit.trace(lambda x: {number}, torch.ones(2, 2, 2, 2))").code == "refused.trace"
