/** The example page in Chromium, and photos for it. */

import sharp from "../images/sharp.ts";
import { Random } from "../core/mod.ts";
import { buildDemo, type DemoFiles, demoHandler } from "../tools/_demo_files.ts";
import { BrowserPage, serveLocal } from "./_chromium.ts";

let built: Promise<DemoFiles> | undefined;

/** What tests change of the page's files. */
export type Change = (files: DemoFiles) => DemoFiles;

/** Serves the page with some headers, and opens it. */
export async function withDemo(
  headers: Readonly<Record<string, string>>,
  flags: readonly string[],
  run: (page: BrowserPage) => Promise<void>,
  change: Change = (files) => files,
): Promise<void> {
  const files = change(await (built ??= buildDemo()));
  await using server = serveLocal(demoHandler(files, headers));
  await using page = await BrowserPage.open(server.url, flags);
  await page.until(`document.querySelector("#model").options.length > 5`);
  await run(page);
}

/** Two classes, told apart by colour and by the direction of their stripes. */
const CLASSES = { dunes: { colour: [200, 150, 80], across: 0 }, waves: { colour: [60, 120, 190], across: 1 } };

/** The names of the classes. */
export const NAMES: readonly string[] = Object.keys(CLASSES);

/** Writes striped, noisy photos, `count` a class, in a folder a class; gives their paths. */
export async function writePhotos(folder: string, count: number, seed: number): Promise<string[]> {
  const random = new Random(seed), paths: string[] = [];
  for (const [name, { colour, across }] of Object.entries(CLASSES)) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
    for (let k = 0; k < count; k++) {
      const width = 50 + random.integer(60), height = 50 + random.integer(60), period = 9 + random.integer(9);
      const light = 0.7 + 0.5 * random.uniform(), pixels = new Uint8Array(width * height * 3);
      for (let i = 0; i < pixels.length; i++) {
        const at = [Math.floor(i / (3 * width)), Math.floor(i / 3) % width][across];
        const stripe = 1 + 0.3 * Math.sin(2 * Math.PI * at / period);
        pixels[i] = Math.max(0, Math.min(255, colour[i % 3] * light * stripe + random.integer(60) - 30));
      }
      const path = `${folder}/${name}/${name}-${seed}-${k}.png`;
      await sharp(pixels, { raw: { width, height, channels: 3 } }).png().toFile(path);
      paths.push(path);
    }
  }
  return paths;
}

/** Writes into the fields of the settings. */
export async function set(page: BrowserPage, values: Readonly<Record<string, string | number>>): Promise<void> {
  for (const [id, value] of Object.entries(values)) {
    await page.value(`void (document.getElementById("${id}").value = "${value}")`);
  }
}

/** Waits until there is a network, or training failed. */
export async function untilReady(page: BrowserPage): Promise<void> {
  const error = `document.querySelector("#training-error").innerText`;
  await page.until(`!document.querySelector("#save").disabled || ${error}`, 120_000);
  const said = await page.value<string>(error);
  if (said !== "") throw new Error(said);
}

/** What the page shows of a photo: its name, and its classes with their percentages, the best first. */
export interface Shown {
  readonly file: string;
  readonly classes: readonly (readonly [label: string, percent: number])[];
}

/** Has the page classify files, and reads what it shows of them. */
export async function classify(page: BrowserPage, files: readonly string[]): Promise<Shown[]> {
  const before = await page.value<number>(`document.querySelectorAll(".result").length`);
  await page.choose("#try-photos", files);
  await page.until(`document.querySelectorAll(".result:has(.bar)").length >= ${before + files.length}`);
  const shown = await page.value<Shown[]>(`[...document.querySelectorAll(".result")].map((row) => ({
    file: row.querySelector("h3").innerText,
    classes: [...row.querySelectorAll(".bar")].map((bar) => [
      bar.querySelector("span").innerText, parseFloat(bar.querySelector(".percent").innerText)]),
  }))`);
  return shown.slice(0, files.length).reverse();
}
