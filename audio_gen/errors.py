"""What can go wrong, by name. Every message says what was given, what is allowed and what to do."""


class AudioGenError(Exception):
    """Base of every error that audio_gen raises on purpose."""


class ParameterError(AudioGenError, ValueError):
    """A value that the caller passed is not allowed."""


class DecodeError(AudioGenError):
    """A file could not be turned into audio."""


class DatasetError(AudioGenError):
    """A dataset is missing, incomplete or contradicts itself."""


class CheckpointError(AudioGenError):
    """A checkpoint is missing, damaged, of another family or of another mel spec."""
