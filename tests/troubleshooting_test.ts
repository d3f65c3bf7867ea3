/** The sentences that `docs/troubleshooting.md` explains are said by the sources. */

import { assert, assertEquals } from "@std/assert";
import { sourceFiles } from "../tools/_sources.ts";
import { root } from "./_launcher.ts";

/** The characters within which a sentence of several parts stands in a source. */
const SPAN = 700;

const page = await Deno.readTextFile(`${root}docs/troubleshooting.md`);
const said = [...page.matchAll(/^### `(.*)`$/gm)].map(([, sentence]) => sentence);
const files = (await sourceFiles())
  .filter((path) => !/_test\.ts$|^(?:tests|bench|tools|examples)\//.test(path));
const sources = await Promise.all(files.map(async (path) => joined(await Deno.readTextFile(root + path))));

/** A source whose texts, where they go on in another line, are in one piece. */
function joined(source: string): string {
  return source.replace(/(["`])\s*\+\s*["`]/g, "").replace(/\\"/g, '"').replace(/\s+/g, " ");
}

/** The fixed parts of a sentence. */
function partsOf(sentence: string): string[] {
  return sentence.split("…").filter((part) => /\w/.test(part));
}

/** Whether a source has the parts one after the other, near enough to be of one sentence. */
function says(source: string, [first, ...others]: readonly string[]): boolean {
  for (let from = source.indexOf(first); from >= 0; from = source.indexOf(first, from + 1)) {
    let end = from + first.length;
    const rest = others.every((part) => {
      const at = source.indexOf(part, end);
      if (at < 0 || at > from + SPAN) return false;
      end = at + part.length;
      return true;
    });
    if (rest) return true;
  }
  return false;
}

Deno.test("every sentence of docs/troubleshooting.md is in the sources", () => {
  assert(said.length > 20, `${said.length} sentences`);
  assertEquals(said.filter((sentence) => !sources.some((source) => says(source, partsOf(sentence)))), []);
});

Deno.test("says() finds sentences in pieces, and none that is not there", () => {
  const source = joined('throw new Error(`${a} is \\"much\\" too ` +\n  `large, by ${b} bytes`);');
  assert(says(source, partsOf('… is "much" too large, by … bytes')));
  assert(!says(source, partsOf("… is too large")));
  assert(!says(source, partsOf("large, by … is")));
});
