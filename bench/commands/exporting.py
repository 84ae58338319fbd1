"""`bench model export`: a kept model as an ONNX file, its card, and a page that runs it."""

import json
import re
from collections.abc import Set
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from bench.commands import keeping, predict, printing
from bench.errors import BenchError, UsageError
from bench.exporting import Facts, bioimage, graph
from bench.images import Pixels
from bench.keeping import Kept, restored
from bench.predicting import judging
from report.data import Results
from report.papers import classifier, model_card
from report.papers import told as told_

if TYPE_CHECKING:
    from bench.commands.advice import Chosen
    from bench.datasets import Library

NOISE = 16
"""Images of noise that a file is held against PyTorch on, where the holdout is not at hand."""


def export(
    results: Results, chosen: "Chosen", kept: Kept, library: "Library", output: Path, *, error: str, beside: Set[str]
) -> None:
    """Write the files, and say what they are; `beside` the ONNX file there may be `html` and `bioimage`.

    Raises:
        UsageError: onnxruntime for browsers is not at hand, or the model cannot be exported.
        BenchError: a file cannot be written, or says something else than the kept model.
    """
    if output.suffix.lower() != ".onnx":
        raise UsageError(f"-o {output} must end in .onnx; its card and page lie beside it")
    runtime = classifier.runtime() if "html" in beside else None
    if "html" in beside and runtime is None:
        raise UsageError(f"--html needs onnxruntime for browsers; run: {classifier.INSTALL}")
    again = keeping.command(results.path, chosen)
    model = restored.restore(kept, torch.device("cpu"), again)
    rule = judging.learn(results.store, chosen.cell_id, chosen.classes, predict.rate(error))
    size, scale = kept.recipe.image_size, kept.header.scale
    identity = (chosen.cell_id, kept.fingerprint)
    facts = Facts(chosen.dataset, chosen.model, chosen.classes, size, scale, rule, len(kept.trials), identity)
    pixels, on = _held(results, chosen, kept, library)
    largest = graph.write(model, facts, pixels, output)
    trust = predict.said(rule)
    of = told_.told(results, chosen.dataset, chosen.model)
    card, values = output.with_suffix(".md"), output.with_suffix(".json")
    on_the_card = model_card.markdown(of, facts.as_dict(), trust, output.name)
    _write(card, on_the_card)
    written = json.dumps(model_card.as_dict(of, facts.as_dict()), indent=1, allow_nan=False, ensure_ascii=False)
    _write(values, written + "\n")
    printing.say(
        f"{output} ({printing.size(output.stat().st_size)}): the vote of {len(kept.trials)} trials; on {on} its "
        f"probabilities are those of the kept model within {largest:.0e}."
    )
    printing.say(f"{card} and {values.name} say what it is, for whom, and how well it does.")
    if runtime is not None:
        page = output.with_suffix(".html")
        _write(page, classifier.page(output.read_bytes(), facts.as_dict(), trust, runtime))
        printing.say(f"{page} ({printing.size(page.stat().st_size)}) runs it in a browser, without a network.")
    if "bioimage" in beside:
        package = output.with_suffix(".bioimage.zip")
        _write(package, bioimage.package(output, facts, on_the_card, _said(of)))
        printing.say(
            f"{package} ({printing.size(package.stat().st_size)}) is a package as the BioImage Model Zoo takes it; its "
            "authors and its licence are yours to say, in its rdf.yaml."
        )


def _held(results: Results, chosen: "Chosen", kept: Kept, library: "Library") -> tuple[Pixels, str]:
    """Images on which the file is held against the model: those of the holdout, if they are at hand."""
    from bench.datasets import pixels
    from bench.reproducing import cells

    try:
        source = str(kept.header.identity["weights"])
        cell = cells.planned(results.store, library, chosen.cell_id, source if source.startswith("file:") else None)
        found = pixels.load(cell.dataset, cell.recipe, library.cache)
        held = cell.trials[0].split.holdout
        return np.array(found[held]), f"the {len(held)} images of the holdout"
    except BenchError:
        size = kept.recipe.image_size
        noise = np.random.default_rng(0).integers(0, 256, (NOISE, size, size, 3), dtype=np.uint8)
        return noise, f"{NOISE} images of noise, since the holdout is not at hand,"


def _said(of: told_.Told) -> dict[str, str]:
    """What a package says of the dataset, and the first address that its card names, if any."""
    said = {key: str(of.card.get(key) or "") for key in ("title", "task", "citation")}
    found = re.search(r"https?://[^\s<>()\"']+", f"{of.card.get('source') or ''} {said['citation']}")
    return said | ({"address": found[0].rstrip(".,;")} if found else {})


def _write(path: Path, content: str | bytes) -> None:
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise BenchError(f"{path} cannot be written ({error.strerror or error}); choose another -o FILE") from None
