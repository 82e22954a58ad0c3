"""Graphed: a function of one tensor as a CUDA graph, for inputs so small that to start kernels is what takes time."""

from collections.abc import Callable

import torch

from audio_gen.errors import ParameterError


class Graphed:
    """The same as `function`, without gradients, for inputs of one shape; `LogMel` on a GPU, say.

    What comes out is overwritten by the next call: clone it to keep it.

    Args:
        function: from a tensor to a tensor, the same kernels in each call.
        example: an input, on the GPU; others have its shape and precision.

    Raises:
        ParameterError: `example` isn't on a GPU; or, when called, an input isn't like it.
    """

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor], example: torch.Tensor) -> None:
        if example.device.type != "cuda":
            raise ParameterError(
                f"a CUDA graph needs an example on a GPU, not on {example.device}; move it there first"
            )
        self._input = example.detach().clone()
        self._graph = torch.cuda.CUDAGraph()
        with torch.no_grad(), torch.cuda.device(example.device):
            self._warm_up(function)
            with torch.cuda.graph(self._graph):
                self._output = function(self._input)

    def __call__(self, samples: torch.Tensor) -> torch.Tensor:
        wanted, given = ((x.shape, x.dtype, x.device) for x in (self._input, samples))
        if given != wanted:
            raise ParameterError(
                f"this CUDA graph takes {_words(self._input)}, not {_words(samples)}; make another one"
            )
        self._input.copy_(samples.detach())
        self._graph.replay()
        return self._output

    def _warm_up(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        """Compile kernels and make plans, none of which can be captured, on another stream as CUDA wants it."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                function(self._input)
        torch.cuda.current_stream().wait_stream(stream)


def _words(x: torch.Tensor) -> str:
    return f"{x.dtype} {list(x.shape)} on {x.device}"
