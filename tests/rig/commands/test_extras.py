import pytest

from rig import cli
from rig.commands.extras import require_packages
from rig.errors import SpringhareError


def test_what_is_there_is_no_fault():
    require_packages("offline", "json", "numpy")


def test_all_that_is_missing_is_named_at_once():
    words = r'got no nothing_1, no nothing_2: pip install "springhare\[offline\]"'
    with pytest.raises(SpringhareError, match=words):
        require_packages("offline", "nothing_1", "json", "nothing_2")


@pytest.mark.parametrize(
    "words",
    [
        ["frames", "simulate", "--project=p"],
        ["frames", "check", "p"],
        ["label", "p"],
        ["train", "p"],
        ["evaluate", "bundled:mouse", "--on=p"],
    ],
)
def test_a_plain_installation_is_told_what_to_install(
    words, monkeypatch, tmp_path, capsys
):
    """Before anything is written: as after README's first command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rig.commands.extras.find_spec", lambda _: None)
    assert cli.main(words) == 2
    err = capsys.readouterr().err
    assert "Expected PIL, " in err
    assert 'pip install "springhare[' in err
    assert list(tmp_path.iterdir()) == []
