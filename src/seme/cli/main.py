"""The `seme` command: finds the commands by file name and turns errors into exit codes."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys

import click

from seme.cli import commands as command_files
from seme.core.errors import SemeError


class CommandFolder(click.Group):
    """A group whose commands are the modules of `seme.cli.commands`, loaded when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, one per file."""
        return sorted(module.name for module in pkgutil.iter_modules(command_files.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the file of one command and returns its `command`."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return importlib.import_module(f"seme.cli.commands.{cmd_name}").command


@click.group(cls=CommandFolder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="seme")
def cli() -> None:
    """Construct, read and train transformers whose every direction has a name."""


def main(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits with the documented status."""
    try:
        status = cli.main(args=arguments, standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.Abort:
        _say("interrupted")
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except SemeError as error:
        _say(f"error[{error.code}]: {error}")
        sys.exit(error.exit_code)


def _say(text: str) -> None:
    click.echo(text, err=True)
