"""What the datasets in their makers' layouts say beyond the common contract."""

import csv
import logging
from pathlib import Path

import pytest

from audio_gen.datasets import deam, fma, gtzan, mtg_jamendo, mtg_jamendo_moodtheme, pmemo
from audio_gen.errors import DatasetError
from tests.datasets import layouts

ALL = layouts.SPLITS


def test_gtzan_is_the_fault_filtered_split_without_the_broken_clip(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layouts.gtzan(tmp_path, ALL)
    (tmp_path / "genres/jazz/jazz.00054.wav").unlink()  # whether it is there makes no difference
    with caplog.at_level(logging.INFO, "audio_gen"):
        items = gtzan.items(tmp_path)
    assert [sum(item.split == split for item in items) for split in ALL] == [442, 197, 290]
    ids = {item.id for item in items}
    assert "rock.00016" in ids
    assert not ids & {"jazz.00054", "metal.00058", "._blues.00000"}
    assert [record.getMessage() for record in caplog.records if "jazz.00054" in record.getMessage()]
    assert {item.label for item in gtzan.items(tmp_path, "valid")} == set(gtzan.LABELS)
    caplog.clear()
    gtzan.items(tmp_path, "test")
    assert not caplog.records


def test_gtzan_files_missing_from_a_split_are_named_and_counted(tmp_path: Path) -> None:
    layouts.gtzan(tmp_path, ("train", "test"))
    for name in ("00012", "00013", "00014", "00015"):
        (tmp_path / f"genres/blues/blues.{name}.wav").unlink()
    with pytest.raises(DatasetError, match=r"4 of 290 .* blues\.00012, blues\.00013, blues\.00014, …"):
        gtzan.items(tmp_path, "test")
    assert len(gtzan.items(tmp_path, "train")) == 442


@pytest.mark.parametrize("suffix", [".au", ".mp3", ".WAV"])
def test_gtzan_in_another_format(suffix: str, tmp_path: Path) -> None:
    layouts.gtzan(tmp_path, ("valid",))
    for path in (tmp_path / "genres").rglob("*.wav"):
        path.rename(path.with_suffix(suffix))
    assert {item.path.suffix for item in gtzan.items(tmp_path) if item.path} == {suffix}


def test_gtzan_twice_in_two_formats_counts_once(tmp_path: Path) -> None:
    layouts.gtzan(tmp_path, ("valid",))
    for path in list((tmp_path / "genres").rglob("*.wav")):
        path.with_suffix(".au").touch()
    items = gtzan.items(tmp_path)
    assert len(items) == 197
    assert {item.path.suffix for item in items if item.path} == {".wav"}


def test_gtzan_of_litter_alone_is_nothing(tmp_path: Path) -> None:
    layouts.touch(tmp_path / "genres/blues/._blues.00000.wav")
    with pytest.raises(DatasetError, match="no clip called like"):
        gtzan.items(tmp_path)


def test_fma_reads_the_three_line_header_and_says_what_it_leaves_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layouts.fma(tmp_path, ALL)
    limit = csv.field_size_limit()
    with caplog.at_level(logging.INFO, "audio_gen"):
        items = {item.id: item for item in fma.items(tmp_path)}
    assert csv.field_size_limit() == limit
    assert items.keys() == {"2", "3", "5005", "5006", "140123", "140124"}
    first = items["2"]
    assert (first.split, first.group, first.label, first.licence) == ("train", "artist 1", "Hip-Hop", "CC BY-NC")
    assert first.extra == {"artist": "Artist 1", "album": "An Album", "title": "Title 2", "subset": "small"}
    assert first.path == tmp_path / "fma_large/000/000002.mp3"
    assert items["5006"].label is None
    assert items["140123"].path == tmp_path / "fma_large/140/140123.mp3"
    assert [record.levelname for record in caplog.records if "99134" in record.getMessage()] == ["INFO"]


@pytest.mark.parametrize(
    ("folders", "ids"),
    [
        (["fma_small"], {"2", "5005", "140123", "140124"}),
        (["fma_medium"], {"2", "3", "5005", "140123", "140124"}),
        (["fma_small", "fma_large"], {"2", "3", "5005", "5006", "140123", "140124"}),
    ],
)
def test_fma_folders_choose_the_subset(folders: list[str], ids: set[str], tmp_path: Path) -> None:
    layouts.fma(tmp_path, ALL, folders)
    assert {item.id for item in fma.items(tmp_path)} == ids


def test_fma_without_audio_folder_or_with_a_foreign_table_is_refused(tmp_path: Path) -> None:
    layouts.fma(tmp_path, ("test",), ())
    with pytest.raises(DatasetError, match="none of the folders fma_small, fma_medium, fma_large"):
        fma.items(tmp_path)
    (tmp_path / "fma_small").mkdir()
    table = tmp_path / "fma_metadata/tracks.csv"
    text = table.read_text()
    for damaged, told in (
        (text.replace("genre_top", "genre"), r"lacks the columns track\.genre_top"),
        (text.split("\n", 1)[1], "three header lines"),
        (text + "7,1\n", "another length than its header: 7"),
        ("", "three header lines"),
    ):
        table.write_text(damaged)
        with pytest.raises(DatasetError, match=told):
            fma.items(tmp_path)


def test_fma_genre_that_is_none_of_the_names_is_refused(tmp_path: Path) -> None:
    layouts.fma(tmp_path, ("test",))
    table = tmp_path / "fma_metadata/tracks.csv"
    table.write_text(table.read_text().replace(",Pop,", ",Bongo,"))
    with pytest.raises(DatasetError, match="'Bongo' is not one of"):
        fma.items(tmp_path)


@pytest.mark.parametrize(("plug", "copy"), [(fma, layouts.fma), (mtg_jamendo, layouts.jamendo)])
def test_large_sets_may_be_partial_but_not_empty(plug, copy, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    copy(tmp_path, ALL)
    everything = plug.items(tmp_path)
    gone = everything[0]
    gone.path.unlink()
    caplog.clear()
    with caplog.at_level(logging.WARNING, "audio_gen"):
        rest = plug.items(tmp_path)
    assert [item.id for item in rest] == [item.id for item in everything[1:]]
    assert len(caplog.records) == 1
    assert f"1 of {len(everything)} files" in caplog.text
    for item in rest:
        item.path.unlink()
    with pytest.raises(DatasetError, match=f"none of the {len(everything)} files .*{gone.id}.*…"):
        plug.items(tmp_path)


def test_jamendo_keeps_all_tags_and_labels_with_the_first(tmp_path: Path) -> None:
    layouts.jamendo(tmp_path, ALL)
    layouts.jamendo(tmp_path, ALL, "moodtheme")
    one, many = mtg_jamendo.items(tmp_path, "valid")
    assert (one.id, one.label, one.extra["tags"], one.group) == (
        "track_0002000", "punkrock", "punkrock", "artist_002000"
    )  # fmt: skip
    assert (many.label, many.extra["tags"]) == ("ambient", "ambient, electronic, techno")
    assert many.path == tmp_path / "audio/01/2001.mp3"
    assert [item.label for item in mtg_jamendo_moodtheme.items(tmp_path, "test")] == ["dark", "emotional"]


def test_jamendo_audio_of_lower_quality_and_beside_the_tables(tmp_path: Path) -> None:
    layouts.jamendo(tmp_path, ("test",))
    (tmp_path / "audio/00/3000.mp3").rename(tmp_path / "audio/00/3000.low.mp3")
    (tmp_path / "01").mkdir()
    (tmp_path / "audio/01/3001.mp3").rename(tmp_path / "01/3001.mp3")
    assert [item.path for item in mtg_jamendo.items(tmp_path)] == [
        tmp_path / "audio/00/3000.low.mp3",
        tmp_path / "01/3001.mp3",
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("TRACK_ID", "track", "doesn't begin with TRACK_ID ARTIST_ID"),
        ("\tgenre---punkrock", "", "has no tag that begins with 'genre---'"),
        ("punkrock", "polka", "'polka' is not one of"),
    ],
)
def test_jamendo_damaged_tables_are_refused(old: str, new: str, told: str, tmp_path: Path) -> None:
    layouts.jamendo(tmp_path, ("test",))
    table = tmp_path / "data/splits/split-0/autotagging_genre-test.tsv"
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(DatasetError, match=told):
        mtg_jamendo.items(tmp_path)


def test_deam_scales_ratings_and_spreads(tmp_path: Path) -> None:
    layouts.deam(tmp_path, ALL)
    items = {item.id: item for item in deam.items(tmp_path)}
    assert items["2"].targets == pytest.approx(
        {"valence": -0.475, "arousal": -0.5, "valence_sd": 0.235, "arousal_sd": 0.1575}
    )
    assert items["2058"].targets == pytest.approx(
        {"valence": 1.0, "arousal": -1.0, "valence_sd": 0.3, "arousal_sd": 0.2}
    )
    assert items["2"].path == tmp_path / "MEMD_audio/2.mp3"


def test_deam_split_never_moves(tmp_path: Path) -> None:
    layouts.deam(tmp_path, ALL)
    for split, songs in layouts.DEAM_SONGS.items():
        assert [item.id for item in deam.items(tmp_path, split)] == songs
    layouts.deam(tmp_path / "part", ("valid",))
    assert [item.id for item in deam.items(tmp_path / "part", "valid")] == layouts.DEAM_SONGS["valid"]


@pytest.mark.parametrize(("old", "new", "told"), [("3.1", "9.5", "9.5.*from 1 to 9"), ("\n2,", "\ntwo,", "'two'")])
def test_deam_impossible_cells_are_refused(old: str, new: str, told: str, tmp_path: Path) -> None:
    layouts.deam(tmp_path, ("train",))
    table = tmp_path / layouts.DEAM_TABLES.format("1_2000")
    table.write_text(table.read_text().replace(old, new))
    layouts.touch(tmp_path / "MEMD_audio/two.mp3")
    with pytest.raises(DatasetError, match=told):
        deam.items(tmp_path)


def test_pmemo_scales_ratings_and_keeps_artists_together(tmp_path: Path) -> None:
    layouts.pmemo_copy(tmp_path, ALL)
    items = pmemo.items(tmp_path)
    assert items[0].targets == pytest.approx({"valence": 0.8, "arousal": -0.5, "valence_sd": 0.5, "arousal_sd": 0.2})
    assert (items[0].group, items[0].extra) == ("abba", {"artist": "ABBA", "title": "Title 0"})
    assert {item.group: item.split for item in items} == {
        "abba": "train", "queen": "train", "björk": "test", "drake": "test", "aqua": "valid", "roxette": "valid",
        "song 12": "test", "song 13": "train",
    }  # fmt: skip


def test_pmemo_spreads_may_be_missing_but_artists_may_not(tmp_path: Path) -> None:
    layouts.pmemo_copy(tmp_path, ("train",))
    (tmp_path / "annotations/static_annotations_std.csv").unlink()
    assert pmemo.items(tmp_path)[0].targets.keys() == {"valence", "arousal"}
    (tmp_path / "metadata.csv").unlink()
    with pytest.raises(DatasetError, match=r"no metadata\.csv"):
        pmemo.items(tmp_path)


def test_pmemo_rating_outside_its_scale_is_refused(tmp_path: Path) -> None:
    layouts.pmemo_copy(tmp_path, ("train",))
    table = tmp_path / "annotations/static_annotations.csv"
    table.write_text(table.read_text().replace("0.25", "1.25", 1))
    with pytest.raises(DatasetError, match=r"song 0: arousal is 1\.25; .*from 0 to 1"):
        pmemo.items(tmp_path)


@pytest.mark.parametrize(
    ("plug", "copy", "folder"), [(deam, layouts.deam, "MEMD_audio"), (pmemo, layouts.pmemo_copy, "chorus")]
)
def test_small_sets_have_to_be_whole(plug, copy, folder: str, tmp_path: Path) -> None:
    copy(tmp_path, ALL)
    count = len(plug.items(tmp_path, "train"))
    for path in (tmp_path / folder).iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match=rf"{count} of {count} files .* are not there: \d+, \d+, \d+"):
        plug.items(tmp_path, "train")
