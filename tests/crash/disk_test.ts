/** The command line killed, or without room, at any of its calls on the disk: what is left is whole, and a run goes on. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodeCheckpoint } from "../../weights/mod.ts";
import { ALL, WHOLE } from "../_all.ts";
import { withFolder, writeCifar } from "../_cli.ts";
import { runInProcess } from "../_in_process.ts";
import { DISK_FAULTS, type DiskFault, withFaultyDisk } from "./_faulty_disk.ts";

/** How many calls of a training run are tried by default. */
const COVERING = WHOLE ? 6 : 3;

// deno-fmt-ignore
const RUN = [
  "--model", "resnet8", "--batch", "8", "--backend", "cpu", "--threads", "1", "--no-progress", "--epochs", "2", "--lr", "0.01",
  "--augment", "crop+flip", "--ema", "0.9", "--keep", "1", "--checkpoint-steps", "1",
];

async function succeed(args: readonly string[], what: string): Promise<void> {
  const { code, stderr } = await runInProcess(args);
  assertEquals(code, 0, `${what}: ${stderr}`);
}

async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Hashes of the files of a run: all but what depends on the clock. */
async function filesOf(run: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for await (const { name } of Deno.readDir(run)) {
    if (name === "config.json" || name.startsWith("events.")) continue;
    let bytes = await Deno.readFile(`${run}/${name}`);
    if (name === "metrics.jsonl") {
      const clock = /"(imagesPerSecond|seconds)":[^,}]*/g;
      bytes = new TextEncoder().encode(new TextDecoder().decode(bytes).replace(clock, ""));
    }
    hashes[name] = await hash(bytes);
  }
  return hashes;
}

/** Files under their own names are whole, whatever happened. */
async function expectWhole(run: string, what: string): Promise<void> {
  for await (const { name } of Deno.readDir(run)) {
    if (name.endsWith(".safetensors")) decodeCheckpoint(await Deno.readFile(`${run}/${name}`), `${what}: ${name}`);
    if (name.endsWith(".json")) JSON.parse(await Deno.readTextFile(`${run}/${name}`));
    if (name.endsWith(".svg")) {
      assertMatch(await Deno.readTextFile(`${run}/${name}`), /<\/svg>\s*$/, `${what}: ${name}`);
    }
  }
}

function expectFault(
  { code, stderr }: { readonly code: number; readonly stderr: string },
  fault: DiskFault,
  what: string,
) {
  assertEquals(code, 1, what);
  const lines = stderr.trim().split("\n").filter((line) => line.startsWith("error: "));
  if (fault === "full") assertMatch(lines.join("\n"), /^error: [^\n]*the disk is full[^\n]*$/, `${what}: ${stderr}`);
}

const exists = (path: string) => Deno.stat(path).then(() => true, () => false);

Deno.test(`train that ends at ${ALL ? "any" : "some"} of its calls on the disk goes on to the same files`, () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 16);
    const start = (run: string) => ["train", "--data", folder, ...RUN, "--out", run], whole = `${folder}/whole`;
    const { calls, result } = await withFaultyDisk(whole, Infinity, "killed", () => runInProcess(start(whole)));
    assertEquals(result.code, 0, result.stderr);
    const expected = await filesOf(whole);
    // Metrics are written now and then, by the clock.
    assert(calls > 80 && Object.keys(expected).length === 9, `${calls} calls, ${Object.keys(expected)}`);
    const step = ALL ? 1 : Math.floor(calls / COVERING);
    for (let at = 1; at <= calls; at += step) {
      for (const fault of ALL ? DISK_FAULTS : [DISK_FAULTS[Math.floor(at / step) % DISK_FAULTS.length]]) {
        const what = `${fault} at call ${at} of ${calls}`, run = `${folder}/${fault}-${at}`;
        const outcome = await withFaultyDisk(run, at, fault, () => runInProcess(start(run)));
        // The last of all takes the lock away, which nothing depends on.
        if (outcome.result.code !== 0) expectFault(outcome.result, fault, what);
        if (await exists(run)) await expectWhole(run, what);
        await succeed(
          await exists(`${run}/config.json`) ? ["train", "--resume", run, "--no-progress"] : start(run),
          what,
        );
        assertEquals(await filesOf(run), expected, what);
        await Deno.remove(run, { recursive: true });
      }
    }
  }));

Deno.test("export that ends at any of its calls on the disk leaves the file that was there, or the new one", () =>
  withFolder(async (folder) => {
    await writeCifar(folder, 16);
    const run = `${folder}/run`, out = `${folder}/out/weights.safetensors`, old = new Uint8Array([1, 2, 3]);
    await succeed(["train", "--data", folder, ...RUN, "--steps", "1", "--out", run], "train");
    const args = ["export", "--checkpoint", run, "--format", "safetensors", "--out", out];
    const { calls } = await withFaultyDisk(folder, Infinity, "killed", () => runInProcess(args));
    const made = await hash(await Deno.readFile(out));
    for (let at = 1; at <= calls; at++) {
      for (const fault of DISK_FAULTS) {
        await Deno.writeFile(out, old);
        const what = `${fault} at call ${at} of ${calls}`;
        const { result } = await withFaultyDisk(folder, at, fault, () => runInProcess(args));
        if (result.code !== 0) expectFault(result, fault, what);
        const left = await hash(await Deno.readFile(out));
        assertEquals(left, result.code === 0 ? made : left === made ? made : await hash(old), what);
      }
    }
    await succeed(args, "after all");
    assertEquals(await hash(await Deno.readFile(out)), made);
  }));
