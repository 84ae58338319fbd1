// Menus over what the layers see: the image, two models, and what is shown of each.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const { make, load } = window.Bench;
  const root = document.querySelector(".layers");
  if (!root) return;
  const KINDS = [["maps", "single maps"], ["mean", "mean of all maps"], ["cam", "Grad-CAM"]];
  const select = (words, options) => {
    const box = make("label", "menu", `${words} `);
    const input = make("select");
    for (const [value, shown] of options) { const option = make("option", "", shown); option.value = value; input.append(option); }
    box.append(input);
    return [box, input];
  };
  const png = (data, alt, className) => {
    const image = make("img", className);
    image.src = `data:image/png;base64,${data}`;
    image.alt = alt;
    return image;
  };
  const begin = async () => {
    const data = await load(`${root.dataset.dataset}.layers`);
    const models = [...new Set(data.images.flatMap((each) => Object.keys(each.models)))].sort();
    const [imageBox, image] = select("image", data.images.map((each, k) => [String(k), each.image]));
    const [oneBox, one] = select("left", models.map((m) => [m, m]));
    const [otherBox, other] = select("right", models.map((m) => [m, m]));
    const [kindBox, kind] = select("show", KINDS);
    one.value = data.pair[0];
    other.value = data.pair[1] ?? data.pair[0];
    const place = make("div", "activations");
    const draw = () => {
      const each = data.images[Number(image.value)];
      const row = make("div", "activation-row");
      if (each.picture) {
        const input = make("div", "activation-input");
        const shown = make("img");
        shown.src = `data:image/jpeg;base64,${each.picture}`;
        shown.alt = each.image;
        input.append(shown, make("span", "", "the image"));
        row.append(input);
      }
      for (const name of [one.value, other.value]) {
        const found = each.models[name];
        const box = make("div", "activation-maps");
        if (!found) { box.append(make("p", "note", `${name}: nothing was kept of this image.`)); row.append(box); continue; }
        const same = found.same;
        if (kind.value === "maps") {
          box.append(png(found.mosaic ?? each.models[same].mosaic, `${found.maps} maps of ${name}, ${found.layer}`));
          box.append(make("span", "", `${name} · ${found.layer}${same ? ` · the same frozen layers as ${same}` : ""}`));
        } else if (kind.value === "mean") {
          if (found.mean) box.append(png(found.mean, `mean map of ${name}`, "one"));
          box.append(make("span", "", found.mean ? `${name} · ${found.layer}` : `${name}: no mean map was kept`));
        } else {
          const two = make("div", "two");
          for (const [picture, words] of [[found.cam, `says ${found.says}`], [found.random, "random weights"]]) {
            if (!picture) continue;
            const part = make("div");
            part.append(png(picture, `Grad-CAM of ${name}: ${words}`, "one"), make("span", "", words));
            two.append(part);
          }
          box.append(two, make("span", "", found.cam ? name : `${name}: no Grad-CAM was kept`));
        }
        row.append(box);
      }
      place.replaceChildren(make("p", "activation-label", `${each.label}: ${each.image}`), row);
    };
    for (const input of [image, one, other, kind]) input.addEventListener("change", draw);
    const menus = make("div", "choose");
    menus.append(imageBox, oneBox, otherBox, kindBox);
    root.replaceChildren(menus, place);
    draw();
  };
  // Not before a reader comes near: what there is to see weighs more than the page.
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    begin().catch(() => { /* what was drawn with the page stays */ });
  }, { rootMargin: "300px" }).observe(root);
});
