/** A line chart in SVG that grows as a run goes on. */

import { make } from "./dom.ts";

const NAMESPACE = "http://www.w3.org/2000/svg";
/** The size of the drawing, and the room for numbers at its left and below. */
const WIDTH = 360, HEIGHT = 130, LEFT = 38, BOTTOM = 18, TOP = 8, RIGHT = 8;

/** What a chart shows. */
export interface ChartOptions {
  readonly title: string;
  /** The names of its one or two lines. */
  readonly lines: readonly string[];
  /** The highest value; without one, a little more than the first line's, so that a spike of the other hides nothing. */
  readonly highest?: number;
  readonly format: (value: number) => string;
}

function draw(tag: string, attributes: Readonly<Record<string, string | number>>, text = ""): SVGElement {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.textContent = text;
  return element;
}

/** A chart. Its x axis counts epochs. */
export class Chart {
  readonly element = make("figure");
  readonly #options: ChartOptions;
  readonly #epochs: number;
  readonly #svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img" });
  readonly #keys: HTMLElement[];
  readonly #points: (readonly [epoch: number, value: number])[][];

  /** Makes an empty one for a run of some epochs. */
  constructor(options: ChartOptions, epochs: number) {
    this.#options = options;
    this.#epochs = epochs;
    this.#points = options.lines.map(() => []);
    this.#keys = options.lines.map((name, k) => make("span", { className: k === 0 ? "key" : "key second" }, name));
    this.element.append(make("figcaption", {}, options.title, ...this.#keys), this.#svg);
    this.#redraw();
  }

  /** Adds a point to a line. */
  add(line: number, epoch: number, value: number): void {
    this.#points[line].push([epoch, value]);
    this.#redraw();
  }

  #redraw(): void {
    const { highest, format, lines, title } = this.#options;
    const top = highest ?? (1.25 * Math.max(...this.#points[0].map(([, value]) => value), 0) || 1);
    const x = (epoch: number) => LEFT + (WIDTH - LEFT - RIGHT) * epoch / this.#epochs;
    const y = (value: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - Math.min(1, value / top));
    const grid = [0, top / 2, top].flatMap((value) => [
      draw("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
      draw("text", { x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, format(value)),
    ]);
    const axis = [
      draw("text", { x: LEFT, y: HEIGHT - 3 }, "0"),
      draw("text", { x: WIDTH - RIGHT, y: HEIGHT - 3, "text-anchor": "end" }, `${this.#epochs} epochs`),
    ];
    const curves = this.#points.map((points, k) =>
      draw("polyline", {
        class: k === 0 ? "first" : "second",
        points: points.map(([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
      })
    );
    this.#svg.replaceChildren(...grid, ...axis, ...curves);
    const last = this.#points.map((points) => points.at(-1)?.[1]);
    const said = lines.map((name, k) => last[k] === undefined ? name : `${name} ${format(last[k])}`);
    this.#keys.forEach((key, k) => key.textContent = said[k]);
    this.#svg.setAttribute("aria-label", `${title}: ${said.join(", ")}`);
  }
}
