import logging

import pytest
import torch

from audio_gen.errors import ParameterError
from audio_gen.pipelines.batch import usable_cores
from audio_gen.pipelines.device import pick_device, share_cores


@pytest.mark.parametrize("text", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU", "cpu\n"])
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="auto, cpu, cuda or cuda:N"):
        pick_device(text)


@pytest.mark.parametrize(("text", "level"), [("auto", "INFO"), ("cuda", "WARNING"), ("cuda:1", "WARNING")])
def test_falls_back_and_says_so(
    text: str, level: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with caplog.at_level(logging.INFO, "audio_gen"):
        assert pick_device(text) == torch.device("cpu")
        assert pick_device("cpu") == torch.device("cpu")
    assert [record.levelname for record in caplog.records] == [level]
    assert text in caplog.text


def test_takes_cuda_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("auto").type == "cuda"
    assert pick_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ParameterError, match="cuda:0 to cuda:1"):
        pick_device("cuda:2")


def test_cores_are_shared() -> None:
    before = torch.get_num_threads()
    try:
        share_cores(usable_cores() * 2)
        assert torch.get_num_threads() == 1
        share_cores(1)
        assert torch.get_num_threads() == usable_cores()
    finally:
        torch.set_num_threads(before)
