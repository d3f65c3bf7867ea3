/** The dashboard's page: hears what changes, and shows the list of runs or one of them. */

import { addressOf, ask, byId, showError } from "./elements.js";
import { RunCharts } from "./charts.js";
import { optionsTable } from "./options_table.js";
import { RunList } from "./run_list.js";
import { RunPage } from "./run_page.js";

/** @type {Map<string, { version: number, steps: object, epochs: object[] }>} The series of runs that are shown. */
const series = new Map();
const configs = new Map();
const list = new RunList(() => refresh());
let charts, page, refreshing, again = false, optionsText = "";

/** The runs whose curves are shown. */
const shown = () => page === undefined ? list.chosen : [{ path: page.path, colour: "--run-0" }];

const settings = () => ({
  smoothing: Number(byId("smoothing").value),
  axis: byId("axis").value,
  log: byId("log").checked,
});

/** Fetches what is new of a run. */
async function fetchSeries(path) {
  const known = series.get(path), version = list.run(path)?.version;
  if (known !== undefined && known.version === version) return;
  // The last bucket may have grown.
  const from = Math.max(0, (known?.steps.step.length ?? 0) - 1);
  const more = known === undefined ? {} : { from, width: known.steps.width, generation: known.generation };
  const { steps, epochs, generation } = await ask(addressOf("series", path, more));
  if (known !== undefined && steps.from > 0) {
    for (const name of ["step", "loss", "lr", "imagesPerSecond"]) {
      steps[name] = [...known.steps[name].slice(0, steps.from), ...steps[name]];
    }
  }
  series.set(path, { version, generation, steps, epochs });
}

/** Draws what is shown, once what is new is there; what comes meanwhile is drawn after it. */
function refresh() {
  again = true;
  refreshing ??= (async () => {
    while (again) {
      again = false;
      try {
        await Promise.all(shown().map(({ path }) => fetchSeries(path)));
        draw();
        await drawOptions();
        showError();
      } catch (error) {
        showError(error);
      }
    }
    refreshing = undefined;
  })();
}

function draw() {
  const runs = shown().filter(({ path }) => series.has(path)), wanted = new Set(runs.map(({ path }) => path));
  for (const path of series.keys()) if (!wanted.has(path)) series.delete(path);
  if (page !== undefined) {
    if (runs.length > 0) page.show(series.get(page.path), settings());
    return;
  }
  byId("no-choice").hidden = runs.length > 0;
  byId("charts").hidden = runs.length === 0;
  if (runs.length === 0) return;
  charts ??= new RunCharts(byId("charts"));
  charts.show(runs.map((run) => ({ ...run, series: series.get(run.path) })), settings());
}

async function drawOptions() {
  const chosen = page === undefined ? list.chosen : [];
  byId("options").hidden = chosen.length < 2;
  if (chosen.length < 2) return;
  for (const { path } of chosen) {
    if (!configs.has(path)) configs.set(path, (await ask(addressOf("config", path))).config);
  }
  const runs = chosen.map((run) => ({ ...run, config: configs.get(run.path) })), text = JSON.stringify(runs);
  // A table that is the same stays, with what is selected in it.
  if (text === optionsText) return;
  optionsText = text;
  byId("options-table").replaceChildren(optionsTable(runs));
}

/** Shows what the address asks for. */
function navigate() {
  const path = /^#run=(.+)$/.exec(location.hash)?.[1];
  byId("list").hidden = path !== undefined;
  byId("run").hidden = path === undefined;
  const before = page?.path;
  page?.remove();
  page = path === undefined ? undefined : new RunPage(byId("run"), decodeURIComponent(path));
  if (page === undefined) {
    byId("run").replaceChildren();
    if (before !== undefined) list.focus(before);
  } else {
    if (list.run(page.path) !== undefined) page.tell(list.run(page.path));
    byId("run").querySelector("a").focus({ preventScroll: true });
  }
  document.title = page === undefined ? "Residua: runs" : `${page.path}: Residua`;
  refresh();
}

function connect() {
  const events = new EventSource("api/events"), connection = byId("connection");
  const state = (text, live) => {
    connection.textContent = text;
    connection.classList.toggle("live", live);
  };
  events.addEventListener("open", () => state("live", true));
  events.addEventListener("error", () => state("not connected; trying again…", false));
  events.addEventListener("runs", ({ data }) => {
    list.setAll(JSON.parse(data));
    page?.tell(list.run(page.path));
    // Versions are those of a server, which may be another one now.
    series.clear();
    configs.clear();
    refresh();
  });
  events.addEventListener("run", ({ data }) => {
    const run = JSON.parse(data);
    // One that goes on may have other options.
    if (list.run(run.path)?.status !== run.status) configs.delete(run.path);
    list.set(run);
    if (page?.path === run.path) page.tell(run);
    if (shown().some(({ path }) => path === run.path)) refresh();
  });
  events.addEventListener("gone", ({ data }) => {
    const path = JSON.parse(data);
    list.remove(path);
    if (page?.path === path) page.tell();
  });
}

for (const id of ["smoothing", "axis", "log"]) byId(id).addEventListener("input", draw);
addEventListener("hashchange", navigate);
addEventListener("keydown", ({ key, target }) => {
  if (key !== "Escape" || page === undefined || target.tagName === "INPUT") return;
  if (document.querySelector("dialog[open]") === null) location.hash = "";
});
ask("api/runs").then(({ root }) => byId("root").textContent = root, showError);
navigate();
connect();
