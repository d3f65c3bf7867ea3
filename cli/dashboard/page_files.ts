/** The files of the page, and of the package that draws its curves. */

import { createRequire } from "node:module";
import { DataError } from "../../core/mod.ts";
import { whyNotLoaded } from "../../files/mod.ts";

/** The page's own files, by the path at which they are asked for. */
const OWN: Readonly<Record<string, string>> = Object.fromEntries([
  ["/", "index.html"],
  ...[
    ...["style.css", "icon.svg", "main.js", "charts.js", "elements.js", "run_list.js", "run_order.js", "run_page.js"],
    ...["options_table.js", "stop_dialog.js", "sections/section.js", "sections/images.js", "sections/confusion.js"],
    ...["sections/distributions.js", "sections/filters.js", "sections/network.js", "sections/profile.js"],
    "sections/samples.js",
  ].map((name) => [`/${name}`, name]),
]);
const UPLOT: Readonly<Record<string, string>> = { "/uplot.js": "uPlot.iife.min.js", "/uplot.css": "uPlot.min.css" };
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** No literal where it is imported, so that Deno fetches the package only then. */
const WRAPPER = "./uplot.ts";

/** A file of the page. */
export interface PageFile {
  readonly text: string;
  readonly type: string;
}

/** Reads the files of the page when they are asked for, each once. */
export class PageFiles {
  readonly #files = new Map<string, Promise<PageFile>>();
  #uplot: Promise<string> | undefined;

  /**
   * The file at a path, if there is one.
   *
   * @throws {DataError} If uPlot cannot be had.
   */
  at(path: string): Promise<PageFile> | undefined {
    const name = Object.hasOwn(OWN, path) ? OWN[path] : Object.hasOwn(UPLOT, path) ? UPLOT[path] : undefined;
    if (name === undefined) return undefined;
    let file = this.#files.get(path);
    if (file === undefined) {
      file = this.#load(path, name);
      this.#files.set(path, file);
      file.catch(() => this.#files.delete(path));
    }
    return file;
  }

  async #load(path: string, name: string): Promise<PageFile> {
    const type = TYPES[name.slice(name.lastIndexOf(".") + 1)];
    if (Object.hasOwn(OWN, path)) return { text: await readText(new URL(`./page/${name}`, import.meta.url)), type };
    return { text: await Deno.readTextFile(`${await (this.#uplot ??= uplotFolder())}/${name}`), type };
  }
}

/** Beside this file; where the program itself came over the network, from there. */
async function readText(url: URL): Promise<string> {
  return url.protocol === "file:" ? await Deno.readTextFile(url) : await (await fetch(url)).text();
}

/** The folder of uPlot's builds: that from which the package is loaded, since Deno names none for a package. */
async function uplotFolder(): Promise<string> {
  try {
    await import(WRAPPER);
    const files = Object.keys(createRequire(import.meta.url).cache);
    const path = files.find((name) => /[\\/]uPlot\.cjs\.js$/.test(name));
    if (path === undefined) throw new Error("the package uplot has other files than expected");
    return path.replace(/[\\/][^\\/]*$/, "");
  } catch (error) {
    throw new DataError(`Curves cannot be drawn: ${whyNotLoaded(error)}`);
  }
}
