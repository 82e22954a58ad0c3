"""What theory says of a melody, one rule a file: `statistic(tune)` is a number, or NaN where the tune can't tell.

No rule rewards an extreme. A melody is rewarded for being near what is usual (`recipes/melody_rl`): the most tonal
melody is a drone. A new rule is a new file.
"""
