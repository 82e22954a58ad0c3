"""Features: LogMel against librosa on the same samples, and the `features` command on a folder, start-up included."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import librosa
import numpy as np
import soundfile
import torch
from _measure import interleaved, publish

from audio_gen.features.log_mel import LogMel
from audio_gen.features.mel_spec import MelSpec

SECONDS = 30
FILES = 40


def against_librosa(batch: int) -> dict[str, object]:
    """One row: `batch` clips of 30 s at once, both of them to a log-mel."""
    spec = MelSpec()
    samples = np.random.default_rng(0).normal(0, 0.1, (batch, SECONDS * spec.sample_rate)).astype(np.float32)
    log_mel, tensor = LogMel(spec), torch.from_numpy(samples)

    def ours() -> object:
        with torch.inference_mode():
            return log_mel(tensor)

    def theirs() -> object:
        mel = librosa.feature.melspectrogram(
            y=samples,
            sr=spec.sample_rate,
            n_fft=spec.n_fft,
            hop_length=spec.hop_length,
            n_mels=spec.n_mels,
            power=spec.power,
            pad_mode="reflect",
        )
        return np.log(np.maximum(mel, spec.floor))

    took = interleaved({"audio_gen": ours, "librosa": theirs})
    return {
        "what": f"log-mel, batch {batch}",
        "files_per_s": batch / took["audio_gen"],
        "x_real_time": batch * SECONDS / took["audio_gen"],
        "librosa_files_per_s": batch / took["librosa"],
        "times_librosa": took["librosa"] / took["audio_gen"],
    }


def end_to_end() -> dict[str, object]:
    """One row: 40 stereo FLAC files of 30 s at 44.1 kHz, from the shell to the last `.npy`."""
    noise = np.random.default_rng(0).normal(0, 0.1, (SECONDS * 44100, 2))
    with tempfile.TemporaryDirectory() as folder:
        music, output = Path(folder, "music"), Path(folder, "features")
        music.mkdir()
        for i in range(FILES):
            soundfile.write(music / f"{i:02}.flac", np.roll(noise, i, axis=0), 44100)
        start = time.perf_counter()
        command = [sys.executable, "-m", "audio_gen", "features", str(music), "-o", str(output), "--quiet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - start
    return {
        "what": f"features, {FILES} FLAC files",
        "files_per_s": FILES / took,
        "x_real_time": FILES * SECONDS / took,
    }


if __name__ == "__main__":
    publish("features", [against_librosa(1), against_librosa(16), end_to_end()])
