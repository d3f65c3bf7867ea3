/** Where the time of a step went, of a run with a profile. */

import { addressOf, ask, make } from "../elements.js";

const MOST_ROWS = 20;

/** The times of a run's ops. */
export async function profile(run) {
  const { device, steps, ops } = await ask(addressOf("profile", run));
  const total = ops.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = ops.slice(0, MOST_ROWS).map(({ op, calls, milliseconds }) =>
    make(
      "tr",
      {},
      make("td", {}, op),
      make("td", { className: "number" }, String(Math.round(calls))),
      make("td", { className: "number" }, milliseconds.toFixed(milliseconds < 10 ? 3 : 1)),
      make("td", { className: "number" }, `${(100 * milliseconds / total).toFixed(1)} %`),
      make("td", {}, make("meter", { value: milliseconds / total, "aria-label": op })),
    )
  );
  const heads = ["op", "calls", "ms", "share", ""].map((text, k) =>
    make("th", { className: k > 0 && k < 4 ? "number" : "" }, text)
  );
  const about = `${steps} steps on ${device}: ${total.toFixed(2)} ms of kernels a step.`;
  return make(
    "div",
    {},
    make("p", { className: "hint" }, about),
    make(
      "div",
      { className: "scroll" },
      make("table", { className: "profile" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)),
    ),
  );
}
