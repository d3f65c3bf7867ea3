/** Curves of runs, drawn by uPlot. */

import { make, short } from "./elements.js";

/** The colour of a custom property, which is another in the dark. */
function colour(name) {
  const probe = make("span", { style: `color: var(${name})` });
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** A colour with less of it. */
const faint = (rgb, share) => rgb.replace("rgb(", "rgba(").replace(")", `, ${share})`);

/**
 * Exponential smoothing as TensorBoard does it: with a weight for the values before, and without the pull of the first.
 *
 * @param {(number | null)[]} values
 * @param {number} weight From 0, for none, to below 1.
 */
export function smooth(values, weight) {
  if (weight === 0) return values;
  let last = 0, count = 0;
  return values.map((value) => {
    if (value === null) return null;
    last = last * weight + (1 - weight) * value;
    return last / (1 - weight ** ++count);
  });
}

/**
 * A curve: its points, and how it is drawn.
 *
 * @typedef {{ label: string, colour: string, x: number[], y: (number | null)[], dashed?: boolean, faint?: boolean, dots?: boolean }} Curve
 */

/** How many times the greatest training loss is shown: one validation far beyond would flatten all that is to be seen. */
const SPIKE = 2;

/** The greatest loss that is shown of some runs. */
export function mostLoss(runs) {
  let most = 0;
  for (const { series: { steps } } of runs) for (const loss of steps.loss) most = Math.max(most, loss ?? 0);
  return most > 0 ? SPIKE * most : Infinity;
}

const HEIGHT = 240;
/** The characters of a run's path in a legend. */
const LONGEST = 32;

/** A chart that is given other curves as they grow. */
export class Chart {
  #title;
  #unit;
  #note;
  #format;
  #element;
  #most = Infinity;
  #nothing = make("p", { className: "hint" }, "Nothing yet.");
  #place = make("div");
  #plot;
  /** What of the curves cannot change in a chart that is there. */
  #shape = "";
  #resizing;
  #last;
  #scheme = matchMedia("(prefers-color-scheme: dark)");
  #recolour = () => this.#last && this.show(...this.#last);

  /**
   * @param {string} title
   * @param {string} unit Stands beside the title.
   * @param {(value: number) => string} format Writes a value.
   */
  constructor(title, unit, format = short) {
    this.#title = title;
    this.#unit = unit;
    this.#note = make("span");
    this.#format = format;
    this.#element = make(
      "div",
      { className: "chart", role: "img" },
      make("h3", {}, title, this.#note),
      this.#nothing,
      this.#place,
    );
    this.#element.dataset.chart = title.toLowerCase().replaceAll(" ", "-");
    this.#resizing = new ResizeObserver(() => {
      const width = Math.floor(this.#element.clientWidth);
      if (this.#plot && width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: HEIGHT });
    });
    this.#resizing.observe(this.#element);
    this.#scheme.addEventListener("change", this.#recolour);
  }

  get element() {
    return this.#element;
  }

  /**
   * @param {Curve[]} curves
   * @param {{ log?: boolean, xLabel: string, sync?: string }} options `sync`: the charts of a key share the cursor.
   * @param {number} most The greatest value that is shown, but with a logarithm. Defaults to any.
   */
  show(curves, options, most = Infinity) {
    this.#last = [curves, options, most];
    this.#most = options.log ? Infinity : most;
    this.#tell(curves);
    const data = joinCurves(curves), dark = this.#scheme.matches;
    const shape = JSON.stringify([options, dark, curves.map(({ x: _, y: __, ...style }) => style)]);
    this.#describe(curves);
    if (this.#plot !== undefined && shape === this.#shape) return this.#update(data);
    this.#plot?.destroy();
    this.#shape = shape;
    const ink = colour("--dim"), grid = { stroke: faint(colour("--line"), 0.7), width: 1 };
    const axis = { stroke: ink, grid, ticks: grid, font: "12px system-ui, sans-serif" };
    this.#plot = new uPlot(
      {
        width: Math.max(200, Math.floor(this.#element.clientWidth)),
        height: HEIGHT,
        cursor: { y: false, ...(options.sync === undefined ? {} : { sync: { key: options.sync } }) },
        legend: { live: true },
        scales: {
          x: { time: false },
          y: { distr: options.log ? 3 : 1, ...(options.log ? {} : { range: this.#range }) },
        },
        axes: [{ ...axis, size: 34 }, {
          ...axis,
          size: 62,
          values: (_, ticks) => ticks.map((tick) => tick === null ? "" : this.#format(tick)),
        }],
        series: [{ label: options.xLabel, value: (_, x) => short(x) }, ...curves.map((curve) => this.#series(curve))],
      },
      data,
      this.#place,
    );
    // What lies behind the smoothed curve needs no name.
    const named = this.#place.querySelectorAll(".u-legend .u-series");
    curves.forEach(({ faint }, k) => named[k + 1].hidden = faint === true);
  }

  #range = (_, low, high) =>
    low === null ? [null, null] : uPlot.rangeNum(low, Math.max(low, Math.min(high, this.#most)), 0.1, true);

  /** Says what the title leaves open: the unit, and what is beyond the edge. */
  #tell(curves) {
    let greatest = -Infinity;
    for (const { y } of curves) for (const value of y) greatest = Math.max(greatest, value ?? -Infinity);
    const beyond = greatest > this.#most ? `; some are above, up to ${this.#format(greatest)}` : "";
    this.#note.textContent = ` ${this.#unit}${beyond}`;
    this.#nothing.hidden = greatest > -Infinity;
    this.#place.hidden = !this.#nothing.hidden;
  }

  #series({ label, colour: name, dashed, faint: isFaint, dots }) {
    const stroke = colour(name);
    return {
      label,
      stroke: isFaint ? faint(stroke, 0.22) : stroke,
      width: isFaint ? 1 : 1.6,
      dash: dashed ? [6, 4] : undefined,
      spanGaps: true,
      points: { show: dots ? undefined : false, size: 5, fill: stroke },
      value: (_, value) => value === null ? "–" : this.#format(value),
    };
  }

  /** Draws other values; what somebody has zoomed into stays where it is. */
  #update(data) {
    const plot = this.#plot, before = plot.data[0], { min, max } = plot.scales.x;
    const isZoomed = before.length > 1 && (min > before[0] || max < before.at(-1));
    plot.setData(data, !isZoomed);
    if (isZoomed) plot.setScale("x", { min, max });
  }

  /** In words, for who cannot see it; and for tests. */
  #describe(curves) {
    const told = curves.filter(({ faint, y }) => !faint && y.some((value) => value !== null)).map(({ label, x, y }) => {
      const last = y.findLastIndex((value) => value !== null);
      return `${label} ${this.#format(y[last])} at ${short(x[last])}`;
    });
    this.#element.setAttribute("aria-label", `${this.#title}: ${told.join(", ") || "nothing yet"}`);
    this.#element.dataset.points = curves.reduce((sum, { x }) => sum + x.length, 0);
  }

  /** Takes it off the page, and gives back what it listens to. */
  remove() {
    this.#resizing.disconnect();
    this.#scheme.removeEventListener("change", this.#recolour);
    this.#plot?.destroy();
    this.#element.remove();
  }
}

/** A run's path in a legend: the end, where it is long, which tells it from its neighbours. */
const shorten = (path) => path.length > LONGEST ? `…${path.slice(1 - LONGEST)}` : path;

/** Curves over the places of them all. */
function joinCurves(curves) {
  if (curves.length === 0) return [[0], []];
  const tables = curves.map(({ x, y }) => [x, y]);
  return tables.length === 1 ? tables[0] : uPlot.join(tables);
}

/**
 * The charts of some runs: loss, accuracy, learning rate, images a second.
 *
 * @param {HTMLElement} place
 */
export class RunCharts {
  #charts = {
    loss: new Chart("Loss", "training by step, validation dashed"),
    accuracy: new Chart("Accuracy", "training by epoch, validation dashed", (share) => `${short(100 * share)} %`),
    rate: new Chart("Learning rate", ""),
    speed: new Chart("Throughput", "images/s"),
  };

  constructor(place) {
    place.append(...Object.values(this.#charts).map(({ element }) => element));
  }

  /**
   * @param {{ path: string, colour: string, series: object }[]} runs Each with what the server gives of its series.
   * @param {{ smoothing: number, axis: "step" | "epoch", log: boolean }} options
   */
  show(runs, { smoothing, axis, log }) {
    const curves = { loss: [], accuracy: [], rate: [], speed: [] };
    for (const { path, colour, series: { steps, epochs } } of runs) {
      const first = epochs[0], perEpoch = first === undefined ? undefined : first.step / (first.epoch + 1);
      const at = (step) => axis === "step" || !perEpoch ? step : step / perEpoch;
      const x = steps.step.map(at), ends = epochs.map(({ step, epoch }) => axis === "step" ? step : epoch + 1);
      const name = shorten(path), base = { label: name, colour };
      if (smoothing > 0) curves.loss.push({ ...base, label: `${name}, as it is`, x, y: steps.loss, faint: true });
      curves.loss.push({ ...base, x, y: smooth(steps.loss, smoothing) });
      const byEpoch = (name) => ({ ...base, x: ends, y: epochs.map((epoch) => epoch[name]), dots: true });
      curves.loss.push({ ...byEpoch("valLoss"), label: `${name}, validation`, dashed: true });
      curves.accuracy.push(byEpoch("trainTop1"));
      curves.accuracy.push({ ...byEpoch("valTop1"), label: `${name}, validation`, dashed: true });
      curves.rate.push({ ...base, x, y: steps.lr });
      curves.speed.push({ ...base, x, y: smooth(steps.imagesPerSecond, smoothing) });
    }
    const most = { loss: mostLoss(runs) };
    for (const [name, chart] of Object.entries(this.#charts)) {
      chart.show(curves[name], { xLabel: axis, log: log && name === "loss", sync: "runs" }, most[name]);
    }
  }

  /** Takes them off the page. */
  remove() {
    for (const chart of Object.values(this.#charts)) chart.remove();
  }
}
