/** The paths that the documentation names exist. */

import { assert, assertEquals } from "@std/assert";

const root = new URL("..", import.meta.url);

/** Paths of examples, which a reader is to make. */
const EXAMPLES = ["ops/my_op.ts"];

/** The tree: every file and folder by its path, folders with a slash at the end. */
const paths = new Set<string>();
await walk("");

async function walk(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, root))) {
    const path = `${folder}${name}`;
    if (["node_modules", "dist", "runs"].includes(name) || (folder === "" && name.startsWith("."))) continue;
    paths.add(isDirectory ? `${path}/` : path);
    if (isDirectory) await walk(`${path}/`);
  }
}

const names = new Set([...paths].map((path) => path.slice(path.lastIndexOf("/") + 1)));

/** Whether a file or a folder is there; a bare file name may be that of any folder. */
function exists(path: string): boolean {
  return paths.has(path) || paths.has(`${path}/`) || (!path.includes("/") && names.has(path));
}

/** What a page names as code and looks like a path of the sources: a source file, or what is in a folder at the top. */
function namedPaths(text: string): string[] {
  const prose = text.replaceAll(/^```[^]*?^```/gm, "");
  return [...prose.matchAll(/`([^`\s]+)`/g)].map(([, code]) => code).filter((code) => {
    if (!/^[\w./-]+$/.test(code) || code.startsWith("/") || code.startsWith(".")) return false;
    return /\.(ts|py)$/.test(code) || paths.has(code.slice(0, code.indexOf("/") + 1));
  });
}

/** The files that a page links to, relative to its folder. */
function linkedFiles(text: string): string[] {
  return [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target]) => target)
    .filter((target) => !target.includes(":"));
}

/** Records of decisions keep the names of their day. */
const pages = [...paths].filter((path) => /^(docs\/[^/]+|README|CONTRIBUTING)\.md$/.test(path));

for (const page of pages) {
  const text = await Deno.readTextFile(new URL(page, root));

  Deno.test(`${page} names paths that exist`, () => {
    assertEquals(namedPaths(text).filter((path) => !EXAMPLES.includes(path) && !exists(path)), []);
  });

  Deno.test(`${page} links to files that exist`, () => {
    const targets = linkedFiles(text).map((target) => new URL(target, new URL(page, "file:///")).pathname.slice(1));
    assertEquals(targets.filter((target) => !exists(target)), []);
  });
}

Deno.test("namedPaths() and linkedFiles() find what a page names", () => {
  const text =
    "`core/op.ts`, `core/none.ts`, `none.ts`, `deno task x`, `val/CLASS/…`\n```\n`core/block.ts`\n```\n[a](b.md#c)";
  assertEquals(namedPaths(text), ["core/op.ts", "core/none.ts", "none.ts"]);
  assertEquals(namedPaths(text).map(exists), [true, false, false]);
  assertEquals(linkedFiles(text), ["b.md"]);
  assert(pages.length > 10, `${pages.length} pages`);
});
