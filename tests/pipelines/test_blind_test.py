import itertools
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audio_gen.audio.clip import Clip
from audio_gen.audio.decode import load
from audio_gen.audio.encode import read_tags, save
from audio_gen.errors import ParameterError
from audio_gen.pipelines import blind_test
from audio_gen.pipelines._blind_clips import Candidate, equal, label_of
from audio_gen.pipelines.blind_score import Sheet, chance, read_sheet, score, wilson
from audio_gen.pipelines.blind_test import Plan, make_test, truth_file

RATE = 8000


def noise(seed: int, seconds: float = 0.8, rate: int = RATE, loudness: float = 0.1, channels: int = 1) -> Clip:
    random = torch.Generator().manual_seed(seed)
    return Clip(loudness * torch.randn(channels, round(seconds * rate), generator=random), rate)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Five recordings in folders of their labels, in stereo at 11025 Hz, and five tagged generated files at 8000 Hz."""
    for number in range(5):
        label = ("folk", "techno")[number % 2]
        clip = noise(number, 1 + number / 10, 11025, 0.01 * 4**number, 2)
        save(tmp_path / "real" / label / f"take {number}.flac", clip)
        save(tmp_path / "made" / f"clip{number}.wav", noise(9 + number, loudness=0.02), tags={"label": label})
    return tmp_path


def plan(folder: Path) -> Plan:
    return Plan(real=folder / "real", generated=(folder / "made",), count=8, seconds=0.5)


def truth_of(folder: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads(truth_file(folder).read_text())
    return told


def sheet(truth: list[int], said: list[list[int]], kind: str = "tell", labels: tuple[str, ...] = ()) -> Sheet:
    names = tuple(f"listener {number}" for number in range(len(said)))
    quality = np.full(np.shape(said), np.nan)
    return Sheet(kind, np.array(truth), labels or ("",) * len(truth), names, np.array(said), quality, ("A", "B"))


def test_the_folder_tells_nothing_of_the_truth(folders: Path):
    output = folders / "test"
    summary = make_test(plan(folders), output)
    assert (summary.questions, summary.left_out, summary.sample_rate) == (8, 0, RATE)
    files = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
    assert files == [*(f"audio/{number}.wav" for number in range(1, 9)), "index.html"]
    sounds = [output / name for name in files[:-1]]
    assert len({path.stat().st_size for path in sounds}) == 1
    clips = [load(path) for path in sounds]
    assert {(clip.sample_rate, clip.samples.shape) for clip in clips} == {(RATE, (1, RATE // 2))}
    loudness = [float(clip.samples.square().mean().sqrt()) for clip in clips]
    assert max(loudness) == pytest.approx(min(loudness), rel=1e-3)
    assert max(float(clip.samples.abs().max()) for clip in clips) < 0.96
    assert not any(read_tags(path) for path in sounds)
    page = (output / "index.html").read_text()
    assert re.findall(r'name="told-3" value="(\w+)"', page) == ["real", "generated"]
    assert re.findall(r'name="quality-3" value="(\w+)"', page) == ["1", "2", "3", "4", "5"]
    for word in ("take", "folk", "techno", str(folders), ".flac"):
        assert word not in page
    assert page.count("<audio ") == page.count("data:image/png") == 8


def test_the_truth_lies_beside_it_and_is_right(folders: Path):
    output = folders / "test"
    make_test(plan(folders), output)
    told = truth_of(output)
    clips = told["clips"]
    assert isinstance(clips, list)
    assert sorted(clip["truth"] for clip in clips) == ["generated"] * 4 + ["real"] * 4
    assert [clip["truth"] for clip in clips] != sorted(clip["truth"] for clip in clips)
    for clip in clips:
        (source,) = clip["files"]
        assert ("made" in source) == (clip["truth"] == "generated")
        assert clip["label"] == ("folk", "techno")[int(re.findall(r"(\d)\.", source)[0]) % 2]
        original = load(source).to(RATE).samples[0]
        heard = load(output / "audio" / f"{clip['clip']}.wav").samples[0]
        start = (len(original) - len(heard)) // 2  # of the middle
        match = torch.corrcoef(torch.stack([original[start : start + len(heard)], heard]))[0, 1]
        assert match > 0.7  # the cut may fall between the samples of the other rate
    assert f'data-test="{told["test"]}"' in (output / "index.html").read_text()


def test_the_seed_decides(folders: Path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        make_test(replace(plan(folders), seed=seed, pictures=False), folders / name)
    a, b, c = (truth_of(folders / name) for name in "abc")
    assert a == b
    assert (folders / "a" / "index.html").read_bytes() == (folders / "b" / "index.html").read_bytes()
    assert a["clips"] != c["clips"]
    assert a["test"] != c["test"]
    assert "data:image" not in (folders / "a" / "index.html").read_text()


def test_clips_become_equal():
    """Noise from a higher rate ends at the same frequency as noise that had the rate already."""
    peaky = Clip(torch.zeros(1, 2 * RATE), 2 * RATE)
    peaky.samples[0, 5000] = 0.9
    clips = equal([noise(0, 1.0), noise(1, 1.0, 4 * RATE), peaky])
    assert {(clip.sample_rate, clip.samples.shape[1]) for clip in clips} == {(RATE, RATE)}
    loudness = [float(clip.samples.square().mean().sqrt()) for clip in clips]
    assert loudness == pytest.approx([loudness[0]] * 3, rel=1e-3)
    assert max(float(clip.samples.abs().max()) for clip in clips) == pytest.approx(0.95, rel=1e-3)
    assert all(float(clip.samples[0, 0].abs()) < 1e-6 for clip in clips)
    power = [torch.fft.rfft(clip.samples[0]).abs().square() for clip in clips[:2]]
    top = [float(one[-RATE // 80 :].sum() / one.sum()) for one in power]
    assert max(top) < 1e-3
    assert all(float(one[RATE // 4 : RATE // 3].sum() / one.sum()) > 0.1 for one in power)


@pytest.mark.parametrize(
    ("relative", "told", "label"),
    [
        ("music_folk_seed7_0001.wav", "", "folk"),
        ("techno/deep/a.wav", "", "techno"),
        ("techno/a.wav", "jazz", "jazz"),
        ("a.wav", "", ""),
    ],
)
def test_labels_come_from_names_and_folders(tmp_path: Path, relative: str, told: str, label: str):
    save(tmp_path / relative, noise(0))
    assert label_of(Candidate((tmp_path / relative,), Path(relative), told)) == label


def test_two_renditions_beside_their_original(folders: Path):
    for number in range(9):
        for folder, seed in (("original", 0), ("one", 100), ("two", 200)):
            save(folders / folder / f"{number}.wav", noise(seed + number))
    output = folders / "ab"
    renditions = (folders / "one", folders / "two")
    make_test(Plan(real=folders / "original", generated=renditions, kind="ab", count=8, seconds=0.5), output)
    told = truth_of(output)
    clips = told["clips"]
    assert isinstance(clips, list)
    assert sorted(clip["truth"] for clip in clips) == ["x"] * 4 + ["y"] * 4
    for clip in clips:
        original, x, y = (Path(path) for path in clip["files"])
        assert original.parent.name == "original"
        assert (x.parent.name, y.parent.name) == (("one", "two") if clip["truth"] == "x" else ("two", "one"))
        assert original.name == x.name == y.name
        heard = load(output / "audio" / f"{clip['clip']}-x.wav").samples[0]
        source = load(x).samples[0][RATE * 3 // 20 :][: len(heard)]
        assert torch.corrcoef(torch.stack([heard, source]))[0, 1] > 0.9
    assert (output / "index.html").read_text().count("<audio ") == 24


def test_pairs_come_from_a_table(folders: Path):
    rows = [f"real/{('folk', 'techno')[n % 2]}/take {n}.flac,made/clip{n}.wav,style {n}" for n in range(5)]
    table = folders / "pairs.csv"
    table.write_text("\n".join(["real,generated,label", *rows]) + "\n")
    make_test(Plan(pairs=table, count=8, seconds=0.5), folders / "test")
    clips = truth_of(folders / "test")["clips"]
    assert isinstance(clips, list)
    numbers = [[clip["label"] for clip in clips if clip["truth"] == truth] for truth in ("real", "generated")]
    assert sorted(numbers[0]) == sorted(numbers[1])
    assert len(set(numbers[0])) == 4
    assert all(("made" in clip["files"][0]) == (clip["truth"] == "generated") for clip in clips)
    table.write_text("real,fake\na,b\n")
    with pytest.raises(ParameterError, match="needs the columns real, generated"):
        make_test(Plan(pairs=table), folders / "other")
    table.write_text("real,generated\nmade/clip0.wav,gone.wav\n")
    with pytest.raises(ParameterError, match=r"pair 1 .*gone\.wav"):
        make_test(Plan(pairs=table), folders / "other")


def test_bad_files_are_named_and_left_out(folders: Path, caplog: pytest.LogCaptureFixture):
    (folders / "real" / "folk" / "broken.flac").write_bytes(b"fLaC no more")
    save(folders / "made" / "short.wav", noise(0, 0.2))
    save(folders / "made" / "silent.wav", Clip(torch.zeros(1, RATE), RATE))
    summary = make_test(replace(plan(folders), count=12), folders / "test")
    assert (summary.questions, summary.left_out) == (10, 3)
    for name in ("broken.flac", "short.wav", "silent.wav"):
        assert name in caplog.text
    clips = truth_of(folders / "test")["clips"]
    assert isinstance(clips, list)
    assert [clip["truth"] for clip in clips].count("real") == 5
    for number in (0, 1):
        (folders / "made" / f"clip{number}.wav").write_bytes(b"RIFF")
    with pytest.raises(ParameterError, match=r"3 of 7 audio files in .*made.* at least 4"):
        make_test(replace(plan(folders), count=12), folders / "other")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 9}, "even number from 8 to 200, not 9"),
        ({"count": 40}, "5 audio files in .* needs 20"),
        ({"seconds": 0.1}, "seconds must be from 0.5 to 60"),
        ({"seed": -1}, "seed must be 0 or above"),
        ({"kind": "abx"}, "kind must be one of tell, ab, not 'abx'"),
        ({"kind": "ab"}, "two --generated .* has 1 --real, 1 --generated, 0 --pairs"),
        ({"real": None}, "one --real and one --generated"),
        ({"pairs": Path("a.csv")}, "--pairs in their place"),
        ({"seconds": 20.0}, "0 of 5 audio files .* can be used"),
    ],
)
def test_wrong_plans_say_what_is_allowed(folders: Path, changes: dict[str, object], message: str):
    with pytest.raises(ParameterError, match=message):
        make_test(replace(plan(folders), **changes), folders / "test")  # type: ignore[arg-type]
    assert not (folders / "test").exists()
    assert not truth_file(folders / "test").exists()


def test_real_and_generated_are_kept_apart(folders: Path):
    both = replace(plan(folders), real=folders / "made")
    with pytest.raises(ParameterError, match="among the real and among the generated"):
        make_test(both, folders / "test")
    (folders / "made").rename(folders / "real" / "made")  # below the recordings: passed over among them
    make_test(replace(plan(folders), generated=(folders / "real" / "made",)), folders / "test")
    clips = truth_of(folders / "test")["clips"]
    assert isinstance(clips, list)
    assert all(("made" in clip["files"][0]) == (clip["truth"] == "generated") for clip in clips)


def test_an_interrupted_run_leaves_nothing(folders: Path, monkeypatch: pytest.MonkeyPatch):
    make_test(plan(folders), folders / "test")
    before = (folders / "test" / "index.html").read_bytes()
    told = truth_of(folders / "test")

    def interrupted(*arguments: object, notes: bool) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(blind_test, "page", interrupted)
    for name in ("test", "other"):
        with pytest.raises(KeyboardInterrupt):
            make_test(replace(plan(folders), seed=1), folders / name)
    assert (folders / "test" / "index.html").read_bytes() == before
    assert truth_of(folders / "test") == told
    assert sorted(path.name for path in folders.iterdir()) == ["made", "real", "test", "test.truth.json"]


def test_only_a_test_is_replaced(folders: Path):
    with pytest.raises(ParameterError, match="holds something else"):
        make_test(plan(folders), folders / "real")
    assert (folders / "real" / "folk" / "take 0.flac").is_file()
    with pytest.raises(ParameterError, match="would lie in the folder that listeners get"):
        make_test(plan(folders), folders / "test", folders / "test" / "truth.json")
    (folders / "test").mkdir()
    make_test(plan(folders), folders / "test", folders / "t.json")
    make_test(replace(plan(folders), seed=1), folders / "test", folders / "t.json")
    assert json.loads((folders / "t.json").read_text())["seed"] == 1
    (folders / "test" / "notes.txt").write_text("mine")
    with pytest.raises(ParameterError, match=r"notes\.txt"):
        make_test(plan(folders), folders / "test", folders / "t.json")


def test_a_title_is_text_and_no_markup(folders: Path):
    make_test(replace(plan(folders), title="<script>alert(1)</script>"), folders / "test")
    page = (folders / "test" / "index.html").read_text()
    assert page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)" in page


def test_chance_is_counted_over_all_ways_to_deal_the_truth():
    random = np.random.default_rng(0)
    truth = np.array([1, 0, 1, 1, 0, 0, 1, 0])
    ones, zeros = random.integers(0, 4, (2, 8))
    hits = np.where(truth == 1, ones, zeros).sum()
    deals = [[int(place in dealt) for place in range(8)] for dealt in itertools.combinations(range(8), 4)]
    as_many = [np.where(np.array(deal) == 1, ones, zeros).sum() >= hits for deal in deals]
    assert chance(ones, zeros, truth) == pytest.approx(np.mean(as_many))
    told = np.array([1] * 100 + [0] * 100)
    assert chance(told, 1 - told, told) == pytest.approx(1 / math.comb(200, 100))
    assert chance(np.ones(8, int), np.zeros(8, int), truth) == 1.0  # a habit is no hearing


def test_guessing_is_found_out_as_seldom_as_promised():
    random = np.random.default_rng(0)
    truth = np.arange(20) % 2
    found = [score(sheet(truth.tolist(), [said]))["p"] for said in random.integers(0, 2, (300, 20)).tolist()]
    assert 0.005 < np.mean(np.array(found) <= 0.05) < 0.06


def test_wilson_agrees_with_the_book():
    assert (wilson(81, 263).low, wilson(81, 263).high) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe, 1998
    assert (wilson(20, 20).low, wilson(20, 20).high) == pytest.approx((0.8389, 1.0), abs=1e-4)
    assert math.isnan(wilson(0, 0).value)


def test_scores_say_what_they_mean():
    truth = [1, 0] * 10
    labels = ("folk", "folk", "jazz", "jazz") * 5
    found = score(sheet(truth, [truth, [1 - told for told in truth[:2]] + truth[2:]], labels=labels))
    assert found["right"]["value"] == pytest.approx(0.95)
    assert found["right"]["low"] > 0.8
    assert found["p"] == pytest.approx(2 / math.comb(20, 10))  # one of the two had the first two clips exchanged
    assert found["told_apart"] == "yes"
    assert found["verdict"].startswith("told apart: yes; 38 of 40 answers")
    assert found["quality_real"] == {"value": None, "low": None, "high": None}
    assert found["details"]["by_label"]["folk"]["right"]["value"] == pytest.approx(0.9)
    assert found["details"]["by_label"]["jazz"]["right"]["value"] == 1
    assert found["details"]["by_listener"]["listener 0"]["right"]["value"] == 1
    guessed = score(sheet(truth, [[1] * 20]))
    assert guessed["verdict"].startswith("told apart: not shown; 10 of 20 answers")
    assert guessed["p"] == 1
    with pytest.raises(ParameterError, match="nothing to score"):
        score(sheet(truth, [[-1] * 20]))


def test_listeners_who_agree_are_not_counted_twice():
    """Ten who say the same of eight clips know no more than one does."""
    truth, said = [1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 1]
    one, ten = (score(sheet(truth, [said] * times)) for times in (1, 10))
    assert ten["p"] == pytest.approx(one["p"])
    assert ten["right"]["high"] - ten["right"]["low"] > 0.4


def test_preferences_have_two_sides():
    truth = [1, 0] * 8
    first, second = score(sheet(truth, [truth], "ab")), score(sheet(truth, [[1 - told for told in truth]], "ab"))
    assert first["first_nearer"]["value"] == 1
    assert second["first_nearer"]["value"] == 0
    assert first["p"] == pytest.approx(second["p"]) == pytest.approx(2 / math.comb(16, 8))
    assert "original: A;" in first["verdict"]
    assert "original: B;" in second["verdict"]
    assert "not shown" in score(sheet(truth, [[1] * 16], "ab"))["verdict"]


def test_a_sheet_is_read_from_files(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    clips = [{"clip": str(n), "truth": ("real", "generated")[n % 2], "label": "", "files": []} for n in range(8)]
    (tmp_path / "t.json").write_text(json.dumps({"schema": 1, "test": "ab", "kind": "tell", "clips": clips}))
    answers = [
        {"clip": "3", "told": "generated", "quality": 2},
        {"clip": "0", "told": "generated", "quality": None},
        {"clip": "2", "told": None, "quality": 5},
    ]
    for name in ("a", "b"):
        saved = {"test": "ab", "listener": "  An\nn", "saved": name, "answers": answers}
        (tmp_path / f"{name}.json").write_text(json.dumps(saved))
    read = read_sheet(tmp_path / "t.json", [tmp_path / "a.json", tmp_path / "b.json"])
    assert read.names == ("Ann (1)", "Ann (2)")
    assert read.said[0].tolist() == [1, -1, -1, 1, -1, -1, -1, -1]
    assert np.isnan(read.quality[0]).sum() == 6
    assert "leaves 6 of 8 clips open" in caplog.text
    found = score(read)
    assert found["right"]["value"] == 0.5
    assert found["quality_generated"]["value"] == 2
    assert found["quality_real"]["value"] == 5
