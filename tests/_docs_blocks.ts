/** What the documentation has in blocks of code. */

import { root } from "./_launcher.ts";

/** A fenced block. */
export interface Block {
  /** What stands after the fence. */
  readonly language: string;
  /** What is in it. */
  readonly text: string;
}

/** The pages: the README, what stands beside it, and those of `docs/`, by their path. */
export const PAGES: readonly string[] = [
  ...["README.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...[...Deno.readDirSync(`${root}docs`)].filter(({ name }) => name.endsWith(".md")).map(({ name }) => `docs/${name}`)
    .sort(),
];

/** The fenced blocks of a page. */
export function fencedBlocks(page: string): Block[] {
  return [...page.matchAll(/^```(.*)\n([^]*?)^```$/gm)].map(([, language, text]) => ({ language, text }));
}

/** The lines of indented blocks, each with what it goes on with after a backslash. */
export function indentedLines(page: string): string[] {
  const prose = page.replace(/^```[^]*?^```$/gm, "");
  return [...prose.matchAll(/(?<=\n\n)(?: {4,}.*\n|\n(?= {4}))+/g)]
    .flatMap(([block]) => block.replace(/\\\n\s*/g, " ").split("\n").map((line) => line.trim())).filter(Boolean);
}

/** What stands between backticks in a line. */
export function codeSpans(page: string): string[] {
  return [...page.replace(/^```[^]*?^```$/gm, "").matchAll(/`([^`]+)`/g)].map(([, code]) => code.replace(/\s+/g, " "));
}

/** The programs of the example's notebook, a cell each. */
export async function notebookCells(): Promise<string[]> {
  const { cells } = JSON.parse(await Deno.readTextFile(`${root}examples/notebook/notebook.ipynb`)) as {
    readonly cells: readonly { readonly cell_type: string; readonly source: readonly string[] }[];
  };
  return cells.filter(({ cell_type: type }) => type === "code").map(({ source }) => source.join(""));
}
