"""One file for each command, found by name: `add_arguments(parser)` and `run(arguments) -> exit code`."""
