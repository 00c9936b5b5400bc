// Runs: a table of what each came to, the options in which they differ, and notes.
const runColumns = [
  ["run", run => run.name], ["stage", run => run.stage], ["phase", run => (run.status || {}).phase || ""],
  ["iterations", run => last(column(run, "iteration"))], ["best CIDEr", run => best(column(run, "eval/CIDEr"))],
  ["reward", run => last(column(run, "reward"))], ["KL", run => last(column(run, "kl"))],
  ["entropy", run => last(column(run, "entropy"))],
  ["length", run => last(column(run, "completions/mean_length")) ?? last(column(run, "eval/mean_length"))],
  ["loss", run => last(column(run, "loss"))], ["tokens", run => last(column(run, "num_tokens"))],
  ["tokens/s", run => last(column(run, "tokens_per_s"))], ["time", run => last(seconds(run))]];
let runOrder = { by: -1, down: false };

function runCell(name, value, run, index) {
  if (name === "run")
    return element("td", {}, element("span", { class: "swatch", style: `background:${color(index)}` }), element("span", { title: run.path }, value));
  if (name === "phase") {
    const { iteration, iterations, message } = run.status || {};
    const part = value === "running" && iterations ? ` ${Math.round(100 * iteration / iterations)} %` : "";
    return element("td", { class: "left" }, value ? element("span", { class: `phase ${value}`, title: message || "" }, value + part) : "–");
  }
  if (typeof value === "string") return element("td", { class: "left" }, value || "–");
  return element("td", {}, name === "time" ? duration(value) : number(value));
}

function runsTable() {
  const shown = runColumns.filter(([, value]) => data.runs.some(run => value(run) != null && value(run) !== ""));
  const rows = data.runs.map((run, index) => ({ run, index }));
  if (runOrder.by >= 0) {
    const value = shown[runOrder.by][1];
    const key = row => value(row.run) ?? -Infinity;
    rows.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (runOrder.down ? -1 : 1));
  }
  const head = shown.map(([name], by) => element("th", {
    scope: "col", class: /run|stage|phase/.test(name) ? "left" : null, "aria-sort": runOrder.by === by ? (runOrder.down ? "descending" : "ascending") : "none" },
    element("button", { type: "button", title: "sort", onclick() {
      runOrder = { by, down: runOrder.by === by ? !runOrder.down : true };
      runsTable();
      byId("runs-table").querySelectorAll("th button")[by].focus();
    } }, name + (runOrder.by === by ? (runOrder.down ? " ▼" : " ▲") : ""))));
  const body = rows.map(({ run, index }) => element("tr", {}, ...shown.map(([name, value]) => runCell(name, value(run), run, index))));
  byId("runs-table").replaceChildren(element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)));
}

// Several runs: what differs among them; one: what differs from the defaults.
function optionsTable() {
  const configs = data.runs.map(run => run.config), all = byId("options-all").checked, several = configs.filter(Boolean).length > 1;
  const names = [...new Set(configs.flatMap(config => Object.keys(config || {})))];
  const differs = name => several ? new Set(configs.filter(Boolean).map(config => config[name])).size > 1
    : configs.some(config => config && config[name] !== data.defaults[name]);
  const rows = names.filter(name => all || differs(name)).map(name => element("tr", {},
    element("td", {}, name), ...configs.map(config => {
      const value = config ? config[name] : undefined;
      return element("td", { class: value === data.defaults[name] ? "same" : null }, value === undefined ? "–" : value === "" ? "(none)" : value);
    }), element("td", { class: "same" }, data.defaults[name] ?? "–")));
  byId("options-title").textContent = all ? "All options" : several ? "Options in which the runs differ" : "Options that differ from the defaults";
  const head = ["option", ...data.runs.map(run => run.name), "default"].map(name => element("th", { scope: "col" }, name));
  byId("options-table").replaceChildren(rows.length
    ? element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows))
    : element("p", { class: "dim", style: "margin:.5rem .8rem" }, several ? "The runs have the same options." : "None."));
}

function runsDraw() {
  runsTable();
  optionsTable();
  const notes = data.runs.flatMap(run => run.notes.map(note => `${run.name}: ${note}`)).concat((data.gallery || {}).notes || []);
  byId("notes").replaceChildren(...notes.map(note => element("li", {}, note)));
}
function runsBegin() {
  byId("options-all").addEventListener("change", optionsTable);
  runsDraw();
}
