/** What the browser test bundles: a few training steps on the CPU backend, whose losses the page posts to its server. */

import { CpuBackend } from "../../core/mod.ts";
import { cifarResNet } from "../../models/mod.ts";
import { losses } from "../_training.ts";

async function report(): Promise<unknown> {
  const backend = await CpuBackend.create({ threads: 2 });
  const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] });
  return { description: backend.description, losses: await losses(backend, model, 3, 0.05) };
}

const body = JSON.stringify(await report().catch((error) => ({ error: String(error) })));
await fetch("/result", { method: "POST", body });
