/** The history of benchmarks as an SVG: a panel for each figure, a colour for each device. */

import { curve, draw } from "../plots/plots.ts";
import { escape, page } from "../plots/sheet.ts";
import type { Series } from "./history.ts";

const COLOURS = ["#4269d0", "#c2410c", "#3ca951", "#7c3aed", "#b45309", "#0e7490"];
const WIDTH = 820, PANEL = 170, KEY_LINE = 18, DAY = 24 * 60 * 60 * 1000;

/** Draws series by date: those of one title share a panel, whose axis starts at 0. */
export function historySvg(series: readonly Series[]): string {
  const places = [...new Set(series.map(({ where }) => where))];
  const colour = (where: string) => COLOURS[places.indexOf(where) % COLOURS.length];
  const dates = series.flatMap(({ points }) => points.map(({ entry }) => Date.parse(entry.date)));
  const domain = [new Date(Math.min(...dates) - DAY), new Date(Math.max(...dates) + DAY)];
  const panels = Map.groupBy(series, ({ title, unit }) => `${title}, ${unit}`);
  const drawings = [...panels].map(([label, lines]) =>
    draw({
      width: WIDTH,
      height: PANEL,
      marginLeft: 64,
      marginRight: 24,
      marginTop: 30,
      marginBottom: 34,
      x: { type: "utc", domain, label: null, ticks: 6 },
      y: { grid: true, label, ticks: 4, nice: true, zero: true },
      marks: lines.flatMap(({ where, points }) =>
        curve(points.map(({ value, entry }) => ({ x: Date.parse(entry.date), y: value })), colour(where))
      ),
    })
  );
  const key = keyOf(places.map((where) => [where, colour(where)] as const));
  return page("Benchmarks over time", [], WIDTH, [key, ...drawings]);
}

/** A line a device, since their names are long. */
function keyOf(places: readonly (readonly [string, string])[]): string[] {
  const height = places.length * KEY_LINE + 12;
  const lines = places.map(([where, fill], line) =>
    `<text x="14" y="${(line + 1) * KEY_LINE - 4}" font-size="12" fill="${fill}">● ${escape(where)}</text>`
  );
  return [`${height}`, `<svg width="${WIDTH}" height="${height}">${lines.join("")}</svg>`];
}
