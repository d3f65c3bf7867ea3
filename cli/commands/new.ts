/** `deno task new`: makes a small project of one's own. */

import fs from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { DataError } from "../../core/mod.ts";
import { codeOf, explain, writeFile } from "../../files/mod.ts";
import { defineCommand } from "../command.ts";
import { projectFiles } from "../new/files.ts";
import { onePositional } from "../options/parse_options.ts";
import { PROGRAM } from "../program.ts";
import { printText } from "../reports/layout.ts";
import { shellWord } from "../reports/shell_word.ts";

/** `deno task new`. */
export const newCommand = defineCommand({
  name: "new",
  about: "Make a project for Deno with a data set, a block and an op of its own, which trains.",
  positionals: { value: "DIR", about: "the folder, which must not exist or be empty" },
  options: {},
  examples: [["my-classifier", "then: cd my-classifier, deno task train"]],
}, async (_values, { positionals }) => {
  const folder = onePositional(positionals, "new: expected one folder", "; see --help");
  await expectNothing(folder);
  // Tasks are of a clone, which has the package; elsewhere it comes from JSR.
  const clone = PROGRAM === "deno task" ? fileURLToPath(new URL("../..", import.meta.url)) : undefined;
  const files = projectFiles(clone?.replace(/[\\/]$/, "")), written: string[] = [];
  try {
    await fs.mkdir(folder, { recursive: true });
    for (const [name, text] of files) {
      await writeFile(`${folder}/${name}`, new TextEncoder().encode(text));
      written.push(name);
    }
  } catch (error) {
    // Nothing is left half made.
    for (const name of written) await fs.rm(`${folder}/${name}`, { force: true });
    throw explain("the project", folder, error);
  }
  printText(`${folder} has ${[...files.keys()].join(", ")}.`);
  printText(`Go on with:\n  cd ${shellWord(folder)}\n  deno task train`);
});

async function expectNothing(folder: string): Promise<void> {
  try {
    const [name] = await fs.readdir(folder);
    if (name !== undefined) {
      throw new DataError(`${folder}: expected a new or an empty folder but it holds ${name}; choose another`);
    }
  } catch (error) {
    if (error instanceof DataError) throw error;
    if (codeOf(error) === "ENOTDIR") {
      throw new DataError(`${folder}: expected a folder but this is a file; choose another`);
    }
    if (codeOf(error) !== "ENOENT") throw explain("the folder", folder, error);
  }
}
