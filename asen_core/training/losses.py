"""What training minimises; every loss takes unit-norm embeddings and returns a scalar, 0 where nothing applies."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy


def batch_all_triplets(embedding: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Cosine triplet loss over all triplets of a batch that violate the margin (TIP 2021, eq. 10; mining as in batch-all).

    embedding (N, D), labels (N,) int64 with -1 = unknown.
    """
    known = labels >= 0
    embedding, labels = embedding[known], labels[known]
    cosine = embedding @ embedding.T
    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    anchors, positives = positive.nonzero(as_tuple=True)
    loss = (margin - cosine[anchors, positives][:, None] + cosine[anchors]).relu()  # (pairs, N)
    loss = loss * ~same[anchors]
    return loss.sum() / (loss > 0).sum().clamp(min=1)


def reading_loss(embedding: Tensor, prototypes: Tensor, labels: Tensor, scale: float) -> Tensor:
    """Cross-entropy of the value read-out: embedding (N, D), prototypes (V, D), labels (N,), -1 = unknown."""
    known = labels >= 0
    if not known.any():
        return embedding.sum() * 0
    return cross_entropy(scale * embedding[known] @ prototypes.T, labels[known], label_smoothing=0.05)


def allowed_loss(embedding: Tensor, prototypes: Tensor, allowed: Tensor, answers: Tensor, scale: float) -> Tensor:
    """Minus log of the probability that the read-out gives to the values that an answer allows, mean over known answers.

    embedding (N, D), prototypes (V, D), allowed (answers, V) bool, answers (N,) int64 with -1 = unknown.
    """
    known = answers >= 0
    if not known.any():
        return embedding.sum() * 0
    log = (scale * embedding[known] @ prototypes.T).log_softmax(-1)
    return -log.masked_fill(~allowed[answers[known]], float("-inf")).logsumexp(-1).mean()


def attention_loss(attention: Tensor, target: Tensor) -> Tensor:
    """KL(target || attention), mean over the maps whose region is known: attention must cover the region, not touch it.

    attention, target (B, A, h, w); a target of zeros means that the region is not known.
    """
    known = target.sum((2, 3)) > 0
    if not known.any():
        return attention.sum() * 0
    a, t = attention[known].clamp(min=1e-8), target[known]
    return (t * (t.clamp(min=1e-8).log() - a.log())).sum((1, 2)).mean()


def foreground_loss(attention: Tensor, inside: Tensor, wanted: Tensor) -> Tensor:
    """Minus log of the attention on the garment: attention (B, A, h, w), inside (B, h, w), wanted (B, A) bool."""
    on = (attention * inside[:, None]).sum((2, 3)).clamp(1e-6, 1)
    return -(on.log() * wanted).sum() / wanted.sum().clamp(min=1)


def alignment_loss(global_part: Tensor, local_part: Tensor) -> Tensor:
    """1 - cosine of the two branches, mean over pairs (P, D) (TIP 2021, section III-D)."""
    return (1 - (global_part * local_part).sum(-1)).mean() if len(local_part) else local_part.sum()
