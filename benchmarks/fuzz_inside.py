"""One target under atheris, in a process of its own: started by fuzz.py with a target's name, its corpus and libFuzzer's flags.

The target's seeds are put into the corpus first.
"""

from __future__ import annotations

import faulthandler
import resource
import shlex
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
LOOKED_INTO = ("asen_core", "PIL", "pillow_heif", "zipfile", "csv", "json", "tomllib", "safetensors")


def main() -> None:
    faulthandler.enable()
    name, *flags = sys.argv[1:]
    corpus = Path(next(flag for flag in flags if not flag.startswith("-")))
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        folder = Path(scratch)
        with atheris.instrument_imports(include=list(LOOKED_INTO)):
            from benchmarks.fuzz_doors import small_photos
            from benchmarks.fuzz_targets import TARGETS, play

            target = TARGETS[name]
            for number, seed in enumerate(target.seeds(folder)):
                (corpus / f"seed-{number:02d}").write_bytes(seed)
                play(target, seed, folder)  # what is imported on demand has to be imported here to be looked into

        def one(data: bytes) -> None:
            play(target, data, folder)
            held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            if held > target.megabytes:
                raise MemoryError(f"{held:.0f} MB are held, at most {target.megabytes} may be")

        # By its first argument libFuzzer starts itself again where it reduces a corpus.
        atheris.Setup([shlex.join([sys.executable, __file__, name]), *flags], one)
        with small_photos():
            atheris.Fuzz()


if __name__ == "__main__":
    main()
