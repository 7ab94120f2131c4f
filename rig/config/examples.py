"""Where the example configs are: in the wheel, or in the checkout beside `rig`."""

from __future__ import annotations

from pathlib import Path

import rig
from rig.errors import ConfigError

__all__ = ["examples_folder"]


def examples_folder() -> Path:
    """Return the folder with ``rig/``, ``task/``, ``session/`` and ``schema/``.

    Raises
    ------
    ConfigError
        If the installation has lost it.
    """
    package = Path(rig.__file__).parent
    for folder in (package / "configs_data", package.parent / "configs"):
        if (folder / "rig").is_dir():
            return folder
    msg = (
        f"Expected the example configs in {package / 'configs_data'}, got nothing: "
        "install springhare anew"
    )
    raise ConfigError(msg)
