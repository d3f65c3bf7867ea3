import { assert, assertAlmostEquals } from "@std/assert";
import { PAGE } from "../cli/serve/page.ts";
import { bytesOf, contrast, MARK, TEXT } from "./_contrast.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../${path}`, import.meta.url));

/** The colours of a page's style by name, in light and in darkness. */
type Palette = Readonly<Record<string, readonly [light: number[], dark: number[]]>>;

/** Those that are declared as `light-dark()`, or once for each. */
function paletteOf(style: string): Palette {
  const palette: Record<string, [number[], number[]]> = {};
  for (const [, name, light, dark] of style.matchAll(/--([\w-]+):\s*light-dark\((#\w+), (#\w+)\)/g)) {
    palette[name] = [bytesOf(light), bytesOf(dark)];
  }
  for (const [, name, colour] of style.matchAll(/--([\w-]+):(#\w+)/g)) {
    palette[name] = palette[name] === undefined
      ? [bytesOf(colour), bytesOf(colour)]
      : [palette[name][0], bytesOf(colour)];
  }
  return palette;
}

/** Expects some colours of a page to stand apart from those behind them. */
function expectContrast(palette: Palette, fronts: readonly string[], backs: readonly string[], least: number): void {
  for (const front of fronts) {
    for (const back of backs) {
      [0, 1].forEach((scheme) => {
        const found = contrast(palette[front][scheme], palette[back][scheme]);
        assert(found >= least, `${front} on ${back}, ${["light", "dark"][scheme]}: ${found.toFixed(2)}`);
      });
    }
  }
}

/** A colour with a share of another in it, as `color-mix(in srgb, …)` makes it. */
function mix(one: readonly number[], other: readonly number[], share: number): number[] {
  return one.map((byte, k) => share * byte + (1 - share) * other[k]);
}

Deno.test("contrast() gives WCAG's figures", () => {
  assertAlmostEquals(contrast(bytesOf("#000"), bytesOf("#fff")), 21, 1e-9);
  // The grey that is known as the lightest for text on white.
  assertAlmostEquals(contrast(bytesOf("#767676"), bytesOf("#ffffff")), 4.54, 0.005);
});

Deno.test("the dashboard is read in light and in darkness, as WCAG's level AA asks for", async () => {
  const style = await read("cli/dashboard/page/style.css"), palette = paletteOf(style);
  expectContrast(palette, ["ink", "dim", "accent", "good", "bad"], ["page", "card", "soft"], TEXT);
  expectContrast(palette, ["bad"], ["bad-soft"], TEXT);
  expectContrast(palette, Array.from({ length: 8 }, (_, k) => `run-${k}`), ["card"], MARK);
  expectContrast(palette, ["edge"], ["card", "page"], MARK);
  // The numbers of confusions stand on a colour with as much of it as the style says.
  const [, share] = /var\(--share\) \* ([\d.]+)/.exec(style)!;
  for (const run of ["run-0", "run-1"]) {
    for (const scheme of [0, 1]) {
      const cell = mix(palette[run][scheme], palette.card[scheme], Number(share));
      assert(contrast(palette.ink[scheme], cell) >= TEXT, `${run}: ${contrast(palette.ink[scheme], cell)}`);
    }
  }
});

Deno.test("the browser's example, the page of serve and reports are read in light and in darkness", async () => {
  const example = paletteOf(await read("examples/browser/style.css"));
  expectContrast(example, ["ink", "dim", "accent", "second", "bad"], ["page", "card", "soft"], TEXT);
  expectContrast(example, ["on-accent"], ["accent"], TEXT);
  expectContrast(example, ["bad"], ["bad-soft"], TEXT);
  expectContrast(example, ["edge"], ["card", "page"], MARK);
  const serve = paletteOf(PAGE);
  expectContrast(serve, ["ink", "dim"], ["paper", "back"], TEXT);
  expectContrast(serve, ["bar"], ["paper"], MARK);
  const report = paletteOf(await read("cli/run_report/html_report.ts"));
  expectContrast(report, ["ink", "faint"], ["paper", "card"], TEXT);
});
