/**
 * Short deterministic runs whose checkpoints are known to the byte. Other hardware, drivers or runtimes may round
 * otherwise, so a record names the device that it holds for.
 */

import { runCli, withFolder } from "./_cli.ts";
import recorded from "./golden/run_bytes.json" with { type: "json" };

/** The runs: what is added to the options that all share. */
export const RUNS: Readonly<Record<string, readonly string[]>> = {
  resnet8: ["--model", "resnet8", "--batch", "32", "--steps", "6"],
  mobilenet: ["--model", "mobilenet_v2_cifar_0.25", "--batch", "16", "--steps", "3"],
};

/** Hashes of `last.safetensors` by device and run. */
export const RECORDED: Readonly<Record<string, Readonly<Record<string, string>>>> = recorded;

/** Trains, and gives the SHA-256 of the checkpoint in hexadecimal digits. */
export function hashOfRun(backend: "cpu" | "webgpu", run: string): Promise<string> {
  return withFolder(async (folder) => {
    const out = `${folder}/run`;
    const { code, stderr } = await runCli([
      ...["train", "--backend", backend, "--deterministic", "--seed", "5", "--no-progress", "--out", out],
      ...["--lr", "0.1", "--schedule", "step", "--no-nesterov", "--weight-decay", "1e-4", "--decay", "all"],
      ...RUNS[run],
    ]);
    if (code !== 0) throw new Error(stderr);
    const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(`${out}/last.safetensors`));
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  });
}

/** Whether a run on a device has the bytes that were recorded; a device that nothing was recorded on is told. */
export async function checkRun(backend: "cpu" | "webgpu", device: string, run: string): Promise<string> {
  const hash = await hashOfRun(backend, run), expected = RECORDED[device]?.[run];
  if (expected === undefined) return `nothing was recorded on ${device}: ${run} gives ${hash}`;
  if (hash !== expected) throw new Error(`${run} on ${device}: expected ${expected} but it gives ${hash}`);
  return "the same bytes";
}
