"""A case, its queue and its hits, for people and for programs: what `screen` and `cases` print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from asen_core.review.background import Standing
    from asen_core.review.cases import Case
    from asen_core.review.triage import Hit, Queued

SHOWN = 20


def case_json(case: Case, percentile: float | None = None, undecided: bool = False) -> dict[str, Any]:
    """A case and its whole queue as plain JSON values."""
    queue = case.queue(percentile, undecided_only=undecided)
    bad = [{"name": s.name, "reason": s.unreadable} for s in case.suspects(unreadable=True)]
    least = case.settings.percentile if percentile is None else percentile
    return {**summary(case), "percentile": least, "files_left_out": bad, "queue": [_queued_json(case, q) for q in queue]}


def hit_json(case: Case, hit: Hit) -> dict[str, Any]:
    """A hit as plain JSON values."""
    decided = vars(hit.decision) if hit.decision else None
    figures = {"similarity": hit.similarity, "percentile": _percent(hit.standing), "pairs": hit.standing and hit.standing.pairs}
    kind = {"percentile_of_its_kind": _percent(hit.within), "kind": hit.within.category if hit.within else None}
    rare = {"percentile_in_catalogue": hit.in_catalogue(case.catalogue.items)}
    item = {"item": hit.item, "picture": str(case.picture(hit))}
    return {"hit": hit.id, "attribute": hit.attribute, "rank": hit.rank, **item, **figures, **kind, **rare, "decision": decided}


def queue_table(case: Case, percentile: float | None = None, undecided: bool = False, count: int = SHOWN) -> Table | str:
    """The head of the queue for people."""
    queue = case.queue(percentile, undecided_only=undecided)
    least = case.settings.percentile if percentile is None else percentile
    if not queue:
        return f"No hit of {case.name} is closer than {least:g} % of pairs; lower --percentile to see more."
    title = f"{len(queue):,} suspects of {case.name} with a hit closer than {least:g} % of pairs, most unusual first"
    table = Table("suspect", "file", "alike in", title=title, title_justify="left")
    table.add_column("closer than", justify="right")
    for name in ("to", "hit", "open"):
        table.add_column(name, overflow="fold", justify="left" if name == "to" else "right")
    table.add_column("decision")
    for q in queue[:count]:
        top, open_ = q.top, f"{q.undecided} of {q.hits}"
        cells = (top.attribute, _shown(top.standing), top.item, str(top.id), open_, _said(top))
        table.add_row(str(q.suspect.id), q.suspect.name, *cells)
    if len(queue) > count:
        table.caption = f"The first {count} of {len(queue):,}; more with: python -m asen_core cases show NAME -k {len(queue)}"
    return table


def hits_table(name: str, hits: list[Hit]) -> Table:
    """The hits of one suspect for people."""
    table = Table("hit", "alike in", "to", title=f"Hits of {name}, most unusual first", title_justify="left")
    for column in ("similarity", "closer than", "of its kind"):
        table.add_column(column, justify="right")
    table.add_column("decision")
    for h in hits:
        figures = (f"{h.similarity:.3f}", _shown(h.standing), _shown(h.within))
        table.add_row(str(h.id), h.attribute, h.item, *figures, _said(h))
    return table


def summary(case: Case) -> dict[str, Any]:
    """A case without its queue, as plain JSON values."""
    catalogue = case.catalogue
    made = {"gallery": str(catalogue.directory), "catalogue": catalogue.fingerprint, "items": catalogue.items}
    return {"case": case.name, "created": case.created, **made, **vars(case.counts())}


def _queued_json(case: Case, queued: Queued) -> dict[str, Any]:
    s = queued.suspect
    file = {"path": str(s.path), "member": s.member or None, "sha256": s.sha256, "bytes": s.size}
    numbers = {"hits": queued.hits, "undecided": queued.undecided}
    return {"suspect": s.id, "name": s.name, **file, **numbers, "top": hit_json(case, queued.top)}


def _percent(standing: Standing | None) -> float | None:
    return standing.percent if standing else None


def _shown(standing: Standing | None) -> str:
    return f"{standing.percent:.2f} % of pairs" if standing else "–"


def _said(hit: Hit) -> str:
    if hit.decision is None:
        return "–"
    return f"{hit.decision.decision} ({hit.decision.reviewer}{', elsewhere' if hit.decision.inherited else ''})"
