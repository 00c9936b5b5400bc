// Gallery: pictures with captions before and after, the groups of samples they had, and where the policy looked at each word.
const pageCards = 24;
let pictures = [], shownCards = pageCards;

// Pictures of the report, and those that only samples.jsonl speaks of.
function picturesCollect() {
  const byFile = new Map(((data.gallery || {}).pictures || []).map(picture => [picture.file, { ...picture, groups: [] }]));
  data.runs.forEach((run, index) => (run.samples || []).forEach(group => {
    if (!byFile.has(group.image)) byFile.set(group.image, { id: group.image, file: group.image, captions: [], references: [], groups: [] });
    byFile.get(group.image).groups.push({ ...group, run: index });
  }));
  return [...byFile.values()].map((picture, order) => {
    const after = picture.captions.filter(caption => caption.when === "after"), before = picture.captions.filter(caption => caption.when === "before");
    const mean = list => (list.length ? list.reduce((sum, caption) => sum + (caption.cider ?? 0), 0) / list.length : null);
    const [a, b] = [mean(after), mean(before)], texts = [picture.id, ...picture.captions.map(caption => caption.text), ...picture.references,
      ...picture.groups.flatMap(group => group.captions)];
    const advantages = picture.groups.flatMap(group => group.rewards.filter(isNumber));
    return { ...picture, order, cider: a, gain: a != null && b != null ? a - b : null, text: texts.join("\n").toLowerCase(),
      spread: advantages.length ? Math.max(...advantages) - Math.min(...advantages) : null,
      iteration: picture.groups.length ? picture.groups[picture.groups.length - 1].iteration : null };
  });
}
const sorts = { order: ["file order", p => p.order, 1], best: ["best caption", p => p.cider, -1], worst: ["worst caption", p => p.cider, 1],
  gain: ["largest gain", p => p.gain, -1], loss: ["largest loss", p => p.gain, 1], spread: ["spread of rewards", p => p.spread, -1],
  latest: ["latest samples", p => p.iteration, -1] };

// --- heat maps ---------------------------------------------------------------------------------------------------------
// attention: base64 of words x side x side bytes, each word's largest 255
function heatBytes(caption) {
  caption.bytes ||= Uint8Array.from(atob(caption.attention), c => c.charCodeAt(0));
  return caption.bytes;
}
function heatDraw(canvas, caption, word) {
  const side = caption.side, cells = side * side, small = element("canvas", { width: side, height: side });
  const bytes = heatBytes(caption).subarray(word * cells, (word + 1) * cells), paint = small.getContext("2d");
  const image = paint.createImageData(side, side);
  bytes.forEach((value, i) => { // dark where it did not look, warm where it did
    const v = (value / 255) ** 1.5; // the little that lies everywhere is held down
    image.data.set([Math.min(255, 20 + 330 * v), 190 * v * v, 40 * (1 - v), 165 - 60 * v], 4 * i);
  });
  paint.putImageData(image, 0, 0);
  canvas.width = canvas.height = side * 16;
  const big = canvas.getContext("2d");
  big.imageSmoothingEnabled = true, big.imageSmoothingQuality = "high";
  big.clearRect(0, 0, canvas.width, canvas.height);
  big.drawImage(small, 0, 0, canvas.width, canvas.height);
}

// The picture, and over it the canvas of its heat map.
function pictureNode(picture, alt, canvas) {
  return picture.src ? element("span", { class: "frame" }, element("img", { src: picture.src, alt, loading: "lazy" }), canvas)
    : element("span", { class: "frame none" }, "picture not found", canvas);
}
// Runs that began with the same policy have one caption before.
function captionsOf(picture) {
  const begins = picture.captions.filter(caption => caption.when === "before"), one = new Set(begins.map(caption => caption.text)).size === 1;
  return picture.captions.filter(caption => caption.when !== "before" || !one || caption === begins[0])
    .map(caption => (caption.when === "before" && one && begins.length > 1 ? { ...caption, shared: true } : caption));
}

// --- a card ------------------------------------------------------------------------------------------------------------
// Words of a caption: hovering, or focus and the arrow keys, shows where the policy looked.
function wordsNode(caption, canvas) {
  if (!caption.attention || !canvas) return element("div", { class: "words" }, caption.text || "(empty)");
  const spans = caption.words.map(word => element("span", {}, word));
  const node = element("div", { class: "words", tabindex: 0, role: "group", "aria-label": `${caption.text}. Arrow keys: where it looked at each word.` });
  let at = -1;
  const show = index => {
    at = index;
    spans.forEach((span, i) => span.classList.toggle("on", i === at));
    canvas.hidden = at < 0;
    if (at >= 0) heatDraw(canvas, caption, at);
  };
  spans.forEach((span, i) => { node.append(span, " "); span.addEventListener("pointerenter", () => show(i)); });
  node.addEventListener("pointerleave", () => show(-1));
  node.addEventListener("blur", () => show(-1));
  node.addEventListener("keydown", event => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: spans.length - 1, Escape: at < 0 ? null : -1 }[event.key];
    if (to == null) return;
    event.preventDefault();
    event.stopPropagation();
    show(Math.min(Math.max(to, -1), spans.length - 1));
  });
  return node;
}
function captionNode(caption, canvas) {
  const run = data.runs[caption.run], several = data.runs.length > 1 && !caption.shared;
  const who = element("div", { class: "who" }, several ? element("span", { class: "swatch", style: `background:${color(caption.run)};margin:0` }) : null,
    `${several ? run.name + ", " : ""}${caption.when}`, isNumber(caption.cider) ? element("span", { class: "score", title: "CIDEr-D, document frequencies of the training split" }, caption.cider.toFixed(2)) : null);
  return element("div", { class: "caption" }, who, wordsNode(caption, canvas));
}
// Samples by falling reward; blue: above the group's mean, orange: below.
function groupNode(group) {
  const most = Math.max(...group.advantages.map(a => Math.abs(a ?? 0)), 1e-9), run = data.runs[group.run];
  const rows = group.captions.map((text, i) => ({ text, reward: group.rewards[i], advantage: group.advantages[i] ?? 0 })).sort((a, b) => b.reward - a.reward);
  const where = data.runs.length > 1 ? `${run.name}, ` : "";
  return element("div", { class: "group" }, element("div", { class: "who" }, `${where}samples of iteration ${group.iteration}: reward, caption; colour: advantage`),
    ...rows.map(row => element("div", { class: "sample", title: `advantage ${number(row.advantage, 3)}`,
      style: `background:rgba(var(--${row.advantage >= 0 ? "good" : "bad"}), ${(0.5 * Math.abs(row.advantage) / most).toFixed(3)})` },
    element("b", {}, isNumber(row.reward) ? row.reward.toFixed(2) : "–"), row.text || "(empty)")));
}
function referencesNode(picture, open) {
  return picture.references.length ? element("details", { open }, element("summary", {}, `${picture.references.length} references`),
    element("ul", {}, ...picture.references.map(text => element("li", {}, text)))) : null;
}
function cardNode(picture) {
  const canvas = picture.captions.length ? element("canvas", { hidden: true }) : null, groups = picture.groups;
  const open = element("button", { type: "button", class: "picture", "aria-label": `Open ${picture.id}`, onclick: () => detailShow(picture) },
    pictureNode(picture, picture.id, canvas));
  return element("article", { class: "card" }, open, element("div", { class: "body" },
    element("div", { class: "name" }, element("b", { title: picture.file }, picture.id), picture.split || ""),
    ...captionsOf(picture).map(caption => captionNode(caption, canvas)), referencesNode(picture, false),
    groups.length ? groupNode(groups[groups.length - 1]) : null,
    groups.length > 1 ? element("div", { class: "who dim" }, `${groups.length - 1} earlier groups: open the picture`) : null));
}

// --- one picture, large ---------------------------------------------------------------------------------------------------
function filmNode(picture, caption) {
  return element("div", { class: "film" }, ...caption.words.map((word, i) => {
    const canvas = element("canvas");
    heatDraw(canvas, caption, i);
    return element("figure", {}, element("div", { class: "picture" }, pictureNode(picture, "", canvas)), element("figcaption", {}, word));
  }));
}
function detailShow(picture) {
  const dialog = byId("detail"), canvas = element("canvas", { hidden: true }), list = picked(), at = list.indexOf(picture);
  const step = by => { const next = list[at + by]; if (next) detailShow(next); };
  const head = element("div", { class: "head" }, element("b", {}, picture.id), element("span", { class: "dim" }, picture.split || ""),
    element("button", { type: "button", disabled: at <= 0, onclick: () => step(-1), "aria-label": "previous picture" }, "‹"),
    element("button", { type: "button", disabled: at + 1 >= list.length, onclick: () => step(1), "aria-label": "next picture" }, "›"),
    element("button", { type: "button", autofocus: true, onclick: () => dialog.close() }, "Close"));
  const left = element("div", {}, element("div", { class: "picture" }, pictureNode(picture, picture.id, canvas)), referencesNode(picture, true));
  const right = element("div", {}, ...captionsOf(picture).flatMap(caption => [captionNode(caption, canvas), caption.attention ? filmNode(picture, caption) : null]),
    ...picture.groups.slice().reverse().map(groupNode));
  dialog.replaceChildren(head, element("div", { class: "columns" }, left, right));
  dialog.onkeydown = event => { if (event.key === "ArrowLeft") step(-1); if (event.key === "ArrowRight") step(1); };
  if (!dialog.open) dialog.showModal();
}

// --- search, sort, show ---------------------------------------------------------------------------------------------------
function picked() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean), filter = byId("filter").value, [, key, way] = sorts[byId("sort").value];
  const list = pictures.filter(picture => words.every(word => picture.text.includes(word)) &&
    (filter === "" || (filter === "samples" ? picture.groups.length : picture.split === filter)));
  const value = picture => key(picture) ?? -Infinity * way; // what has no such value comes last
  return list.sort((a, b) => (value(a) === value(b) ? a.order - b.order : (value(a) - value(b)) * way));
}
function galleryDraw() {
  const list = picked(), shown = list.slice(0, shownCards);
  byId("cards").replaceChildren(...shown.map(cardNode));
  byId("count").textContent = `${list.length} of ${pictures.length} pictures`;
  byId("more-cards").hidden = list.length <= shown.length;
  if (!pictures.length) byId("cards").append(element("p", { class: "dim" }, "No samples were kept (samples.groups), and no checkpoint was found to caption with."));
}
function galleryBegin() {
  pictures = picturesCollect();
  const has = key => pictures.some(picture => sorts[key][1](picture) != null);
  options(byId("sort"), Object.keys(sorts).filter(has).map(key => [key, sorts[key][0]]));
  if (!pictures.length) options(byId("sort"), [["order", "file order"]]);
  const splits = [...new Set(pictures.map(picture => picture.split).filter(Boolean))];
  options(byId("filter"), [["", "all pictures"], ...splits.map(split => [split, `split ${split}`]),
    ...(pictures.some(picture => picture.groups.length) ? [["samples", "with samples"]] : [])]);
  const again = () => { shownCards = pageCards; galleryDraw(); };
  byId("search").addEventListener("input", again);
  byId("sort").addEventListener("change", again);
  byId("filter").addEventListener("change", again);
  byId("more-cards").addEventListener("click", () => { shownCards += pageCards; galleryDraw(); });
  galleryDraw();
}
