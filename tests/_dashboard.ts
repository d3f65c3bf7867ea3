/** Run folders for tests of the dashboard, without training. */

import { Random } from "../core/mod.ts";

/** The lines of a run's metrics: `perEpoch` steps an epoch. */
export function metricsLines(epochs: number, perEpoch: number, seed = 0, from = 0): string[] {
  const random = new Random(seed, "metrics"), lines: string[] = [];
  for (let epoch = from; epoch < epochs; epoch++) {
    const fall = Math.exp(-epoch / epochs);
    for (let k = 1; k <= perEpoch; k++) {
      const step = epoch * perEpoch + k, loss = 2.3 * fall + 0.2 * random.uniform();
      const imagesPerSecond = 800 + 100 * random.uniform();
      lines.push(JSON.stringify({ kind: "step", step, epoch, loss, lr: 0.1 * fall, imagesPerSecond }));
    }
    const top1 = 1 - fall * (0.9 + 0.1 * random.uniform());
    const figures = { trainLoss: 2.3 * fall, trainTop1: top1, valLoss: 2.4 * fall, valTop1: 0.95 * top1 };
    lines.push(JSON.stringify({ kind: "epoch", epoch, ...figures, lr: 0.1 * fall, seconds: 1.5 }));
  }
  return lines;
}

/** The text of metrics. */
export const metricsText = (lines: readonly string[]): string => lines.map((line) => line + "\n").join("");

/** Writes a run. */
export async function writeRun(folder: string, lines: readonly string[], config: object = {}): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const all = { model: "resnet8", data: "shapes", epochs: 4, batch: 8, lr: 0.1, ...config };
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(all));
  await Deno.writeTextFile(`${folder}/metrics.jsonl`, metricsText(lines));
}
