"""A package for the BioImage Model Zoo (bioimage.io, model description 0.5): graph, card, and a test with its answer.

Fiji, ilastik, QuPath and others open such packages. One answer is in it, the probabilities: the other outputs of the
graph are names for what follows from them, and a description must have a test value for each that is not zero.
"""

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import yaml
from numpy.typing import NDArray

from bench.exporting.facts import Facts
from bench.exporting.graph import OPSET

FORMAT = "0.5.4"
"""Of the description; later versions of 0.5 read it."""
TESTED = 2
"""Images of noise with which a reader tests the package: those of a dataset may not be shipped."""
MADE = (1980, 1, 1, 0, 0, 0)
"""The date of all files in the package, so that one model makes one package."""


def package(exported: Path, facts: Facts, card: str, said: dict[str, str]) -> bytes:
    """The package, a ZIP file.

    Args:
        exported: the ONNX file of the model.
        facts: what it says of itself.
        card: the model card, Markdown.
        said: `title` and `task` of the dataset, and its `citation` with the `address` where that is found, if any.
    """
    weights = _probabilities_alone(exported)
    size = facts.image_size
    images = np.random.default_rng(0).integers(0, 256, (TESTED, size, size, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    (answer,) = session.run(["probabilities"], {"images": images})
    files = {
        "README.md": card.encode(),
        "test-input.npy": _npy(images),
        "test-output.npy": _npy(answer),
        "weights.onnx": weights,
    }
    files["rdf.yaml"] = yaml.safe_dump(_description(facts, said, files), allow_unicode=True, sort_keys=False).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, MADE), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def _probabilities_alone(exported: Path) -> bytes:
    made = onnx.load(exported)
    kept = [output for output in made.graph.output if output.name == "probabilities"]
    del made.graph.output[:]
    made.graph.output.extend(kept)
    return bytes(made.SerializeToString())


def _npy(values: NDArray[Any]) -> bytes:
    written = io.BytesIO()
    np.save(written, values)
    return written.getvalue()


def _description(facts: Facts, said: dict[str, str], files: dict[str, bytes]) -> dict[str, Any]:
    def file(name: str) -> dict[str, str]:
        return {"source": name, "sha256": hashlib.sha256(files[name]).hexdigest()}

    side = {"type": "space", "size": facts.image_size}
    colours, classes = ["red", "green", "blue"], list(facts.classes)
    return {
        "format_version": FORMAT,
        "type": "model",
        "name": _name(f"{facts.dataset} {facts.model}"),
        "description": f"{said['title']} {said['task']}".strip()[:1024],
        "documentation": file("README.md"),
        "cite": [{"text": said["citation"], "url": said["address"]}] if said.get("address") else [],
        "tags": ["classification", "2d", facts.dataset, facts.model.split()[0]],
        "inputs": [
            {
                "id": "images",
                "description": "RGB, decoded and resized as the README says; normalisation is in the model",
                "axes": [
                    {"type": "batch"},
                    {"id": "y", **side},
                    {"id": "x", **side},
                    {"type": "channel", "channel_names": colours},
                ],
                "data": {"type": "uint8", "range": [0, 255]},
                "test_tensor": file("test-input.npy"),
            }
        ],
        "outputs": [
            {
                "id": "probabilities",
                "description": f"of each class, the vote of {facts.trials} trials, at the learned temperature",
                "axes": [{"type": "batch"}, {"type": "channel", "channel_names": classes}],
                "data": {"type": "float32", "range": [0, 1]},
                "test_tensor": file("test-output.npy"),
            }
        ],
        "weights": {"onnx": {**file("weights.onnx"), "opset_version": OPSET}},
        "config": {"bench": facts.as_dict()},
    }


def _name(words: str) -> str:
    """Letters, digits, spaces and a few signs alone, as names are there."""
    return "".join(sign if sign.isalnum() or sign in " _-+()" else " " for sign in words)[:128].strip()
