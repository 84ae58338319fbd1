"""What may be written for --device; told without torch, so that a plan can be made where there is none."""

from bench.errors import UsageError


def gpus(wanted: str) -> list[int] | None:
    """The numbers of the GPUs that are named, such as `cuda:0` or `cuda:0,1`, each once; None for `auto` and `cpu`.

    Raises:
        UsageError: that is no name of a device.
    """
    if wanted in ("auto", "cpu"):
        return None
    kind, _, numbers = wanted.partition(":")
    chosen = numbers.split(",") if numbers else ["0"]
    if kind != "cuda" or not all(number.isdecimal() for number in chosen):
        raise UsageError(f"--device {wanted}: expected auto, cpu, cuda:0, or several as cuda:0,1")
    return list(dict.fromkeys(map(int, chosen)))
