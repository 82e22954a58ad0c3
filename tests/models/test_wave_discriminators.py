import torch

from audio_gen.models.wave_discriminators import WaveDiscriminators


def test_each_says_something_of_any_length() -> None:
    torch.manual_seed(0)
    judges = WaveDiscriminators((64, 128), (2, 3), 4)
    for length in (999, 1000):
        judged = judges(0.1 * torch.randn(3, length))
        assert len(judged) == 4
        for logits, maps in judged:
            assert len(logits) == 3
            assert len(maps) == 4
            assert logits.isfinite().all()


def test_gradients_reach_the_waveform_also_where_it_is_silent() -> None:
    samples = torch.zeros(2, 1000, requires_grad=True)
    sum(logits.sum() for logits, _ in WaveDiscriminators((64,), (2,), 4)(samples)).backward()
    assert samples.grad is not None
    assert samples.grad.isfinite().all()


def test_a_spectrum_is_judged_the_same_a_hop_later() -> None:
    torch.manual_seed(0)
    judge = WaveDiscriminators((64,), (), 4)
    sound = 0.1 * torch.randn(1, 1600)
    (here, _), (there, _) = judge(sound)[0], judge(sound[:, 16:])[0]
    assert torch.allclose(here[..., 21:-20], there[..., 20:-20], atol=1e-5)
