from functools import partial
from typing import Any

import pytest
import torch

from audio_gen.audio.clip import Clip
from audio_gen.audio.resample import resample
from audio_gen.errors import ParameterError
from audio_gen.models.griffin_lim import GriffinLim
from audio_gen.pipelines import extend
from audio_gen.pipelines.extend import continued, inpainted
from audio_gen.pipelines.generate import Generator, Wish, sound
from audio_gen.pipelines.seams import FADE, SHIFT, inserted
from audio_gen.pipelines.search import find_noise
from audio_gen.pipelines.vocoder import Vocoder


@pytest.fixture
def music(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> Generator:
    monkeypatch.setattr(extend, "find_noise", partial(find_noise, rounds=4))
    return Generator.load(tiny.generator())


def fast(music: Generator) -> Vocoder:
    return Vocoder("mine", GriffinLim(music.checkpoint.spec, 4, steady=True))


def recording(music: Generator, rate: int = 22050, channels: int = 1, seconds: float = 2.0) -> Clip:
    made = sound(music.make(Wish("techno", seed=8, seconds=seconds)), fast(music)).samples
    samples = resample(made, 22050, rate)
    return Clip(torch.cat([samples, 0.5 * samples.flip(1)])[:channels], rate)


@pytest.mark.parametrize(("rate", "channels"), [(22050, 1), (44100, 2), (8000, 1), (11025, 2)])
def test_what_was_there_stays_bit_for_bit(music: Generator, rate: int, channels: int) -> None:
    clip, fade = recording(music, rate, channels), round(FADE * rate)
    length = clip.samples.shape[1]
    longer = continued(music, fast(music), clip, 0.7, label="techno", seed=1)
    assert (longer.clip.sample_rate, longer.clip.channels) == (rate, channels)
    assert longer.clip.samples.shape[1] == length + round(0.7 * rate)
    assert torch.equal(longer.clip.samples[:, : length - fade], clip.samples[:, : length - fade])
    assert longer.clip.samples[:, length:].square().mean().sqrt() > 0.01
    assert [seam.at_s for seam in longer.seams] == [length / rate]

    mended = inpainted(music, fast(music), clip, 0.8, 1.2, label="techno", seed=1)
    first, last = round(0.8 * rate), round(1.2 * rate)
    assert mended.clip.samples.shape == clip.samples.shape
    for part in (slice(0, first - fade), slice(last + fade, None)):
        assert torch.equal(mended.clip.samples[:, part], clip.samples[:, part])
    assert not torch.allclose(mended.clip.samples[:, first:last], clip.samples[:, first:last], atol=1e-2)
    assert [seam.at_s for seam in mended.seams] == [first / rate, last / rate]
    for seam in (*longer.seams, *mended.seams):
        assert 0 < seam.usual_db <= seam.largest_db
        assert seam.change_db < 40
    assert longer.distance > 0


def test_the_same_seed_goes_on_in_the_same_way(music: Generator) -> None:
    clip = recording(music)
    one, again, other = (
        continued(music, fast(music), clip, 0.5, label="techno", seed=seed).clip.samples for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_gap_is_of_no_account(music: Generator) -> None:
    clip = recording(music)
    silenced = clip.samples.clone()
    silenced[:, round(0.8 * 22050) : round(1.2 * 22050)] = 0.3
    found = [
        inpainted(music, fast(music), Clip(samples, 22050), 0.8, 1.2, label="techno").clip.samples
        for samples in (clip.samples, silenced)
    ]
    assert torch.allclose(found[0], found[1], atol=1e-4)


@pytest.mark.parametrize("phase", [0.0, 1.0, 2.5, 4.0])
def test_waves_meet(phase: float) -> None:
    rate, hertz, first = 22050, 440.0, 22050
    time = torch.arange(first) / rate
    known = torch.cat([0.5 * torch.sin(2 * torch.pi * hertz * time), torch.zeros(11025)])[None]
    begin = first - 8000
    later = torch.arange(8000 + 11025) / rate
    new = 0.5 * torch.sin(2 * torch.pi * hertz * later + phase)[None]
    out = inserted(known, new, begin, first, first + 11025, rate)[0]
    steepest = float(known[0, :first].diff().abs().max())
    fade = round(FADE * rate)
    seam = out[first - 2 * fade : first + 2 * fade]
    assert seam.diff().abs().max() < 1.05 * steepest
    peaks = seam.unfold(0, 60, 10).abs().amax(1)  # a little more than one period
    assert peaks.min() > 0.45  # no hole, as phases that oppose each other would leave
    assert out[first + fade : first + 10000].abs().max() <= 0.51


def test_waves_meet_at_both_ends_of_a_gap() -> None:
    rate, length = 8000, 16000
    known = 0.5 * torch.sin(2 * torch.pi * 300 * torch.arange(length) / rate)[None]
    first, last = 7000, 9000
    new = 0.5 * torch.sin(2 * torch.pi * 300 * torch.arange(length) / rate + 2)[None]
    for stop in (last, first + 1):
        out = inserted(known, new, 0, first, stop, rate)[0]
        fade = round(FADE * rate)
        steepest = float(known.diff().abs().max())
        assert out.diff().abs().max() < 1.1 * steepest
        assert torch.equal(out[: first - fade], known[0, : first - fade])
        assert torch.equal(out[stop + fade :], known[0, stop + fade :])
    assert 2 * SHIFT > 1 / 300  # else nothing could be aligned


@pytest.mark.parametrize(
    ("seconds", "message"), [(0, "seconds must be above 0"), (-1, "above 0"), (float("nan"), "must be above 0")]
)
def test_no_length_to_go_on_for(music: Generator, seconds: float, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        continued(music, fast(music), recording(music), seconds, label="techno")


@pytest.mark.parametrize("gap", [(0.2, 1.0), (1.0, 1.8), (1.2, 1.0), (1.0, 1.0), (-1, 1), (1, 9), (float("nan"), 1)])
def test_a_gap_outside_is_refused(music: Generator, gap: tuple[float, float]) -> None:
    with pytest.raises(ParameterError, match=r"must lie inside the recording \(2.00 s\) with 0.5 s on either side"):
        inpainted(music, fast(music), recording(music), *gap, label="techno")


def test_what_gives_nothing_to_go_on_from_is_refused(music: Generator, tiny: Any) -> None:
    voice, clip = fast(music), recording(music)
    silent_end = torch.cat([clip.samples, torch.zeros(1, 22050 * 4)], 1)
    for samples in (torch.zeros(1, 44100), silent_end):
        with pytest.raises(ParameterError, match="silent before the new part"):
            continued(music, voice, Clip(samples, 22050), 1, label="techno")
    silent_after = torch.cat([clip.samples, torch.zeros(1, 22050 * 4)], 1)
    with pytest.raises(ParameterError, match="silent after the new part"):
        inpainted(music, voice, Clip(silent_after, 22050), 1, 2.5, label="techno")
    with pytest.raises(ParameterError, match=r"0.45 s before the new part; 0.5 s or more"):
        continued(music, voice, Clip(clip.samples[:, :9922], 22050), 1, label="techno")
    with pytest.raises(ParameterError, match="folk, techno"):
        continued(music, voice, clip, 1, label="polka")
    drums = Generator.load(tiny.generator("drums", length=40))
    with pytest.raises(ParameterError, match="makes one-shots"):
        continued(drums, fast(drums), clip, 1, label="techno")
