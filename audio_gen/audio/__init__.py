"""Waveforms: decode a file to a Clip, resample, encode a Clip to a file, render MIDI."""
