"""The command line: one command per verb.

Exit codes: 0 done, 1 an error, 2 a mistake in the command, 3 a threshold asked for was missed.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence

import click

from mkmine import __version__
from mkmine.cli.analysis import check, describe, diagnose, map_
from mkmine.cli.catalogue import benchmark, catalogue, new
from mkmine.cli.changeover import changeover
from mkmine.cli.comparison import compare, drift
from mkmine.cli.console import Console
from mkmine.cli.data import convert, partition, quality, summarise
from mkmine.cli.demo import demo
from mkmine.cli.discovered import model
from mkmine.cli.documents import regulation, report
from mkmine.cli.flow import flow, forecast, kpis
from mkmine.cli.trust import backtest, hindsight
from mkmine.cli.verb import Program, common, message
from mkmine.cli.whatif import simulate
from mkmine.errors import MkmineError

__all__ = ["main", "program"]

# An error of a room names its remedy as Python does.
SETTING = re.compile(r'\b[a-z_]+="')
VERBS = (
    *(demo, describe, quality, convert, partition, summarise),
    *(map_, model, diagnose, flow, forecast, kpis, compare, drift),
    *(check, changeover, simulate, backtest, hindsight, report, regulation),
    *(catalogue, new, benchmark),
)


def program() -> click.Group:
    """Return the command `mkmine` with its verbs."""

    @click.group(
        "mkmine",
        cls=Program,
        help=message(
            "From a task tracker's history to an improvement report: the process as it is, where it departs "
            "from the one that was meant, where its time goes, and what a change would bring."
        ),
    )
    @click.version_option(__version__, message="%(version)s", help=message("Print the version."))
    @common
    def group() -> None:
        pass

    for verb in VERBS:
        group.add_command(verb)
    return group


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A console or a pipe in a national encoding must not break a report on its arrow signs.
            stream.reconfigure(errors="replace")
    console = Console()
    try:
        code = program().main(
            args=None if arguments is None else list(arguments),
            prog_name="mkmine",
            standalone_mode=False,
            obj=console,
        )
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.UsageError as error:
        if error.ctx is not None:
            sys.stderr.write(error.ctx.get_usage() + "\n")
        console.complain(_told(console, error.format_message()))
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130
    except BrokenPipeError:
        # The reader (`head`) has seen enough; Python would complain once more while closing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MkmineError as error:
        return _failed(console, str(error))
    except OSError as error:
        place = f'"{error.filename}": ' if error.filename else ""
        return _failed(console, f"{place}{error.strerror or error}")
    except Exception as error:
        text = console.t("This is a fault of mkmine; please report it with what --debug prints:")
        return _failed(console, f"{text} {type(error).__name__}: {error}")


def _failed(console: Console, error: str) -> int:
    if console.debug:
        traceback.print_exc()
    text = _told(console, error)
    console.complain(text)
    if SETTING.search(text):
        t = console.t
        hint = t('On the command line, start="..." is --start ..., and errors="quarantine" is --quarantine.')
        console.complain(hint, kind=t("Note:"))
    return 1


def _told(console: Console, text: str) -> str:
    """Return an error in the language of the console, as far as its sentences are known."""
    if console.language == "en":
        return text
    from mkmine.report.retelling import retell

    return retell(text, console.t)
