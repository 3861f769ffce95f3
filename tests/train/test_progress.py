import sys

import pytest

from tests.train.problems import classifier, three_classes

pytestmark = pytest.mark.usefixtures("engine")


@pytest.mark.parametrize("verbose", [0, "auto"])
def test_nothing_is_shown_without_a_terminal(
    verbose: object, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = three_classes()
    classifier().fit(x, y, epochs=2, verbose=verbose)
    shown = capsys.readouterr()
    assert shown.out == shown.err == ""


def test_lines_on_standard_error_where_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = three_classes()
    model = classifier()
    model.fit(x, y, epochs=1)
    capsys.readouterr()
    history = model.fit(x, y, epochs=2, verbose=1, validation_data=(x, y)).history
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert shown.out == ""
    assert len(lines) == 2
    assert lines[0].startswith(f"epoch 1/2  loss {history['loss'][0]:.4g}  accuracy ")
    assert f"val_loss {history['val_loss'][1]:.4g}" in lines[1]


def test_a_terminal_sees_epoch_step_loss_rate_and_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    x, y = three_classes()
    classifier().fit(x, y, epochs=3, batch_size=20)
    shown = capsys.readouterr()
    assert shown.out == ""
    for part in ("epoch 3/3", "step 3/3", "loss ", "steps/s", "0:00"):
        assert part in shown.err.replace("\x1b", ""), part
