/**
 * `deno task picture:terminal`: the README's picture of the terminal, `docs/pictures/terminal.svg`. Trains on the built-in shapes
 * on a terminal that util-linux's `script` makes, and draws what stands on it in the middle of an epoch.
 */

import { fileURLToPath } from "node:url";
import { Terminal } from "../tests/_terminal.ts";

const root = fileURLToPath(new URL("..", import.meta.url)), file = `${root}docs/pictures/terminal.svg`;
const COLUMNS = 100, ROWS = 36;
/** What is shown when the picture is taken. */
const MOMENT = /epoch 4\/6 [^]*training [3-9]\d\/80/;
/** The size of a character and of a line, and the margin, in pixels. */
const WIDTH = 8, HEIGHT = 18, MARGIN = 16;
const COLOURS = { back: "#0f1720", text: "#d5dde5", bar: "#3fb27f", curve: "#7f9cf5", mark: "#e07be0" };

/** What stands on the terminal at that moment. */
async function shown(): Promise<string[]> {
  const out = await Deno.makeTempDir();
  const child = new Deno.Command("script", {
    args: [
      ...["--quiet", "--return", "--command"],
      `stty cols ${COLUMNS} rows ${ROWS}; "$deno" run -A --quiet --config "$config" "$main" train --backend cpu --out "$out/run"`,
      "/dev/null",
    ],
    env: {
      ...{ deno: Deno.execPath(), config: `${root}deno.offline.json`, main: `${root}cli/main.ts`, out },
      TERM: "xterm-256color",
    },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  let text = "";
  try {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      // A drawing is written at once, and ends so.
      if (MOMENT.test(text.slice(-8000)) && part.endsWith("\x1b[?2026l")) break;
    }
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await Deno.remove(out, { recursive: true }).catch(() => {});
  }
  const terminal = new Terminal(COLUMNS);
  terminal.write(text);
  return terminal.lines;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** A line, its bars and curves in colours. */
function lineSvg(line: string, index: number): string {
  const parts = line.match(/█+|[⠀-⣿]+|[●▲]+|[^█⠀-⣿●▲]+/g) ?? [];
  let column = 0;
  const spans = parts.map((part) => {
    const { bar, curve, mark, text } = COLOURS;
    const fill = part[0] === "█" ? bar : /[⠀-⣿]/.test(part[0]) ? curve : /[●▲]/.test(part[0]) ? mark : text;
    // Fonts differ in the width of what is no letter.
    const span =
      `<tspan x="${MARGIN + column * WIDTH}" textLength="${
        part.length * WIDTH
      }" lengthAdjust="spacingAndGlyphs" fill="${fill}">` +
      `${escaped(part)}</tspan>`;
    column += part.length;
    return span;
  });
  return `<text y="${MARGIN + (index + 0.8) * HEIGHT}" xml:space="preserve">${spans.join("")}</text>`;
}

const lines = await shown(), width = 2 * MARGIN + COLUMNS * WIDTH, height = 2 * MARGIN + lines.length * HEIGHT;
const font = `font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="13"`;
await Deno.writeTextFile(
  file,
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ${font}>
<rect width="${width}" height="${height}" rx="8" fill="${COLOURS.back}"/>
${lines.map(lineSvg).join("\n")}
</svg>
`,
);
console.log(`${file} is written`);
