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

Deno.test({
  name: `the CPU backend trains in a browser as it does here [${present ? CHROMIUM : "no Chromium"}]`,
  ignore: !present && !required,
  async fn() {
    const config = fileURLToPath(new URL("../deno.offline.json", import.meta.url));
    const script = await bundle(config), result = Promise.withResolvers<string>();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/result") result.resolve(await request.text());
      const text = pathname === "/page.js" ? script : '<!doctype html><script type="module" src="/page.js"></script>';
      const type = pathname === "/page.js" ? "text/javascript" : "text/html";
      return new Response(text, { headers: { "Content-Type": type, ...ISOLATED } });
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
      const expected = await losses(new CpuBackend(), cifarResNet({ depth: 8, inputShape: [3, 8, 8] }), 3, 0.05);
      assertEquals(JSON.parse(await result.promise), {
        description: "CPU, WebAssembly relaxed SIMD, 2 threads",
        losses: expected,
      });
    } finally {
      clearTimeout(timer);
      browser.kill();
      await browser.status;
      await server.shutdown();
      await Deno.remove(profile, { recursive: true }).catch(() => {});
    }
  },
});
