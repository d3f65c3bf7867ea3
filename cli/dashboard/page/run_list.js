/** The list of runs: its rows, the filter, and which runs are chosen. */

import { ago, byId, make, percent, short } from "./elements.js";
import { compareRuns, nextOrder } from "./run_order.js";

/** The colours that chosen runs can have. */
const COLOURS = 8;
/** Rows that are drawn; the filter finds the others. */
const MOST_ROWS = 500;

/** The list. Tells when the choice changes. */
export class RunList {
  /** @type {Map<string, object>} Summaries by path. */
  #runs = new Map();
  /** @type {Map<string, number>} The colour of each chosen run. */
  #chosen = new Map();
  #rows = new Map();
  #onChoice;
  #drawing;
  #order;

  constructor(onChoice) {
    this.#onChoice = onChoice;
    byId("filter").addEventListener("input", () => this.draw());
    byId("choose-none").addEventListener("click", () => {
      this.#chosen.clear();
      this.#changed();
    });
    for (const button of document.querySelectorAll("#runs thead button")) {
      button.addEventListener("click", () => this.#sort(button.dataset.column));
    }
    addEventListener("keydown", (event) => this.#key(event));
    setInterval(() => this.draw(), 10_000);
  }

  /** The chosen runs with their colours, those first that were chosen first. */
  get chosen() {
    return [...this.#chosen].map(([path, colour]) => ({ path, colour: `--run-${colour}` }));
  }

  run(path) {
    return this.#runs.get(path);
  }

  /** All runs, in the place of those before. Chooses those that go on, or the last one, at first. */
  setAll(runs) {
    const isFirst = this.#runs.size === 0;
    this.#runs = new Map(runs.map((run) => [run.path, run]));
    for (const path of this.#chosen.keys()) if (!this.#runs.has(path)) this.#chosen.delete(path);
    if (isFirst && this.#chosen.size === 0 && runs.length > 0) {
      const going = runs.filter(({ status }) => status === "running").slice(0, 4);
      // The last that has curves, if one has.
      const last = runs.find(({ steps }) => steps > 0) ?? runs[0];
      for (const { path } of going.length > 0 ? going : [last]) this.#choose(path);
      this.#changed();
    } else this.draw();
  }

  set(run) {
    this.#runs.set(run.path, run);
    this.#drawSoon();
  }

  remove(path) {
    this.#runs.delete(path);
    if (this.#chosen.delete(path)) this.#changed();
    else this.#drawSoon();
  }

  /** Goes to a run's row. */
  focus(path) {
    this.#rows.get(path)?.querySelector("input").focus();
  }

  #choose(path) {
    const used = new Set(this.#chosen.values());
    if (this.#chosen.size === COLOURS) this.#chosen.delete(this.#chosen.keys().next().value);
    const free = Array.from({ length: COLOURS }, (_, k) => k).find((k) => !used.has(k)) ?? 0;
    this.#chosen.set(path, free);
  }

  #toggle(path) {
    if (!this.#chosen.delete(path)) this.#choose(path);
    this.#changed();
  }

  #changed() {
    this.draw();
    this.#onChoice();
  }

  #sort(column) {
    this.#order = nextOrder(this.#order, column);
    for (const button of document.querySelectorAll("#runs thead button")) {
      const isOwn = button.dataset.column === this.#order?.column, head = button.closest("th");
      if (!isOwn) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", this.#order.descending ? "descending" : "ascending");
    }
    this.draw();
  }

  /** Many runs may change at once. */
  #drawSoon() {
    this.#drawing ??= requestAnimationFrame(() => this.draw());
  }

  draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = undefined;
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const matches = ({ path, model, data, status }) => {
      const text = `${path} ${model} ${data} ${status}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const found = [...this.#runs.values()].filter(matches).sort(compareRuns(this.#order));
    const shown = found.slice(0, MOST_ROWS), body = byId("runs").tBodies[0], now = Date.now(), kept = new Set();
    const focused = document.activeElement;
    for (const [k, run] of shown.entries()) {
      let row = this.#rows.get(run.path);
      if (row === undefined) this.#rows.set(run.path, row = this.#row(run.path));
      kept.add(run.path);
      this.#fill(row, run, now);
      if (body.rows[k] !== row) body.insertBefore(row, body.rows[k] ?? null);
    }
    for (const [path, row] of this.#rows) {
      if (kept.has(path)) continue;
      row.remove();
      this.#rows.delete(path);
    }
    // A row that moves would lose it.
    if (focused !== document.activeElement && body.contains(focused)) focused.focus();
    const none = byId("no-runs"), more = found.length - shown.length;
    none.hidden = found.length > 0 && more === 0;
    none.textContent = more > 0
      ? `${more} more; filter to see them.`
      : this.#runs.size === 0
      ? "There are no runs here yet; those that begin are shown."
      : "No run matches.";
  }

  #row(path) {
    const box = make("input", { type: "checkbox", "aria-label": `show the curves of ${path}` });
    box.addEventListener("change", () => this.#toggle(path));
    const row = make("tr", {}, ...Array.from({ length: 10 }, () => make("td")));
    row.dataset.run = path;
    row.cells[0].append(make("span", { className: "swatch" }), box);
    row.cells[1].append(make("a", { href: `#run=${encodeURIComponent(path)}`, tabIndex: -1 }, path));
    for (const k of [5, 6, 7, 8, 9]) row.cells[k].className = "number";
    return row;
  }

  #fill(row, run, now) {
    const colour = this.#chosen.get(run.path), { cells } = row;
    const [swatch, box] = cells[0].children;
    swatch.style.background = colour === undefined ? "transparent" : `var(--run-${colour})`;
    box.checked = colour !== undefined;
    const texts = [
      run.isRead ? run.status : "reading…",
      run.model ?? "–",
      run.data?.split(/[\\/]/).at(-1) ?? "–",
      `${run.epochsDone}${run.epochs === undefined ? "" : ` / ${run.epochs}`}`,
      run.best === undefined ? "–" : `${percent(run.best.top1)} (${run.best.epoch + 1})`,
      short(run.valLoss),
      short(run.imagesPerSecond),
      ago(run.changed, now),
    ];
    texts.forEach((text, k) => {
      const cell = cells[k + 2];
      if (cell.textContent !== text) cell.textContent = text;
    });
    cells[2].className = `status ${run.isRead ? run.status.replace(" ", "-") : ""}`;
    cells[2].title = run.fault ?? "";
    if (run.fault !== undefined) cells[2].textContent += " ⚠";
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("list").hidden) return;
    const { target, key } = event, filter = byId("filter");
    if (key === "/" && target !== filter) {
      event.preventDefault();
      return filter.focus();
    }
    if (key === "Escape" && target === filter) {
      filter.value = "";
      this.draw();
      return filter.blur();
    }
    const boxes = [...document.querySelectorAll("#runs tbody input")], at = boxes.indexOf(target);
    if ((key === "ArrowDown" || key === "ArrowUp") && (at >= 0 || target === document.body || target === filter)) {
      event.preventDefault();
      boxes[Math.max(0, Math.min(boxes.length - 1, at + (key === "ArrowDown" ? 1 : -1)))]?.focus();
    } else if (key === "Enter" && at >= 0) {
      location.hash = `run=${encodeURIComponent(target.closest("tr").dataset.run)}`;
    }
  }
}
