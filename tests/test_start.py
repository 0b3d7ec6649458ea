"""Going on from a trained checkpoint: what may differ, what is kept of it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny import CONFIG, VOCABULARY, tiny_batch, tiny_model

from asen_core import checkpoint
from asen_core.errors import CheckpointError, DataError
from asen_core.models import AsenPP
from asen_core.training.start import keep, start_from

FINE = replace(CONFIG, attention_stride=8)


def _saved(directory: Path, model: AsenPP) -> Path:
    checkpoint.save(directory, model, {}, {}, torch.float32)
    return directory


def test_a_started_model_computes_what_the_checkpoint_does_with_a_grown_kernel_too(tmp_path: Path) -> None:
    begun = tiny_model(1, FINE)
    saved = _saved(tmp_path / "begun", begun)
    for kernel in (1, 3):
        model = tiny_model(2, replace(FINE, attention_kernel=kernel))
        assert start_from(model, saved) == checkpoint.load(saved).fingerprint
        with torch.inference_mode():
            given, wanted = model(*tiny_batch(2)), begun(*tiny_batch(2))
        torch.testing.assert_close(given.embedding, wanted.embedding, atol=1e-3, rtol=1e-2)
        torch.testing.assert_close(given.attention, wanted.attention, atol=1e-4, rtol=1e-2)


@pytest.mark.parametrize("change", [{"global_dim": 8}, {"attention_stride": 16}])
def test_a_checkpoint_of_another_make_is_refused(tmp_path: Path, change: dict) -> None:
    saved = _saved(tmp_path / "begun", tiny_model(1, replace(FINE, **change)))
    with pytest.raises(DataError, match="another make"):
        start_from(tiny_model(2, FINE), saved)


def test_other_values_are_refused_although_their_shapes_agree(tmp_path: Path) -> None:
    saved = _saved(tmp_path / "begun", tiny_model(1))
    other = AsenPP(CONFIG, {**VOCABULARY, "sleeve": ("cap", "long")})
    with pytest.raises(DataError, match="another make"):
        start_from(other, saved)
    with pytest.raises(CheckpointError):
        start_from(tiny_model(), tmp_path / "nothing")


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_of_the_old_weights_stays(share: float) -> None:
    model, old = tiny_model(1), tiny_model(2)
    own = {n: p.detach().clone() for n, p in model.named_parameters()}
    begun = dict(old.named_parameters())
    keep(model, begun, share)
    for name, p in model.named_parameters():
        torch.testing.assert_close(p, (1 - share) * own[name] + share * begun[name])
