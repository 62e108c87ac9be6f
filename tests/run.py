"""Check everything with one command: `python tests/run.py`.

Makes .venv where it is missing, installs what the app and its tests need, finds a Chromium or installs one, then runs
ruff, mypy and pytest. What pytest says comes last; the exit status is that of the worst. Arguments go to pytest:

    python tests/run.py -k permalink
    python tests/run.py tests/test_scenarios.py --rewrite-goldens

Uses the standard library only, since nothing is installed yet when it starts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
BIN = FOLDER / ("Scripts" if os.name == "nt" else "bin")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
"""Where browsers lie that put themselves on no PATH."""

INSTALLERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "apt-get": (("apt-get", "update", "-q"), ("apt-get", "install", "-qy", "--no-install-recommends", "chromium")),
    "dnf": (("dnf", "install", "-qy", "chromium"),),
    "zypper": (("zypper", "--non-interactive", "install", "chromium"),),
    "pacman": (("pacman", "-Sy", "--noconfirm", "--needed", "chromium"),),
    "apk": (("apk", "add", "chromium"),),
    "brew": (("brew", "install", "--cask", "chromium"),),
}
"""The system's package manager -> the commands that install a Chromium."""

NO_BROWSER = (
    "The page tests need a Chromium, and none was found or could be installed. Install Chromium or Google Chrome with "
    "your system's package manager (Debian: apt-get install chromium; Fedora: dnf install chromium; "
    "macOS: brew install --cask chromium), or set CHROMIUM to the path of one."
)

TOGETHER = ("--dist", "loadfile", "--no-loadscope-reorder")
"""The tests of one file share what they start, and files begin in the order of tests/conftest.py."""


def find_browser() -> str | None:
    """The path of a Chromium that starts, or None. CHROMIUM in the environment is asked first."""
    named = [os.environ.get("CHROMIUM", ""), *map(shutil.which, BROWSERS), *PLACES]
    return next((path for path in named if path and _starts(path)), None)


def _starts(path: str) -> bool:
    """Whether this is a browser and not, as on Ubuntu, a note that it comes as a snap."""
    if not Path(path).is_file():
        return False
    if os.name == "nt":
        return True  # there, --version opens a window
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def install_browser() -> None:
    """Ask the system's package manager for one, as root or through sudo where that needs no password."""
    for manager, commands in INSTALLERS.items():
        if shutil.which(manager) is None:
            continue
        root = manager == "brew" or not hasattr(os, "geteuid") or os.geteuid() == 0
        for command in commands:
            say(f"no Chromium found: {' '.join(command)}")
            done = run(command if root else ("sudo", "-n", *command), DEBIAN_FRONTEND="noninteractive")
            if done != 0:
                break
        return


def run(command: Sequence[str | Path], **environment: str) -> int:
    """Run it in the root of the project, its output going to ours. A program that is not there counts as failed."""
    try:
        return subprocess.run([str(part) for part in command], cwd=ROOT, env=os.environ | environment).returncode
    except OSError as error:
        say(str(error))
        return 1


def say(text: str) -> None:
    """One line of ours among the output of others."""
    print(f"== {text}", flush=True)


def prepare() -> int:
    """Everything installed. 0, or the status of what failed."""
    python = BIN / ("python.exe" if os.name == "nt" else "python")
    if not python.exists():
        say("making .venv")
        venv.create(FOLDER, with_pip=True)
    say("installing requirements.txt and tests/requirements.txt")
    return run([python, "-m", "pip", "install", "-q", "-r", "requirements.txt", "-r", "tests/requirements.txt"])


def main(arguments: Sequence[str]) -> int:
    """The worst status of everything that was run."""
    if sys.version_info < (3, 11):  # noqa: UP036  # it may be started with anything
        say(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
        return 1
    if status := prepare():
        say("not everything could be installed: see above")
        return status
    if find_browser() is None:
        install_browser()
    browser = find_browser()
    if browser is None:
        say(NO_BROWSER)
    workers = str(min((os.cpu_count() or 1) + 1, 4))  # one more than cores: the tests of pages often wait
    checks: list[list[str | Path]] = [
        [BIN / "ruff", "check", "."],
        [BIN / "ruff", "format", "--check", "."],
        [BIN / "mypy"],
        [BIN / "python", "-m", "pytest", "-n", workers, *TOGETHER, "--reruns", "2", *arguments],
    ]
    worst = 0 if browser else 1
    for check in checks:
        say(" ".join([Path(check[0]).name, *map(str, check[1:])]))
        worst = max(worst, abs(run(check, CHROMIUM=browser or "")))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
