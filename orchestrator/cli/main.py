"""The command `compat`: parses what a person typed, and the one place where failures become exit codes."""

from __future__ import annotations

import sys

import click

from orchestrator import __version__
from orchestrator.cli import keep, look, prove, run
from orchestrator.errors import ExitCode, UserError

FIRST = ("table", "run", "plan", "show", "pins", "try")
EPILOG = """\b
Examples:
  compat run tf=2.4.1                     every listed combination with TensorFlow 2.4.1
  compat run tf=2.3..2.6 python=3.9       a range, both ends included
  compat try tensorflow==2.4.3 kerassurgeon==0.2.0 python=3.7
  compat table kerassurgeon=0.2.0         what earlier runs found
  compat show 7d02                        the evidence behind one cell
\b
Exit codes: 0 ran, whatever the findings · 1 --fail-on matched · 2 usage or matrix · 3 no engine ·
  4 some cells could not be judged · 130 interrupted
"""


class Sections(click.Group):
    """Lists what most people want first, the rest under "More"."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        for title, chosen in (
            ("Commands", [n for n in FIRST if n in names]),
            ("More", [n for n in names if n not in FIRST]),
        ):
            with formatter.section(title):
                formatter.write_dl([(n, self.commands[n].get_short_help_str(70)) for n in chosen])


@click.group(cls=Sections, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="compat")
def cli() -> None:
    """Is X compatible with Y? Answered by running it: real packages, in containers, one shared probe suite.

    SELECTORS narrow the matrix: AXIS=VALUE[,VALUE]. Values are or'ed, selectors and'ed. 2.4 is every 2.4.x,
    2.3..2.6 includes both ends, AXIS!=VALUE takes away, latest is the newest listed. A cell's short id works too.
    """


for command in (look.table, run.run, look.plan, look.show, look.pins, run.try_, keep.export, keep.gc, prove.prove):
    cli.add_command(command)


def main() -> None:
    """Runs the command; never a traceback for a person's mistake."""
    sys.exit(status_of())


def status_of(arguments: list[str] | None = None) -> int:
    """Runs with these arguments (default: the process's own) and returns the exit status."""
    try:
        return int(cli.main(arguments, prog_name="compat", standalone_mode=False) or 0)
    except click.exceptions.Exit as asked:
        status = asked.exit_code
    except click.exceptions.Abort:
        click.echo("Stopped; nothing was run.", err=True)
        status = ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        status = ExitCode.USAGE
    except UserError as error:
        click.echo("\n".join(filter(None, (f"compat: {error.message}", error.hint))), err=True)
        status = error.code
    except KeyboardInterrupt:
        status = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # the reader of our output went away (`compat table | head`)
        sys.stderr.close()
        status = ExitCode.OK
    return status
