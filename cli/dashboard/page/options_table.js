/** The options in which runs differ, or all of those of one. */

import { make } from "./elements.js";

/** What says where or on what a run ran, and not what it computes. */
const LAST = ["out", "version", "deno", "adapter"];
/** What only a run that goes on asks for. */
const HIDDEN = ["given"];

/** A value in words. */
export function textOf(value) {
  if (value === undefined || value === null) return "–";
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * A table of options: those that are not the same in all runs.
 *
 * @param {{ path: string, colour: string, config: object }[]} runs
 * @param {boolean} all Whether those are shown too that are the same.
 */
export function optionsTable(runs, all = false) {
  const names = [...new Set(runs.flatMap(({ config }) => Object.keys(config)))].filter((name) =>
    !HIDDEN.includes(name)
  );
  const differs = (name) => new Set(runs.map(({ config }) => textOf(config[name]))).size > 1;
  const shown = names.filter((name) => all || differs(name)).sort((a, b) =>
    LAST.indexOf(a) - LAST.indexOf(b) || a.localeCompare(b)
  );
  if (shown.length === 0) {
    return make(
      "p",
      { className: "hint" },
      names.length === 0 ? "No options are known." : "They have the same options.",
    );
  }
  const head = make(
    "tr",
    {},
    make("th", {}, "option"),
    ...runs.map(({ path, colour }) => {
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = `var(${colour})`;
      return make("th", {}, swatch, path);
    }),
  );
  const rows = shown.map((name) =>
    make("tr", {}, make("th", {}, name), ...runs.map(({ config }) => make("td", {}, textOf(config[name]))))
  );
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
}
