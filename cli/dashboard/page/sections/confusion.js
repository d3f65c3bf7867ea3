/** What the best network took for what: a table one can press, and the mistakes that it was surest of. */

import { addressOf, ask, make, percent } from "../elements.js";
import { imageGrid } from "./images.js";

/** Classes up to which there is a table; of more, the most frequent confusions are listed. */
const MOST_CLASSES = 30;
const MOST_LISTED = 24;

/** The confusions of a run. */
export async function confusion(run) {
  const { epoch, classes, count, stride, wrong, confusions, mistakes } = await ask(addressOf("validation", run));
  const shown = make("div", { className: "shown" });
  let latest = 0;
  const show = async (label, predicted, button) => {
    const own = ++latest;
    for (const other of button.closest(".content").querySelectorAll("[aria-pressed=true]")) other.ariaPressed = "false";
    button.ariaPressed = "true";
    let content;
    try {
      const { count, images } = await ask(addressOf("confused", run, { label, predicted }));
      const title = label === predicted
        ? `${count} of ${classes[label]}, rightly`
        : `${count} of ${classes[label]}, taken for ${classes[predicted]}`;
      const more = images.length < count ? `; the ${images.length} that it was surest of` : "";
      content = [make("h3", {}, title + more), imageGrid(run, images, classes)];
    } catch (error) {
      content = [make("p", { className: "hint" }, error.message)];
    }
    if (own === latest) shown.replaceChildren(...content);
  };
  const kept = Math.ceil(count / stride), some = stride > 1 ? ` (every ${stride}th of ${count} is kept)` : "";
  const about =
    `After epoch ${epoch + 1}, whose weights are kept as the best: ${wrong} of ${kept} validation images wrong, ` +
    `${percent(1 - wrong / kept)} right${some}. ` +
    `Press a ${classes.length <= MOST_CLASSES ? "number" : "pair"} to see those images.`;
  const parts = [make("p", { className: "hint" }, about)];
  if (classes.length <= MOST_CLASSES) parts.push(table(classes, confusions, show));
  else parts.push(list(classes, confusions.filter(([label, predicted]) => label !== predicted), show));
  parts.push(shown);
  if (mistakes.length > 0) {
    parts.push(
      make("h3", {}, "The mistakes that it was surest of"),
      imageGrid(run, mistakes.slice(0, MOST_LISTED), classes),
    );
  }
  return make("div", {}, ...parts);
}

function table(classes, confusions, show) {
  const counts = classes.map(() => classes.map(() => 0));
  for (const [label, predicted, count] of confusions) counts[label][predicted] = count;
  const head = make(
    "tr",
    {},
    make("th", {}, "true ↓ taken for →"),
    ...classes.map((name) => {
      return make("th", { scope: "col" }, make("span", { title: name }, name));
    }),
  );
  const rows = counts.map((row, label) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, classes[label]),
      ...row.map((count, predicted) => {
        if (count === 0) return make("td");
        const text = `${count} of ${classes[label]} taken for ${classes[predicted]}`;
        const button = make("button", { type: "button", "aria-label": text, title: text }, String(count));
        const share = count / total;
        button.style.setProperty("--share", `${Math.round(100 * (0.08 + 0.92 * share))}%`);
        button.className = `cell ${label === predicted ? "right" : "wrong"}`;
        button.addEventListener("click", () => show(label, predicted, button));
        return make("td", {}, button);
      }),
    );
  });
  return make(
    "div",
    { className: "scroll" },
    make("table", { className: "confusion" }, make("thead", {}, head), make("tbody", {}, ...rows)),
  );
}

function list(classes, confusions, show) {
  return make(
    "div",
    { className: "row" },
    ...confusions.slice(0, MOST_LISTED).map(([label, predicted, count]) => {
      const button = make("button", { type: "button" }, `${classes[label]} → ${classes[predicted]} ${count}`);
      button.addEventListener("click", () => show(label, predicted, button));
      return button;
    }),
  );
}
