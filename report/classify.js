// Runs an exported model in the page: files are decoded by the browser, resized as Pillow does, and asked about one by one.
(function () {
  "use strict";

  const LARGEST = 100e6; // pixels, as everywhere in this project
  const PRECISION = 22; // bits of Pillow's coefficients
  const $ = (id) => document.getElementById(id);
  const told = (id) => JSON.parse($(id).textContent);
  const facts = told("facts");
  const rows = [];
  let session = null;

  // --- Unpacking

  function bytes(text) {
    const raw = atob(text);
    const out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  }

  async function unpacked(id) {
    const packed = new Blob([bytes(told(id))]).stream().pipeThrough(new DecompressionStream("gzip"));
    $(id).remove();
    return new Uint8Array(await new Response(packed).arrayBuffer());
  }

  async function start() {
    const code = new Blob([bytes(told("runtime"))], { type: "text/javascript" });
    const address = URL.createObjectURL(code);
    const ort = await import(address);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = await unpacked("wasm");
    session = await ort.InferenceSession.create(await unpacked("model"), { executionProviders: ["wasm"] });
    session.Tensor = ort.Tensor;
    $("files").disabled = false;
    say("Ready.");
  }

  // --- From a file to the pixels of the model

  // Where each pixel of a shorter or longer line comes from, as Pillow's bilinear filter with antialiasing has it:
  // whole numbers of 22 bits, so that sums round as they do there.
  function coefficients(before, after) {
    const scale = before / after;
    const stretch = Math.max(scale, 1);
    const made = [];
    for (let x = 0; x < after; x++) {
      const centre = (x + 0.5) * scale;
      const first = Math.max(Math.trunc(centre - stretch + 0.5), 0);
      const count = Math.min(Math.trunc(centre + stretch + 0.5), before) - first;
      const weights = [];
      let sum = 0;
      for (let i = 0; i < count; i++) {
        const weight = Math.max(1 - Math.abs((i + first - centre + 0.5) / stretch), 0);
        weights.push(weight);
        sum += weight;
      }
      made.push([first, weights.map((weight) => Math.trunc(0.5 + (weight / sum) * 2 ** PRECISION))]);
    }
    return made;
  }

  // (height, width, 3) bytes to (size, size, 3): first along the rows, then along the columns.
  function resized(pixels, width, height, size) {
    const half = 2 ** (PRECISION - 1);
    const clipped = (sum) => Math.min(Math.max(sum >> PRECISION, 0), 255);
    const wide = new Uint8Array(height * size * 3);
    coefficients(width, size).forEach(([first, weights], x) => {
      for (let y = 0; y < height; y++)
        for (let c = 0; c < 3; c++) {
          let sum = half;
          for (let i = 0; i < weights.length; i++) sum += pixels[(y * width + first + i) * 3 + c] * weights[i];
          wide[(y * size + x) * 3 + c] = clipped(sum);
        }
    });
    const out = new Uint8Array(size * size * 3);
    coefficients(height, size).forEach(([first, weights], y) => {
      for (let x = 0; x < size * 3; x++) {
        let sum = half;
        for (let i = 0; i < weights.length; i++) sum += wide[(first + i) * size * 3 + x] * weights[i];
        out[y * size * 3 + x] = clipped(sum);
      }
    });
    return out;
  }

  // What the head of a PNG says; a browser would round 16 bits otherwise, and a huge picture would take all memory.
  async function checked(file) {
    const head = new DataView(await file.slice(0, 32).arrayBuffer());
    if (head.byteLength >= 26 && head.getUint32(0) === 0x89504e47) {
      if (head.getUint32(16) * head.getUint32(20) > LARGEST) throw new Error("it has too many pixels");
      if (head.getUint8(24) > 8) throw new Error("it has more than 8 bits; use bench predict");
    }
  }

  async function decoded(file) {
    await checked(file);
    let image;
    try {
      image = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    } catch (error) {
      throw new Error("it cannot be read as an image");
    }
    const { width, height } = image;
    if (width * height > LARGEST) throw new Error("it has too many pixels");
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const drawing = canvas.getContext("2d", { willReadFrequently: true });
    drawing.drawImage(image, 0, 0);
    image.close();
    const rgba = drawing.getImageData(0, 0, width, height).data;
    const rgb = new Uint8Array(width * height * 3);
    for (let i = 0, j = 0; i < rgba.length; i += 4) {
      rgb[j++] = rgba[i];
      rgb[j++] = rgba[i + 1];
      rgb[j++] = rgba[i + 2];
    }
    return resized(rgb, width, height, facts.image_size);
  }

  // --- Asking, and showing what was said

  async function asked(file) {
    const pixels = await decoded(file);
    const size = facts.image_size;
    const found = await session.run({ images: new session.Tensor("uint8", pixels, [1, size, size, 3]) });
    const place = Number(found.class.data[0]);
    return {
      file: file.webkitRelativePath || file.name,
      status: found.trust.data[0] ? "trust" : "inspect",
      label: facts.classes[place],
      probability: found.certainty.data[0],
      agreement: found.agreement.data[place],
      probabilities: Array.from(found.probabilities.data),
      pixels,
    };
  }

  function card(row) {
    const item = document.createElement("li");
    if (row.pixels) {
      const canvas = document.createElement("canvas");
      const size = facts.image_size;
      canvas.width = canvas.height = size;
      const shown = new ImageData(size, size);
      for (let i = 0, j = 0; j < row.pixels.length; i += 4) {
        shown.data.set(row.pixels.subarray(j, (j += 3)), i);
        shown.data[i + 3] = 255;
      }
      canvas.getContext("2d").putImageData(shown, 0, 0);
      item.append(canvas);
      delete row.pixels;
    }
    const status = document.createElement("span");
    status.className = status.textContent = row.status;
    const sure = row.error || ` ${row.label}, ${Math.round(100 * row.probability)} % sure, ` +
      `${Math.round(100 * row.agreement)} % of the trials`;
    const name = document.createElement("div");
    name.className = "soft";
    name.textContent = row.file;
    item.append(status, document.createTextNode(row.error ? ` ${sure}` : sure), name);
    $("cards").append(item);
  }

  async function ask(files) {
    $("files").disabled = true;
    for (const [number, file] of files.entries()) {
      say(`${number + 1} of ${files.length} …`);
      let row;
      try {
        row = await asked(file);
      } catch (error) {
        row = { file: file.name, status: "unreadable", error: error.message };
      }
      rows.push(row);
      card(row);
      await new Promise((next) => setTimeout(next));
    }
    $("files").disabled = false;
    $("save").disabled = !rows.length;
    const count = (status) => rows.filter((row) => row.status === status).length;
    say(`${rows.length} files: ${count("trust")} to trust, ${count("inspect")} to inspect, ` +
      `${count("unreadable")} that cannot be read.`);
  }

  function csv() {
    const quoted = (value) => `"${String(value ?? "").replaceAll('"', '""')}"`;
    const head = ["file", "status", "class", "probability", "agreement", "warnings",
      ...facts.classes.map((name) => `p(${name})`)];
    const lines = rows.map((row) => [row.file, row.status, row.label, row.probability, row.agreement, row.error,
      ...(row.probabilities || facts.classes.map(() => ""))]);
    return [head, ...lines].map((line) => line.map(quoted).join(",")).join("\n") + "\n";
  }

  function say(words) {
    $("status").textContent = words;
  }

  $("files").addEventListener("change", (event) => ask(Array.from(event.target.files)));
  $("drop").addEventListener("dragover", (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
  $("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
  $("drop").addEventListener("drop", (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    if (!$("files").disabled) ask(Array.from(event.dataTransfer.files));
  });
  $("save").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = "predictions.csv";
    link.click();
  });
  window.answers = rows;
  start().catch((error) => say(`The model cannot be run here: ${error.message}`));
})();
