"""torch.profiler and torch.autograd.profiler: PyTorch's own schedules, and what ran by PyTorch's own record of it
(hearing.py); nothing is timed, and every table says so."""

# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import functools
import gzip
import json
from typing import Any

import torch
from torch.autograd import profiler as recording
from torch.autograd import profiler_util
from torch.profiler import ProfilerAction, ProfilerActivity
from torch.profiler import profiler as scheduling

from engine import hearing
from engine.errors import LimitReached, Refused
from engine.messages import render
from engine.standins import Names, Offered, Run, named

_UNTIMED = render("standin.profiler")  # now: a child reads no catalogue
_STEPS = scheduling.PROFILER_STEP_NAME


def _check_plain(*values: Any) -> None:
    """PyTorch writes the widths of a table into a template."""
    for value in values:
        if type(value) not in (str, int, bool, type(None)):
            raise Refused("refused.guard.plain", name="table")


def offer(run: Run) -> Names:
    """Contexts that change nothing, lists of what ran in them, and files in the folder of the run."""

    def keep(path: Any, content: bytes) -> None:
        with run.folder.open(path, "wb") as file:
            file.write(content)

    @named(profiler_util.EventList)
    class EventList(Offered, profiler_util.EventList):
        """Events, or their averages."""

        def table(self, *args: Any, **kwargs: Any) -> str:
            _check_plain(*args, *kwargs.values())
            rows = super().table(*args, **kwargs)  # type: ignore[no-untyped-call]
            return f"{_UNTIMED}\n{rows}" if rows else _UNTIMED

        def key_averages(self, *args: Any, **kwargs: Any) -> Any:
            averages = super().key_averages(*args, **kwargs)  # type: ignore[no-untyped-call]
            return _listed(averages, self._use_device, self._profile_memory, self._with_flops)

        def export_chrome_trace(self, path: Any) -> None:
            keep(path, json.dumps([_traced(event) for event in self]).encode())

        def export_stacks(self, path: str, metric: str) -> None:
            metrics = self.supported_export_stacks_metrics()  # type: ignore[no-untyped-call]
            if metric not in metrics:
                raise ValueError(f"metric should be one of: {metrics}")
            keep(path, b"")

    def _listed(events: Any, device: Any, memory: bool, flops: bool) -> Any:
        return EventList(events, use_device=device, profile_memory=memory, with_flops=flops)  # type: ignore[no-untyped-call]

    def _traced(event: Any) -> dict[str, Any]:
        span = event.time_range
        place = {"ts": span.start, "dur": span.elapsed_us(), "tid": event.thread, "pid": "CPU functions"}
        return {"name": event.trace_name, "ph": "X", **place, "args": {}}

    @named(recording.record_function)
    class Label(Offered, recording.record_function):
        """`record_function`."""

        def __enter__(self) -> Any:
            enter = torch.ops.profiler._record_function_enter_new
            self.record: Any = hearing.unseen(enter, self.name, self.args)
            return self

        def __exit__(self, *error: object) -> None:
            if self.record is None:
                raise AssertionError("Expected record to be set")
            hearing.unseen(torch.ops.profiler._record_function_exit._RecordFunction, self.record)

        def __call__(self, function: Any) -> Any:
            @functools.wraps(function)
            def within(*args: Any, **kwargs: Any) -> Any:
                with Label(self.name, self.args):
                    return run.owner.invoke(function, args, kwargs)

            return within

    @named(recording.profile)
    class Recording(Offered, recording.profile):
        """`torch.autograd.profiler.profile`: its events are made when somebody asks for them."""

        _function_events: Any
        _records: list[Any] = []

        def default_trace_id(self) -> str:
            return f"{run.next_seed():032X}"

        def create_trace_id(self) -> Any:
            given = self.custom_trace_id_callback
            return run.owner.invoke(given, (), {}) if given else self.default_trace_id()

        def _prepare_trace(self) -> None:
            self.entered = True
            self.trace_id = self.create_trace_id()

        def _start_trace(self) -> None:
            self.entered = True
            if self.use_cpu:
                hearing.begin(self, shapes=self.record_shapes, flops=self.with_flops, memory=self.profile_memory)

        def __exit__(self, *error: object) -> bool | None:
            if not self.enabled:
                return None
            earlier = self._function_events if self.acc_events else None
            self._function_events, self._needs_processing = None, True
            self._records = hearing.end(self)
            if self.acc_events:
                self._ensure_function_events()
                self._function_events.extend(earlier or ())
            return False

        def _list(self, records: list[Any]) -> Any:
            found: list[Any] = []
            for event in hearing.events(records):
                if len(found) == run.limits.container_length:
                    raise LimitReached("limit.container", limit=run.limits.container_length)
                found.append(event)
            events: Any = _listed(found, self.use_device, self.profile_memory, self.with_flops)
            events._build_tree()
            return events

        def _ensure_function_events(self) -> None:
            if self._function_events is None:
                self._needs_processing = False
                self._function_events = self._list(self._records)

        def toggle_collection_dynamic(self, enabled: bool, activities: Any) -> None:
            if ProfilerActivity.CPU in set(activities):
                hearing.hear(self, bool(enabled))

        def export_chrome_trace(self, path: Any, metadata: Any = None, use_python_export: bool = False) -> None:
            self._ensure_function_events()
            events: Any = self._function_events
            told = [{**_traced(event), "cat": event.activity_type, "pid": 1} for event in events]
            content = {**_read(metadata or {}), "schemaVersion": 1, "deviceProperties": [], "traceEvents": told}
            written = json.dumps(content).encode()
            keep(path, gzip.compress(written, mtime=0) if str(path).endswith(".gz") else written)

    def _read(metadata: dict[str, str]) -> dict[str, Any]:
        """Metadata are given as JSON."""
        found = {}
        for key, text in metadata.items():
            try:
                found[key] = json.loads(text)
            except (ValueError, RecursionError):
                found[key] = text
        return found

    @named(scheduling.profile)
    class Profile(Offered, scheduling.profile):
        """`torch.profiler.profile`: the steps are PyTorch's, the callbacks the program's."""

        profiler: Any

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if kwargs.get("execution_trace_observer") is not None:
                raise Refused("refused.name", name="torch.profiler.ExecutionTraceObserver")
            schedule = kwargs.get("schedule")
            if schedule:
                kwargs["schedule"] = functools.partial(self._scheduled, schedule)
            super().__init__(*args, **kwargs)
            if schedule:
                self.schedule = schedule

        def _scheduled(self, schedule: Any, step: int) -> Any:
            return run.owner.invoke(schedule, (step,), {})

        def prepare_trace(self) -> None:
            if self.profiler is not None and not self.acc_events:
                scheduling._warn_once(  # type: ignore[no-untyped-call]
                    "Warning: Profiler clears events at the end of each cycle. "
                    "Only events from the current cycle will be reported. "
                    "To keep events across cycles, set acc_events=True."
                )
            if self.profiler is None or not self.acc_events:
                self.profiler = Recording(
                    use_cpu=ProfilerActivity.CPU in self.activities,
                    use_device=self.use_device,
                    record_shapes=self.record_shapes,
                    with_flops=self.with_flops,
                    profile_memory=self.profile_memory,
                    with_stack=self.with_stack,
                    with_modules=self.with_modules,
                    use_kineto=True,
                    acc_events=self.acc_events,
                    custom_trace_id_callback=self.custom_trace_id_callback,
                    post_processing_timeout_s=self.post_processing_timeout_s,
                    activity_filters=self.activity_filters or None,
                )
            self.profiler._prepare_trace()

        def start_trace(self) -> None:
            if self.profiler is None:
                raise AssertionError("Profiler must be initialized before starting trace")
            self.profiler._start_trace()
            for name in ("profile_memory", "with_stack", "record_shapes", "with_modules", "with_flops"):
                if getattr(self, name):
                    self.add_metadata_json(name, "1")
            for key, value in self.preset_metadata.items():
                self.add_metadata_json(key, value)

        def stop_trace(self) -> None:
            if self.profiler is None:
                raise AssertionError("Profiler must be initialized before stopping trace")
            self.profiler.__exit__(None, None, None)

        def _trace_ready(self) -> None:
            if self.on_trace_ready:
                run.owner.invoke(self.on_trace_ready, (self,), {})

        def _begin_step(self) -> None:
            if self.record_steps:
                self.step_rec_fn = Label(f"ProfilerStep#{self.step_num}").__enter__()

        def start(self) -> None:
            self._transit_action(ProfilerAction.NONE, self.current_action)
            self._begin_step()

        def step(self) -> None:
            if self.record_steps and self.step_rec_fn:
                self.step_rec_fn.__exit__(None, None, None)
                self.step_rec_fn = None
            before, after = self.current_action, self.step_num + 1
            action = self._scheduled(self.schedule, after) if self.record_steps else ProfilerAction.RECORD
            if action == ProfilerAction.DEVICE_STOPPED:
                raise ValueError(
                    "ProfilerAction.DEVICE_STOPPED is set internally by the "
                    "profiler and must not be returned by a user-provided schedule"
                )
            self.step_num = after
            self.current_action = self._prev_schedule_action = action
            self._transit_action(before, action)
            self._begin_step()

        def __exit__(self, *error: object) -> None:
            self.stop()
            recording.KinetoStepTracker.erase_step_count(_STEPS)

        def export_chrome_trace(self, path: str, use_python_export: bool = False) -> None:
            if self.profiler is None:
                raise AssertionError("Profiler must be initialized before exporting chrome trace")
            self.profiler.export_chrome_trace(path, self._trace_metadata)

        def add_metadata(self, key: str, value: str) -> None:
            self._trace_metadata[key] = '"' + value.replace('"', '\\"') + '"'

        def add_metadata_json(self, key: str, value: str) -> None:
            self._trace_metadata[key] = value

        def export_memory_timeline(self, path: str, device: str | None = None) -> None:
            raise Refused("refused.name", name="torch.profiler.profile.export_memory_timeline")

    class Context(Offered):
        """A `with` block that changes nothing."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            return

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *error: object) -> None:
            return

    class Handler(Offered):
        """What `tensorboard_trace_handler` gives: it writes a trace into the folder of the run."""

        def __init__(
            self, dir_name: Any, worker_name: str | None = None, use_gzip: bool = False, use_python_export: bool = False
        ) -> None:
            self._place = f"{dir_name}/{worker_name or 'localhost_1'}"
            self._ending = ".pt.trace.json.gz" if use_gzip else ".pt.trace.json"

        def __call__(self, prof: Any) -> None:
            path = f"{self._place}.{int(run.now() * 1e9)}{self._ending}"
            run.owner.invoke(run.owner.read(prof, "export_chrome_trace"), (path,), {})

    lists = {"EventList": EventList, "FunctionEvent": profiler_util.FunctionEvent}
    averages = {"FunctionEventAvg": profiler_util.FunctionEventAvg, "Interval": profiler_util.Interval}
    return {
        "torch.profiler": {"profile": Profile, "record_function": Label, "tensorboard_trace_handler": Handler},
        "torch.autograd.profiler": {
            "profile": Recording,
            "record_function": Label,
            "emit_nvtx": Context,
            "emit_itt": Context,
        },
        "torch.autograd.profiler_util": {**lists, **averages},
    }
