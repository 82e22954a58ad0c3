import torch

from audio_gen.models.real_or_not import RealOrNotNet


def test_every_step_and_feature_counts_and_batches_are_rows() -> None:
    torch.manual_seed(0)
    net = RealOrNotNet(5, 8).eval()
    windows = torch.randn(3, 16, 5, requires_grad=True)
    scores = net(windows)
    assert scores.shape == (3,)
    assert torch.allclose(scores[1], net(windows[1:2])[0], atol=1e-6)
    scores[0].backward()
    assert windows.grad is not None
    assert (windows.grad[0] != 0).float().mean() > 0.5  # of the rest the rectifier lets nothing through
    assert (windows.grad[1:] == 0).all()
