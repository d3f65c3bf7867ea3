/** The files of the example page, ready for any server of static files, and how they are served. */

import { fileURLToPath } from "node:url";
import { bundle } from "./_bundle.ts";

const EXAMPLE = new URL("../examples/browser/", import.meta.url);
/** What the page consists of; scripts are bundled from a source of their name. */
const FILES: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "style.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
  "page.js": "text/javascript; charset=utf-8",
  "worker.js": "text/javascript; charset=utf-8",
};

/** What makes a page isolated, so that the CPU backend has threads there. */
export const ISOLATION: Readonly<Record<string, string>> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** The page loads nothing from elsewhere, and needs WebAssembly and workers of text. */
const POLICY: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
    "img-src 'self' blob: data:; media-src blob:; worker-src 'self' blob:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "cache-control": "no-cache",
};

/** The page's files by name. */
export type DemoFiles = ReadonlyMap<string, string>;

/** Bundles the page's scripts and reads its other files. */
export async function buildDemo(): Promise<DemoFiles> {
  const load = async (name: string): Promise<[string, string]> => {
    const path = fileURLToPath(new URL(name.replace(/\.js$/, ".ts"), EXAMPLE));
    return [name, name.endsWith(".js") ? await bundle(path) : await Deno.readTextFile(path)];
  };
  return new Map(await Promise.all(Object.keys(FILES).map(load)));
}

/**
 * Answers requests for the page's files.
 *
 * @param files The files.
 * @param headers What is sent with each, such as {@link ISOLATION}.
 * @param hosts The names by which the page may be asked for, so that no page elsewhere reaches it under a name of its own.
 */
export function demoHandler(
  files: DemoFiles,
  headers: Readonly<Record<string, string>>,
  hosts: readonly string[] = ["127.0.0.1", "localhost"],
): (request: Request) => Response {
  return ({ url, method }) => {
    const { hostname, pathname } = new URL(url), name = pathname === "/" ? "index.html" : pathname.slice(1);
    if (!hosts.includes(hostname)) return new Response("This server is 127.0.0.1\n", { status: 403 });
    if (method !== "GET" && method !== "HEAD") return new Response(null, { status: 405, headers: { allow: "GET" } });
    const text = files.get(name);
    if (text === undefined) return new Response(`There is nothing at ${pathname}\n`, { status: 404 });
    return new Response(text, { headers: { "content-type": FILES[name], ...POLICY, ...headers } });
  };
}
