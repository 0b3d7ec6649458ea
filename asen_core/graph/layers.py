"""The layers that the networks are made of, as nodes of an OpenVINO graph."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from asen_core.graph.weights import Weights

_ASKS_HOME = "openvino.tools.ovc"
"""OpenVINO's converter, which isn't needed here, reports to its makers that it was imported."""

Node = Any
"""A node of an OpenVINO graph, or an output of one."""


def runtime() -> Any:
    """OpenVINO, without its converter. Raises: ImportError where it isn't installed."""
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    sys.modules.setdefault(_ASKS_HOME, None)  # type: ignore[arg-type]
    try:
        import openvino

        return openvino
    finally:
        if sys.modules.get(_ASKS_HOME) is None:
            sys.modules.pop(_ASKS_HOME, None)


def ops() -> Any:
    """OpenVINO's operations."""
    runtime()
    from openvino import opset13

    return opset13


def constant(values: np.ndarray | float) -> Node:
    """float32."""
    return ops().constant(np.asarray(values, np.float32))


def whole(values: list[int]) -> Node:
    """int64."""
    return ops().constant(np.asarray(values, np.int64))


def conv(
    x: Node, kernel: np.ndarray, bias: np.ndarray, stride: int = 1, pads: tuple[int, int] = (0, 0), dilation: int = 1
) -> Node:  # fmt: skip
    """kernel (O, I, k, k), or (C, 1, k, k) for one filter per channel; pads: before and after, on both axes."""
    o = ops()
    begin, end = ([pad] * 2 for pad in pads)
    strides, dilations = [stride] * 2, [dilation] * 2
    if kernel.shape[1] == 1 and kernel.shape[0] > 1:
        y = o.group_convolution(x, constant(kernel[:, None]), strides, begin, end, dilations)
    else:
        y = o.convolution(x, constant(kernel), strides, begin, end, dilations)
    return o.add(y, constant(bias.reshape(1, -1, 1, 1)))


def linear(x: Node, kernel: np.ndarray, bias: np.ndarray | None = None) -> Node:
    """x (..., I) and kernel (O, I) -> (..., O)."""
    y = ops().matmul(x, constant(kernel), False, True)
    return y if bias is None else ops().add(y, constant(bias))


def folded(w: Weights, kernel: str, norm: str, shape: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A convolution without bias and the batch norm after it as one kernel and bias, to be used in inference only."""
    weight = w.take(f"{kernel}.weight", *shape)
    scale, shift, mean, variance = (
        w.take(f"{norm}.{part}", shape[0]).astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = scale / np.sqrt(variance + 1e-5)
    return (weight * scale[:, None, None, None]).astype(np.float32), (shift - mean * scale).astype(np.float32)
