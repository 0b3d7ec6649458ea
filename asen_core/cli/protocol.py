"""The verb `evaluate` on a published benchmark. Imported only when it runs: it loads all of evaluation."""

from __future__ import annotations

from pathlib import Path

from asen_core.cli.console import emit, say, tell
from asen_core.data.official import read_candidates, read_queries, remarks, require_photos, require_whole
from asen_core.engine import Engine
from asen_core.evaluation import evaluate_official


def measure(
    source: tuple[str, str, Path], opened: tuple[Path | None, Path | None, str], work: Path | None, values: bool, as_json: bool
) -> None:
    """Rank by the published protocol and print. source: dataset, split and folder; opened: checkpoint, gallery and device."""
    dataset, split, data = source
    # Lists and photos first: they are read in seconds, whatever the checkpoint.
    queries, candidates = (read(data, dataset, split) for read in (read_queries, read_candidates))
    require_whole(queries, candidates)
    require_photos(queries, candidates)
    for remark in remarks(queries, candidates):
        tell(remark)
    engine = Engine.open(*opened)
    report = evaluate_official(engine, queries, candidates, work, batch_size=16, progress=True)
    if as_json:
        emit({"checkpoint": engine.fingerprint, **report.to_dict()})
    else:
        say(report.table(values))
        if not report.published:
            tell(f"No published figure stands beside these: {report.withheld}.")
