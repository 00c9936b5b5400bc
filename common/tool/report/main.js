// Main: begins all parts; a page that is served asks for newer data while it is looked at.
function subtitle() {
  const made = new Date(data.made * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const names = data.runs.map(run => run.name).join(", ");
  byId("subtitle").textContent = `${names} · ${data.live ? "live, " : ""}${made} · troupe ${data.version}`;
  document.title = `${names} – troupe report`;
}
async function refresh() {
  if (!document.hidden) {
    try {
      const answer = await fetch("data.json", { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      data = { ...await answer.json(), gallery: data.gallery };
      subtitle();
      runsDraw();
      chartsRefresh();
      timelineDraw();
    } catch { byId("subtitle").textContent = "the server does not answer; what is shown is what it said last"; }
  }
  setTimeout(refresh, 3000);
}
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if (event.key === "t") themeNext();
  if (event.key === "/") { event.preventDefault(); byId("search").focus(); }
});
themeBegin();
subtitle();
runsBegin();
chartsBegin();
timelineBegin();
galleryBegin();
if (data.live) setTimeout(refresh, 3000);
