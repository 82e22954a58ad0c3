"""Small copies of datasets as their makers give them out: the real names, columns and quirks, empty audio files."""

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from audio_gen.datasets import asap, nottingham, pmemo
from audio_gen.datasets._stratify import hashed_split

SPLITS = ("train", "valid", "test")


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def write(path: Path, rows: list[list[str]], delimiter: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return path


def gtzan(home: Path, splits: Iterable[str]) -> None:
    """Every clip of the splits (the plug knows them all by name), and the litter of a real archive."""
    from torchaudio.datasets import gtzan as lists

    for split in splits:
        for name in getattr(lists, f"filtered_{split}"):
            touch(home / "genres" / name.split(".")[0] / f"{name}.wav")
    touch(home / "genres" / "blues" / "._blues.00000.wav")
    touch(home / "genres" / "bextract_single.mf")
    touch(home / "genres" / "metal" / "metal.00058.wav")  # the same as rock.00016, so in no split


FMA_HEADER = [
    ["", "album", "album", "artist", "artist", "artist", "set", "set", "track", "track", "track"],
    ["", "information", "title", "bio", "id", "name", "split", "subset", "genre_top", "license", "title"],
    ["track_id", "", "", "", "", "", "", "", "", "", ""],
]
FMA_TRACKS = {
    "train": [("2", "1", "small", "Hip-Hop"), ("3", "1", "medium", "Hip-Hop"), ("99134", "9", "small", "Rock")],
    "valid": [("5005", "7", "small", "Rock"), ("5006", "7", "large", "")],
    "test": [("140123", "24", "small", "Old-Time / Historic"), ("140124", "25", "small", "Pop")],
}


def fma_line(split: str, track: str, artist: str, subset: str, genre: str) -> list[str]:
    kind = {"train": "training", "valid": "validation"}.get(split, split)
    about, bio = '<p>two\nlines, "quoted"</p>', "x" * 200_000  # longer than Python's csv reads unless told to
    about_artist = [bio, artist, f"Artist {artist}"]
    return [track, about, "An Album", *about_artist, kind, subset, genre, "CC BY-NC", f"Title {track}"]


def fma(home: Path, splits: Iterable[str], folders: Iterable[str] = ("fma_large",)) -> None:
    lines = [fma_line(split, *track) for split in splits for track in FMA_TRACKS[split]]
    write(home / "fma_metadata" / "tracks.csv", [*FMA_HEADER, *lines])
    for folder in folders:
        for line in lines:
            touch(home / folder / f"{line[0]:0>6}"[:3] / f"{line[0]:0>6}.mp3")


JAMENDO_HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"
JAMENDO_TAGS = {
    "genre": ("genre", [["punkrock"], ["ambient", "electronic", "techno"]]),
    "moodtheme": ("mood/theme", [["dark"], ["emotional", "sad"]]),
    "instrument": ("instrument", [["piano"], ["bass", "drums", "guitar", "voice"]]),
}


def jamendo(home: Path, splits: Iterable[str], category: str = "genre") -> None:
    prefix, tags = JAMENDO_TAGS[category]
    for split in splits:
        first = 1000 * (1 + SPLITS.index(split))
        lines = [JAMENDO_HEADER]
        for track, told in enumerate(tags, start=first):
            path = f"{track % 100:02d}/{track}.mp3"
            touch(home / "audio" / path)
            cells = [f"track_{track:07d}", f"artist_{first:06d}", f"album_{first:06d}", path, "124.6"]
            lines.append("\t".join([*cells, *(f"{prefix}---{tag}" for tag in told)]))
        table = home / f"data/splits/split-0/autotagging_{category}-{'validation' if split == 'valid' else split}.tsv"
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")


DEAM_TABLES = "annotations/annotations averaged per song/song_level/static_annotations_averaged_songs_{}.csv"
DEAM_SONGS = {"train": ["2", "3", "10"], "valid": ["8", "9"], "test": ["2001", "2058"]}


def deam(home: Path, splits: Iterable[str]) -> None:
    """Two tables, the later with more columns; blanks after the commas of the headers, as in the real ones."""
    songs = [song for split in splits for song in DEAM_SONGS[split]]
    early = [[song, "3.1", "0.94", "3", "0.63"] for song in songs if int(song) <= 2000]
    late = [[song, "9", "1.2", "8.6", "9", "1", "0.8", "1.4", "2"] for song in songs if int(song) > 2000]
    plain = ["song_id", " valence_mean", " valence_std", " arousal_mean", " arousal_std"]
    full = ["song_id", " valence_mean", " valence_std", " valence_ max_mean", " valence_max_std", " arousal_mean"]
    full += [" arousal_std", " arousal_max_mean", " arousal_max_std"]
    if early:
        write(home / DEAM_TABLES.format("1_2000"), [plain, *early])
    if late:
        write(home / DEAM_TABLES.format("2000_2058"), [full, *late])
    for song in songs:
        touch(home / "MEMD_audio" / f"{song}.mp3")


PMEMO_ARTISTS = ("ABBA", "Queen", "Björk", "Drake", "Aqua", "Roxette", "")


def pmemo_songs(splits: Iterable[str]) -> list[tuple[str, str]]:
    """Song and artist; the song without an artist is its own group."""
    songs = [(str(2 * i + j), artist) for i, artist in enumerate(PMEMO_ARTISTS) for j in (0, 1)]
    chosen = set(splits)
    return [(s, a) for s, a in songs if hashed_split(a.casefold() or f"song {s}", pmemo.SHARES) in chosen]


def pmemo_copy(home: Path, splits: Iterable[str]) -> None:
    songs = pmemo_songs(splits)
    about = [[s, f"{s}.mp3", f"Title {s}", a, "", "180.5", "00:10", "00:40"] for s, a in songs]
    head = ["musicId", "fileName", "title", "artist", "album", "duration", "chorus_start_time", "chorus_end_time"]
    rest = [["999", "999.mp3", "not rated", "Nobody", "", "1", "0", "1"]]  # 27 of the songs have no rating
    write(home / "metadata.csv", [head, *about, *rest])
    ratings = [["musicId", "Arousal(mean)", "Valence(mean)"], *([s, "0.25", "0.9"] for s, _ in songs)]
    spreads = [["musicId", "Arousal(std)", "Valence(std)"], *([s, "0.1", "0.25"] for s, _ in songs)]
    write(home / "annotations" / "static_annotations.csv", ratings)
    write(home / "annotations" / "static_annotations_std.csv", spreads)
    for song, _ in songs:
        touch(home / "chorus" / f"{song}.mp3")


def groove_rows(split: str) -> list[dict[str, str]]:
    """The rows of a labels.csv."""
    told = [("funk", "80", "beat", "4-4"), ("jazz/funk", "116.5", "fill", "4-4"), ("latin/samba", "90", "beat", "6-8")]
    told.append(("rock", "120", "fill", "4-4"))
    return [
        {"path": f"midi/{split}_{n}.mid", "split": split, "drummer": "drummer1", "style": style, "bpm": bpm}
        | {"beat_type": kind, "time_signature": meter}
        for n, (style, bpm, kind, meter) in enumerate(told)
    ]


def groove_archive(home: Path, splits: Iterable[str]) -> None:
    """As in the archive: info.csv, and a folder for each drummer and session."""
    head = ["drummer", "session", "id", "style", "bpm", "beat_type", "time_signature", "midi_filename"]
    lines = [[*head, "audio_filename", "duration", "split"]]
    for split in splits:
        for n, row in enumerate(groove_rows(split)):
            name = f"drummer1/{split}_session/{n}_{row['style'].replace('/', '-')}_{row['bpm']}_beat_4-4.mid"
            told = [row[column] for column in ("style", "bpm", "beat_type", "time_signature")]
            official = "validation" if split == "valid" else split
            lines.append(["drummer1", "s", f"drummer1/s/{split}{n}", *told, name, "", "8.5", official])
            touch(home / name)
    write(home / "info.csv", lines)


OPENEWLD_SONG = {
    "title": "A Song",
    "year": None,
    "authors": ["Some One", "An Other"],
    "genres": [["Jazz", 2], ["Pop", 5]],
    "styles": [["Swing", 1], ["Vocal", 3]],
    "key_sharps": 0,
    "time_signature": "3/4",
    "notes": [[1.0, 0.5, 67], [1.5, 1 / 3, 71], [11 / 6, 1.0, 74], [3.0, 3.0, 67]],
    "chords": [[0.0, "G"], [3.0, "D7/F#"], [3.0, "G7 add b9"], [6.0, "C-7"]],
}


def openewld(home: Path, splits: Iterable[str]) -> None:
    songs = [{**OPENEWLD_SONG, "split": split, "file": f"dataset/{split}/{n}.mxl"} for split in splits for n in (0, 1)]
    songs[0] = {"file": songs[0]["file"], "split": songs[0]["split"], "notes": []}  # of which nothing is known
    home.mkdir(parents=True, exist_ok=True)
    (home / "openewld.jsonl").write_text("".join(json.dumps(song) + "\n" for song in songs), encoding="utf-8")


def jsb(home: Path, splits: Iterable[str]) -> None:
    home.mkdir(parents=True, exist_ok=True)
    pieces = {
        split: [[[72, 67, 60, 48 + n]] * 4 + [[]] * 2 + [[74, 67, 48 + n]] * 2 for n in (0, 1)] for split in splits
    }
    (home / "jsb-chorales-16th.json").write_text(json.dumps(pieces))


def abc_tune(seed: int) -> str:
    """16 bars of eighths in one octave."""
    notes = Random(seed).choices("CDEFGABcdefgab", k=128)
    bars = ["".join(notes[n : n + 8]) for n in range(0, len(notes), 8)]
    return f'T:Tune {seed}\nM:4/4\nL:1/8\nK:C\n"C"' + "|".join(bars) + "|\n\n"


def nottingham_copy(home: Path, splits: Iterable[str]) -> None:
    home.mkdir(parents=True, exist_ok=True)
    chosen: list[str] = []
    for split in splits:
        found = (abc_tune(seed) for seed in range(1000))
        chosen += [
            tune for _, tune in zip(range(3), (t for t in found if nottingham.split_of(t) == split), strict=False)
        ]
    for name, part in (("jigs", chosen[::2]), ("reelsa-c", chosen[1::2])):
        text = "".join(f"X: {number}\n{tune}" for number, tune in enumerate(part, start=1))
        (home / f"{name}.abc").write_text(f"% a comment\n{text}")


def maestro(home: Path, splits: Iterable[str]) -> None:
    head = ["canonical_composer", "canonical_title", "split", "year", "midi_filename", "audio_filename", "duration"]
    lines = [head]
    for split in splits:
        for n in (0, 1, 2):
            told = "validation" if split == "valid" else split
            lines.append(["Franz Liszt", f"{split} {n // 2}", told, "2018", f"2018/{split}{n}.midi", "x.wav", "60.5"])
            touch(home / "2018" / f"{split}{n}.midi")
    write(home / "maestro-v3.0.0.csv", lines)


def asap_copy(home: Path, splits: Iterable[str]) -> None:
    """Two performances of each of ten pieces, where they fall into the splits."""
    lines = [["composer", "title", "folder", "xml_score", "midi_score", "midi_performance", "start", "end"]]
    for number in range(30):
        title, folder = f"Fugue_{number}", f"Bach/Fugue/{number}"
        if hashed_split(f"Bach: {title}", asap.SHARES) in splits:
            for who in ("Shi05M", "Lee01M"):
                path = f"{folder}/{who}.mid"
                lines.append(["Bach", title, folder, "", f"{folder}/midi_score.mid", path, "", "19.4"])
                touch(home / path)
    write(home / "metadata.csv", lines)
    (home / "asap_annotations.json").write_text("{}")


LAYOUTS: dict[str, Callable[[Path, Iterable[str]], None]] = {
    "asap": asap_copy,
    "deam": deam,
    "fma": fma,
    "gtzan": gtzan,
    "jsb": jsb,
    "maestro": maestro,
    "mtg_jamendo": jamendo,
    "mtg_jamendo_instrument": lambda home, splits: jamendo(home, splits, "instrument"),
    "mtg_jamendo_moodtheme": lambda home, splits: jamendo(home, splits, "moodtheme"),
    "nottingham": nottingham_copy,
    "openewld": openewld,
    "pmemo": pmemo_copy,
}
FOLDERS = {"mtg_jamendo_instrument": "mtg_jamendo", "mtg_jamendo_moodtheme": "mtg_jamendo"}
