import json

import pytest

from offline.training.progress import progress_of, read_progress


def lines(*told):
    return [json.dumps(what) for what in told]


def epoch(number, at_s, loss):
    return {"elapsed_s": at_s, "epoch": number, "losses/train.total_loss": loss}


def test_before_anything_is_told(tmp_path):
    assert read_progress(tmp_path).state == "beginning"


def test_how_far_it_is_and_how_long_it_takes_yet():
    found = progress_of(
        lines(
            {"elapsed_s": 0, "state": "begun"},
            {"elapsed_s": 20, "state": "training", "done": 0, "epochs": 10},
            epoch(1, 30, 0.5),
            epoch(2, 40, 0.4),
            {
                "elapsed_s": 41,
                "epoch": 2,
                "losses/eval.total_loss": 0.6,
                "metrics/test.rmse": 12.5,
            },
        )
    )
    assert (found.state, found.epoch, found.epochs) == ("training", 2, 10)
    assert found.train_loss == {1: 0.5, 2: 0.4}
    assert found.test_loss == {2: 0.6}
    assert found.test_rmse_px == {2: 12.5}
    assert found.left_s == pytest.approx(80)


def test_what_a_kill_took_away_is_learnt_anew():
    found = progress_of(
        lines(
            {"elapsed_s": 0, "state": "training", "done": 0, "epochs": 10},
            *(epoch(k, 10 * k, 1 / k) for k in range(1, 6)),
            {"elapsed_s": 0, "state": "begun"},
            {"elapsed_s": 5, "state": "training", "done": 3, "epochs": 10},
            epoch(4, 15, 0.2),
        )
    )
    assert list(found.train_loss) == [1, 2, 3, 4]
    assert found.train_loss[4] == 0.2
    assert found.left_s == pytest.approx(60)


def test_a_line_that_is_being_written_is_left_for_the_next_look():
    told = lines({"elapsed_s": 0, "state": "begun"}, epoch(1, 30, 0.5))
    assert progress_of([told[0], told[1][:20]]).state == "begun"


def test_not_a_number_is_no_error_of_the_test():
    found = progress_of(
        ['{"elapsed_s": 1, "epoch": 1, "metrics/test.rmse": NaN}'],
    )
    assert found.test_rmse_px == {}
