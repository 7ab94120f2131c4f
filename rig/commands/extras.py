"""Packages that only some commands need: asked for before any work is done."""

from __future__ import annotations

from importlib.util import find_spec

from rig.errors import SpringhareError

__all__ = ["require_packages"]


def require_packages(extra: str, *modules: str) -> None:
    """Refuse to begin where packages are missing; name all of them at once.

    Parameters
    ----------
    extra
        Of ``springhare[…]``, which brings them.
    modules
        As they are imported.

    Raises
    ------
    SpringhareError
        If one is not installed.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        msg = (
            f"Expected {', '.join(modules)} for this command, got no "
            f'{", no ".join(missing)}: pip install "springhare[{extra}]"'
        )
        raise SpringhareError(msg)
