/** What works without packages: from the files of a clone alone, and where sharp, which is native code, cannot be loaded. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import sharp from "../images/sharp.ts";
import { testWhole } from "./_all.ts";
import { type Outcome, withFolder, writeCifar } from "./_cli.ts";
import { copyClone } from "./_clone.ts";
import { LAYERS } from "./_imports.ts";
import { root, runDeno } from "./_launcher.ts";
import { grantsFor } from "../tools/_grants.ts";

const SMALL = ["--model", "resnet8", "--batch", "4", "--backend", "cpu", "--threads", "1"];

/** Runs commands in a folder, with a configuration, and with what the launcher grants them. */
function runner(folder: string, clone: string, denoDir: string | undefined, flags: readonly string[], env = {}) {
  const config = `${clone}/deno.offline.json`, main = `${clone}/cli/main.ts`;
  const run = (...args: string[]): Promise<Outcome> => {
    const at = {
      cwd: folder,
      env: () => undefined,
      packages: denoDir && `${denoDir}/npm`,
      cacheFolder: `${folder}/cache`,
    };
    const all = ["run", ...flags, ...grantsFor(args[0], args.slice(1), at), "--config", config, main, ...args];
    return runDeno(all, { cwd: folder, env: { XDG_CACHE_HOME: `${folder}/cache`, ...env } });
  };
  return {
    async works(...args: string[]): Promise<Outcome> {
      const outcome = await run(...args);
      assertEquals(outcome.code, 0, `${args.join(" ")}: ${outcome.stderr}`);
      return outcome;
    },
    /** The sentence that a command ends with. */
    async fails(...args: string[]): Promise<string> {
      const { code, stderr } = await run(...args);
      assertEquals(code, 1, `${args.join(" ")}: ${stderr}`);
      return stderr.replaceAll("\n  ", " ").trimEnd();
    },
  };
}

/** What needs no file. */
async function runWithoutFiles(works: (...args: string[]) => Promise<Outcome>): Promise<void> {
  assertStringIncludes((await works("--help")).stdout, "deno task COMMAND");
  assertStringIncludes((await works("predict", "--help")).stdout, "deno task predict");
  assertStringIncludes((await works("summary", "--model", "resnet8")).stdout, "total");
  assertStringIncludes((await works("doctor")).stdout, "CPU:");
  assertStringIncludes((await works("wgsl", "add", "2x3,2x3")).stdout, "@compute");
}

/** What needs no image file, so that it needs no native code. */
async function runWithoutImages(works: (...args: string[]) => Promise<Outcome>): Promise<Outcome> {
  assertStringIncludes((await works("data", "inspect", "cifar")).stdout, "none is damaged");
  const trained = await works("train", "--data", "cifar", ...SMALL, "--epochs", "1", "--out", "run");
  await works("eval", "--checkpoint", "run", "--data", "cifar", "--backend", "cpu", "--csv", "t.csv");
  await works("train", "--resume", "run", "--steps", "7");
  await works("export", "--checkpoint", "run", "--format", "safetensors", "--out", "w.safetensors");
  return trained;
}

async function withData(run: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/cifar`);
    await writeCifar(`${folder}/cifar`, 20);
    const pixels = new Uint8Array(3 * 9 * 9).fill(77);
    for (const path of ["train/a", "train/b", "val/a", "val/b"]) {
      await Deno.mkdir(`${folder}/photos/${path}`, { recursive: true });
      await sharp(pixels, { raw: { width: 9, height: 9, channels: 3 } }).png().toFile(`${folder}/photos/${path}/x.png`);
    }
    await run(folder);
  });
}

testWhole(
  "with an empty cache and no registry all works but image files, ONNX, plots and event files, which say so",
  () =>
    withData(async (folder) => {
      // Deno fetches nothing at all.
      const cache = `${folder}/deno`, env = { DENO_DIR: cache };
      const { works, fails } = runner(folder, root.slice(0, -1), cache, ["--cached-only"], env);
      const missing =
        "the packages for it are not in Deno's cache and the npm registry does not give them; run the command once with a " +
        "connection";
      await runWithoutFiles(works);
      const { stdout, stderr } = await runWithoutImages(works);
      assertStringIncludes(stderr, `warning: no plots are drawn: ${missing}\n`);
      assertStringIncludes(stderr, `warning: no TensorBoard file is written: ${missing}\n`);
      assertStringIncludes(stdout, "The run is in run: metrics.jsonl, best.safetensors, last.safetensors");
      const files = [...Deno.readDirSync(`${folder}/run`)].map(({ name }) => name);
      assert(!files.some((name) => name.endsWith(".svg") || name.includes("tfevents")), files.join());
      assertStringIncludes((await works("train", ...SMALL, "--steps", "2", "--out", "shapes")).stdout, "shapes");
      // The task itself, which asks both registries; nothing listens there.
      const nowhere = {
        NPM_CONFIG_REGISTRY: "http://127.0.0.1:9/",
        JSR_URL: "http://127.0.0.1:9/",
        DENO_DIR: `${folder}/none`,
      };
      const task = await runDeno([
        "task",
        "train",
        "--data",
        `${folder}/cifar`,
        ...SMALL,
        "--steps",
        "2",
        "--out",
        `${folder}/task`,
      ], {
        env: nowhere,
      });
      assertEquals(task.code, 0, task.stderr);
      assertStringIncludes(task.stdout, "last.safetensors");
      const images = `error: Image files cannot be read or written: ${missing}`;
      assertEquals(await fails("train", "--data", "photos", "--size", "8", ...SMALL), images);
      assertEquals(await fails("train", "--data", "photos", ...SMALL, "--workers", "0"), images);
      assertStringIncludes(
        await fails("predict", "--checkpoint", "run", "--backend", "cpu", "photos/val/a/x.png"),
        images,
      );
      assertEquals(
        await fails("export", "--checkpoint", "run", "--out", "m.onnx"),
        `error: No ONNX file can be written: ${missing}`,
      );
      assert(![...Deno.readDirSync(folder)].some(({ name }) => ["m.onnx", "runs"].includes(name)));
    }),
);

testWhole(
  "where sharp does not load, all works that reads no image files, and the rest ends in a sentence",
  () =>
    withData(async (folder) => {
      const clone = `${folder}/clone`, offline = `${clone}/deno.offline.json`;
      await copyClone(clone, [...LAYERS, "tools"]);
      const { lock: _, workspace: __, imports, ...config } = JSON.parse(await Deno.readTextFile(offline));
      assert("sharp" in imports);
      const broken = { ...imports, sharp: "./images/broken.ts" };
      await Deno.writeTextFile(offline, JSON.stringify({ ...config, lock: false, imports: broken }));
      await Deno.writeTextFile(
        `${clone}/images/broken.ts`,
        'throw new Error("no build for this machine");\nexport default 0;\n',
      );
      const { works, fails } = runner(folder, clone, undefined, []);
      const trained = await works("train", "--data", "cifar", ...SMALL, "--epochs", "1", "--out", "run");
      assertStringIncludes(trained.stdout, "curves.svg");
      await works("data", "inspect", "cifar");
      const why = "error: Image files cannot be read or written: no build for this machine";
      assertEquals(await fails("train", "--data", "photos", "--size", "8", ...SMALL), why);
      assertEquals(await fails("data", "inspect", "photos"), why);
      assertMatch(
        await fails("predict", "--checkpoint", "run", "--backend", "cpu", "photos/val/a/x.png"),
        /no build for this machine$/,
      );
      assertEquals(await fails("data", "inspect", "cifar", "--sheet", "s.png"), why);
      await works("export", "--checkpoint", "run", "--out", "m.onnx");
    }),
);
