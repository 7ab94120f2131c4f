from __future__ import annotations

import numpy as np
import pytest
import xxhash

from rig.messages import payload_digest
from rig.recording.checksums import payload_digests, row_checksums
from rig.recording.reader import Recording
from rig.recording.verification import verify
from rig.recording.writer import SessionWriter


def test_one_number_vouches_for_row_and_payload(specs, rows_of, payload_of):
    spec = specs["cameras/left"]
    rows, pixels = rows_of(spec, np.arange(3)), payload_of(spec, np.arange(3))
    sums = row_checksums(rows, payload_digests(pixels))
    for k in range(3):
        # as the format says it, from the bytes alone
        seed = xxhash.xxh3_64_intdigest(pixels[k].tobytes())
        assert sums[k] == xxhash.xxh3_64_intdigest(rows[k].tobytes(), seed)
    assert len(set(sums.tolist())) == 3


def test_what_the_node_said_of_its_payload_is_taken(specs, rows_of, payload_of):
    pixels = payload_of(specs["cameras/left"], np.arange(3))
    known = [7, None, 9]
    assert payload_digests(pixels, known) == [7, payload_digest(pixels[1]), 9]


def test_only_the_samples_that_count_are_digested(specs, payload_of):
    blocks = payload_of(specs["signals/daq/emg"], np.arange(3))
    cut = payload_digests(blocks, counts=[0, 4, 10])
    blocks[0], blocks[1, 4:] = 99, 99
    assert payload_digests(blocks, counts=[0, 4, 10]) == cut
    blocks[1, 3] += 1
    assert payload_digests(blocks, counts=[0, 4, 10]) != cut


@pytest.mark.parametrize("seals", ["right", "wrong", "none"])
def test_the_checksums_in_the_file_are_those_of_what_was_there(
    tmp_path, info, specs, rows_of, payload_of, seals
):
    """A pixel that changed between the camera's node and the disk is found."""
    with SessionWriter.create(tmp_path / "s", info, specs.values(), 0.3) as writer:
        for name, spec in specs.items():
            rows, payload = (
                rows_of(spec, np.arange(150)),
                payload_of(spec, np.arange(150)),
            )
            known = None
            if name == "cameras/left" and seals != "none":
                known = payload_digests(payload)
                if seals == "wrong":
                    payload[70, 0, 0] ^= 1
            writer.append_block(name, rows, payload, digests=known)
        with Recording.open(writer.folder) as recording:
            for name in specs:
                [*parts] = verify(recording, name)
                assert sum(n for n, _ in parts) == 150
                wrong = np.concatenate([bad for _, bad in parts]).tolist()
                spoilt = seals == "wrong" and name == "cameras/left"
                assert wrong == ([70] if spoilt else [])
