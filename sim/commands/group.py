"""The group of verbs: how it lists them, prints help and version, and answers a verb that is none."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version

import click

from sim.commands.printing import say
from sim.commands.user_error import UserError


class Helpful(click.Command):
    """Its ``--help`` goes where all results go; click's own way ends in a traceback where nothing can be written."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option:
            option.callback = _print_help
        return option


def _print_help(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        say(ctx.get_help())
        ctx.exit()


class Verbs(Helpful, click.Group):
    """The verbs in the order of their definition; an unknown one is told what there is."""

    command_class = Helpful

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            near = get_close_matches(args[0], self.commands, n=1)
            suggestion = f"; did you mean {near[0]!r}?" if near else ""
            raise UserError(f"there is no verb {args[0]!r}, there are {', '.join(self.commands)}{suggestion}")
        return super().resolve_command(ctx, args)


def print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    """The callback of ``--version``."""
    if wanted:
        try:
            say(f"tensorgate {version('tensorgate')}")
        except PackageNotFoundError:
            say("tensorgate, not installed: run from its sources")
        ctx.exit()
