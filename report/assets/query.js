// SQL in the page: DuckDB in the browser on the published Parquet, loaded when it is asked for. It needs a server.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { make, save, csv } = window.Bench;
  const root = document.querySelector(".query");
  if (!root || root.dataset.engine !== "yes") return;
  const ASSETS = new URL("assets/", document.querySelector("script[src*='assets/figures.js']").src.replace(/assets\/figures\.js.*/, ""));
  const TABLES = root.dataset.tables.split(" ");
  const MOST = 500;
  const editor = make("textarea", "editor");
  editor.rows = 9;
  editor.spellcheck = false;
  editor.setAttribute("aria-label", "SQL");
  const run = make("button", "run", "Run");
  run.type = "button";
  const status = make("p", "note");
  status.setAttribute("role", "status");
  const answer = make("div", "result");
  root.replaceChildren(editor, run, status, answer);
  if (location.protocol === "file:") {
    run.disabled = true;
    status.textContent = "The browser lets no file load DuckDB. Opened from a server, as `bench report --serve` does, this works.";
  }

  const script = (name) => new Promise((resolve, reject) => {
    const element = make("script");
    element.src = new URL(`wasm/${name}`, ASSETS).href;
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${name} cannot be loaded`));
    document.head.append(element);
  });
  let started;
  const start = () => {
    started ??= (async () => {
      status.textContent = "Loading DuckDB, 4 MB …";
      await script("arrow.js");
      await script("duckdb.js");
      const worker = new Worker(new URL("wasm/duckdb-browser-eh.worker.js", ASSETS));
      const db = new window.duckdb.AsyncDuckDB(new window.duckdb.VoidLogger(), worker);
      await db.instantiate(new URL("wasm/duckdb-eh.wasm", ASSETS).href);
      return { db, connection: await db.connect(), have: new Set() };
    })();
    return started;
  };
  const need = async ({ db, connection, have }, sql) => {
    for (const name of TABLES) {
      if (have.has(name) || !new RegExp(`\\b${name}\\b`, "i").test(sql)) continue;
      status.textContent = `Loading ${name} …`;
      const answer = await fetch(new URL(`store/${name}.parquet`, ASSETS));
      if (!answer.ok) throw new Error(`${name} cannot be loaded (${answer.status})`);
      await db.registerFileBuffer(`${name}.parquet`, new Uint8Array(await answer.arrayBuffer()));
      await connection.query(`create view ${name} as select * from '${name}.parquet'`);
      have.add(name);
    }
  };
  const show = (columns, rows) => {
    const bar = make("div", "tools");
    const button = (words, act) => { const b = make("button", "", words); b.type = "button"; b.addEventListener("click", act); bar.append(b); };
    button("CSV", () => save(csv({ columns, rows }), "answer.csv", "text/csv"));
    button("JSON", () => save(JSON.stringify(rows.map((r) => Object.fromEntries(r.map((v, k) => [columns[k], v]))), null, 1), "answer.json", "application/json"));
    const box = make("div", "table-box");
    let order = null;
    const draw = () => {
      const table = window.Bench.table({ columns, rows }, MOST);
      [...table.tHead.rows[0].cells].forEach((cell, k) => {
        const sort = make("button", "sort", cell.textContent);
        sort.type = "button";
        cell.replaceChildren(sort);
        if (order?.k === k) cell.setAttribute("aria-sort", order.down ? "descending" : "ascending");
        sort.addEventListener("click", () => {
          order = { k, down: order?.k === k ? !order.down : typeof rows[0]?.[k] === "number" };
          const sign = order.down ? -1 : 1;
          rows.sort((a, b) => sign * (typeof a[k] === "number" && typeof b[k] === "number" ? a[k] - b[k] : String(a[k] ?? "").localeCompare(String(b[k] ?? ""))));
          draw();
        });
      });
      box.replaceChildren(table);
    };
    draw();
    answer.replaceChildren(box, bar);
    window.Bench.boxes();
  };
  const ask = async () => {
    const sql = editor.value.trim().replace(/;+\s*$/, "");
    if (!sql) return;
    history.replaceState(null, "", `#q=${encodeURIComponent(sql)}`);
    run.disabled = true;
    answer.replaceChildren();
    try {
      const engine = await start();
      await need(engine, sql);
      status.textContent = "Asking …";
      const before = performance.now();
      const described = await engine.connection.query(`describe ${sql}`);
      const fields = described.toArray().map((row) => row.toJSON());
      const types = fields.map((row) => String(row.column_type));
      const columns = fields.map((row) => String(row.column_name));
      const table = await engine.connection.query(`select columns(*)::varchar from (${sql})`);
      const numeric = types.map((type) => /INT|DOUBLE|FLOAT|DECIMAL/.test(type) && !/\[|STRUCT|MAP/.test(type));
      const rows = table.toArray().map((row) => Object.values(row.toJSON()).map((value, k) => (value !== null && numeric[k] ? Number(value) : value)));
      status.textContent = `${rows.length.toLocaleString("en")} rows in ${((performance.now() - before) / 1000).toFixed(2)} s${rows.length > MOST ? `; the first ${MOST} are shown, CSV has all` : ""}`;
      show(columns, rows);
    } catch (error) {
      status.textContent = "";
      answer.replaceChildren(make("pre", "error", error.message));
    }
    run.disabled = false;
  };
  run.addEventListener("click", ask);
  editor.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask(); });
  const fromAddress = () => {
    if (!location.hash.startsWith("#q=")) return false;
    editor.value = decodeURIComponent(location.hash.slice(3));
    return true;
  };
  window.addEventListener("hashchange", () => { if (fromAddress()) ask(); });
  if (!fromAddress()) editor.value = "select dataset, model, round(avg(balanced_accuracy), 3) as score\nfrom scores\nwhere subset = 'test' and current and recipe = '96px'\ngroup by all order by dataset, score desc";
  for (const code of document.querySelectorAll("main pre")) {
    const words = code.textContent.trim();
    if (!/^(select|with)\b/i.test(words) || /\bvote\(/.test(words) || code.closest(".query")) continue;
    const button = make("button", "run small", "Run it above");
    button.type = "button";
    button.addEventListener("click", () => { editor.value = words; root.scrollIntoView(); ask(); });
    (code.closest("div.sourceCode") ?? code).after(button);
  }
});
