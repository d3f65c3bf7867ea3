/** What the browser test bundles: a few training steps on the CPU backend, whose losses the page posts to its server. */

import { CpuBackend } from "../../core/mod.ts";
import { cifarResNet } from "../../models/mod.ts";
import { losses } from "../_training.ts";

async function report(): Promise<unknown> {
  // One thread a core, of two: a page that is told a number wants it or an error.
  Object.defineProperty(navigator, "hardwareConcurrency", { value: 2 });
  const backend = await CpuBackend.create();
  const model = cifarResNet({ depth: 8, inputShape: [3, 8, 8] });
  return { description: backend.description, losses: await losses(backend, model, 3, 0.05) };
}

const body = JSON.stringify(await report().catch((error) => ({ error: String(error) })));
await fetch("/result", { method: "POST", body });
