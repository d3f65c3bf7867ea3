/** The page of one run. */

import { addressOf, ago, ask, duration, make, percent, short } from "./elements.js";
import { RunCharts } from "./charts.js";
import { optionsTable } from "./options_table.js";
import { confusion } from "./sections/confusion.js";
import { Distributions } from "./sections/distributions.js";
import { filters } from "./sections/filters.js";
import { network } from "./sections/network.js";
import { profile } from "./sections/profile.js";
import { samples } from "./sections/samples.js";
import { Section } from "./sections/section.js";
import { askToStop } from "./stop_dialog.js";

/** A run on a page of its own. */
export class RunPage {
  #path;
  #charts;
  #sections;
  #distributions = new Distributions();
  #about = make("p", { className: "hint", role: "status" });
  #stop = make("button", { type: "button", className: "stop", hidden: true }, "Stop…");

  /**
   * @param {HTMLElement} place Where it goes.
   * @param {string} path The run.
   */
  constructor(place, path) {
    this.#path = path;
    const charts = make("div", { className: "charts" }), options = make("div", { className: "scroll tall" });
    this.#sections = [
      new Section("Confusions", () => confusion(path), true),
      new Section("Distributions", () => this.#distributions.load(path), true),
      new Section("First filters", () => filters(path), true),
      new Section("Network", () => network(path)),
      new Section("What training sees", () => samples(path)),
      new Section("Time by op", () => profile(path)),
    ];
    place.replaceChildren(
      make(
        "section",
        {},
        make("div", { className: "title" }, make("a", { href: "#" }, "← Runs"), make("h2", {}, path), this.#stop),
        this.#about,
        charts,
      ),
      ...this.#sections.map(({ element }) => element),
      make("section", {}, make("h2", {}, "Options"), options),
    );
    this.#stop.addEventListener("click", () => askToStop(path));
    this.#charts = new RunCharts(charts);
    ask(addressOf("config", path)).then(
      ({ config }) => options.replaceChildren(optionsTable([{ path, colour: "--run-0", config }], true)),
      (error) => options.replaceChildren(make("p", { className: "error" }, error.message)),
    );
  }

  get path() {
    return this.#path;
  }

  /** What the list knows of it. */
  tell(run) {
    this.#stop.hidden = run?.status !== "running";
    if (run === undefined) {
      this.#about.textContent = "There is no such run here any more.";
      return;
    }
    for (const section of this.#sections) section.tell(run.epochsDone);
    const { status, model, data, epochsDone, epochs, best, seconds, imagesPerSecond, changed, fault } = run;
    this.#about.textContent = [
      `${status}, written ${ago(changed)}`,
      `${model ?? "?"} on ${data ?? "?"}`,
      `epoch ${epochsDone}${epochs === undefined ? "" : ` of ${epochs}`}, step ${short(run.steps)}`,
      best === undefined
        ? "no validation yet"
        : `highest validation accuracy ${percent(best.top1)} in epoch ${best.epoch + 1}`,
      `${duration(seconds)} of epochs`,
      `${short(imagesPerSecond)} images/s`,
      ...(fault === undefined ? [] : [fault]),
    ].join(" · ");
  }

  /** Shows nothing any more. */
  remove() {
    for (const section of this.#sections) section.remove();
    this.#charts.remove();
    this.#distributions.remove();
  }

  show(series, options) {
    this.#charts.show([{ path: this.#path, colour: "--run-0", series }], options);
  }
}
