/**
 * What it costs to look at a training run: epochs of ResNet-20 on the CPU backend with `--plain`, with the live view, and with
 * the live view and the dashboard's page of the run in headless Chromium, in turn. Each trains on a terminal of its own, which
 * util-linux's `script` makes.
 *
 *     deno run -A --config deno.offline.json bench/watched.ts [ROUNDS] [TRAIN OPTIONS]
 */

import { fileURLToPath } from "node:url";
import { median } from "../core/mod.ts";
import { BrowserPage } from "../tests/_chromium.ts";
import { startCli } from "../tests/_cli.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const COLUMNS = 100, ROWS = 36, EPOCHS = 5;
const WAYS = ["--plain", "live view", "live view and page"] as const;
type Way = typeof WAYS[number];

/** Trains on a terminal. */
async function train(out: string, way: Way, options: readonly string[]): Promise<void> {
  const line =
    '"$deno" run -A --quiet --config "$config" "$main" train --backend cpu --model resnet20 --epochs "$epochs"';
  const child = new Deno.Command("script", {
    args: [
      ...["--quiet", "--return", "--command"],
      `stty cols ${COLUMNS} rows ${ROWS}; ${line} --out "$out" ${way === "--plain" ? way : ""} ${options.join(" ")}`,
      "/dev/null",
    ],
    env: {
      ...{ deno: Deno.execPath(), config: `${root}deno.offline.json`, main: `${root}cli/main.ts`, out },
      ...{ epochs: `${EPOCHS}`, TERM: "xterm-256color" },
    },
    // Open, so that the terminal stays.
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const { success, stdout } = await child.output();
  await child.stdin.abort().catch(() => {});
  if (!success) throw new Error(new TextDecoder().decode(stdout));
}

/** The seconds of a run's epochs, without the first, in which its page is opened. */
async function seconds(runs: string, way: Way, options: readonly string[]): Promise<number[]> {
  const out = `${runs}/run`;
  await Deno.remove(out, { recursive: true }).catch(() => {});
  const trained = train(out, way, options);
  if (way === "live view and page") {
    await using server = startCli(["dashboard", runs, "--port", "0"]);
    const [, url] = await server.line(/^Showing them at (\S+);/);
    await using page = await BrowserPage.open(url);
    await page.until(`document.querySelectorAll("#runs tbody tr").length === 1`);
    await trained;
    // It was shown to the end.
    await page.until(`document.querySelector("#runs tbody").textContent.includes("finished")`);
  } else {
    await trained;
  }
  const lines = (await Deno.readTextFile(`${out}/metrics.jsonl`)).trim().split("\n").map((line) => JSON.parse(line));
  return lines.filter(({ kind }) => kind === "epoch").slice(1).map(({ seconds }) => seconds);
}

const rounds = Number(Deno.args[0] ?? 5), options = Deno.args.slice(1), runs = await Deno.makeTempDir();
const found = new Map<Way, number[]>(WAYS.map((way) => [way, []]));
const ratios = new Map<Way, number[]>(WAYS.map((way) => [way, []]));
try {
  for (let round = 0; round < rounds; round++) {
    // Each way is first, second and third in turn.
    const order = WAYS.map((_, k) => WAYS[(k + round) % WAYS.length]), medians = new Map<Way, number>();
    for (const way of order) {
      const epochs = await seconds(runs, way, options);
      console.log(`round ${round + 1}, ${way}: ${epochs.map((value) => value.toFixed(2)).join(" ")} s`);
      found.get(way)!.push(...epochs);
      medians.set(way, median(epochs));
    }
    for (const way of WAYS) ratios.get(way)!.push(medians.get(way)! / medians.get("--plain")! - 1);
  }
} finally {
  await Deno.remove(runs, { recursive: true });
}
const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const fastest = (way: Way) => Math.min(...found.get(way)!);
for (const way of WAYS) {
  console.log(
    `${way.padEnd(18)}  epochs of ${median(found.get(way)!).toFixed(2)} s, the fastest ${fastest(way).toFixed(2)} s; ` +
      `longer than with --plain by ${percent(median(ratios.get(way)!))} (median of rounds), ` +
      `${percent(fastest(way) / fastest("--plain") - 1)} (the fastest)`,
  );
}
