from dataclasses import replace

import numpy as np
import pytest
import torch

from audio_gen.models.composer import NONE, UNKNOWN, ComposerNet
from audio_gen.models.composer_pieces import ComposerPiece, everything, piece_of, setting_of, whole
from audio_gen.models.composer_rows import Mask
from audio_gen.models.composer_rows import batch_of as rows_batch
from audio_gen.models.melody import HIGHEST, LOWEST, TOKENS, MelodyNet
from audio_gen.models.melody_pieces import MelodyPiece, batch_of, foreseen, narrowed, widened
from audio_gen.models.melody_pieces import piece_of as melody_of
from audio_gen.models.melody_sampling import Singer, draw
from audio_gen.symbolic.encoders.melody import FIRST, HOLD, encode
from audio_gen.symbolic.encoders.voices import CHORD, PITCH, REST
from audio_gen.symbolic.score import Chord, Key, Score, Track, notes_of
from audio_gen.symbolic.theory import NO_CHORD


def tune(seed: int, bars: int = 20) -> Score:
    random = np.random.default_rng(seed)
    notes, now = [], 0
    while now < 16 * bars - 8:
        length = int(random.integers(1, 7))
        if random.random() < 0.85:
            notes.append((120 * now, 120 * length, int(random.integers(55, 80)), 90))
        now += length
    chords = tuple(Chord(1920 * bar, int(random.integers(12)), "7", 0) for bar in range(bars))
    return Score((Track(notes_of(notes), "melody"),), keys=(Key(0, seed % 12, False),), chords=chords)


def chorale(seed: int, bars: int = 4) -> Score:
    random = np.random.default_rng(seed)
    tracks = []
    for lowest in (60, 54, 48, 40):
        notes, now = [], 0
        while now < 16 * bars:
            length = int(min(random.integers(1, 9), 16 * bars - now))
            notes.append((120 * now, 120 * length, int(random.integers(lowest, lowest + 12)), 90))
            now += length
        tracks.append(Track(notes_of(notes)))
    return Score(tuple(tracks), keys=(Key(0, 2, True),))


def melodies() -> list[MelodyPiece]:
    return [melody_of(encode(tune(seed), 0), seed % 3) for seed in range(3)]


def test_a_tune_is_foretold_from_what_was_before_alone() -> None:
    net = MelodyNet(2, 32).eval()
    tokens, told, _ = batch_of(melodies())
    scores = net(tokens, told)
    other = tokens.clone()
    other[:, 150] = torch.where(other[:, 150] == HOLD, FIRST + 5, HOLD)
    again = net(other, told)
    assert torch.equal(scores[:, :151], again[:, :151])
    assert not torch.allclose(scores[:, 151], again[:, 151])


def test_singing_step_by_step_gives_the_same_scores() -> None:
    net = MelodyNet(2, 32).eval()
    tokens, told, _ = batch_of(melodies())
    singer = Singer(net, told)
    with torch.no_grad():
        scores = net(tokens, told)
    for step in range(tokens.shape[1]):
        assert torch.allclose(singer.scores(), scores[:, step], atol=1e-5)
        singer.sing(tokens[:, step])
    assert torch.equal(singer.tokens, tokens)


def test_draws_keep_to_the_nucleus() -> None:
    scores = torch.tensor([[0.0, 3.0, 2.0, -1.0]]).expand(500, -1)
    generator = torch.Generator().manual_seed(0)
    assert set(draw(scores, 1.0, 0.6, generator).tolist()) == {1}
    assert set(draw(scores, 1.0, 0.9, generator).tolist()) == {1, 2}
    assert set(draw(scores, 3.0, 1.0, generator).tolist()) == {0, 1, 2, 3}
    assert draw(scores, 0.0, 1.0, None).unique().tolist() == [1]


def test_tokens_go_to_the_network_and_back() -> None:
    tokens = np.array([HOLD, 1, FIRST + LOWEST, FIRST + 60, FIRST + HIGHEST])
    assert narrowed(tokens).max() == TOKENS - 1
    assert np.array_equal(widened(narrowed(tokens), 0), tokens)
    assert np.array_equal(widened(narrowed(tokens + np.array([0, 0, 5, 5, -5])), 5)[2:], [*tokens[2:4], tokens[4] - 10])


def test_coming_chords() -> None:
    coming, until = foreseen(np.array([3, 3, 3, 7, 7]))
    assert coming.tolist() == [7, 7, 7, NO_CHORD, NO_CHORD]
    assert until.tolist()[:3] == [3, 2, 1]


def pieces() -> list[ComposerPiece]:
    scores = [chorale(0), tune(1, 6), chorale(2, 3)]
    return [piece_of(score, 0, *setting_of(score)) for score in scores]


def gap(piece: ComposerPiece, line: int, start: int, end: int) -> tuple[Mask, ...]:
    return tuple(
        (rows[:, 0] >= start) & (rows[:, 0] < end) & (number == line) for number, rows in enumerate(piece.voices.lines)
    )


@pytest.mark.parametrize("kind", ["everything", "bars", "voice"])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_row_is_foretold_from_rows_before_it_alone(kind: str, number: int) -> None:
    torch.manual_seed(0)
    net, piece = ComposerNet(2, 32, 2, 2).eval(), pieces()[number]
    end = piece.voices.units
    masks = {"everything": everything(piece), "bars": gap(piece, 0, 48, 96), "voice": gap(piece, 1, 0, end)}[kind]
    rows = piece.rows(masks)
    asked = np.flatnonzero(rows.asked)
    place = int(asked[len(asked) // 2])
    role, onset = int(rows.query["role"][place]), int(rows.query["onset"][place])
    line = piece.voices.roles.index(role)
    lines = [one.copy() for one in piece.voices.lines]
    row = np.flatnonzero(lines[line][:, 0] == onset)[0]
    lines[line][row, 2] = REST if lines[line][row, 2] != REST else (CHORD if role == 5 else PITCH + 30)
    other = replace(piece, voices=piece.voices._replace(lines=tuple(lines)))

    def nats(one: ComposerPiece) -> torch.Tensor:
        query, row, wanted = rows_batch([one.rows(masks)])
        return net.nats(query, row, whole([one]), wanted)[0]

    before, after = nats(piece), nats(other)
    assert torch.equal(before[:place], after[:place])
    assert before[place] != after[place]
    assert not before[: asked[0]].any()  # what is known costs nothing


def test_known_rows_come_first_and_know_nothing_of_the_unknown() -> None:
    piece = pieces()[0]
    rows = piece.rows(gap(piece, 1, 48, 96))
    assert not rows.asked[: (~rows.asked).sum()].any()
    alto = rows.query["sounding"][~rows.asked & (rows.query["onset"] >= 48) & (rows.query["onset"] < 90), 1]
    assert UNKNOWN in alto
    first = int(np.flatnonzero(rows.asked)[0])
    left = rows.query["left"][first]
    following = rows.query["following"][first]
    line = piece.voices.lines[1]
    after = line[line[:, 0] >= 96][0]
    assert rows.query["onset"][first] + left == after[0]
    assert following == after[2]
    assert piece.rows(everything(piece)).query["following"].tolist() == [NONE] * piece.size()
    assert set(piece.bars(0, 2).rows(everything(piece.bars(0, 2))).query["following"]) == {UNKNOWN}


def test_durations_never_leave_the_gap_and_chords_keep_to_their_line() -> None:
    net = ComposerNet(0, 32, 1, 2).eval()
    scores = net.duration_scores(torch.randn(1, 32), torch.tensor([5]), torch.tensor([7]))
    assert (scores[0, :7] > -100).all()
    assert (scores[0, 7:] < -1e8).all()
    chords, voice = net.symbol_scores(torch.randn(2, 32), torch.tensor([5, 0]))
    assert chords[PITCH:CHORD].max() < -1e8 < chords[CHORD:].min()
    assert voice[CHORD:].max() < -1e8 < voice[PITCH:CHORD].min()


def test_nats_of_a_piece_don_t_depend_on_what_lies_beside_it() -> None:
    torch.manual_seed(0)
    net = ComposerNet(2, 32, 2, 2).eval()
    given = pieces()
    query, row, asked = rows_batch([piece.rows(everything(piece)) for piece in given])
    together = net.nats(query, row, whole(given), asked)
    for number, piece in enumerate(given):
        query, row, asked = rows_batch([piece.rows(everything(piece))])
        alone = net.nats(query, row, whole([piece]), asked)[0]
        assert torch.allclose(together[number, : len(alone)], alone, atol=1e-4)
        assert not together[number, len(alone) :].any()


def test_transposed_pieces_are_the_same_piece() -> None:
    score = chorale(4)
    moved = []
    for track in score.tracks:
        notes = track.notes.copy()
        notes["pitch"] += 3
        moved.append(replace(track, notes=notes))
    higher = replace(score, tracks=tuple(moved), keys=(Key(0, 5, True),))
    one, other = (piece_of(each, 0, *setting_of(each)) for each in (score, higher))
    for line, line2 in zip(one.voices.lines, other.voices.lines, strict=True):
        assert np.array_equal(line, line2)
    assert one.shift - other.shift == 3
