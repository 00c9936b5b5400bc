// Put behind the page's own scripts by browser.sh: uses the page as a person would and writes what it found, a line a check, into
// <pre id="probe">.
const found = [];
const check = (what, good) => found.push(`${good ? "ok" : "FAULT"} ${what}`);
const key = (node, name) => node.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
const set = (id, value, event) => { byId(id).value = value; byId(id).dispatchEvent(new Event(event)); };
const shownCharts = () => charts.filter(card => !card.node.hidden);

function probeRuns() {
  check("a row a run", document.querySelectorAll("#runs-table tbody tr").length === data.runs.length);
  const sorter = [...document.querySelectorAll("#runs-table th button")].find(node => node.textContent.startsWith("iterations"));
  sorter.click();
  check("the table sorts", document.querySelector("#runs-table th[aria-sort=descending]").textContent.startsWith("iterations"));
  const some = document.querySelectorAll("#options-table tbody tr").length;
  byId("options-all").click();
  check("all options", document.querySelectorAll("#options-table tbody tr").length > Math.max(some, 50));
  byId("options-all").click();
}
function probeCharts() {
  const titles = shownCharts().map(card => card.title);
  for (const title of ["Reward", "CIDEr, validation", "KL to the reference", "Entropy", "Length", "Clip ratios", "Loss", "Tokens/s", "Version lag"])
    check(`chart ${title}`, titles.includes(title));
  check("no NaN in a path", ![...document.querySelectorAll(".chart path")].some(path => /NaN|undefined/.test(path.getAttribute("d"))));
  const reward = shownCharts()[0], path = () => reward.plot.querySelector("path:not(.raw)").getAttribute("d"), before = path();
  set("smoothing", "0.96", "input");
  check("smoothing changes a curve", path() !== before || column(data.runs[reward.series[0].index], "reward").length < 12);
  set("axis", "seconds", "change");
  check("over time", path() !== before);
  set("axis", "iteration", "change");
  reward.plot.focus();
  key(reward.plot, "Home");
  check("the keyboard reads values", !reward.tip.hidden && byId("spoken").textContent.startsWith("Reward"));
  const curves = () => document.querySelectorAll(".chart path:not(.raw)").length, all = curves();
  byId("legend").children[0].click();
  check("a run is hidden", curves() < all);
  byId("legend").children[0].click();
  check("and shown again", curves() === all);
  set("more", byId("more").options[1].value, "change");
  check("another metric", curves() > all);
}
function probeTimeline() {
  const table = document.querySelector("#timeline-view tbody");
  check("a lane a rank", table && table.rows.length >= 2);
  key(view.canvas, "+");
  check("zoom by keyboard", view.to - view.from < 1);
  key(view.canvas, "0");
}
function probeGallery() {
  const cards = () => document.querySelectorAll(".card").length, all = cards();
  check("cards", all > 0);
  set("filter", "samples", "change");
  check("samples coloured by advantage", document.querySelectorAll(".sample[style*=rgba]").length > 0);
  set("filter", "", "change");
  set("search", "no such word at all", "input");
  check("search that finds nothing", cards() === 0);
  set("search", "", "input");
  for (const option of byId("sort").options) set("sort", option.value, "change"), check(`sort ${option.value}`, cards() === all);
  const looked = document.querySelector(".words[tabindex]");
  if (data.gallery && data.gallery.pictures.length) {
    check("captions before and after", [...document.querySelectorAll(".caption .who")].some(node => /before/.test(node.textContent)));
    check("references", document.querySelectorAll(".card details li").length > 0);
    check("pictures", document.querySelectorAll(".card img").length > 0);
    looked.focus();
    key(looked, "ArrowRight");
    check("a heat map", !looked.closest(".card").querySelector("canvas").hidden && looked.querySelector(".on"));
  }
  document.querySelector(".card .picture").click();
  check("a picture opens", byId("detail").open);
  if (looked) check("a heat map for each word", document.querySelectorAll("#detail .film canvas").length > 2);
  key(byId("detail"), "ArrowRight");
  byId("detail").close();
}
async function probe() {
  for (const part of [probeRuns, probeCharts, probeTimeline, probeGallery])
    try { part(); } catch (error) { found.push(`FAULT ${part.name}: ${error.stack}`); }
  const ground = () => getComputedStyle(document.body).backgroundColor, light = ground();
  key(document.body, "t"), key(document.body, "t");
  check("another theme", ground() !== light);
  const sources = ((data.gallery || {}).pictures || []).map(picture => picture.src).filter(Boolean);
  await Promise.all(sources.map(src => new Promise(done => {
    const image = new Image();
    image.onload = done, image.onerror = () => done(faults.push("a picture cannot be decoded"));
    image.src = src;
  })));
  check(`nothing in the console: ${faults.join("; ")}`, faults.length === 0);
  check("nothing from the network", performance.getEntriesByType("resource").every(entry => entry.name.startsWith("data:")));
  document.body.append(element("pre", { id: "probe" }, `\n${found.join("\n")}\nend\n`));
}
probe();
