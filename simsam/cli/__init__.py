"""The command line: `simsam COMMAND ...`, one module a command.

Exit codes: 0 all done; 2 something could not be done, and stderr says what in one sentence each; what could
be done is done; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator

from simsam.errors import SimsamError, collect

GUESSES = 5  # how many sentences about guesses are said

# command -> what it does; the module of the same name has add_arguments(parser), run(args) -> exit code and,
# where an interrupted run leaves something, kept(args) -> what
COMMANDS = {
    "segment": "masks of photos, or of folders of photos",
    "semantic": "label maps of a folder of photos: things that look alike share a label",
    "evaluate": "run a recipe on a benchmark and measure it, with intervals",
    "compare": "the paired difference of two evaluations",
    "benchmark": "seconds per stage, and their ratio to the backbone's forward pass",
    "diagnose": "what a backbone's tokens tell of it, block by block, on photos",
    "info": "versions, devices, and which weights there are",
}


def parser(asked: str | None = None) -> argparse.ArgumentParser:
    """The parser of the whole command line; the arguments of the command `asked` for, the names of the rest.

    Only that command's module is imported, so that none pays for the libraries of another.
    """
    top = argparse.ArgumentParser(prog="simsam", description="Spectral segmentation of photos.")
    top.add_argument("--version", action=_Version, nargs=0, help="say it and stop")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name == asked:
            module = importlib.import_module(f"simsam.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run, kept=getattr(module, "kept", nothing_kept))
    return top


class _Version(argparse.Action):
    """Looks the version up when it is asked for, so that nothing else waits for it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from simsam.data import __version__

        print(f"simsam {__version__}")
        parser.exit()


def nothing_kept(args: argparse.Namespace) -> str:
    return "nothing of it is kept"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; a `SimsamError` becomes one sentence on stderr and exit code 2.

    What was guessed of the input is said at the end. SIGTERM does what Ctrl-C does.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    args = argparse.Namespace(kept=nothing_kept)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # its sentences about damaged files name none
    if hasattr(sys.stdout, "reconfigure"):  # a name of a file may hold what the terminal's encoding does not
        sys.stdout.reconfigure(errors="backslashreplace")
    with terminated_as_interrupted(), collect() as guesses:
        try:
            if any("\0" in argument for argument in arguments):
                raise SimsamError(f"{' '.join(arguments)} holds a NUL, which no name can; leave it out.")
            args = parser(next((a for a in arguments if a in COMMANDS), None)).parse_args(arguments)
            code = args.run(args)
            sys.stdout.flush()
            return code
        except SimsamError as error:
            print(f"simsam: {error}", file=sys.stderr)
            return 2
        except BrokenPipeError:  # as in `simsam info | head -1`: nobody is there to be told
            # Python flushes once more at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except OSError as error:
            where, why = error.filename or "a file", error.strerror or error
            print(f"simsam: {SimsamError(f'cannot use {where}: {why}; take another.')}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            print(f"simsam: interrupted; {args.kept(args)}.", file=sys.stderr)
            return 130
        finally:
            say(guesses)


def say(guesses: list[str]) -> None:
    """The first of what was guessed, on stderr, each once, and how many more there are."""
    once = list(dict.fromkeys(guesses))
    for sentence in once[:GUESSES]:
        print(f"simsam: {sentence}", file=sys.stderr)
    if len(once) > GUESSES:
        print(f"simsam: and {len(once) - GUESSES} more such photos.", file=sys.stderr)


@contextlib.contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt inside the block, so that what a command has begun is put in order."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only there signals arrive
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
