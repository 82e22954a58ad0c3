"""What most people write: `librosa.load` and a log-mel of each file whole, in a pool of processes of one thread each.

    python _by_librosa.py PROCESSES FILE...

A program of its own, which imports no torch.
"""

import os
import sys
from concurrent.futures import ProcessPoolExecutor

from audio_gen.features.mel_spec import MelSpec


def frames(path: str) -> int:
    """The number of frames of the file's log-mel."""
    import librosa
    import numpy as np

    spec = MelSpec()
    samples, rate = librosa.load(path, sr=spec.sample_rate)
    sizes = {"n_fft": spec.n_fft, "hop_length": spec.hop_length, "n_mels": spec.n_mels, "power": spec.power}
    mel = np.log(np.maximum(librosa.feature.melspectrogram(y=samples, sr=rate, **sizes), spec.floor))
    return int(mel.shape[1])


if __name__ == "__main__":
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before numpy
    with ProcessPoolExecutor(int(sys.argv[1])) as pool:
        sys.exit(0 if all(pool.map(frames, sys.argv[2:])) else 1)
