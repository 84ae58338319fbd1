// The grid of datasets and models: a head sorts, a phone shows one dataset at a time.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { make } = window.Bench;
  const table = document.querySelector("table.cells");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.querySelectorAll("th[data-sort]")];
  const sort = (head) => {
    const name = head.dataset.sort;
    const before = head.getAttribute("aria-sort");
    const down = name ? before !== "descending" : before === "ascending";
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => Number([...row.cells].find((cell) => cell.dataset.model === name)?.dataset.v ?? -1);
    const order = name ? (a, b) => value(b) - value(a)
      : (a, b) => b.cells[0].textContent.localeCompare(a.cells[0].textContent);
    rows.sort((a, b) => (down ? 1 : -1) * order(a, b));
    body.append(...rows);
    narrow();
  };
  // Of many datasets the first are shown, in whatever order, and those whose name holds what somebody typed.
  const MOST = 20;
  let every = rows.length <= MOST;
  let typed = "";
  const state = make("span", "", "");
  state.setAttribute("role", "status");
  const narrow = () => {
    const fitting = rows.filter((row) => row.cells[0].textContent.toLowerCase().includes(typed));
    const shown = new Set(every ? fitting : fitting.slice(0, MOST));
    for (const row of rows) row.classList.toggle("beyond", !shown.has(row));
    state.textContent = `${shown.size} of ${rows.length} datasets`;
  };
  if (!every) {
    const bar = make("div", "choose filter");
    const field = make("input");
    field.type = "search";
    field.placeholder = "a dataset's name";
    field.setAttribute("aria-label", "show datasets whose name holds");
    field.addEventListener("input", () => { typed = field.value.trim().toLowerCase(); narrow(); });
    const all = make("button", "", "show all");
    all.type = "button";
    all.setAttribute("aria-pressed", "false");
    all.addEventListener("click", () => {
      every = !every;
      all.setAttribute("aria-pressed", String(every));
      narrow();
    });
    bar.append(field, all, state);
    table.closest(".grid-box").prepend(bar);
    narrow();
  }
  for (const head of heads) {
    const button = make("button", "sort");
    button.type = "button";
    button.append(...head.childNodes);
    button.title = "sort";
    head.append(button);
    button.addEventListener("click", () => sort(head));
  }
  const label = make("label", "menu one-dataset", "dataset ");
  const select = make("select");
  rows.forEach((row, place) => {
    const option = make("option", "", row.cells[0].querySelector("a").textContent);
    option.value = String(place);
    select.append(option);
  });
  label.append(select);
  const all = [...rows];
  const choose = () => all.forEach((row, place) => row.classList.toggle("chosen", place === Number(select.value)));
  select.addEventListener("change", choose);
  choose();
  table.closest(".grid-box").prepend(label);
  table.classList.add("ready");
});
