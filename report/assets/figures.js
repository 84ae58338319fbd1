// What every figure can do: tell what one points at, hand out its numbers and its picture. Words are data: text, never markup.
"use strict";

window.Bench = (() => {
  const make = (tag, className, words) => {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (words !== undefined) element.textContent = words;
    return element;
  };

  // Tooltips, for pointers and for the keyboard.
  const tip = make("div", "tip");
  tip.hidden = true;
  tip.setAttribute("role", "status");
  const show = (mark) => {
    const [head, ...rest] = mark.getAttribute("data-tip").split(" · ");
    tip.replaceChildren(make("b", "", head), ...rest.map((line) => make("span", "", line)));
    tip.hidden = false;
    const at = mark.getBoundingClientRect();
    const { width, height } = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - width / 2), innerWidth - width - 8);
    tip.style.left = `${left}px`;
    tip.style.top = `${at.top - height - 8 < 0 ? at.bottom + 8 : at.top - height - 8}px`;
  };
  const hide = () => { tip.hidden = true; };
  document.addEventListener("pointerover", (event) => {
    const mark = event.target.closest?.("[data-tip]");
    if (mark) show(mark); else hide();
  });
  document.addEventListener("scroll", hide, { passive: true });

  const marksOf = (plot) => [...plot.querySelectorAll("[data-tip]")].sort(
    (a, b) => a.getBoundingClientRect().left - b.getBoundingClientRect().left);
  const walk = (plot, event) => {
    const marks = marksOf(plot);
    if (!marks.length) return;
    let at = marks.findIndex((mark) => mark.classList.contains("current"));
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) at = Math.min(Math.max(at + step, 0), marks.length - 1);
    else if (event.key === "Home") at = 0;
    else if (event.key === "End") at = marks.length - 1;
    else if (event.key === "Escape") { hide(); return; }
    else if (event.key === "Enter" && at >= 0) { marks[at].dispatchEvent(new MouseEvent("click", { bubbles: true })); return; }
    else return;
    event.preventDefault();
    marks.forEach((mark, place) => mark.classList.toggle("current", place === at));
    show(marks[at]);
  };

  // Downloads.
  const save = (words, name, type) => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([words], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const quoted = (value) => {
    const words = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words;
  };
  const csv = ({ columns, rows }) => [columns, ...rows].map((row) => row.map(quoted).join(",")).join("\r\n") + "\r\n";
  const objects = ({ columns, rows }) => rows.map((row) => Object.fromEntries(row.map((value, k) => [columns[k], value])));
  const table = ({ columns, rows }, most = 2000) => {
    const element = make("table");
    const head = element.createTHead().insertRow();
    for (const name of columns) {
      const cell = make("th", "", name);
      cell.scope = "col";
      head.append(cell);
    }
    const body = element.createTBody();
    for (const row of rows.slice(0, most)) {
      const line = body.insertRow();
      for (const value of row) line.insertCell().textContent = value === null ? "" : String(value);
    }
    return element;
  };

  // The picture as it is seen, as one SVG: words where they stand, drawings with the colours that they have now.
  const NS = "http://www.w3.org/2000/svg";
  const KEPT = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "fill-opacity", "opacity", "font-size", "color"];
  const svg = (picture) => {
    const frame = picture.getBoundingClientRect();
    const root = document.createElementNS(NS, "svg");
    const set = (element, values) => { for (const [key, value] of Object.entries(values)) element.setAttribute(key, value); };
    set(root, { xmlns: NS, width: frame.width, height: frame.height, viewBox: `0 0 ${frame.width} ${frame.height}`,
      "font-family": "system-ui, sans-serif" });
    const paper = document.createElementNS(NS, "rect");
    set(paper, { width: "100%", height: "100%", fill: getComputedStyle(document.body).backgroundColor });
    root.append(paper);
    for (const drawing of picture.querySelectorAll("svg")) {
      if (drawing.parentElement.closest("svg")) continue;
      const copy = drawing.cloneNode(true);
      const at = drawing.getBoundingClientRect();
      set(copy, { x: at.left - frame.left, y: at.top - frame.top, width: at.width, height: at.height, overflow: "visible" });
      const sources = drawing.querySelectorAll("*");
      copy.querySelectorAll("*").forEach((element, place) => {
        const style = getComputedStyle(sources[place]);
        for (const key of KEPT) if (style.getPropertyValue(key)) element.setAttribute(key, style.getPropertyValue(key));
        if (element.localName === "svg") element.setAttribute("overflow", "visible");
        for (const name of ["style", "class", "data-tip", "data-trial"]) element.removeAttribute(name);
      });
      root.append(copy);
    }
    const walker = document.createTreeWalker(picture, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const parent = node.parentElement;
      if (!node.data.trim() || parent.closest("svg, select, script, .tools, .behind")) continue;
      const style = getComputedStyle(parent);
      let from = 0;
      const put = (start, end) => {
        range.setStart(node, start);
        range.setEnd(node, end);
        const box = range.getBoundingClientRect();
        const words = node.data.slice(start, end).trim();
        if (!words || !box.width) return;
        const text = document.createElementNS(NS, "text");
        set(text, { x: box.left - frame.left, y: box.bottom - frame.top - box.height * 0.24, "font-size": style.fontSize,
          "font-weight": style.fontWeight, fill: style.color });
        text.textContent = words;
        root.append(text);
      };
      const top = (k) => { range.setStart(node, k); range.setEnd(node, k + 1); return range.getBoundingClientRect().top; };
      for (let k = 1; k < node.data.length; k += 1) {
        if (/\s/.test(node.data[k - 1]) && Math.abs(top(k) - top(from)) > 3) { put(from, k); from = k; }
      }
      put(from, node.data.length);
    }
    return new XMLSerializer().serializeToString(root);
  };

  const tools = (chart) => {
    const source = chart.querySelector(":scope > script.numbers");
    if (!source) return;
    const read = () => JSON.parse(source.textContent);
    const name = chart.id.replace(/^vis-/, "");
    const bar = make("div", "tools");
    const behind = make("div", "behind");
    behind.hidden = true;
    behind.tabIndex = 0;
    const button = (words, act) => {
      const element = make("button", "", words);
      element.type = "button";
      element.addEventListener("click", () => act(element));
      bar.append(element);
      return element;
    };
    const unfold = (element, content) => {
      const open = element.getAttribute("aria-expanded") === "true";
      for (const other of bar.querySelectorAll("[aria-expanded]")) other.setAttribute("aria-expanded", "false");
      element.setAttribute("aria-expanded", String(!open));
      behind.hidden = open;
      if (!open) behind.replaceChildren(content());
    };
    button("Table", (element) => unfold(element, () => table(read()))).setAttribute("aria-expanded", "false");
    button("CSV", () => save(csv(read()), `${name}.csv`, "text/csv"));
    button("JSON", () => save(JSON.stringify(objects(read()), null, 1), `${name}.json`, "application/json"));
    button("SVG", () => save(svg(chart.querySelector(".picture")), `${name}.svg`, "image/svg+xml"));
    const { sql, by } = read();
    if (sql) {
      button("SQL", (element) => unfold(element, () => make("pre", "", sql))).setAttribute("aria-expanded", "false");
    }
    if (by) {
      const words = `These numbers are more than a query: ${by} makes them from the tables of the store.`;
      button("How", (element) => unfold(element, () => make("p", "", words))).setAttribute("aria-expanded", "false");
    }
    chart.append(bar, behind);
  };

  // The menu of a confusion matrix.
  const confusion = (chart) => {
    const menu = chart.querySelector("select[data-menu=model]");
    const heat = chart.querySelector("table.heat");
    if (!menu) return;
    const { rows } = JSON.parse(chart.querySelector("script.numbers").textContent);
    const classes = heat ? [...heat.querySelectorAll("tbody th")].map((cell) => cell.textContent) : [];
    menu.addEventListener("change", () => {
      const own = rows.filter((row) => row[0] === menu.value);
      const list = chart.querySelector(".mistakes");
      if (list) {
        const worst = own.filter((row) => row[1] !== row[2]).sort((a, b) => b[4] - a[4]).slice(0, 10);
        list.replaceChildren(...worst.map((row) => {
          const item = make("li");
          item.append(make("strong", "", row[1]), " taken for ", make("strong", "", row[2]), `: ${Math.round(row[3] * 100)} % of its images`);
          return item;
        }));
        return;
      }
      const share = new Map(own.map((row) => [JSON.stringify([row[1], row[2]]), row[3]]));
      for (const cell of heat.querySelectorAll("td[data-l]")) {
        const value = share.get(JSON.stringify([classes[cell.dataset.l], classes[cell.dataset.p]])) ?? 0;
        cell.style.setProperty("--v", value);
        cell.textContent = `${Math.round(value * 100)} %`;
      }
    });
  };

  // Boxes that scroll sideways say so, and can be reached by the keyboard.
  const boxes = () => {
    for (const box of document.querySelectorAll(".table-box, .table-box > .table-scroll, pre")) {
      const wide = box.scrollWidth > box.clientWidth + 1;
      if (wide) box.tabIndex = 0; else if (box.tabIndex === 0) box.removeAttribute("tabindex");
      if (wide && !box.hasAttribute("role")) { box.setAttribute("role", "group"); box.setAttribute("aria-label", "scrolls sideways"); }
      box.closest(".table-box")?.classList.toggle("wide", wide || Boolean(box.querySelector(".table-scroll[tabindex]")));
    }
  };

  // What an address names within a folded part is unfolded; paper has no folds, and no dark.
  const reveal = () => {
    let target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
    const folded = target?.closest("details:not([open])");
    for (let part = target; part; part = part.parentElement) if (part.localName === "details") part.open = true;
    if (folded) target.scrollIntoView();
  };
  const paper = () => {
    const opened = [];
    const root = document.documentElement;
    let dark = false;
    const shade = (on) => {
      root.setAttribute("data-bs-theme", on ? "dark" : "light");
      document.body.classList.toggle("quarto-dark", on);
      document.body.classList.toggle("quarto-light", !on);
    };
    window.addEventListener("beforeprint", () => {
      for (const part of document.querySelectorAll("main details:not([open])")) {
        part.open = true;
        opened.push(part);
      }
      dark = document.body.classList.contains("quarto-dark");
      if (dark) shade(false);
    });
    window.addEventListener("afterprint", () => {
      for (const part of opened.splice(0)) part.open = false;
      if (dark) shade(true);
    });
  };

  // Quarto's bar of pages has no name for readers' ears, and its button is called a menu, which no button may be.
  const called = () => {
    document.querySelector("nav.navbar")?.setAttribute("aria-label", "Site");
    document.querySelector("button.navbar-toggler")?.removeAttribute("role");
  };

  const begin = () => {
    document.body.append(tip);
    called();
    reveal();
    window.addEventListener("hashchange", reveal);
    paper();
    for (const chart of document.querySelectorAll(".chart")) {
      tools(chart);
      confusion(chart);
      for (const plot of chart.querySelectorAll(".row-plot, .plane-plot")) {
        if (!plot.querySelector("[data-tip]")) continue;
        plot.setAttribute("tabindex", "0");
        plot.addEventListener("keydown", (event) => walk(plot, event));
        plot.addEventListener("blur", hide);
      }
    }
    boxes();
    window.addEventListener("resize", boxes);
    document.addEventListener("toggle", boxes, true);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin); else begin();
  return { make, save, csv, table, boxes };
})();
