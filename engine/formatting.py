"""str(), repr(), format(), f-strings, `%` and str.format, with their widths bounded and their addresses made the
run's own."""

from __future__ import annotations

import re
from _string import formatter_field_name_split, formatter_parser  # type: ignore[import-not-found]
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.budget import Budget
from engine.errors import LimitReached

_NUMBER = re.compile(r"\d+")
_ADDRESS = re.compile(r"(?<= at )0x[0-9a-f]{4,16}(?![0-9a-f])")
_PERCENT = re.compile(r"%(?:\([^()]*\))?[#0\- +]*(\*|\d*)(?:\.(\*|\d*))?[hlL]?(.?)", re.DOTALL)
_NESTED = (list, tuple, dict, set, frozenset)


class Formatting:
    """Texts of values for one run. `read` and `item` are the interpreter's own attribute and subscript."""

    def __init__(self, budget: Budget, read: Callable[[Any, str], Any], item: Callable[[Any, Any], Any]) -> None:
        self.budget = budget
        self.read = read
        self.item = item
        self._numbers: dict[int, int] = {}

    def identity(self, address: int) -> int:
        """A number of this run for an address of the machine's: the same for the same, and no place."""
        return self._numbers.setdefault(address, 0x7F0000000000 + 16 * (len(self._numbers) + 1))

    def text(self, value: object) -> str:
        """`str(value)`."""
        kind = type(value)
        if kind is str:
            return value  # type: ignore[return-value]
        if kind is int or kind is float:
            return str(value)
        self._measure(value)
        return self._finished(str(value))

    def representation(self, value: object) -> str:
        """`repr(value)`."""
        self._measure(value)
        return self._finished(repr(value))

    def _finished(self, text: str) -> str:
        self.budget.text(len(text))
        if " at 0x" in text:
            text = _ADDRESS.sub(lambda match: f"{self.identity(int(match[0], 16)):#x}", text)
        return text

    def _measure(self, value: object) -> None:
        """Refuse a container whose text would be enormous because its parts are shared; no code of the program runs."""
        if type(value) not in _NESTED:
            self._printable(value)
            return
        stack, count = [value], 0
        while stack:
            part = stack.pop()
            if type(part) in _NESTED:
                count += len(part)  # type: ignore[arg-type]
                if count > self.budget.limits.container_length:
                    self.budget.text(self.budget.limits.text_length + 1)
                if isinstance(part, dict):
                    stack.extend(part.values())
                    stack.extend(part)
                else:
                    stack.extend(part)  # type: ignore[arg-type]
            else:
                self._printable(part)
                if type(part) is str:
                    count += len(part) // 4

    def _printable(self, value: object) -> None:
        """Printing a tensor of very many dimensions takes minutes in one call."""
        library = type(value).__module__.partition(".")[0]
        dimensions = getattr(value, "ndim", 0) if library in ("torch", "numpy") else 0
        if type(dimensions) is int and dimensions > self.budget.limits.print_dimensions:
            raise LimitReached("limit.print_dimensions", limit=self.budget.limits.print_dimensions)

    def format(self, value: object, spec: object = "") -> str:
        """`format(value, spec)`."""
        if type(spec) is not str:
            raise TypeError(f"format() argument 2 must be str, not {type(spec).__name__}")
        for number in _NUMBER.findall(spec):
            self.budget.width(int(number) if len(number) < 9 else 10**9)
        if not spec:
            self._measure(value)
        return self._finished(format(value, spec))

    def converted(self, value: object, conversion: str | None) -> object:
        """`!r`, `!s`, `!a`."""
        match conversion:
            case None:
                return value
            case "s":
                return self.text(value)
            case "r":
                return self.representation(value)
            case "a":
                return self.representation(value).encode("ascii", "backslashreplace").decode()
        raise ValueError(f"Unknown conversion specifier {conversion!s}")

    def percent(self, template: str | bytes, values: object) -> str | bytes:
        """`template % values`."""
        text = template if isinstance(template, str) else template.decode("latin-1")
        arguments = list(values) if isinstance(values, tuple) else [values]
        for width, precision, kind in _PERCENT.findall(text):
            for number in (width, precision):
                if number == "*" and arguments:
                    star = arguments.pop(0)
                    self.budget.width(abs(star) if isinstance(star, int) else 0)
                elif number.isdigit():
                    self.budget.width(int(number) if len(number) < 9 else 10**9)
            if kind and kind != "%" and arguments:
                arguments.pop(0)
        for value in values if isinstance(values, tuple) else (values,):
            self._measure(value)
        result = template % values
        return self._finished(result) if isinstance(result, str) else result

    def fill(self, template: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """`template.format(*args, **kwargs)`; attributes and items in a field are read as the program would read
        them."""
        return self._finished(self._fill(template, args, kwargs, 2, [0]))

    def _fill(self, template: str, args: Sequence[Any], kwargs: Mapping[str, Any], depth: int, auto: list[int]) -> str:
        if depth < 0:
            raise ValueError("Max string recursion exceeded")
        out: list[str] = []
        length = 0
        for literal, field, spec, conversion in formatter_parser(template):
            out.append(literal)
            if field is not None:
                value = self.converted(self._field(field, args, kwargs, auto), conversion)
                if spec and "{" in spec:
                    spec = self._fill(spec, args, kwargs, depth - 1, auto)
                out.append(self.format(value, spec or ""))
            length += sum(map(len, out[-2:]))
            self.budget.text(length)
        return "".join(out)

    def _field(self, field: str, args: Sequence[Any], kwargs: Mapping[str, Any], auto: list[int]) -> Any:
        """`auto` counts the automatic fields; -1 once they were numbered by hand."""
        first, rest = formatter_field_name_split(field)
        if first == "":
            if auto[0] < 0:
                raise ValueError("cannot switch from manual field specification to automatic field numbering")
            first, auto[0] = auto[0], auto[0] + 1
        elif isinstance(first, int):
            if auto[0] > 0:
                raise ValueError("cannot switch from automatic field numbering to manual field specification")
            auto[0] = -1
        if isinstance(first, int):
            if first >= len(args):
                raise IndexError(f"Replacement index {first} out of range for positional args tuple")
            value = args[first]
        else:
            value = kwargs[first]
        for is_attribute, name in rest:
            value = self.read(value, name) if is_attribute else self.item(value, name)
        return value
