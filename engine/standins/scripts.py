"""argparse, logging, tempfile, contextlib.redirect_stdout, sys.exc_info: what scripts have around the lesson itself."""

# ruff: noqa: ARG001
# A stand-in takes what the real thing takes, and looks at little of it.

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import sys
from typing import Any

from engine.errors import Refused
from engine.standins import Names, Offered, Run

LEVELS = {
    name: getattr(logging, name)
    for name in ("DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "NOTSET")
}


def offer(run: Run) -> Names:
    """All on the run's own output and folder; the command line has no arguments."""
    return {**_argparse(run), **_logging(run), **_tempfile(run), **_streams(run), **_threading(run)}


def _argparse(run: Run) -> Names:
    class ArgumentParser(Offered, argparse.ArgumentParser):
        """The real parser, with an empty command line unless the program gives one."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if kwargs.get("fromfile_prefix_chars") is not None:
                raise Refused("refused.name", name="fromfile_prefix_chars")
            if not args:
                kwargs.setdefault("prog", "program.py")
            super().__init__(*args, **kwargs)

        def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
            return super().parse_known_args([] if args is None else args, namespace)

        def _print_message(self, message: str, file: Any = None) -> None:
            if message and (file is None or file is sys.stdout):
                run.write(message)

    offered = ("Namespace", "ArgumentDefaultsHelpFormatter", "RawTextHelpFormatter", "RawDescriptionHelpFormatter")
    names = {name: getattr(argparse, name) for name in (*offered, "SUPPRESS", "REMAINDER", "BooleanOptionalAction")}
    return {"argparse": {"ArgumentParser": ArgumentParser, **names}}


def _logging(run: Run) -> Names:
    class Formatter(Offered):
        """A template of `%(levelname)s` and the like."""

        def __init__(self, fmt: str | None = None, datefmt: Any = None, style: str = "%", **kwargs: Any) -> None:
            self.template = fmt or "%(message)s"

        def fill(self, name: str, level: int, message: str) -> str:
            fields = {"name": name, "levelname": logging.getLevelName(level), "levelno": level, "message": message}
            fields |= {
                "asctime": "2023-11-14 22:13:20,000",
                "filename": "program.py",
                "lineno": 0,
                "funcName": "<module>",
            }
            return str(run.owner.operators.formatting.percent(self.template, fields))

    class Handler(Offered):
        """Writes lines to a stream, without one to the error stream."""

        def __init__(self, stream: Any = None) -> None:
            self.stream, self.formatter, self.level = stream, Formatter(), 0

        def setFormatter(self, formatter: Formatter) -> None:
            self.formatter = formatter

        def setLevel(self, level: Any) -> None:
            self.level = level if isinstance(level, int) else LEVELS[level]

        def write(self, name: str, level: int, message: str) -> None:
            if level < self.level:
                return
            line = self.formatter.fill(name, level, message) + "\n"
            if self.stream is None:
                run.write_error(line)
            else:
                run.owner.invoke(run.owner.read(self.stream, "write"), (line,), {})

    class NullHandler(Handler):
        """Writes nothing."""

        def write(self, name: str, level: int, message: str) -> None:
            return

    class Logger(Offered):
        """A logger, and the root above it."""

        def __init__(self, name: str, parent: Logger | None, level: int = 0) -> None:
            self.name, self.parent, self.level, self.propagate = name, parent, level, True
            self.handlers: list[Handler] = []

        def __repr__(self) -> str:
            kind = "RootLogger" if self.parent is None else "Logger"
            return f"<{kind} {self.name} ({logging.getLevelName(self.getEffectiveLevel())})>"

        def setLevel(self, level: Any) -> None:
            self.level = level if isinstance(level, int) else LEVELS[level]

        def addHandler(self, handler: Handler) -> None:
            self.handlers.append(handler)

        def hasHandlers(self) -> bool:
            return bool(self.handlers or (self.parent and self.parent.handlers))

        def getEffectiveLevel(self) -> int:
            return self.level or (self.parent.getEffectiveLevel() if self.parent is not None else logging.WARNING)

        def isEnabledFor(self, level: int) -> bool:
            return level >= self.getEffectiveLevel()

        def log(self, level: int, message: Any, *args: Any, **kwargs: Any) -> None:
            if not self.isEnabledFor(level):
                return
            formatting = run.owner.operators.formatting
            text = formatting.text(message)
            if args:
                text = str(formatting.percent(text, args))
            logger: Logger | None = self
            handled = False
            while logger is not None:
                for handler in logger.handlers:
                    handled = True
                    handler.write(self.name, level, text)
                logger = logger.parent if logger.propagate else None
            if not handled and level >= logging.WARNING:
                run.write_error(f"{text}\n")

        def debug(self, message: Any, *args: Any, **kwargs: Any) -> None:
            self.log(logging.DEBUG, message, *args)

        def info(self, message: Any, *args: Any, **kwargs: Any) -> None:
            self.log(logging.INFO, message, *args)

        def warning(self, message: Any, *args: Any, **kwargs: Any) -> None:
            self.log(logging.WARNING, message, *args)

        def error(self, message: Any, *args: Any, **kwargs: Any) -> None:
            self.log(logging.ERROR, message, *args)

        def critical(self, message: Any, *args: Any, **kwargs: Any) -> None:
            self.log(logging.CRITICAL, message, *args)

        warn, exception = warning, error

    root = Logger("root", None, logging.WARNING)
    loggers: dict[str, Logger] = {}

    def get(name: str | None = None) -> Logger:
        """`logging.getLogger`."""
        return root if not name or name == "root" else loggers.setdefault(name, Logger(name, root))

    def configure(**options: Any) -> None:
        """`logging.basicConfig`: once, unless forced."""
        if root.handlers and not options.get("force"):
            return
        root.handlers.clear()
        handlers = options.get("handlers") or [Handler(options.get("stream"))]
        for handler in handlers:
            handler.setFormatter(Formatter(options.get("format") or "%(levelname)s:%(name)s:%(message)s"))
            root.addHandler(handler)
        if options.get("level") is not None:
            root.setLevel(options["level"])

    def spoken(name: str) -> Any:
        """`logging.info` and its kin: the root logger, which is configured where it is not."""

        def speak(*args: Any, **kwargs: Any) -> None:
            configure()
            getattr(root, name)(*args, **kwargs)

        return speak

    speaking = {name: spoken(name) for name in ("debug", "info", "warning", "error", "critical", "exception", "log")}
    names = {**LEVELS, "getLogger": get, "basicConfig": configure, "StreamHandler": Handler, "Formatter": Formatter}
    return {"logging": {**names, **speaking, "Logger": Logger, "NullHandler": NullHandler}}


def _tempfile(run: Run) -> Names:
    def fresh(prefix: str | None = None, suffix: str | None = None) -> str:
        """A path that no other has, from the sequence of the run."""
        return f"/tmp/{prefix or 'tmp'}{run.next_seed() % 36**8:08x}{suffix or ''}"

    class Directory(Offered):
        """`tempfile.TemporaryDirectory`: a name; what is saved under it is gone after."""

        def __init__(self, suffix: Any = None, prefix: Any = None, *args: Any, **kwargs: Any) -> None:
            self.name = fresh(prefix, suffix)

        def cleanup(self) -> None:
            """Remove what lies under the name."""
            for file in [file for file in run.folder.names() if file.startswith(f"{self.name}/")]:
                run.folder.remove(file)

        def __enter__(self) -> str:
            return self.name

        def __exit__(self, *error: object) -> None:
            self.cleanup()

        def __repr__(self) -> str:
            return f"<TemporaryDirectory {self.name!r}>"

    def named(mode: str = "w+b", *args: Any, suffix: Any = None, prefix: Any = None, **kwargs: Any) -> Any:
        """`tempfile.NamedTemporaryFile`: a file of the run's folder."""
        return run.folder.open(fresh(prefix, suffix), mode)

    def unnamed(mode: str = "w+b", *args: Any, **kwargs: Any) -> Any:
        """`tempfile.TemporaryFile`."""
        return io.BytesIO() if "b" in mode else io.StringIO()

    def made(suffix: Any = None, prefix: Any = None, dir: Any = None) -> str:
        """`tempfile.mkdtemp`."""
        return fresh(prefix, suffix)

    return {
        "tempfile": {
            "gettempdir": lambda: "/tmp",
            "mkdtemp": made,
            "mktemp": made,
            "TemporaryDirectory": Directory,
            "NamedTemporaryFile": named,
            "TemporaryFile": unnamed,
        }
    }


def _streams(run: Run) -> Names:
    class Redirect(Offered):
        """`contextlib.redirect_stdout`: `print` writes to the target."""

        def __init__(self, target: Any) -> None:
            self._target = target

        def __enter__(self) -> Any:
            run.owner.redirects.append(self._target)
            return self._target

        def __exit__(self, *error: object) -> None:
            run.owner.redirects.pop()

    def caught() -> tuple[Any, Any, None]:
        """`sys.exc_info`: the exception that is being handled; its traceback is not told."""
        error = run.owner.handled()
        return (None, None, None) if error is None else (type(error), error, None)

    return {
        "contextlib": {"redirect_stdout": Redirect, "redirect_stderr": contextlib.nullcontext},
        "sys": {"exc_info": caught},
    }


def _threading(run: Run) -> Names:
    class Thread(Offered):
        """A thread that runs to its end where it is started: a run has one."""

        def __init__(self, group: None = None, target: Any = None, name: Any = None, args: Any = (), kwargs: Any = None,
                     *, daemon: Any = None) -> None:  # fmt: skip
            self.name, self.daemon = name or "Thread-1", daemon
            self._work = (target, tuple(args), dict(kwargs or {}))

        def start(self) -> None:
            target, args, kwargs = self._work
            if target is not None:
                with contextlib.suppress(Exception):  # as threading: what a thread raises ends that thread
                    run.owner.invoke(target, args, kwargs)

        def join(self, timeout: Any = None) -> None:
            return None

        def is_alive(self) -> bool:
            return False

    class Lock(Offered):
        """Nobody else can hold it."""

        def __enter__(self) -> bool:
            return True

        def __exit__(self, *error: object) -> None:
            return None

        def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
            return True

        def release(self) -> None:
            return None

    return {"threading": {"Thread": Thread, "Lock": Lock, "RLock": Lock}}
