/**
 * `deno run -A bench/dashboard/overhead.ts [--rounds N] [--seconds N]`: what an open dashboard costs a run. In turn, a run trains
 * alone, and beside a dashboard whose page is open in headless Chromium; what the two take of the processor is counted too.
 */

import { parseArgs } from "node:util";
import { BrowserPage } from "../../tests/_chromium.ts";
import { startCli } from "../../tests/_cli.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "6" }, seconds: { type: "string", default: "20" } },
});
const rounds = Number(values.rounds), seconds = Number(values.seconds);
/** Ticks of the processor's clock a second, and those that the first steps take, which start things. */
const TICKS = 100, WARM_UP = 3;

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const wait = (time: number) => new Promise((resolve) => setTimeout(resolve, 1000 * time));

/** Seconds of the processor that a process and its children have taken. */
async function processorTime(pid: number): Promise<number> {
  const stats: { pid: number; parent: number; ticks: number }[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const text = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => undefined);
    const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
    if (fields !== undefined) stats.push({ pid: Number(name), parent: fields[1], ticks: fields[11] + fields[12] });
  }
  const family = new Set([pid]);
  for (let before = 0; before !== family.size;) {
    before = family.size;
    for (const { pid, parent } of stats) if (family.has(parent)) family.add(pid);
  }
  return stats.filter(({ pid }) => family.has(pid)).reduce((sum, { ticks }) => sum + ticks, 0) / TICKS;
}

/** Trains for a while, from when something was done: images a second. */
async function train(out: string, begin: () => Promise<void>): Promise<number> {
  const options = ["--model", "resnet20", "--backend", "cpu", "--batch", "32", "--epochs", "999", "--no-progress"];
  await using run = startCli(["train", ...options, "--out", out]);
  const lines = async () => (await Deno.readTextFile(`${out}/metrics.jsonl`).catch(() => "")).split("\n").length;
  while (await lines() < 3) await wait(0.2);
  await begin();
  await wait(WARM_UP);
  const before = await lines(), started = performance.now();
  await wait(seconds);
  // The log is written once a second; the rest of one is lost in both ways alike.
  const rate = 32 * (await lines() - before) / ((performance.now() - started) / 1000);
  await run.end("SIGKILL");
  return rate;
}

const folder = await Deno.makeTempDir();
try {
  const alone: number[] = [], beside: number[] = [], server: number[] = [], browser: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const isShown of round % 2 === 0 ? [false, true] : [true, false]) {
      const out = `${folder}/${round}-${isShown}`;
      if (!isShown) alone.push(await train(out, () => Promise.resolve()));
      else {
        await using dashboard = startCli(["dashboard", folder, "--port", "0"]);
        const [, url] = await dashboard.line(/^Showing them at (\S+);/);
        await using page = await BrowserPage.open("about:blank?");
        const pids = [dashboard.pid, page.pid];
        let times: number[] = [], started = 0;
        const rate = await train(out, async () => {
          // The run goes on, so that its curves are shown.
          await page.send("Page.navigate", { url });
          await page.until(`document.querySelector('[data-chart="loss"]')?.ariaLabel.includes("at")`);
          times = await Promise.all(pids.map(processorTime));
          started = performance.now();
        });
        const passed = (performance.now() - started) / 1000, all = await Promise.all(pids.map(processorTime));
        beside.push(rate);
        server.push((all[0] - times[0]) / passed);
        browser.push((all[1] - times[1]) / passed);
        const shown = await page.value<string>(`document.querySelector('[data-chart="loss"]').ariaLabel`);
        console.log(`the page shows ${shown}`);
      }
    }
    console.log(`alone ${alone.at(-1)!.toFixed(0)}, with the page open ${beside.at(-1)!.toFixed(0)} images/s`);
  }
  const ratios = alone.map((rate, k) => beside[k] / rate);
  const share = (value: number) => `${(100 * value).toFixed(1)} %`;
  console.log(
    `medians of ${rounds}: ${median(alone).toFixed(0)} images/s alone, ${
      median(beside).toFixed(0)
    } with the page open, ` +
      `${share(median(ratios))} of it in pairs; of one core the server takes ${share(median(server))}, ` +
      `the browser ${share(median(browser))}`,
  );
} finally {
  await Deno.remove(folder, { recursive: true });
}
