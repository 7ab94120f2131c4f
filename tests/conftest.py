import importlib
import importlib.util
import os
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=40, deadline=None)
settings.register_profile(
    "ci",
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("few", settings.get_profile("ci"), max_examples=10)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYTEST_QT_API"] = "pyside6"
try:
    importlib.import_module("PySide6.QtWidgets")
except ImportError as error:
    if os.environ.get("CI"):
        raise
    _without_qt = f"the window's tests are left out: {error}"
    collect_ignore = ["rig/monitor/window", "end_to_end/test_monitor.py"]
else:
    _without_qt = ""
    pytest_plugins = ["pytestqt.plugin"]

_SHIM = Path(__file__).parent / "torchvision_shim"


def pytest_report_header():
    return _without_qt or None


def pytest_collection_modifyitems(config, items):
    """What takes long runs only where it is asked for: ``-m slow``, ``-m long``."""
    asked = config.option.markexpr or ""
    for mark in ("slow", "long"):
        if mark not in asked:
            left_out = [item for item in items if item.get_closest_marker(mark)]
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real data and models that lie beside the checkout."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"expected real data at {folder}")
        pytest.skip(f"needs real data in {folder.name}/ beside the checkout")
    return folder


@pytest.fixture(scope="session")
def torchvision_shim() -> Path:
    """The folder for PYTHONPATH of a child; in this process it is installed."""
    spec = importlib.util.spec_from_file_location(
        "torchvision_shim", _SHIM / "sitecustomize.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return _SHIM


@pytest.fixture(scope="session")
def dlclive(torchvision_shim):
    """The package itself, to be called directly."""
    if importlib.util.find_spec("dlclive") is None:
        if os.environ.get("CI") and not os.environ.get("SPRINGHARE_WITHOUT_TORCH"):
            pytest.fail("expected dlclive: pip install springhare[dlclive]")
        pytest.skip("needs springhare[dlclive]")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dlclive
    return dlclive
