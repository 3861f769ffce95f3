import re
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


def seen(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """The lines of a terminal of this width, without colours, as a run of three epochs left it."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    x, y = three_classes()
    classifier().fit(x, y, epochs=3, batch_size=20, validation_data=(x, y))
    shown = capsys.readouterr()
    assert shown.out == ""
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.err)
    return [line for line in re.split(r"[\r\n]+", plain) if line.strip()]


FIXED = r"^epoch 3/3 step 3/3 (?:━+ )?\s*loss \d\S* [\d,]+ steps/s 00:00 left "


@pytest.mark.parametrize("width", [64, 80, 120, 160])
def test_a_terminal_sees_epoch_step_loss_rate_and_time_left_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = seen(width, monkeypatch, capsys)
    assert re.search(FIXED, lines[-1]), lines[-1]
    assert max(map(len, lines)) <= width


def test_a_narrow_terminal_loses_the_bar_and_the_end_of_the_metrics(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow, wide = (seen(width, monkeypatch, capsys)[-1] for width in (80, 160))
    assert "━" in wide
    assert "━" not in narrow
    assert re.search(r"accuracy \S+  val_loss \S+  val_accuracy \d\S*\s*$", wide)
    assert re.search(r"accuracy \S+ .*…\s*$", narrow)
