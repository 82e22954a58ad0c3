"""`python -m audio_gen`: the same as the command `audio-gen`."""

import sys

from audio_gen.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
