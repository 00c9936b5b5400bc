"use strict";
// Base: the data, small helpers, and what all parts of the page share. No library, no network.
let data = JSON.parse(document.getElementById("data").textContent);
const state = { hidden: new Set(), smoothing: 0.6, axis: "iteration", added: [] };
const byId = id => document.getElementById(id);

// element("p", {class: "dim"}, "text", child): attributes that begin with "on" are listeners
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter(child => child != null));
  return node;
}
function svg(tag, attributes = {}, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text != null) node.textContent = text;
  return node;
}
function options(select, rows) {
  select.replaceChildren(...rows.map(([value, text]) => element("option", { value }, text)));
}

const isNumber = value => typeof value === "number" && Number.isFinite(value);
function number(value, digits = 4) {
  if (!isNumber(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6) return (value / 1e6).toPrecision(3) + "M";
  if (size >= 1e4) return (value / 1e3).toPrecision(3) + "k";
  if (size < 1e-3) return value.toExponential(1);
  return String(+value.toPrecision(digits));
}
function duration(seconds) {
  if (!isNumber(seconds)) return "–";
  const s = Math.round(seconds), pad = n => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}` : `${Math.floor(s / 60)}:${pad(s % 60)}`;
}

const color = run => `var(--run${run % 8})`;
const column = (run, name) => (run.metrics && run.metrics[name]) || [];
const last = list => { for (let i = list.length - 1; i >= 0; i--) if (isNumber(list[i])) return list[i]; return null; };
const best = list => list.reduce((most, value) => (isNumber(value) && (most == null || value > most) ? value : most), null);

// Seconds since the run began, by what its iterations took; lines that were thinned out count as those that stayed.
function seconds(run) {
  const steps = column(run, "step_time"), iterations = column(run, "iteration");
  let sum = 0;
  return iterations.map((iteration, i) => {
    const passed = i ? iteration - iterations[i - 1] : 1;
    return (sum += isNumber(steps[i]) ? steps[i] * Math.max(passed, 0) : 0);
  });
}

const themes = ["system", "light", "dark"];
function themeShow() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const theme = state.theme || "system", shown = theme === "system" ? (dark ? "dark" : "light") : theme;
  document.documentElement.dataset.theme = shown;
  byId("theme").textContent = { system: "◐ system", light: "○ light", dark: "● dark" }[theme];
  dispatchEvent(new Event("themed"));
}
function themeNext() {
  state.theme = themes[(themes.indexOf(state.theme || "system") + 1) % themes.length];
  try { localStorage.setItem("troupe-theme", state.theme); } catch { /* a file's page may not keep anything */ }
  themeShow();
}
function themeBegin() {
  const asked = new URLSearchParams(location.search).get("theme");
  try { state.theme = localStorage.getItem("troupe-theme"); } catch { state.theme = null; }
  if (asked) state.theme = asked;
  if (!themes.includes(state.theme)) state.theme = "system";
  byId("theme").addEventListener("click", themeNext);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", themeShow);
  themeShow();
}
