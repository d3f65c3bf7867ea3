/** The library in a browser: bundled, served to headless Chromium, with workers over shared memory, and on WebGPU. */

import { assert, assertEquals } from "@std/assert";
import { CpuBackend } from "../core/mod.ts";
import { cifarResNet } from "../models/mod.ts";
import { ALL } from "./_all.ts";
import { bundle } from "../tools/_bundle.ts";
import { ISOLATION } from "../tools/_demo_files.ts";
import { BrowserPage, browserTest, NO_WEBGPU, serveLocal, SHORT, SOFTWARE_WEBGPU } from "./_chromium.ts";
import { losses } from "./_training.ts";
import { fileURLToPath } from "node:url";

let script: Promise<string> | undefined;

/** What the page reports of a backend, served with some headers. */
async function reportOf<T>(
  backend: string,
  headers: Readonly<Record<string, string>>,
  flags: readonly string[],
  checks = false,
): Promise<T> {
  const text = await (script ??= bundle(fileURLToPath(new URL("browser/page.ts", import.meta.url))));
  await using server = serveLocal(({ url }) => {
    const isScript = new URL(url).pathname === "/page.js";
    const body = isScript ? text : '<!doctype html><script type="module" src="/page.js"></script>';
    return new Response(body, { headers: { "content-type": isScript ? "text/javascript" : "text/html", ...headers } });
  });
  await using page = await BrowserPage.open(server.url, flags);
  await page.until(`"report" in globalThis`);
  return await page.value<T>(`report("${backend}", ${checks})`);
}

/** The losses of the same steps here, on the CPU backend. */
async function lossesHere(): Promise<number[]> {
  const backend = new CpuBackend();
  try {
    return await losses(backend, cifarResNet({ depth: 8, inputShape: [3, 8, 8] }), 3, 0.05);
  } finally {
    backend.destroy();
  }
}

/** Pages by what their server sends, and the threads that the CPU backend has there. */
const PAGES = [
  { about: "isolated", headers: ISOLATION, threads: "2 threads" },
  {
    about: "that is not isolated",
    headers: {},
    threads: "1 thread (this page may not share memory: it is not cross-origin isolated)",
  },
  {
    about: "whose policy forbids workers from text",
    headers: {
      ...ISOLATION,
      "content-security-policy": "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
    },
    threads: "1 thread (workers do not start here)",
  },
];

for (const { about, headers, threads } of PAGES) {
  browserTest(`the CPU backend trains on a page ${about} as it does here`, async () => {
    assertEquals(await reportOf("cpu", headers, NO_WEBGPU), {
      description: `CPU, WebAssembly relaxed SIMD, ${threads}`,
      losses: await lossesHere(),
    });
  });
}

browserTest(
  `on WebGPU a page trains as the CPU backend does${ALL ? ", and ops of the GPU suite conform" : ""}`,
  async () => {
    const { losses, compared, description } = await reportOf<
      { description: string; losses: number[]; compared: Record<string, number> }
    >("webgpu", {}, SOFTWARE_WEBGPU, ALL);
    const expected = await lossesHere();
    assertEquals(losses.length, 3);
    losses.forEach((loss, k) =>
      assert(Math.abs(loss - expected[k]) < 1e-4 * expected[k], `${description}: ${loss}, not ${expected[k]}`)
    );
    if (!ALL) return;
    assertEquals(Object.keys(compared).sort(), ["add", "globalAveragePool", "maxPool2d", "relu", "sgdUpdate"]);
    for (const [op, comparisons] of Object.entries(compared)) assert(comparisons > 0, op);
  },
  SHORT,
);
