"""What every test lives in: no user's Git or DVC configuration, no home folder, no CI variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# A busy machine is no bug: no deadline for one example. In CI the examples are the same each time, so that a change
# is judged by its own work; at a desk they are new ones.
settings.register_profile("ovt", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ)
settings.load_profile("ovt")

UNSET = ("CI", "NO_COLOR", "COLUMNS", "OVT_SKIP", "OVT_STRICT", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "DVC_REMOTE", "AWS_PROFILE")


@pytest.fixture(scope="session", autouse=True)
def isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment of its own for the whole session; the home folder it names must stay empty."""
    base = tmp_path_factory.mktemp("outside")
    home = base / "home"
    home.mkdir()
    values = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(base / "config"),
        "XDG_CACHE_HOME": str(base / "xdg-cache"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "DVC_GLOBAL_CONFIG_DIR": str(base / "dvc-global"),
        "DVC_SYSTEM_CONFIG_DIR": str(base / "dvc-system"),
        "DVC_SITE_CACHE_DIR": str(base / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in UNSET:
            patch.delenv(name, raising=False)
        for name, value in values.items():
            patch.setenv(name, value)
        yield home


@pytest.fixture(autouse=True)
def home_stays_empty(isolated_environment: Path) -> Iterator[None]:
    """Fail the test that writes to the home folder."""
    yield
    left = [path.name for path in isolated_environment.iterdir()]
    assert not left, f"the home folder was written to: {left}"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of public data sets, where this machine has one."""
    value = os.environ.get("OVT_REAL_DATA")
    if not value:
        pytest.skip("OVT_REAL_DATA is not set: no public data sets on this machine")
    return Path(value)
