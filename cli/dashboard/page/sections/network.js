/** The network as blocks, one after the other, with their shortcuts above. */

import { addressOf, ask, make, short } from "../elements.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 118, GAP = 26, TOP = 54, LINE = 17, MARGIN = 12;

function svg(tag, attributes, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const SHORTCUTS = { identity: "identity", padded: "identity, zero channels", projection: "1x1 projection" };

/** The network of a run. */
export async function network(run) {
  const { name, input, blocks } = await ask(addressOf("network", run));
  const lines = Math.max(...blocks.map(({ ops }) => ops.length)), boxHeight = LINE * (lines + 1) + 12;
  const height = TOP + boxHeight + 48, total = (WIDTH + GAP) * (blocks.length + 1) + MARGIN;
  const drawing = svg("svg", {
    width: total,
    height,
    viewBox: `0 0 ${total} ${height}`,
    class: "network",
    role: "img",
  });
  const parameters = blocks.reduce((sum, block) => sum + block.parameters, 0);
  drawing.setAttribute(
    "aria-label",
    `${name}: ${blocks.map(({ name, ops }) => `${name} ${ops.join(", ")}`).join("; ")}`,
  );
  const middle = TOP + boxHeight / 2;
  const text = (x, y, content, kind = "") => svg("text", { x, y, class: kind, "text-anchor": "middle" }, content);
  drawing.append(
    svg(
      "g",
      {},
      text(MARGIN + WIDTH / 2, middle, "image", "name"),
      text(MARGIN + WIDTH / 2, middle + LINE, input.join("x"), "dim"),
    ),
  );
  blocks.forEach(({ name, ops, shortcut, output, parameters }, k) => {
    const x = MARGIN + (WIDTH + GAP) * (k + 1), centre = x + WIDTH / 2, end = x + WIDTH;
    const group = svg("g", {}, svg("title", {}, `${name}: ${parameters.toLocaleString("en")} parameters`));
    group.append(svg("line", { x1: x - GAP, y1: middle, x2: x, y2: middle, class: "way" }));
    group.append(svg("rect", { x, y: TOP, width: WIDTH, height: boxHeight, rx: 7, class: shortcut ?? "plain" }));
    group.append(text(centre, TOP + LINE, name, "name"));
    ops.forEach((op, line) => group.append(text(centre, TOP + LINE * (line + 2) + 2, op)));
    group.append(
      text(centre, TOP + boxHeight + LINE, output.join("x"), "dim"),
      text(centre, TOP + boxHeight + 2 * LINE, short(parameters), "dim"),
    );
    if (shortcut !== undefined) {
      const from = x - GAP / 2, to = end + GAP / 2;
      group.append(svg("path", {
        d: `M${from} ${middle} V${TOP - 14} Q${from} ${TOP - 24} ${from + 10} ${TOP - 24} H${to - 10} Q${to} ${
          TOP - 24
        } ${to} ${TOP - 14} V${middle}`,
        class: `shortcut ${shortcut}`,
      }));
      group.append(text(centre, TOP - 30, SHORTCUTS[shortcut], "dim"));
    }
    drawing.append(group);
  });
  const about = `${name}: ${
    parameters.toLocaleString("en")
  } parameters. Below each block what it gives, and its parameters.`;
  return make(
    "div",
    {},
    make("p", { className: "hint" }, about),
    make("div", { className: "scroll", tabIndex: 0 }, drawing),
  );
}
