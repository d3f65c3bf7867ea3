/**
 * `deno run -A bench/dashboard/main.ts [--runs N] [--epochs N] [--steps N] [--minutes N]`: how soon the dashboard shows many
 * runs, without its index and with it, and what memory it and its page take while a run goes on, in time that is made to pass
 * fast: each second's lines are written at once, and looked at every 20 ms.
 */

import { parseArgs } from "node:util";
import { CURVE_DETAILS } from "../../cli/dashboard/details/curves.ts";
import { openRoot } from "../../cli/dashboard/find_runs.ts";
import { createDashboardHandler } from "../../cli/dashboard/handler.ts";
import { PageFiles } from "../../cli/dashboard/page_files.ts";
import { RunIndex } from "../../cli/dashboard/run_index.ts";
import { RunWatcher } from "../../cli/dashboard/run_watcher.ts";
import { BrowserPage } from "../../tests/_chromium.ts";
import { startCli } from "../../tests/_cli.ts";
import { metricsLines, metricsText, writeRun } from "../../tests/_dashboard.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    epochs: { type: "string", default: "300" },
    steps: { type: "string", default: "100" },
    minutes: { type: "string", default: "60" },
  },
});
const [runs, epochs, steps, minutes] = [values.runs, values.epochs, values.steps, values.minutes].map(Number);
const MIB = 2 ** 20, LOOK = 20, STEPS_A_SECOND = 20;

/** Says in a page when its table first had so many rows. */
const OBSERVER = `new MutationObserver((_, observer) => {
  const rows = document.querySelectorAll("#runs tbody tr").length;
  if (rows < ${runs}) return;
  window.shown ??= performance.now();
  if ([...document.querySelectorAll("#runs .status")].some((cell) => cell.textContent === "reading…")) return;
  window.whole ??= performance.now();
  observer.disconnect();
}).observe(document, { childList: true, subtree: true, characterData: true });`;

async function firstPage(folder: string, what: string): Promise<void> {
  const started = performance.now();
  await using server = startCli(["dashboard", folder, "--port", "0"]);
  const [, url] = await server.line(/^Showing them at (\S+\/);/);
  const listening = performance.now();
  const answer = await fetch(`${url}api/runs`), { length } = (await answer.json()).runs, answered = performance.now();
  await using page = await BrowserPage.open("about:blank?");
  await page.send("Page.enable");
  await page.send("Page.addScriptToEvaluateOnNewDocument", { source: OBSERVER });
  await page.send("Page.navigate", { url });
  await page.until("window.shown !== undefined", 120_000);
  const shown = await page.value<number>("window.shown");
  await page.until("window.whole !== undefined", 120_000);
  const whole = await page.value<number>("window.whole");
  console.log(
    `${what}: listening after ${ms(listening - started)}, ${length} runs told ${
      ms(answered - listening)
    } later; the page ` +
      `shows them ${ms(shown)} after it is asked for, and all figures after ${ms(whole)}`,
  );
  await server.end("SIGTERM");
}

const ms = (time: number) => `${Math.round(time)} ms`;

async function memory(folder: string): Promise<void> {
  const path = `${folder}/live`, perEpoch = STEPS_A_SECOND * 60;
  await writeRun(path, [], { epochs: minutes });
  using index = RunIndex.open(`${folder}/.dashboard.sqlite`);
  await using watcher = await RunWatcher.open({ root: await openRoot(folder), index, interval: LOOK });
  const stop = new AbortController();
  const handler = createDashboardHandler({
    watcher,
    files: new PageFiles(),
    details: CURVE_DETAILS,
    actions: {},
    hosts: ["127.0.0.1"],
    stop: stop.signal,
    onError: (error) => console.error(error),
  });
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  await using page = await BrowserPage.open(`http://127.0.0.1:${server.addr.port}/`);
  await page.until(`document.querySelector('tr[data-run="live"]')`);
  await page.value(`document.querySelectorAll("#runs input").forEach((box) =>
    box.checked !== (box.closest("tr").dataset.run === "live") && box.click())`);
  for (let minute = 0; minute < minutes; minute++) {
    const lines = metricsLines(minute + 1, perEpoch, 1, minute);
    for (let second = 0; second < 60; second++) {
      const some = lines.slice(second * STEPS_A_SECOND, second === 59 ? undefined : (second + 1) * STEPS_A_SECOND);
      await Deno.writeTextFile(`${path}/metrics.jsonl`, metricsText(some), { append: true });
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
    if (![1, 2, 5, 10, 20, 30, 45].includes(minute + 1) && (minute + 1) % 60 !== 0) continue;
    await page.until(`document.querySelector('tr[data-run="live"]').cells[5].textContent.startsWith("${minute + 1} ")`);
    await page.send("HeapProfiler.collectGarbage");
    const { usedSize } = await page.send<{ usedSize: number }>("Runtime.getHeapUsage");
    // With --v8-flags=--expose-gc, what lives alone.
    (globalThis as { readonly gc?: () => void }).gc?.();
    const { rss, heapUsed } = Deno.memoryUsage();
    const points = await page.value(`document.querySelector('[data-chart="loss"]').dataset.points`);
    console.log(
      `minute ${minute + 1}: process ${(rss / MIB).toFixed(1)} MiB, its heap ${(heapUsed / MIB).toFixed(1)}; ` +
        `the page's heap ${(usedSize / MIB).toFixed(1)} MiB, ${points} points of loss`,
    );
  }
  stop.abort();
  await server.shutdown();
}

const folder = await Deno.makeTempDir();
try {
  for (let run = 0; run < runs; run++) {
    const config = { epochs, lr: 0.1 / (run + 1), seed: run };
    await writeRun(`${folder}/sweep-${run % 10}/run-${run}`, metricsLines(epochs, steps, run), config);
  }
  const bytes = [...Deno.readDirSync(folder)].flatMap(({ name }) =>
    [...Deno.readDirSync(`${folder}/${name}`)].map((run) =>
      Deno.statSync(`${folder}/${name}/${run.name}/metrics.jsonl`).size
    )
  ).reduce((a, b) => a + b, 0);
  console.log(`${runs} runs of ${epochs} epochs of ${steps} steps: ${(bytes / MIB).toFixed(0)} MiB of metrics`);
  await firstPage(folder, "without an index");
  await firstPage(folder, "with its index");
  if (minutes > 0) await memory(folder);
} finally {
  await Deno.remove(folder, { recursive: true });
}
