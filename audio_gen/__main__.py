"""`python -m audio_gen`: the same as the command `audio-gen`."""

from audio_gen.app.cli import program

if __name__ == "__main__":
    program()
