import pytest

from offline.training.parameters import NAMES, ParameterSet, load_parameters
from rig.errors import ConfigError


@pytest.mark.parametrize("name", NAMES)
def test_the_sets_that_come_along_are_whole(name):
    found = load_parameters(name)
    assert found.about
    assert len(found.sha256) == 64


def test_the_hash_is_of_what_matters(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("about: one\nupdates: {b: 1, a: 2}\nepochs: 7\n")
    other = tmp_path / "other.yaml"
    other.write_text("epochs: 7\nabout: two\nupdates:\n  a: 2\n  b: 1\n")
    first, second = load_parameters(str(path)), load_parameters(str(other))
    assert first.sha256 == second.sha256
    assert first.sha256 != ParameterSet(epochs=8).sha256


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epochs: 0", "greater than or equal to 1"),
        ("epoch: 3", "Extra inputs are not permitted"),
        ("a: [", "Expected training parameters in"),
        ("- 1", "Expected training parameters in"),
    ],
)
def test_what_is_no_set_is_refused(tmp_path, text, words):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_parameters(str(path))


def test_a_set_that_is_not_there():
    with pytest.raises(ConfigError, match="one of deeplabcut, light, or a file, got x"):
        load_parameters("x")
