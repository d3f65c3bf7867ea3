/** The page of one run. */

import { addressOf, ask, make } from "./elements.js";
import { RunCharts } from "./charts.js";
import { optionsTable } from "./options_table.js";

/** A run on a page of its own. */
export class RunPage {
  #path;
  #charts;
  #about = make("p", { className: "hint" });

  /**
   * @param {HTMLElement} place Where it goes.
   * @param {string} path The run.
   */
  constructor(place, path) {
    this.#path = path;
    const charts = make("div", { className: "charts" }), options = make("div", { className: "scroll tall" });
    place.replaceChildren(
      make(
        "section",
        {},
        make("div", { className: "title" }, make("a", { href: "#" }, "← Runs"), make("h2", {}, path)),
        this.#about,
        charts,
      ),
      make("section", {}, make("h2", {}, "Options"), options),
    );
    this.#charts = new RunCharts(charts);
    ask(addressOf("config", path)).then(
      ({ config }) => options.replaceChildren(optionsTable([{ path, colour: "--run-0", config }], true)),
      (error) => options.replaceChildren(make("p", { className: "error" }, error.message)),
    );
  }

  get path() {
    return this.#path;
  }

  show(series, options) {
    this.#charts.show([{ path: this.#path, colour: "--run-0", series }], options);
  }
}
