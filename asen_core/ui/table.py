"""The list of hits as a CSV file that a spreadsheet opens without surprises."""

from __future__ import annotations

import base64
import csv
import io

from asen_core.sheets import cell
from asen_core.ui.studio import Answer


def table(answer: Answer) -> str:
    """The list as CSV text: rank, id, similarity, percentile, value, then every label that any of the garments has.

    A reranked list also has rank_before and overall, the rank and the likeness over all attributes. One of mixed attributes has
    the similarity in each of them, such as similarity_neckline, in place of the value.
    """
    attribute, reranked = answer.matches.condition, answer.matches.reranked is not None
    labels = sorted({name for hit in answer.matches for name in hit.item.labels})
    mixed = list(next(iter(answer.singles.values()), {}))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    more = ["rank_before", "overall"] if reranked else [f"similarity_{a}" for a in mixed]
    value = [] if mixed else ["value"]
    writer.writerow(["rank", "id", "similarity", "percentile", *more, *value, *map(cell, labels)])
    for rank, hit in enumerate(answer.matches, 1):
        known = hit.item.labels
        texts = [*([] if mixed else [known.get(attribute, "")]), *(known.get(name, "") for name in labels)]
        figures = [f"{hit.similarity:.4f}", f"{hit.percentile:.2f}"]
        figures += [str(hit.before), f"{hit.overall:.4f}"] if reranked else []
        figures += [f"{answer.singles[hit.item.id][a]:.4f}" for a in mixed]
        writer.writerow([rank, cell(hit.item.id), *figures, *map(cell, texts)])
    return out.getvalue()


def address_of(answer: Answer) -> str:
    """The table as a `data:` address, so that nothing is stored for it. The mark in front makes spreadsheets read UTF-8."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(table(answer).encode("utf-8-sig")).decode()
