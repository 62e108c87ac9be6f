"""How many docstring examples of the installed PyTorch run the same here: `python -m tests.bench.corpus`.

`--only TEXT` and `--every N` choose some; `--show` prints the programs that differ.
"""

from __future__ import annotations

import argparse
import collections

from tests import corpus


def main() -> None:
    """Run the corpus and print the rate."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--unsafe", action="store_true", help="also those of files, processes, other devices")
    options = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    reasons: collections.Counter[str] = collections.Counter()
    for index, example in enumerate(corpus.examples()):
        if options.only not in example.name or index % options.every:
            continue
        if not options.unsafe and corpus.UNSAFE.search("\n".join(example.chunks)):
            counts["unsafe"] += 1
            continue
        source = corpus.program(example)
        verdict, words = corpus.compare(source)
        counts[verdict] += 1
        if verdict in ("different", "refused"):
            reasons[words if verdict == "refused" else "different"] += 1
            print(f"{verdict:10} {example.name}: {words[:500]}", flush=True)
            if options.show:
                print("    " + source.replace("\n", "\n    "))
    judged = counts["identical"] + counts["different"] + counts["refused"]
    print(dict(counts))
    for reason, count in reasons.most_common(40):
        print(f"{count:5} {reason}")
    print(f"identical: {counts['identical']} of {judged} = {100 * counts['identical'] / max(judged, 1):.1f} %")


if __name__ == "__main__":
    main()
