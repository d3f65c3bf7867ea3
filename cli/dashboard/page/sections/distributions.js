/** How the values of a parameter, and of its smoothed gradient, are spread over the epochs. */

import { Chart } from "../charts.js";
import { addressOf, ask, make } from "../elements.js";

const COLOURS = ["--run-7", "--run-5", "--run-0", "--run-5", "--run-7"];
const LABELS = ["5 %", "25 %", "median", "75 %", "95 %"];

/** Curves of quantiles. */
function curves(epochs, of) {
  const rows = epochs.filter((epoch) => epoch[of] !== undefined), x = rows.map(({ epoch }) => epoch + 1);
  return LABELS.map((label, k) => ({
    label,
    colour: COLOURS[k],
    x,
    y: rows.map((row) => row[of].quantiles[k]),
    dashed: k === 0 || k === 4,
    dots: rows.length < 30,
  }));
}

/** The distributions of a run, of the parameter that was chosen last. */
export class Distributions {
  #charts = {
    weights: new Chart("Weights", "quantiles by epoch"),
    gradient: new Chart("Momentum", "the smoothed gradient, quantiles by epoch"),
  };
  #name;

  /** Gives the section's content; the charts are the same each time. */
  async load(run) {
    const choice = make("select", { "aria-label": "parameter" }),
      told = make("p", { className: "hint", role: "status" });
    choice.addEventListener("change", () => {
      this.#name = choice.value;
      this.#draw(run, choice, told).catch((error) => told.textContent = error.message);
    });
    await this.#draw(run, choice, told);
    const place = make("div", { className: "charts" }, ...Object.values(this.#charts).map(({ element }) => element));
    return make("div", {}, make("div", { className: "row" }, choice, told), place);
  }

  async #draw(run, choice, told) {
    const asked = this.#name === undefined ? {} : { name: this.#name };
    const { names, name, epochs } = await ask(addressOf("distributions", run, asked));
    if (choice.options.length === 0) choice.append(...names.map((name) => make("option", {}, name)));
    choice.value = name;
    const { weights, gradient } = epochs.at(-1), digits = (value) => Number(value.toPrecision(3));
    const text = (what, { mean, deviation, minimum, maximum }) =>
      `${what}: mean ${digits(mean)}, deviation ${digits(deviation)}, from ${digits(minimum)} to ${digits(maximum)}`;
    told.textContent = [text("Weights now", weights), ...(gradient ? [text("momentum", gradient)] : [])].join("; ") +
      ".";
    for (const [of, chart] of Object.entries(this.#charts)) {
      chart.element.hidden = epochs.every((epoch) => epoch[of] === undefined);
      // A chart has its width once it is on the page.
      requestAnimationFrame(() => chart.element.hidden || chart.show(curves(epochs, of), { xLabel: "epoch" }));
    }
  }

  /** Takes the charts off the page. */
  remove() {
    for (const chart of Object.values(this.#charts)) chart.remove();
  }
}
