"""What a recipe's keys mean is said where users look."""

from dataclasses import fields

from paths import ROOT

from bench.study.recipe import ABOUT, Recipe


def written(value: object) -> str:
    """A value as TOML has it."""
    return f'"{value}"' if isinstance(value, str) else "[]" if value == () else str(value)


def test_the_readme_has_every_key_of_a_recipe_as_the_code_has_it() -> None:
    assert list(ABOUT) == [field.name for field in fields(Recipe)]
    rows = [f"| `{field.name}` | `{written(field.default)}` | {ABOUT[field.name]} |" for field in fields(Recipe)]
    table = "\n".join(["| key | default | what it is |", "|---|---|---|", *rows])
    assert f"\n\n{table}\n\n" in (ROOT / "README.md").read_text(encoding="utf-8"), f"the README needs:\n{table}"
