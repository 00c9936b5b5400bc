// Charts: one small SVG a metric, the runs over each other; hovering or the arrow keys read values.
const chartTable = [
  ["Reward", ["reward"]], ["CIDEr, validation", ["eval/CIDEr"]], ["KL to the reference", ["kl"]], ["Entropy", ["entropy"]],
  ["Length", ["completions/mean_length"]], ["Clip ratios", ["clip_ratio/low_mean", "clip_ratio/high_mean"], ["low", "high"]],
  ["Loss", ["loss"]], ["Negative log-likelihood", ["nll"]], ["Tokens/s", ["tokens_per_s"]],
  ["Version lag", ["version_lag/mean"]], ["Idle", ["learner/idle_frac", "actors/idle_frac"], ["learner", "actors"]],
  ["Spread of the reward", ["reward_std"]], ["Groups without spread", ["frac_reward_zero_std"]],
  ["Gradient norm", ["grad_norm"]], ["Learning rate", ["learning_rate"]]];
const chartHeight = 190, margin = { left: 46, right: 10, top: 8, bottom: 22 };

// Exponential moving average without the bias of its start (as TensorBoard's).
function smooth(values, weight) {
  let mean = 0, debias = 1;
  return values.map(value => {
    mean = weight * mean + (1 - weight) * value;
    debias *= weight;
    return mean / (1 - debias);
  });
}

// [{run, label, dash, x, y, shown}] of what is there
function chartSeries(names, labels) {
  const list = [];
  data.runs.forEach((run, index) => names.forEach((name, k) => {
    if (state.hidden.has(index)) return;
    const xs = state.axis === "seconds" ? seconds(run) : column(run, state.axis), x = [], y = [];
    column(run, name).forEach((value, i) => { if (isNumber(value) && isNumber(xs[i])) x.push(xs[i]), y.push(value); });
    if (!x.length) return;
    const few = x.length < 12, weight = few || /^(eval\/|learning_rate|actors\/alive)/.test(name) ? 0 : state.smoothing;
    const label = [data.runs.length > 1 || names.length < 2 ? run.name : "", labels && labels[k]].filter(Boolean).join(" ");
    list.push({ index, label, dash: k ? "5 3" : "", x, y, shown: weight ? smooth(y, weight) : y, points: few || name.startsWith("eval/") });
  }));
  return list;
}

function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw)), part = raw / power;
  const step = power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10), list = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) list.push(+(i * step).toPrecision(12));
  return list;
}
function extent(lists) {
  let low = Infinity, high = -Infinity;
  for (const list of lists) for (const value of list) low = Math.min(low, value), high = Math.max(high, value);
  if (low === high) { const room = Math.abs(low) * 0.1; low -= room, high += room || 1; }
  return [low, high];
}
// Of what was measured, one value in fifty may lie outside: a single outlier shall not flatten the curve.
function heightExtent(series) {
  const [low, high] = extent(series.map(s => s.shown)), all = series.flatMap(s => s.y).sort((a, b) => a - b);
  const cut = Math.floor(all.length / 50), bottom = Math.min(low, all[cut]), top = Math.max(high, all[all.length - 1 - cut]);
  const room = (top - bottom) * 0.05;
  return [bottom >= 0 ? Math.max(bottom - room, 0) : bottom - room, top + room];
}

function chartDraw(card) {
  const { names, labels, node, plot } = card, width = Math.max(plot.clientWidth, 200);
  const series = (card.series = chartSeries(names, labels));
  plot.replaceChildren();
  plot.setAttribute("viewBox", `0 0 ${width} ${chartHeight}`);
  node.hidden = !series.length;
  if (!series.length) return;
  const [x0, x1] = extent(series.map(s => s.x)), [y0, y1] = heightExtent(series);
  card.toX = x => margin.left + (x - x0) / (x1 - x0) * (width - margin.left - margin.right);
  card.toY = y => chartHeight - margin.bottom - (y - y0) / (y1 - y0) * (chartHeight - margin.top - margin.bottom);
  for (const y of ticks(y0, y1, 4)) {
    plot.append(svg("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: card.toY(y), y2: card.toY(y) }));
    plot.append(svg("text", { x: margin.left - 6, y: card.toY(y) + 4, "text-anchor": "end" }, number(y)));
  }
  for (const x of ticks(x0, x1, Math.max(2, Math.floor(width / 90)))) {
    const text = state.axis === "seconds" ? duration(x) : number(x);
    const anchor = card.toX(x) > width - 26 ? "end" : "middle";
    plot.append(svg("text", { x: card.toX(x), y: chartHeight - 6, "text-anchor": anchor }, text));
  }
  const clip = `clip-${names[0].replace(/\W/g, "-")}`, region = svg("clipPath", { id: clip });
  region.append(svg("rect", { x: margin.left, y: 0, width: width - margin.left, height: chartHeight - margin.bottom + 3 }));
  plot.append(region);
  const line = (s, ys) => s.x.map((x, i) => `${i ? "L" : "M"}${card.toX(x).toFixed(1)} ${card.toY(ys[i]).toFixed(1)}`).join("");
  for (const s of series) {
    const style = `stroke:${color(s.index)}`, common = { style, "clip-path": `url(#${clip})` };
    if (s.shown !== s.y && !s.dash) plot.append(svg("path", { ...common, class: "raw", d: line(s, s.y) }));
    plot.append(svg("path", { ...common, d: line(s, s.shown), "stroke-dasharray": s.dash }));
    if (s.points || s.x.length === 1)
      s.x.forEach((x, i) => plot.append(svg("circle", { cx: card.toX(x), cy: card.toY(s.shown[i]), r: 2.6, style: `fill:${color(s.index)}` })));
  }
  const ends = series.map(s => `${s.label} ${number(s.shown[s.shown.length - 1])}`).join(", ");
  plot.setAttribute("aria-label", `${card.title}; at the end: ${ends}. Arrow keys read values.`);
}

function nearest(list, value) {
  let low = 0, high = list.length - 1;
  while (low < high) { const middle = (low + high) >> 1; if (list[middle] < value) low = middle + 1; else high = middle; }
  return low > 0 && value - list[low - 1] < list[low] - value ? low - 1 : low;
}
// Shows the values next to x; `speak`: to screen readers, too
function chartRead(card, x, speak) {
  const { plot, tip } = card;
  plot.querySelectorAll(".mark").forEach(node => node.remove());
  const first = card.series[0], at = first.x[nearest(first.x, x)], left = card.toX(at), rows = [];
  plot.append(svg("line", { class: "rule mark", x1: left, x2: left, y1: margin.top, y2: chartHeight - margin.bottom }));
  for (const s of card.series) {
    const i = nearest(s.x, at);
    plot.append(svg("circle", { class: "mark", cx: card.toX(s.x[i]), cy: card.toY(s.shown[i]), r: 3.5, style: `fill:${color(s.index)}` }));
    const raw = s.shown === s.y ? "" : ` (${number(s.y[i])})`;
    rows.push([s, `${s.label} ${number(s.shown[i])}${raw}`]);
  }
  const head = `${state.axis === "seconds" ? duration(at) : number(at, 6)} ${state.axis === "num_tokens" ? "tokens" : state.axis === "seconds" ? "" : state.axis}`;
  tip.replaceChildren(element("div", { class: "dim" }, head), ...rows.map(([s, text]) =>
    element("div", {}, element("span", { class: "swatch", style: `background:${color(s.index)}` }), text)));
  tip.hidden = false;
  const room = plot.clientWidth - tip.offsetWidth - 20;
  tip.style.left = `${Math.max(4, left + 16 > room ? Math.min(left - tip.offsetWidth, room + 20) : left + 22)}px`;
  tip.style.top = "2.1rem";
  card.at = at;
  if (speak) byId("spoken").textContent = `${card.title}, ${head}: ${rows.map(row => row[1]).join("; ")}`;
}
function chartLeave(card) {
  card.tip.hidden = true;
  card.plot.querySelectorAll(".mark").forEach(node => node.remove());
}
function chartKey(card, event) {
  const xs = card.series[0].x, at = card.at == null ? xs.length - 1 : nearest(xs, card.at);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: xs.length - 1 }[event.key];
  if (event.key === "Escape") chartLeave(card);
  if (to == null) return;
  event.preventDefault();
  chartRead(card, xs[Math.min(Math.max(to, 0), xs.length - 1)], true);
}

function chartMake(title, names, labels) {
  const plot = svg("svg", { role: "img", tabindex: 0, preserveAspectRatio: "none" }), tip = element("div", { class: "tip", hidden: true });
  const legend = labels ? ` ${labels[0]} —, ${labels[1]} ┄` : "";
  const heading = element("h3", { title: names.join(", ") }, title, element("small", {}, legend));
  const card = { title, names, labels, plot, tip, node: element("div", { class: "chart" }, heading, plot, tip) };
  plot.addEventListener("pointermove", event => {
    const box = plot.getBoundingClientRect(), [x0, x1] = extent(card.series.map(s => s.x));
    const part = (event.clientX - box.left - margin.left) / (box.width - margin.left - margin.right);
    chartRead(card, x0 + Math.min(Math.max(part, 0), 1) * (x1 - x0));
  });
  plot.addEventListener("pointerleave", () => chartLeave(card));
  plot.addEventListener("blur", () => chartLeave(card));
  plot.addEventListener("keydown", event => chartKey(card, event));
  return card;
}

let charts = [];
function chartsDraw() { charts.forEach(chartDraw); }
function chartsMake() {
  const taken = new Set(chartTable.flatMap(row => row[1]).concat("iteration", "epoch", "num_tokens"));
  const names = [...new Set(data.runs.flatMap(run => Object.keys(run.metrics || {})))].filter(name => !taken.has(name)).sort();
  options(byId("more"), [["", "another metric…"], ...names.filter(name => !state.added.includes(name)).map(name => [name, name])]);
  charts = chartTable.concat(state.added.map(name => [name, [name]])).map(row => chartMake(...row));
  byId("charts").replaceChildren(...charts.map(card => card.node));
  chartsDraw();
  if (charts.every(card => card.node.hidden)) byId("charts").append(element("p", { class: "dim" }, "No metrics yet."));
}
function legendMake() {
  byId("legend").replaceChildren(...data.runs.map((run, index) => element("button", {
    type: "button", "aria-pressed": String(!state.hidden.has(index)), onclick() {
      if (!state.hidden.delete(index)) state.hidden.add(index);
      legendMake();
      chartsDraw();
      byId("legend").children[index].focus();
    } }, element("span", { class: "swatch", style: `background:${color(index)}` }), run.name)));
}
function chartsBegin() {
  const slider = byId("smoothing"), show = () => { byId("smoothing-value").textContent = state.smoothing.toFixed(2); };
  slider.addEventListener("input", () => { state.smoothing = +slider.value; show(); chartsDraw(); });
  byId("axis").addEventListener("change", event => { state.axis = event.target.value; chartsDraw(); });
  byId("more").addEventListener("change", event => { if (event.target.value) state.added.push(event.target.value), chartsMake(); });
  let width = 0; // only another width needs other paths
  new ResizeObserver(([entry]) => { if (Math.abs(entry.contentRect.width - width) > 1) { width = entry.contentRect.width; chartsDraw(); } })
    .observe(byId("charts"));
  show();
  legendMake();
  chartsMake();
}
// Newer data: the same charts, unless there is another metric or the first one.
function chartsRefresh() {
  const before = charts.map(card => card.node.hidden).join();
  chartsDraw();
  if (charts.map(card => card.node.hidden).join() !== before) chartsMake();
}
