"""The `ovt` command: finds the verb, sets the common options, turns errors into exit codes."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup, TyperOption
from typer.main import get_command

from ovt import __version__
from ovt.cli.commands import GROUPS, VERBS
from ovt.cli.output import OUTPUT
from ovt.errors import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_OK, InternalError, OvtError, UsageError, nearest

# Typer carries a Click of its own since 0.24 and uses the installed one before; its errors have no public name.
CommandLineError: type[Exception] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


class VerbGroup(TyperGroup):
    """Loads a verb's module on first use and shows the help in groups."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is Click's
        """All verbs that a person types."""
        return [name for name, verb in VERBS.items() if not verb.hidden]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The verb's command, with the common options added to it.

        Raises:
            UsageError: no such verb.
        """
        verb = VERBS.get(cmd_name)
        if verb is None:
            raise UsageError(f"`{cmd_name}` is no ovt command", why=nearest(cmd_name, self.list_commands(ctx)),
                             command="ovt --help")
        command = get_command(import_module(f"ovt.cli.verbs.{verb.module}").app)
        command.name = cmd_name
        _add_common(command)
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the signature is Click's
        """Eight verbs first, then the rest in groups."""
        for title, verbs in GROUPS:
            with formatter.section(title):
                formatter.write_dl([(verb.name, verb.help) for verb in verbs if not verb.hidden])


def _add_common(command: Any) -> None:
    if isinstance(command, TyperGroup):
        for inner in command.commands.values():
            _add_common(inner)
        return
    taken = {option for param in command.params for option in param.opts}
    command.params.extend(option for option in _common_options() if not taken & set(option.opts))


def _common_options() -> list[Any]:
    flags = (
        (["--json", "as_json"], "Print JSON."),
        (["-q", "--quiet", "quiet"], "Print results only."),
        (["-v", "--verbose", "verbose"], "Print more, and tracebacks."),
        (["--no-color", "no_color"], "No colours."),
    )
    folder = TyperOption(param_decls=["-C", "folder"], metavar="DIR", callback=_set, expose_value=False,
                         help="Work as if started in DIR.")
    return [folder, *(
        TyperOption(param_decls=names, is_flag=True, default=False, callback=_set, expose_value=False, help=text)
        for names, text in flags
    )]


def _set(ctx: Any, param: Any, value: Any) -> Any:
    if value and not ctx.resilient_parsing:
        setattr(OUTPUT, param.name, Path(value) if param.name == "folder" else value)
    return value


def _version(value: bool) -> None:
    if value:
        OUTPUT.data(f"ovt {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="ovt", cls=VerbGroup, rich_markup_mode=None, add_completion=False, invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Overton made Git-native: supervision in; a model and its quality, slice by slice, out; a version per commit.",
)


@app.callback()
def root(
    ctx: typer.Context,
    folder: Annotated[Path | None, typer.Option("-C", metavar="DIR", help="Work as if started in DIR.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results only.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print more, and tracebacks.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.")] = False,
    version: Annotated[bool, typer.Option(
        "--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """The common options may stand before the verb or after it."""
    del version
    OUTPUT.folder, OUTPUT.as_json, OUTPUT.quiet = folder or Path(), as_json, quiet
    OUTPUT.verbose, OUTPUT.no_color = verbose, no_color
    if ctx.invoked_subcommand is None:
        OUTPUT.data(ctx.get_help())


def main(arguments: list[str] | None = None) -> int:
    """Run a command line; the exit code: 0 fine, 1 finding, 2 usage, 3 project, 4 missing, 5 bug, 130 interrupted."""
    try:
        result = get_command(app).main(args=arguments, prog_name="ovt", standalone_mode=False)
    except (OvtError, CommandLineError) as error:
        return _told(error)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_OK
    except Exception as error:  # noqa: BLE001 - the last net: a bug becomes a report, not a traceback
        return _bug(error)
    if result == EXIT_INTERRUPTED:
        return _interrupted()
    return result if isinstance(result, int) else EXIT_OK


def _told(error: Exception) -> int:
    shown = error if isinstance(error, OvtError) else _from_command_line(error)
    OUTPUT.error(shown)
    return shown.exit_code


def _from_command_line(error: Any) -> UsageError:
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path if ctx is not None else "ovt"
    what = error.format_message().rstrip(".")
    return UsageError(what[:1].lower() + what[1:], command=f"{path} --help")


def _interrupted() -> int:
    OUTPUT.note("interrupted; the last good state is untouched")
    return EXIT_INTERRUPTED


def _bug(error: Exception) -> int:
    from ovt.storage.machine_faults import told
    from ovt.workflows.crash import write_crash_log

    fault = told(error)
    if fault is not None:
        return _told(fault)

    text = traceback.format_exc()
    log = write_crash_log(OUTPUT.folder, text)
    if OUTPUT.verbose:
        OUTPUT.note(text)
    OUTPUT.error(InternalError(f"a bug in ovt: {type(error).__name__}: {error}", at=str(log) if log else None,
                               fix="please report it with that file", command="ovt doctor"))
    return EXIT_INTERNAL


def run() -> None:
    """Console entry point."""
    sys.exit(main())
