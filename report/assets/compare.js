// Two models on one dataset: split by split, the verdict, the images on which they differ. The address says which.
"use strict";

document.addEventListener("DOMContentLoaded", async () => {
  const { make, load, answersOf, rows, percent } = window.Bench;
  const root = document.querySelector(".compare");
  if (!root) return;
  const datasets = await load("index");
  const NS = "http://www.w3.org/2000/svg";
  const draw = (tag, values, words) => {
    const element = document.createElementNS(NS, tag);
    for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
    if (words !== undefined) element.textContent = words;
    return element;
  };
  const menu = (words) => {
    const box = make("label", "menu", `${words} `);
    const input = make("select");
    box.append(input);
    return [box, input];
  };
  const fill = (input, options) => {
    input.replaceChildren(...options.map(([value, words]) => { const o = make("option", "", words); o.value = value; return o; }));
  };
  const [datasetBox, dataset] = menu("dataset");
  const [recipeBox, recipe] = menu("recipe");
  const [oneBox, one] = menu("model");
  const [otherBox, other] = menu("against");
  const bar = make("div", "choose");
  bar.append(datasetBox, recipeBox, oneBox, otherBox);
  const place = make("div", "compared");
  place.setAttribute("aria-live", "polite");
  root.replaceChildren(bar, place);
  fill(dataset, datasets.map((d) => [d.name, d.title]));

  const current = () => datasets.find((d) => d.name === dataset.value) ?? datasets[0];
  const section = () => current().sections.find((s) => s.slug === recipe.value) ?? current().sections[0];
  const defaults = (models) => [models[0], models.find((m) => m === "cnn-shallow" || m === "cnn") ?? models[1] ?? models[0]];

  // dataset/model/against, and the recipe behind a comma where it is not the main one; what is default may be left out.
  const read = () => {
    const [where = "", ...names] = decodeURIComponent(location.hash.slice(1)).split("/");
    const [name, slug] = where.split(",");
    dataset.value = datasets.some((d) => d.name === name) ? name : datasets[0].name;
    fill(recipe, current().sections.map((s) => [s.slug, s.title]));
    if (current().sections.some((s) => s.slug === slug)) recipe.value = slug;
    recipeBox.hidden = current().sections.length < 2;
    models(names);
  };
  const models = (names) => {
    const listed = section().models;
    for (const input of [one, other]) fill(input, listed.map((m) => [m, m]));
    const [first, second] = defaults(listed);
    one.value = listed.includes(names[0]) ? names[0] : first;
    other.value = listed.includes(names[1]) ? names[1] : second;
  };
  const write = () => {
    const main = section() === current().sections[0];
    const [first, second] = defaults(section().models);
    const names = other.value !== second ? `/${one.value}/${other.value}` : one.value !== first ? `/${one.value}` : "";
    history.replaceState(null, "", `#${dataset.value}${main ? "" : `,${recipe.value}`}${names}`);
  };

  const WORDS = {
    better: (a, b) => `${a} is better than ${b}`,
    worse: (a, b) => `${a} is worse than ${b}`,
    equivalent: (a, b) => `${a} is as good as ${b}`,
    undecided: (a, b) => `These data cannot tell ${a} from ${b}`,
    incomplete: (a, b) => `Too few trials are done to tell ${a} from ${b}`,
  };
  const turned = { better: "worse", worse: "better", equivalent: "equivalent", undecided: "undecided", incomplete: "incomplete" };
  const signed = (value) => (value === null ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`);

  const splits = (pairs) => {
    const H = 22;
    const low = Math.floor(Math.min(...pairs.map((p) => Math.min(p.a, p.b))) * 20) / 20;
    const x = (v) => `${((v - low) / (1 - low)) * 100}%`;
    const svg = draw("svg", { class: "pairs", width: "100%", height: pairs.length * H + 26, role: "img",
      "aria-label": `${pairs.length} splits, a line from ${other.value} to ${one.value} each` });
    for (let v = Math.ceil(low * 10) / 10; v <= 1.0001; v += 0.1) {
      svg.append(draw("line", { class: "gridline", x1: x(v), x2: x(v), y1: 0, y2: pairs.length * H }));
      svg.append(draw("text", { x: x(v), y: pairs.length * H + 18, "text-anchor": "middle" }, `${Math.round(v * 100)} %`));
    }
    pairs.forEach((p, k) => {
      const y = k * H + H / 2;
      const kind = p.a > p.b ? "better" : p.a < p.b ? "worse" : "undecided";
      const hint = `repeat ${p.repeat + 1}, fold ${p.fold + 1} · ${one.value} ${percent(p.a)} · ${other.value} ${percent(p.b)} · ${signed((p.a - p.b) * 100)} points`;
      const g = draw("g", { class: `arrow ${kind}`, "data-tip": hint });
      g.append(draw("line", { class: "shaft", x1: x(p.b), x2: x(p.a), y1: y, y2: y }));
      g.append(draw("circle", { cx: x(p.b), cy: y, r: 4, class: "from" }), draw("circle", { cx: x(p.a), cy: y, r: 5, class: "to" }));
      svg.append(g);
    });
    const box = make("div", "chart pairs-box");
    box.append(svg);
    return box;
  };

  const show = async () => {
    const data = await load(`${dataset.value}.trials`);
    const own = data.sections.find((s) => s.slug === section().slug);
    const at = (name) => own.models.findIndex((m) => m.name === name);
    const [a, b] = [at(one.value), at(other.value)];
    const of = (k) => new Map(own.trials.filter((t) => t.model === k).map((t) => [`${t.repeat}/${t.fold}`, t]));
    const [ours, theirs] = [of(a), of(b)];
    const pairs = [...ours].filter(([key]) => theirs.has(key)).map(([key, t]) => ({ repeat: t.repeat, fold: t.fold, a: t.test, b: theirs.get(key).test, key }));
    const title = make("h2", "verdict-line");
    const words = make("p");
    const found = own.pairs.find((p) => (p[0] === a && p[1] === b) || (p[0] === b && p[1] === a));
    if (a === b) title.textContent = "Choose two models";
    else if (!found) title.textContent = "These two share fewer than two splits, so nothing can be said";
    else {
      const flip = found[0] === a ? 1 : -1;
      const verdict = flip > 0 ? found[5] : turned[found[5]];
      const wide = flip > 0 ? found[6] : turned[found[6]];
      const [mean, low, high] = flip > 0 ? found.slice(2, 5) : [-found[2], found[4] === null ? null : -found[4], found[3] === null ? null : -found[3]];
      title.textContent = WORDS[verdict](one.value, other.value);
      words.textContent = `By ${signed(mean)} points [${signed(low)}, ${signed(high)}] of balanced accuracy over ${pairs.length} splits that both have, a point either way counted as none; were five points none: ${wide}. The interval knows that training sets overlap.`;
    }
    const parts = [title, words];
    if (a !== b && pairs.length) {
      parts.push(make("h3", "", `Split by split: ${one.value} is ahead in ${pairs.filter((p) => p.a > p.b).length} of ${pairs.length}`));
      parts.push(make("p", "note", `A line a split, from ${other.value} (hollow) to ${one.value} (filled).`), splits(pairs));
      parts.push(...images(data, own, ours, theirs, pairs));
    }
    const link = make("a", "", `All of ${dataset.value}`);
    link.href = `datasets/${encodeURIComponent(dataset.value)}.html`;
    const last = make("p");
    last.append(link);
    place.replaceChildren(...parts, last);
    window.Bench.boxes();
  };

  const images = (data, own, ours, theirs, pairs) => {
    const score = new Map();
    for (const { key } of pairs) {
      for (const [side, trial] of [["a", ours.get(key)], ["b", theirs.get(key)]]) {
        for (const each of answersOf(own, trial)) {
          if (each.subset !== "test") continue;
          const entry = score.get(each.place) ?? { place: each.place, a: 0, b: 0, n: 0, said: { a: new Map(), b: new Map() } };
          if (side === "a") entry.n += 1;
          if (each.said === data.labels[each.place]) entry[side] += 1;
          else entry.said[side].set(each.said, (entry.said[side].get(each.said) ?? 0) + 1);
          score.set(each.place, entry);
        }
      }
    }
    const entries = [...score.values()];
    const only = (side, rest) => entries.filter((e) => e[side] > e.n / 2 && e[rest] < e.n / 2)
      .sort((p, q) => (q[side] - q[rest]) / q.n - (p[side] - p[rest]) / p.n || p.place - q.place);
    const both = entries.filter((e) => e.a < e.n / 2 && e.b < e.n / 2).length;
    const parts = [make("h3", "", "The images on which they differ"),
      make("p", "", `Asked about images that neither trained on, right in most repeats or not: ${only("a", "b").length} images only ${one.value} gets right, ${only("b", "a").length} only ${other.value}, ${both} neither.`)];
    const two = make("div", "two-lists");
    for (const [side, rest, name] of [["a", "b", one.value], ["b", "a", other.value]]) {
      const list = make("div");
      const most = only(side, rest);
      list.append(make("h4", "", `Only ${name} (${most.length})`));
      list.append(rows(["image", "class", "the other says"], most.slice(0, 25).map((e) => {
        const link = make("a", "image-link", data.images[e.place]);
        link.href = `datasets/${encodeURIComponent(dataset.value)}.html#image=${encodeURIComponent(data.images[e.place])}`;
        const cell = make("span");
        const source = data.pictures[e.place];
        if (source) { const image = make("img", "thumb"); image.src = `data:image/jpeg;base64,${source}`; image.alt = ""; cell.append(image, " "); }
        cell.append(link);
        const said = [...e.said[rest]].sort((p, q) => q[1] - p[1])[0];
        return [cell, data.classes[data.labels[e.place]], said ? data.classes[said[0]] : "–"];
      })));
      if (most.length > 25) list.append(make("p", "note", `and ${most.length - 25} more`));
      two.append(list);
    }
    parts.push(two);
    return parts;
  };

  dataset.addEventListener("change", () => { fill(recipe, current().sections.map((s) => [s.slug, s.title])); recipeBox.hidden = current().sections.length < 2; models([]); write(); show(); });
  recipe.addEventListener("change", () => { models([one.value, other.value]); write(); show(); });
  for (const input of [one, other]) input.addEventListener("change", () => { write(); show(); });
  window.addEventListener("hashchange", () => { read(); show(); });
  read();
  await show();
});
