/** Bundles sources into one minified ES module for browsers, by `deno bundle`. */

import { fileURLToPath } from "node:url";

/** The configuration whose names need no registry but npm's, from which Deno takes its bundler. */
const CONFIG = fileURLToPath(new URL("../deno.offline.json", import.meta.url));

/**
 * Bundles a source and all that it imports.
 *
 * @param entry The source's path.
 * @returns The module's text.
 * @throws {Error} If it cannot be bundled, with what the bundler says.
 */
export async function bundle(entry: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--minify", "--platform", "browser", "--config", CONFIG, entry],
  }).output();
  if (code !== 0) throw new Error(`${entry} cannot be bundled: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}

/** A file's size as it is and as servers send it, for people. */
export async function sizeText(text: string): Promise<string> {
  const raw = new TextEncoder().encode(text);
  const packed = await new Response(new Blob([raw]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();
  const kilobytes = (bytes: number) => `${Math.round(bytes / 1000)} kB`;
  return `${kilobytes(raw.length)}, ${kilobytes(packed.byteLength)} gzipped`;
}
