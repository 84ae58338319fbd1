// From a box to its trials, from a trial to the images that it got wrong, from an image to what every model said of it.
"use strict";

(() => {
  const { make } = window.Bench;
  const ASSETS = new URL("assets/", document.querySelector("script[src*='assets/figures.js']").src.replace(/assets\/figures\.js.*/, ""));
  const loading = new Map();

  // What `prepare` wrote of a dataset; a script, so that it loads from files too.
  const load = (name) => {
    if (!loading.has(name)) {
      loading.set(name, new Promise((resolve, reject) => {
        const script = make("script");
        script.src = new URL(`data/${encodeURIComponent(name)}.js`, ASSETS).href;
        script.onload = () => resolve(window.benchData[name]);
        script.onerror = () => reject(new Error(`${name} cannot be read`));
        document.head.append(script);
      }));
    }
    return loading.get(name);
  };

  const percent = (value, digits = 1) => `${(value * 100).toFixed(digits)} %`;
  const imageLink = (data, place) => {
    const link = make("a", "image-link", data.images[place]);
    link.href = `#image=${encodeURIComponent(data.images[place])}`;
    return link;
  };
  const picture = (data, place) => {
    const source = data.pictures[place];
    if (!source) return null;
    const image = make("img", "thumb");
    image.src = `data:image/jpeg;base64,${source}`;
    image.alt = data.images[place];
    return image;
  };
  const answersOf = (section, trial) => {
    const test = section.tests[`${trial.repeat}/${trial.fold}`] ?? [];
    const made = [];
    for (const [subset, images] of [["test", test], ["holdout", section.holdout]]) {
      (trial[`said_${subset}`] ?? []).forEach((code, k) => {
        made.push({ subset, place: images[k], said: Math.floor(code / 101), sure: (code % 101) / 100 });
      });
    }
    return made;
  };
  const rows = (heads, lines) => {
    const box = make("div", "table-box");
    const table = make("table");
    const head = table.createTHead().insertRow();
    for (const words of heads) { const cell = make("th", "", words); cell.scope = "col"; head.append(cell); }
    const body = table.createTBody();
    for (const line of lines) {
      const row = body.insertRow();
      for (const value of line) {
        const cell = row.insertCell();
        if (value instanceof Node) cell.append(value); else cell.textContent = value;
      }
    }
    box.append(table);
    return box;
  };
  const NS = "http://www.w3.org/2000/svg";
  const spark = (values, colour) => {
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("class", "spark");
    svg.setAttribute("viewBox", "0 0 160 48");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `Accuracy in training by epoch: ${values.map((v) => percent(v, 0)).join(", ")}`);
    const line = document.createElementNS(NS, "polyline");
    const at = values.map((v, k) => `${(4 + (152 * k) / Math.max(values.length - 1, 1)).toFixed(1)},${(44 - 40 * v).toFixed(1)}`);
    line.setAttribute("points", at.join(" "));
    line.setAttribute("class", "curve");
    line.style.setProperty("--c", colour);
    svg.append(line);
    return svg;
  };

  class Explorer {
    constructor(root) {
      this.root = root;
      this.panel = make("section", "panel");
      this.panel.setAttribute("aria-live", "polite");
      this.panel.hidden = true;
      this.name = root.dataset.dataset;
      root.replaceChildren(this.menus(), this.panel);
      document.addEventListener("click", (event) => {
        const mark = event.target.closest?.("[data-trial]");
        if (!mark) return;
        this.anchor = mark.closest("figure, .quarto-float");
        if (location.hash === `#${mark.dataset.trial}`) this.route(); else location.hash = mark.dataset.trial;
      });
      window.addEventListener("hashchange", () => this.route());
      this.route();
    }

    menus() {
      const box = make("form", "choose");
      box.addEventListener("submit", (event) => { event.preventDefault(); });
      this.pickTrial = make("select");
      this.pickImage = make("input");
      this.pickImage.setAttribute("list", "bench-images");
      this.pickImage.placeholder = "a file's name";
      this.names = make("datalist");
      this.names.id = "bench-images";
      const label = (words, input) => { const l = make("label", "menu", `${words} `); l.append(input); return l; };
      this.pickTrial.append(make("option", "", "choose one"));
      box.append(label("trial", this.pickTrial), label("image", this.pickImage), this.names);
      const fill = async () => {
        if (this.filled) return;
        this.filled = true;
        const data = await load(`${this.name}.trials`);
        for (const section of data.sections) {
          section.models.forEach((model, k) => {
            const group = make("optgroup");
            group.label = `${model.name}, ${section.title}`;
            for (const trial of section.trials.filter((t) => t.model === k)) {
              const option = make("option", "", `repeat ${trial.repeat + 1}, fold ${trial.fold + 1}: ${percent(trial.test)}`);
              option.value = `trial=${section.slug}/${model.name}/${trial.repeat}/${trial.fold}`;
              group.append(option);
            }
            this.pickTrial.append(group);
          });
        }
        for (const image of data.images) { const option = make("option"); option.value = image; this.names.append(option); }
      };
      for (const input of [this.pickTrial, this.pickImage]) {
        input.addEventListener("focus", fill);
        input.addEventListener("pointerdown", fill);
      }
      this.pickTrial.addEventListener("change", () => { this.anchor = null; if (this.pickTrial.value.includes("=")) location.hash = this.pickTrial.value; });
      this.pickImage.addEventListener("change", () => {
        this.anchor = null;
        if (this.pickImage.value) location.hash = `image=${encodeURIComponent(this.pickImage.value)}`;
      });
      return box;
    }

    async route() {
      const [kind, rest] = [location.hash.slice(1).split("=")[0], location.hash.slice(location.hash.indexOf("=") + 1)];
      if (kind === "model") this.highlight(decodeURIComponent(rest));
      if (kind !== "trial" && kind !== "image") return;
      let content;
      try {
        const data = await load(`${this.name}.trials`);
        content = kind === "trial" ? this.trial(data, decodeURIComponent(rest)) : this.image(data, decodeURIComponent(rest));
      } catch (error) {
        content = [make("p", "", error.message)];
      }
      const close = make("button", "close", "×");
      close.type = "button";
      close.setAttribute("aria-label", "Close");
      close.addEventListener("click", () => {
        this.panel.hidden = true;
        history.replaceState(null, "", location.pathname + location.search);
        for (const mark of document.querySelectorAll(".trial.current")) mark.classList.remove("current");
      });
      this.panel.replaceChildren(close, ...content);
      this.panel.hidden = false;
      if (this.anchor) this.anchor.after(this.panel); else if (!this.panel.previousElementSibling?.matches("figure, .quarto-float")) this.root.append(this.panel);
      const box = this.panel.getBoundingClientRect();
      if (box.top < 60 || box.top > innerHeight * 0.7) this.panel.scrollIntoView({ block: "start", behavior: "instant" });
      window.Bench.boxes();
    }

    highlight(name) {
      const found = [...document.querySelectorAll(".chart-row[data-model]")].filter((row) => row.dataset.model === name);
      for (const row of found) row.classList.add("chosen");
      found.at(-1)?.closest("figure, .quarto-float")?.scrollIntoView();
    }

    trial(data, address) {
      const [slug, name, repeat, fold] = address.split("/");
      const section = data.sections.find((s) => s.slug === slug);
      const model = section?.models.findIndex((m) => m.name === name) ?? -1;
      const own = section?.trials.filter((t) => t.model === model) ?? [];
      const at = own.findIndex((t) => t.repeat === Number(repeat) && t.fold === Number(fold));
      if (at < 0) return [make("p", "", "There is no such trial here.")];
      const trial = own[at];
      for (const mark of document.querySelectorAll("[data-trial]")) {
        mark.classList.toggle("current", mark.dataset.trial === `trial=${address}`);
      }
      const head = make("h3", "panel-title", `${name}, repeat ${trial.repeat + 1}, fold ${trial.fold + 1}`);
      const steps = make("p", "steps-nav");
      for (const [words, other] of [["← previous trial", own[at - 1]], ["next trial →", own[at + 1]]]) {
        if (!other) continue;
        const link = make("a", "", words);
        link.href = `#trial=${slug}/${name}/${other.repeat}/${other.fold}`;
        steps.append(link, " ");
      }
      const facts = make("dl", "trial-facts");
      const add = (word, value) => { if (value === undefined) return; facts.append(make("dt", "", word), value instanceof Node ? wrap(value) : make("dd", "", value)); };
      const wrap = (node) => { const dd = make("dd"); dd.append(node); return dd; };
      const test = section.tests[`${trial.repeat}/${trial.fold}`] ?? [];
      add("test fold", `${percent(trial.test)} of ${test.length} images, averaged over classes`);
      if (trial.holdout !== undefined) add("holdout", `${percent(trial.holdout)} of ${section.holdout.length} images`);
      add("seconds", trial.seconds.toFixed(1));
      add("device", trial.device);
      add("trained on", trial.day);
      if (trial.curve.length > 1) add("accuracy in training", spark(trial.curve, section.models[model].colour));
      const answers = answersOf(section, trial);
      const parts = [];
      for (const [subset, words] of [["test", "of its test fold"], ["holdout", "of the holdout"]]) {
        const all = answers.filter((a) => a.subset === subset);
        const wrong = all.filter((a) => a.said !== data.labels[a.place]).sort((a, b) => b.sure - a.sure);
        if (!all.length) continue;
        parts.push(make("p", "panel-lead", `${wrong.length} of ${all.length} images ${words} wrong${wrong.length ? ", the surest mistakes first" : ""}`));
        if (!wrong.length) continue;
        const shown = wrong.some((a) => data.pictures[a.place]);
        parts.push(rows([...(shown ? [""] : []), "image", "is", "taken for", "how sure"], wrong.map((a) => [
          ...(shown ? [picture(data, a.place) ?? ""] : []), imageLink(data, a.place),
          data.classes[data.labels[a.place]], data.classes[a.said], percent(a.sure, 0)])));
      }
      return [head, steps, facts, ...parts];
    }

    image(data, id) {
      const place = data.images.indexOf(id);
      if (place < 0) return [make("p", "", "There is no such image here.")];
      const label = data.labels[place];
      const head = make("h3", "panel-title", id);
      const words = [make("p", "panel-lead", `Its class: ${data.classes[label]}. What every model said of it in the trials that did not train on it:`)];
      const shown = picture(data, place);
      if (shown) words.unshift(shown);
      for (const section of data.sections) {
        const lines = section.models.map((model, k) => {
          const said = section.trials.filter((t) => t.model === k).flatMap((t) => answersOf(section, t)).filter((a) => a.place === place);
          if (!said.length) return null;
          const right = said.filter((a) => a.said === label).length;
          const wrong = said.filter((a) => a.said !== label);
          const counts = new Map();
          for (const a of wrong) counts.set(a.said, (counts.get(a.said) ?? 0) + 1);
          const others = [...counts].sort((a, b) => b[1] - a[1]).map(([c, n]) => `${data.classes[c]} (${n})`).join(", ");
          const sure = said.reduce((sum, a) => sum + a.sure, 0) / said.length;
          const track = make("span", "share");
          const part = make("span");
          part.style.width = `${(100 * right) / said.length}%`;
          track.append(part);
          const cell = make("span", "right-of");
          cell.append(track, `${right} of ${said.length}`);
          return [model.name, cell, others || "–", percent(sure, 0)];
        }).filter(Boolean);
        if (!lines.length) continue;
        if (data.sections.length > 1) words.push(make("p", "panel-lead", `At ${section.title}`));
        words.push(rows(["model", "right", "else taken for", "how sure"], lines));
      }
      const held = data.sections.some((s) => s.holdout.includes(place));
      words.push(make("p", "note", held ? "A held-out image: every trial was asked about it." : "Each repeat asked about it once."));
      return [head, ...words];
    }
  }

  const begin = () => {
    window.Bench.load = load;
    window.Bench.answersOf = answersOf;
    window.Bench.rows = rows;
    window.Bench.percent = percent;
    const root = document.querySelector(".explorer");
    if (root) window.Bench.explorer = new Explorer(root);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin); else begin();
})();
