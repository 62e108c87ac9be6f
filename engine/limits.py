"""Every number the sandbox enforces, in one frozen record.

Lengths are characters, sizes bytes, times seconds, counts plain. Each number's reason is beside it.
"""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Passed as a value; nothing in the engine reads a limit from anywhere else."""

    # The text, before it is parsed.
    source_length: int = 20_000
    source_lines: int = 500
    # The tree, before it runs.
    tree_nodes: int = 5_000
    tree_depth: int = 60
    # The walk. A node visit is one evaluated expression or executed statement.
    visits: int = 4_000_000
    statements: int = 400_000
    call_depth: int = 100
    iterator_nesting: int = 20  # 10**6 nested map() objects crash CPython on next()
    backward_nesting: int = 40  # at 100 the engine crashes under seccomp
    grad_order: int = 12
    autograd_nodes: int = 50_000
    # Python values.
    integer_bits: int = 4_096
    text_length: int = 200_000
    container_length: int = 100_000
    range_length: int = 1_000_000
    format_width: int = 200
    integer_argument: int = 10**7
    shape_argument: int = 10**9
    # Tensors.
    tensor_elements: int = 2 * 10**8
    tensor_dimensions: int = 64
    print_dimensions: int = 8
    # Output.
    printed_length: int = 20_000
    printed_lines: int = 500
    exception_length: int = 2_000
    warnings: int = 50
    files: int = 8
    file_size: int = 4_000_000
    # What is recorded.
    preview_elements: int = 64
    repr_length: int = 8_000
    final_length: int = 1_000_000  # of all texts of the variables at the end together
    variables: int = 200
    kept_iterations: int = 20
    window_ticks: int = 200
    kept_steps: int = 3_000
    frame_size: int = 1_000_000
    frame_cost: int = 1_024  # what a frame counts for beyond its bytes: to decode an empty one takes time and memory
    trace_size: int = 8_000_000
    # The child, held by the kernel and by the app.
    memory: int = 1_000_000_000  # on top of what the image maps at fork
    soft_deadline: float = 6.0  # of processor time: a busy machine must not end a short program
    processor_time: float = 8.0
    deadline: float = 30.0  # by the clock: a run that waits for its turn on a full machine still ends
    grace: float = 1.0  # between the child's own alarm and the app's SIGKILL
    open_files: int = 16
    # The app.
    queue_length: int = 200
    idle_priority_after: float = 0.5
    runs_per_zygote: int = 500
    cache_size: int = 64_000_000


DEFAULT = Limits()
