"""Commands that explain themselves in the user's language, with an example each."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, TypeVar

import click

from mkmine.cli.console import Console
from mkmine.language import LANGUAGES, Translator

__all__ = ["Program", "Verb", "common", "console_of", "message"]

F = TypeVar("F", bound=Callable[..., Any])


def message(text: str) -> str:
    """Mark a text for translation where the language is not known yet."""
    return text


def console_of(context: click.Context) -> Console:
    """Return the console of the running command."""
    root = context.find_root()
    if not isinstance(root.obj, Console):
        root.obj = Console()
    return root.obj


class _Speaking(click.Command):
    """A command whose help is translated when it is shown."""

    example: str = ""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the usage line."""
        t = console_of(ctx).t
        formatter.write_usage(ctx.command_path, " ".join(self._pieces(ctx, t)), prefix=t("Usage:") + " ")

    def _pieces(self, ctx: click.Context, t: Translator) -> list[str]:
        names = {"[OPTIONS]": t("[OPTIONS]"), "COMMAND [ARGS]...": t("COMMAND [OPTIONS]")}
        return [names.get(piece, piece) for piece in self.collect_usage_pieces(ctx)]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does."""
        formatter.write_paragraph()
        with formatter.indentation():
            for number, paragraph in enumerate(console_of(ctx).t(self.help or "").split("\n\n")):
                if number:
                    formatter.write_paragraph()
                formatter.write_text(paragraph)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of options, and for a group that of commands."""
        t = console_of(ctx).t
        records = []
        for option in (one for one in self.get_params(ctx) if isinstance(one, click.Option)):
            spoken = copy(option)
            spoken.help = t(option.help) if option.help else None
            record = spoken.get_help_record(ctx)
            if record is not None:
                # What click adds to the help of an option that must be given.
                records.append((record[0], record[1].replace("[required]", f"[{t('required')}]")))
        with formatter.section(t("Options")):
            formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example."""
        if self.example:
            with formatter.section(console_of(ctx).t("Example")):
                for line in self.example.splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Verb(_Speaking):
    """One verb of the command line; `example` is a command that works."""

    def __init__(self, *arguments: Any, example: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.example = example

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return the first sentence of the help, for the list of verbs."""
        context = click.get_current_context(silent=True)
        text = console_of(context).t(self.help or "") if context else self.help or ""
        return text.partition("\n\n")[0].rstrip(".")


class Program(_Speaking, click.Group):
    """The group of verbs, listed in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs as registered, not sorted."""
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs, then the options."""
        with formatter.section(console_of(ctx).t("Commands")):
            formatter.write_dl([(name, self.commands[name].get_short_help_str()) for name in self.commands])
        super().format_options(ctx, formatter)


def _language(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        console_of(ctx).speak("ru" if value == "ru" else "en")
    return value


def _json(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    console_of(ctx).as_json |= value
    return value


def _debug(ctx: click.Context, parameter: click.Parameter, value: bool) -> bool:
    console_of(ctx).debug |= value
    return value


def common(command: F) -> F:
    """Add the options that every verb has; they act on the console and are not passed to the verb."""
    options = (
        click.option(
            "--language",
            type=click.Choice(LANGUAGES),
            is_eager=True,
            expose_value=False,
            callback=_language,
            help=message("Language of texts and reports; by default that of the system, or MKMINE_LANGUAGE."),
        ),
        click.option(
            "--json",
            "as_json",
            is_flag=True,
            expose_value=False,
            callback=_json,
            help=message("Print the result as JSON and nothing else."),
        ),
        click.option(
            "--debug",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_debug,
            help=message("Show the traceback of an error."),
        ),
    )
    for option in reversed((*options, click.help_option("--help", help=message("Show this message and exit.")))):
        command = option(command)
    return command
