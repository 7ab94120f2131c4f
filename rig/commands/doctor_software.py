"""What is installed: versions, extras, plug-ins, drivers, and names that clash."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    entry_points,
    requires,
    version,
)
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rig.commands.findings import Finding
from rig.commands.window import what_qt_lacks
from rig.errors import SpringhareError
from rig.system import require_store_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "drivers",
    "extras",
    "name_clashes",
    "packages",
    "plug_ins",
    "python",
]

OUR_PACKAGES = ("rig", "inference", "sync", "offline")
_PYTHONS = ((3, 11), (3, 12))
_EXTRAS = {
    "dlclive": ("deeplabcut-live", "DeepLabCut exports (.pt)"),
    "tensorflow": ("tensorflow-cpu", "DeepLabCut exports of TensorFlow"),
    "convert": ("tf2onnx", "DeepLabCut exports made fast: springhare convert"),
    "gpu": ("onnxruntime-gpu", "ONNX models on the GPU"),
    "fast": ("numba", "live 3D in microseconds"),
    "monitor": ("PySide6-Essentials", "the monitor window"),
    "offline": ("pynapple", "pictures, exports, other people's recordings"),
}
_OF_DLCLIVE = {"dlclive", "tensorflow", "convert"}
"""Extras that import dlclive, which imports torch and torchvision."""
_ONE_BUILD = (
    "pip uninstall torch torchvision; then both from one index, for CUDA: "
    "pip install torch torchvision; for the processor: the same with --index-url and "
    "the address of its wheels, which PyTorch's installation page names"
)
_PROBE_S = 60.0
_CAMERAS = """
import json
from pypylon import pylon
found = pylon.TlFactory.GetInstance().EnumerateDevices()
cameras = [[d.GetDeviceClass(), d.GetSerialNumber(), d.GetModelName()] for d in found]
print(json.dumps({"pylon": pylon.GetPylonVersionString(), "cameras": cameras}))
"""
_PROVIDERS = """
import json, onnxruntime
print(json.dumps(onnxruntime.get_available_providers()))
"""


def python() -> Iterator[Finding]:
    """Tell of the interpreter and the processor."""
    known = " or ".join(f"{major}.{minor}" for major, minor in _PYTHONS)
    right = sys.version_info[:2] in _PYTHONS
    yield Finding(
        "python",
        "version",
        "ok" if right else "fail",
        f"{sys.version.split()[0]} in {sys.executable}",
        "" if right else f"use Python {known}",
    )
    try:
        require_store_order()
    except SpringhareError as error:
        yield Finding("python", "machine", "fail", str(error), "use an x86-64 machine")
    else:
        linux = sys.platform == "linux"
        remedy = "" if linux else "use Linux; other systems are not promised yet"
        state = "ok" if linux else "fail"
        yield Finding("python", "machine", state, f"{sys.platform}, x86-64", remedy)


def packages() -> Iterator[Finding]:
    """Tell of what springhare needs in any case."""
    yield Finding("packages", "springhare", "ok", version("springhare"))
    for line in requires("springhare") or []:
        if "extra ==" in line:
            continue
        name = re.split(r"[^A-Za-z0-9._-]", line)[0]
        if (found := _version(name)) is None:
            remedy = f"pip install '{line}'"
            yield Finding("packages", name, "fail", "not installed", remedy)
        else:
            yield Finding("packages", name, "ok", found)


def extras() -> Iterator[Finding]:
    """Tell of what may be installed beside, and of what does not go together."""
    torn = _torn_builds()
    for extra, (name, use) in _EXTRAS.items():
        found = _version(name)
        text = f"{name} {found}" if found else f"not installed ({use})"
        remedy = "" if found else f"if you need it: pip install 'springhare[{extra}]'"
        if found and torn and extra in _OF_DLCLIVE:
            text = f"{text}, but dlclive cannot be imported: {torn}"
            yield Finding("extras", extra, "warn", text, _ONE_BUILD)
            continue
        if found and extra == "monitor" and (lack := what_qt_lacks()):
            yield Finding("extras", extra, "warn", text, lack)
            continue
        yield Finding("extras", extra, "ok", text, remedy)
    numpy = _version("numpy") or ""
    if _version("deeplabcut-live") and not numpy.startswith("1."):
        yield Finding(
            "extras",
            "dlclive and numpy",
            "fail",
            f"dlclive needs numpy < 2, numpy is {numpy}",
            "pip install 'numpy<2', or give dlclive an environment of its own and "
            "name its Python in the task file (inference.interpreter)",
        )
    if _version("onnxruntime") and _version("onnxruntime-gpu"):
        yield Finding(
            "extras",
            "onnxruntime twice",
            "warn",
            "onnxruntime and onnxruntime-gpu share their files: which one runs is luck",
            "pip uninstall onnxruntime onnxruntime-gpu; pip install onnxruntime-gpu",
        )


def plug_ins() -> Iterator[Finding]:
    """Tell of devices, twins and commands whose module is not there."""
    for group in ("nodes", "twins", "commands", "benches"):
        found = list(entry_points(group=f"springhare.{group}"))
        missing = [point for point in found if not _is_there(point.module)]
        for point in missing:
            yield Finding(
                "plug-ins",
                f"{group} {point.name}",
                "fail",
                f"{point.module} cannot be found",
                f"install {point.dist.name if point.dist else 'its package'} anew",
            )
        good = sorted(point.name for point in found if point not in missing)
        state = "ok" if good else "fail"
        remedy = "" if good else "install springhare anew: pip install springhare"
        yield Finding("plug-ins", group, state, ", ".join(good) or "none", remedy)


def name_clashes(
    distributions: Mapping[str, Sequence[str]],
    search: Sequence[str],
    here: Path,
    home: Path,
) -> Iterator[Finding]:
    """Tell of other packages and folders that bear the name of one of ours.

    Parameters
    ----------
    distributions
        Top-level names with the distributions that install them.
    search
        Python's search path.
    here
        The working folder.
    home
        The folder that our packages are in.
    """
    clean = True
    for name in OUR_PACKAGES:
        others = {other.lower() for other in distributions.get(name, ()) if other} - {
            "springhare"
        }
        for other in sorted(others):
            clean = False
            yield Finding(
                "names",
                name,
                "fail",
                f"the package {other} is called {name} too, and may hide ours",
                f"pip uninstall {other}, or give springhare an environment of its own",
            )
        shadow = _shadow(name, search, home)
        if shadow is not None:
            clean = False
            yield Finding(
                "names",
                name,
                "fail",
                f"{shadow} is found before {home / name}",
                "rename it, or take its folder out of PYTHONPATH",
            )
        elif _offers(here, name) and here.resolve() != home.resolve():
            clean = False
            yield Finding(
                "names",
                name,
                "warn",
                f"{here / name} in the working folder may hide ours (python -m)",
                "start springhare in another folder",
            )
    if clean:
        yield Finding("names", "clashes", "ok", f"none with {', '.join(OUR_PACKAGES)}")


def drivers() -> Iterator[Finding]:
    """Tell of the camera driver, its emulator, and what runs networks."""
    yield from _pylon()
    providers = _probe(_PROVIDERS)
    if isinstance(providers, str):
        remedy = "pip install --force-reinstall onnxruntime"
        yield Finding("drivers", "onnxruntime", "fail", providers, remedy)
    else:
        text = ", ".join(providers)
        yield Finding("drivers", "onnxruntime", "ok", text)


def _pylon() -> Iterator[Finding]:
    found = _probe(_CAMERAS, PYLON_CAMEMU="1")
    if isinstance(found, str):
        remedy = "pip install --force-reinstall pypylon"
        yield Finding("drivers", "pylon", "fail", found, remedy)
        return
    yield Finding("drivers", "pylon", "ok", f"pylon {found['pylon']}")
    emulated = [one for one in found["cameras"] if one[0] == "BaslerCamEmu"]
    real = [one for one in found["cameras"] if one[0] != "BaslerCamEmu"]
    yield Finding(
        "drivers",
        "Basler's emulator",
        "ok" if emulated else "fail",
        "works" if emulated else "gives no camera",
        "" if emulated else "pip install --force-reinstall pypylon",
    )
    yield Finding(
        "drivers",
        "Basler cameras",
        "ok",
        ", ".join(f"{model} {serial}" for _, serial, model in real) or "none",
        ""
        if real
        else "if there should be one: power, cable; USB: Basler's udev rules; GigE: an "
        "address in this machine's network",
    )


def _probe(code: str, **environment: str) -> Any:
    """Run code in a process of its own; give its JSON, or in words why not.

    A driver that crashes takes only that process along.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=_PROBE_S,
            check=False,
        )
        if done.returncode == 0:
            return json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return f"gave no answer within {_PROBE_S:.0f} s"
    except (ValueError, IndexError):
        return "gave an answer that nobody can read"
    words = done.stderr.strip().splitlines()
    return words[-1] if words else f"ended with status {done.returncode}"


def _torn_builds() -> str:
    """Return in words that torch and torchvision are of two builds; empty if not."""
    builds = {name: _build(name) for name in ("torch", "torchvision")}
    if None in builds.values() or len(set(builds.values())) == 1:
        return ""
    return " and ".join(f"{name} is for {build}" for name, build in builds.items())


def _build(name: str) -> str | None:
    """Return what a package was built for (``cpu``, ``cu130``), without importing it.

    The index of torch's makers has it in the version; other indexes have the same
    wheels under the bare number, and only the package itself tells.
    """
    try:
        found = distribution(name)
        inside = Path(str(found.locate_file(f"{name}/version.py")))
        text = inside.read_text("utf-8") if inside.is_file() else ""
    except (PackageNotFoundError, OSError, ValueError):
        return None
    told = re.search(r"^__version__\s*=\s*['\"]([^'\"]+)", text, re.MULTILINE)
    for version_ in (found.version, told[1] if told else ""):
        if label := version_.partition("+")[2]:
            return label
    return None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _shadow(name: str, search: Sequence[str], home: Path) -> Path | None:
    """Return what stands before ours on the search path."""
    for entry in search:
        folder = Path(entry or ".").resolve()
        if folder == home.resolve():
            return None
        if (found := _offers(folder, name)) is not None:
            return found
    return None


def _offers(folder: Path, name: str) -> Path | None:
    if (folder / name / "__init__.py").is_file():
        return folder / name
    return folder / f"{name}.py" if (folder / f"{name}.py").is_file() else None
