"""The command tree: `trunkline`. Each command imports what it needs when it runs, so that `--help` answers at once."""

from __future__ import annotations

import sys

import click

from trunkline.cli import account, analyze, bans, calling, calls, explain, node, operations, pbx, storage
from trunkline.cli.options import EXIT_CANNOT


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 all went well, 1 what was asked for failed (a call, a ping), 2 the command could not run.",
)
@click.version_option(package_name="trunkline", message="%(prog)s %(version)s")
def cli() -> None:
    """An elastic SIP trunk that you run yourself, and that explains every call.

    \b
    Start here:
      trunkline up --demo              a node with a demo account and a simulated carrier
      trunkline call +15550100000      a call through it, from another terminal
      trunkline demo-info              what a PBX needs to use it
    """


for command in (
    *node.COMMANDS,
    *calling.COMMANDS,
    *calls.COMMANDS,
    *explain.COMMANDS,
    *analyze.COMMANDS,
    *pbx.COMMANDS,
    *account.COMMANDS,
    *storage.COMMANDS,
    *bans.COMMANDS,
    *operations.COMMANDS,
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its status. A wrong option is one line and status 2."""
    for place, argument in enumerate(sys.argv[1:] if arguments is None else arguments, 1):
        if not argument.isascii() and any("\udc80" <= character <= "\udcff" for character in argument):
            click.echo(f"trunkline: argument {place} holds bytes that are not UTF-8", err=True)
            sys.exit(EXIT_CANNOT)
    try:
        result = cli.main(arguments, prog_name="trunkline", standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except click.exceptions.NoArgsIsHelpError as shown:
        click.echo(shown.format_message())
        sys.exit(EXIT_CANNOT)
    except click.UsageError as problem:
        hint = f" (try `{problem.ctx.command_path} --help`)" if problem.ctx else ""
        click.echo(f"trunkline: {problem.format_message()}{hint}", err=True)
        sys.exit(EXIT_CANNOT)
    except click.ClickException as problem:
        click.echo(f"trunkline: {problem.format_message()}", err=True)
        sys.exit(EXIT_CANNOT)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has enough
        sys.exit(0)
    except OSError as problem:  # a file of the home that is none, a name too long, a full disk
        where = f"{str(problem.filename)[:200]}: " if problem.filename else ""
        click.echo(f"trunkline: {where}{problem.strerror or problem}", err=True)
        sys.exit(EXIT_CANNOT)


if __name__ == "__main__":
    main()
