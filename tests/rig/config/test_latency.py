import pytest
from pydantic import ValidationError

from rig.config.latency import LatencyBudget, StageLimit
from rig.config.loading import load_task
from rig.errors import ConfigError
from rig.recording.latency import STAGES

TASK = "format: springhare-task/1\nname: t\n"


def test_every_stage_can_have_a_budget():
    assert set(LatencyBudget.model_fields) == set(STAGES)


def test_limits_are_told_by_stage_and_figure():
    budget = LatencyBudget.model_validate(
        {"network": {"p50_ms": 5, "p99_ms": 8}, "total": {"max_ms": 20}}
    )
    assert budget.limits == (
        StageLimit("total", "max", 20),
        StageLimit("network", "p50", 5),
        StageLimit("network", "p99", 8),
    )
    assert budget.limits[2].key == "network_p99_ms"
    assert LatencyBudget().limits == ()


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        ({"total": {}}, "expected at least one of p50_ms, p95_ms, p99_ms, max_ms"),
        ({"total": {"p50_ms": 9, "p99_ms": 8}}, "expected at least 9 as p50_ms, got 8"),
        ({"total": {"p50_ms": 9, "max_ms": 8}}, "expected at least 9 as p50_ms, got 8"),
        ({"total": {"p99_ms": 0}}, "greater than 0"),
        ({"netwrok": {"p99_ms": 8}}, "netwrok"),
    ],
)
def test_what_cannot_be_kept_is_refused(plain, words):
    with pytest.raises(ValidationError, match=words):
        LatencyBudget.model_validate(plain)


def test_a_task_file_has_one(tmp_path):
    path = tmp_path / "task.yaml"
    path.write_text(f"{TASK}latency_budget: {{total: {{p99_ms: 15}}}}\n", "utf-8")
    budget = load_task(path).latency_budget
    assert budget is not None
    assert budget.limits == (StageLimit("total", "p99", 15),)
    path.write_text(TASK, "utf-8")
    assert load_task(path).latency_budget is None


def test_a_wrong_key_is_told_with_the_nearest_one(tmp_path):
    path = tmp_path / "task.yaml"
    path.write_text(f"{TASK}latency_budget: {{netwrok: {{p99_ms: 15}}}}\n", "utf-8")
    with pytest.raises(ConfigError, match="network"):
        load_task(path)
