// Timeline: what each rank did when: from the trace of a run with --trace, else a bar an iteration from its metrics.
const lane = { height: 30, gap: 8, left: 92, bottom: 22 };
const view = { from: 0, to: 1, run: 0, canvas: null, tip: null };

// The metrics' view of a run: learner and mean actor, an iteration's seconds one after the other.
function timelineOfMetrics(run) {
  const ends = seconds(run), get = (name, i) => Math.max(column(run, name)[i] || 0, 0);
  if (!column(run, "learner/update_s").some(isNumber)) return null;
  const learner = { name: "learner", events: [] }, actor = { name: "actors", events: [] };
  column(run, "iteration").forEach((iteration, i) => {
    const step = get("step_time", i), idle = Math.min(get("learner/idle_frac", i) * step, step), sent = Math.min(get("broadcast/seconds", i), step - idle);
    let at = ends[i] - step;
    const put = (lane, kind, took, name) => { if (took > 0) lane.events.push({ at, took, kind, name: `${name}, iteration ${iteration}` }), at += took; };
    put(learner, "transfer", sent, "weights"), put(learner, "waiting", idle, "rollouts waited for"), put(learner, "busy", step - sent - idle, "update");
    at = ends[i] - step;
    const work = [["decode", "actors/decode_s"], ["reward", "actors/reward_s"], ["reference", "actors/reference_s"]].map(([name, key]) => [name, get(key, i)]);
    const spent = work.reduce((sum, row) => sum + row[1], 0), share = get("actors/idle_frac", i);
    const whole = spent / Math.max(1 - share, 0.01), scale = whole > 0 ? step / whole : 0;
    for (const [name, took] of work) put(actor, "busy", took * scale, name);
    put(actor, "waiting", (whole - spent) * scale, "idle");
  });
  return { span: last(ends) || 1, ranks: [learner, actor], source: "from metrics.jsonl; a run with --trace shows every rank's events" };
}
function timelineOfTrace(run) {
  if (!run.timeline) return null;
  const ranks = run.timeline.ranks.map(rank => ({ ...rank, events: rank.events.map(([at, took, name]) =>
    ({ at: at / 1e6, took: took / 1e6, kind: run.timeline.names[name].kind, name: run.timeline.names[name].name })) }));
  return { span: run.timeline.span_s || 1, ranks, source: "from the trace" };
}

function timelineShares(lines) {
  const kinds = ["busy", "waiting", "transfer"], rows = lines.ranks.map(rank => {
    const sums = rank.shares || kinds.map(kind => rank.events.reduce((sum, e) => sum + (e.kind === kind ? e.took : 0), 0));
    return element("tr", {}, element("td", {}, rank.name), ...sums.map(sum =>
      element("td", {}, `${duration(sum)}  (${(100 * sum / lines.span).toFixed(0)} %)`)));
  });
  const head = ["rank", ...kinds].map(name => element("th", { scope: "col" }, name));
  return element("div", { class: "scroll" }, element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)));
}

function lanesDraw() {
  const { canvas, lines } = view, style = getComputedStyle(document.documentElement), scale = devicePixelRatio || 1;
  if (!canvas || !canvas.isConnected) return;
  const width = canvas.clientWidth, height = lines.ranks.length * (lane.height + lane.gap) + lane.bottom;
  canvas.width = width * scale, canvas.height = height * scale, canvas.style.height = `${height}px`;
  const paint = canvas.getContext("2d"), colors = {};
  for (const kind of ["busy", "waiting", "transfer", "line", "dim", "ink"]) colors[kind] = style.getPropertyValue(`--${kind}`);
  paint.scale(scale, scale);
  paint.font = "12px system-ui, sans-serif";
  const toX = s => lane.left + (s / lines.span - view.from) / (view.to - view.from) * (width - lane.left);
  paint.strokeStyle = colors.line;
  for (const tick of ticks(view.from * lines.span, view.to * lines.span, Math.max(2, width / 130))) {
    const x = Math.round(toX(tick)) + 0.5;
    paint.beginPath(), paint.moveTo(x, 0), paint.lineTo(x, height - lane.bottom), paint.stroke();
    paint.fillStyle = colors.dim, paint.fillText(`${number(tick)} s`, Math.min(x + 3, width - 40), height - 6);
  }
  lines.ranks.forEach((rank, row) => {
    const top = row * (lane.height + lane.gap);
    paint.save(), paint.beginPath(), paint.rect(lane.left, 0, width - lane.left, height), paint.clip();
    for (const event of rank.events) {
      const x = toX(event.at), w = Math.max(toX(event.at + event.took) - x, 0.5);
      if (x + w < lane.left || x > width) continue;
      if (event.kind === "frame") paint.fillStyle = colors.line, paint.fillRect(x, top, Math.max(w - 1, 0.5), 4);
      else paint.fillStyle = colors[event.kind], paint.fillRect(x, top + 6, w > 3 ? w - 0.5 : w, lane.height - 6);
    }
    paint.restore();
    paint.fillStyle = colors.ink, paint.fillText(rank.name, 4, top + lane.height / 2 + 7, lane.left - 10);
  });
}

function lanesZoom(factor, middle = 0.5) {
  const wide = Math.min(Math.max((view.to - view.from) * factor, 1e-5), 1), at = view.from + (view.to - view.from) * middle;
  view.from = Math.min(Math.max(at - wide * middle, 0), 1 - wide), view.to = view.from + wide;
  lanesDraw();
}
function lanesMove(part) {
  const wide = view.to - view.from;
  view.from = Math.min(Math.max(view.from + part * wide, 0), 1 - wide), view.to = view.from + wide;
  lanesDraw();
}
function lanesTip(event) {
  const { canvas, lines, tip } = view, box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
  const rank = lines.ranks[Math.floor(y / (lane.height + lane.gap))];
  const at = (view.from + (x - lane.left) / (box.width - lane.left) * (view.to - view.from)) * lines.span;
  const found = rank && x > lane.left ? rank.events.filter(e => e.at <= at && at <= e.at + e.took) : [];
  tip.hidden = !found.length;
  if (!found.length) return;
  tip.replaceChildren(...found.slice(-4).map(e => element("div", {}, `${e.name} · ${e.took < 1 ? (1e3 * e.took).toFixed(1) + " ms" : e.took.toFixed(2) + " s"}`)));
  tip.style.left = `${Math.min(x + 16, box.width - tip.offsetWidth)}px`, tip.style.top = `${y + 18}px`;
}

function lanesMake() {
  const canvas = element("canvas", { tabindex: 0, role: "img", "aria-label": "Timeline of the ranks; the table below has its sums. Plus and minus zoom, arrow keys move." });
  view.tip = element("div", { class: "tip", hidden: true });
  let drag = null;
  canvas.addEventListener("wheel", event => {
    if (!event.ctrlKey && !event.shiftKey) return; // the page scrolls
    event.preventDefault();
    lanesZoom(event.deltaY > 0 ? 1.25 : 0.8, Math.max(0, (event.offsetX - lane.left) / (canvas.clientWidth - lane.left)));
  }, { passive: false });
  canvas.addEventListener("pointerdown", event => { drag = event.clientX; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", event => {
    if (drag != null) lanesMove((drag - event.clientX) / (canvas.clientWidth - lane.left)), (drag = event.clientX);
    lanesTip(event);
  });
  canvas.addEventListener("pointerup", () => (drag = null));
  canvas.addEventListener("pointerleave", () => (view.tip.hidden = true));
  canvas.addEventListener("keydown", event => {
    const does = { "+": () => lanesZoom(0.7), "=": () => lanesZoom(0.7), "-": () => lanesZoom(1.4), ArrowLeft: () => lanesMove(-0.2),
      ArrowRight: () => lanesMove(0.2), Home: () => lanesMove(-1e9), End: () => lanesMove(1e9), 0: () => lanesZoom(1e9) }[event.key];
    if (does) event.preventDefault(), does();
  });
  view.canvas = canvas;
  return element("div", { class: "lanes" }, canvas, view.tip);
}

function timelineDraw() {
  const run = data.runs[view.run], lines = timelineOfTrace(run) || timelineOfMetrics(run), zoomed = view.canvas && view.shown === view.run;
  byId("timeline-hint").textContent = lines ? `${lines.source}. Ctrl+wheel or +/− zoom, drag or arrows move, 0 shows all.` : "";
  view.lines = lines, view.shown = view.run;
  if (!lines) {
    view.canvas = null;
    byId("timeline-view").replaceChildren(element("p", { class: "dim" }, "This run has nothing to show: stage 1 on one rank, or no iteration yet."));
    return;
  }
  if (!zoomed) view.from = 0, view.to = 1;
  const had = view.canvas && document.activeElement === view.canvas;
  byId("timeline-view").replaceChildren(lanesMake(), timelineShares(lines));
  if (had) view.canvas.focus();
  lanesDraw();
}
function timelineBegin() {
  options(byId("timeline-run"), data.runs.map((run, index) => [index, run.name]));
  byId("timeline-pick").hidden = data.runs.length < 2;
  view.run = Math.max(data.runs.findIndex(run => run.timeline || run.stage === "train"), 0);
  byId("timeline-run").value = view.run;
  byId("timeline-run").addEventListener("change", event => { view.run = +event.target.value; timelineDraw(); });
  addEventListener("themed", lanesDraw);
  addEventListener("resize", lanesDraw);
  timelineDraw();
}
