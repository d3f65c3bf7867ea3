/** The library in a browser: bundled, served to headless Chromium, with workers over shared memory. */

import { assertEquals } from "@std/assert";
import { CpuBackend } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { losses } from "./_training.ts";
import { fileURLToPath } from "node:url";

const CHROMIUM = "/usr/bin/chromium";
const required = Deno.env.get("RESIDUA_REQUIRE_BROWSER") === "1";
const present = await Deno.stat(CHROMIUM).then(() => true, () => false);

/** What makes a page isolated, so that it may share memory with workers. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

async function bundle(config: string): Promise<string> {
  const page = fileURLToPath(new URL("browser/page.ts", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", "--config", config, page],
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

const config = fileURLToPath(new URL("../deno.offline.json", import.meta.url));
let script: Promise<string> | undefined;

/** What the page posts, served with some headers. */
async function reportOf(headers: Readonly<Record<string, string>>): Promise<unknown> {
  const text = await (script ??= bundle(config)), result = Promise.withResolvers<string>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/result") result.resolve(await request.text());
    const body = pathname === "/page.js" ? text : '<!doctype html><script type="module" src="/page.js"></script>';
    const type = pathname === "/page.js" ? "text/javascript" : "text/html";
    return new Response(body, { headers: { "Content-Type": type, ...headers } });
  });
  const profile = await Deno.makeTempDir();
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${profile}`];
  const quiet = ["--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = new Deno.Command(CHROMIUM, {
    args: [...options, ...quiet, `http://127.0.0.1:${server.addr.port}/`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => result.resolve('{"error":"the page gave no answer in a minute"}'), 60_000);
  try {
    return JSON.parse(await result.promise);
  } finally {
    clearTimeout(timer);
    browser.kill();
    await browser.status;
    await server.shutdown();
    await Deno.remove(profile, { recursive: true }).catch(() => {});
  }
}

/** Pages by what their server sends, and the threads that the CPU backend has there. */
const PAGES = [
  { about: "isolated", headers: ISOLATED, threads: "2 threads" },
  {
    about: "that is not isolated",
    headers: {},
    threads: "1 thread (this page may not share memory: it is not cross-origin isolated)",
  },
  {
    about: "whose policy forbids workers from text",
    headers: { ...ISOLATED, "Content-Security-Policy": "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" },
    threads: "1 thread (workers do not start here)",
  },
];

for (const { about, headers, threads } of PAGES) {
  Deno.test({
    name: `the CPU backend trains on a page ${about} as it does here [${present ? CHROMIUM : "no Chromium"}]`,
    ignore: !present && !required,
    async fn() {
      const expected = await losses(new CpuBackend(), cifarResNet({ depth: 8, inputShape: [3, 8, 8] }), 3, 0.05);
      assertEquals(await reportOf(headers), {
        description: `CPU, WebAssembly relaxed SIMD, ${threads}`,
        losses: expected,
      });
    },
  });
}
