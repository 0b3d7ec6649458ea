"""What the service takes and gives as plain JSON. The notes beside the fields end up in its schema."""

from typing import Annotated, TypedDict


class Numbers(TypedDict, total=False):
    """A range of numbers; an end that is left out is open."""

    least: Annotated[float, "the smallest number to keep"]
    most: Annotated[float, "the largest number to keep"]


Where = dict[str, str | list[str] | Numbers]


class Region(TypedDict):
    """An upright rectangle, x to the right and y down."""

    x0: Annotated[float, "left edge"]
    y0: Annotated[float, "upper edge"]
    x1: Annotated[float, "right edge, outside of the region"]
    y1: Annotated[float, "lower edge, outside of the region"]


class Value(TypedDict):
    """A value of an attribute that is read on a photo."""

    value: Annotated[str, "as the vocabulary names it"]
    probability: Annotated[float, "0 to 1"]


class Attention(TypedDict):
    """Where the model looks: a grid of cells."""

    rows: Annotated[list[list[float]], "from the top, each from the left; all cells sum to 1"]
    region: Annotated[Region, "what the grid covers, in pixels of the upright photo; it may reach beyond the photo"]


class Seen(TypedDict):
    """A photo under one attribute."""

    attribute: str
    readings: Annotated[list[Value], "most probable first; empty where the model names no values"]
    region: Annotated[Region, "what the model zooms into, in pixels of the upright photo"]
    peak: Annotated[list[float], "x and y where it looks most, in pixels of the upright photo"]
    attention: Annotated[Attention | None, "null unless it was asked for"]


class Looked(TypedDict):
    """A photo under several attributes."""

    width: Annotated[int, "of the upright photo, in pixels"]
    height: Annotated[int, "of the upright photo, in pixels"]
    seen: Annotated[list[Seen], "one per attribute"]


class Hit(TypedDict):
    """A garment of the gallery that was found."""

    rank: Annotated[int, "from 1, the most alike first"]
    id: Annotated[str, "of the garment; with gallery: before it, it can be asked with like a photo"]
    similarity: Annotated[float, "cosine, 1 at most; of several attributes their weighted sum, by which the hits are ordered"]
    percentile: Annotated[float, "how unusual that is: the share in percent of the gallery's own pairs that are less alike"]
    alike: Annotated[dict[str, float], "attribute that was asked with -> cosine in it alone"]
    labels: Annotated[dict[str, str], "what is known of the garment"]
    picture: Annotated[str, "web address of its picture"]
    region: Annotated[
        Region | None, "the part of the picture that was compared, in fractions of it; null for several attributes"
    ]
    before: Annotated[int | None, "its rank by overall likeness, where only so many, the most alike overall, were put in order"]


class Found(TypedDict):
    """The hits of a search, the most alike first."""

    hits: list[Hit]
    searched: Annotated[int, "how many garments passed the filter"]
    asked: Annotated[list[Seen], "the photo under the attributes that it was asked with"]


class Attribute(TypedDict):
    """What garments can be compared in."""

    name: Annotated[str, "as the other calls take it"]
    title: Annotated[str, "in plain words"]
    values: Annotated[list[str], "what can be read"]
    searchable: Annotated[bool, "whether the gallery can be searched in it"]


class Attributes(TypedDict):
    """The attributes of the model."""

    attributes: list[Attribute]


class Label(TypedDict):
    """A label of the gallery's garments, by which they can be filtered."""

    numeric: Annotated[bool, "whether it holds numbers, which a range can filter"]
    counts: Annotated[dict[str, int], "value -> garments that pass the other labels' filters; the 100 most frequent values"]


class Contents(TypedDict):
    """What the gallery holds."""

    garments: Annotated[int, "in the whole gallery"]
    passing: Annotated[int, "those that pass the filter"]
    labels: dict[str, Label]


class Likeness(TypedDict):
    """How alike two photos are in one attribute."""

    attribute: str
    similarity: Annotated[float, "cosine, 1 at most"]
    percentile: Annotated[float | None, "share in percent of pairs of different garments that are less alike"]
    first: Annotated[str | None, "what is read on the first photo"]
    second: Annotated[str | None, "what is read on the second photo"]
    applies: Annotated[bool, "whether garments of these kinds have the attribute; the necklines of two skirts say nothing"]


class Compared(TypedDict):
    """Two photos side by side."""

    similarity: Annotated[float, "mean of all attributes"]
    percentile: Annotated[float | None, "share in percent of pairs of different garments that are less alike"]
    attributes: list[Likeness]
    against: Annotated[str, "what pairs the percentiles come from"]
