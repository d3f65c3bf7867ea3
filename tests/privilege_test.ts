/** The launcher: what each command is granted, and that each works with it and with nothing else. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { grantsFor, mergeGrants, NEEDS, splitGrants, VARIABLES, WEIGHTS_ADDRESS } from "../tools/_grants.ts";
import { ADDRESS_VARIABLE } from "../cli/weights/published_weights.ts";
import { PUBLISHED_ADDRESS } from "../weights/mod.ts";
import sharp from "../images/sharp.ts";
import { testWhole } from "./_all.ts";
import { withFolder, writeCifar } from "./_cli.ts";
import { LAUNCH, launch, root, runDeno, stopAfterEpoch } from "./_launcher.ts";

const ALWAYS = ["--no-prompt", `--allow-env=${VARIABLES.join()}`, "--ignore-env"];
const at = { cwd: "/w,d", env: () => undefined, packages: "/d/npm", cacheFolder: "/c" };
const config = `${root}deno.offline.json`, main = `${root}cli/main.ts`;

Deno.test("tasks of the command line go through the launcher, which itself has no network", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
  const commands = (await Promise.all([...Deno.readDirSync(`${root}cli/commands`)].map(({ name }) => name)))
    .map((name) => name.replace(".ts", "").replaceAll("_", "-"));
  assert(commands.length >= 9);
  for (const name of commands) {
    assertEquals(tasks[name], `deno ${LAUNCH.join(" ")} tools/run.ts ${name}`);
  }
  for (const name of Object.keys(NEEDS)) assert(commands.includes(name), name);
});

Deno.test("no task has all permissions, nor a network beside this machine", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${root}deno.json`)) as { tasks: Record<string, string> };
  for (const [name, task] of Object.entries(tasks)) {
    const flags = task.split(" ").filter((word) => word.startsWith("-"));
    assert(!flags.some((flag) => flag === "--allow-all" || /^-\w*[AN]/.test(flag)), `${name}: ${task}`);
    const hosts = flags.flatMap((flag) => /^--allow-net(?:=(.*))?$/.exec(flag)?.[1]?.split(",") ?? []);
    assert(!flags.includes("--allow-net") && hosts.every((host) => ["127.0.0.1", "localhost"].includes(host)), task);
  }
});

Deno.test("grantsFor() gives what a command needs, and only where its arguments ask for it", () => {
  assertEquals(grantsFor("doctor", [], at), ALWAYS);
  assertEquals(grantsFor("doctor", ["--gpu", "deno"], at), ALWAYS);
  // Dawn is native code of a package.
  assertEquals(grantsFor("doctor", ["--gpu=dawn"], at), [...ALWAYS, "--allow-read", "--allow-ffi=/d/npm"]);
  assertEquals(grantsFor("summary", ["--gpu=dawn"], at), [...ALWAYS, "--allow-read", "--allow-ffi=/d/npm"]);
  assertEquals(grantsFor("wgsl", ["--gpu=dawn"], at), ALWAYS);
  assertEquals(grantsFor("summary", ["--out", "x"], at), ALWAYS);
  assertEquals(grantsFor("no such command", ["--out", "x"], at), ALWAYS);
  const read = [...ALWAYS, "--allow-read", "--allow-sys=systemMemoryInfo"];
  const train = (...args: string[]) => grantsFor("train", args, at);
  const beside = ["--allow-ffi=/d/npm"];
  assertEquals(train(), [...read, "--allow-write=runs,/c", ...beside]);
  assertEquals(grantsFor("tune", ["--gpu", "dawn"], at), [...read, "--allow-write=/c", ...beside]);
  assertEquals(grantsFor("tune", [], at), [...read, "--allow-write=/c"]);
  assertEquals(train("--out", "a,b", "--model", "resnet8"), [...read, "--allow-write=.,/c", ...beside]);
  assertEquals(train("--resume=r/1", "--", "--out", "x"), [...read, "--allow-write=r/1,/c", ...beside]);
  assertEquals(train("--init", "imagenet").at(-1), "--allow-net=download.pytorch.org");
  assertEquals(train("--init=torchvision:resnet50").at(-1), "--allow-net=download.pytorch.org");
  assertEquals(train("--init", "imagenet.pth", "--data", "imagenet"), [...read, "--allow-write=runs,/c", ...beside]);
  assertEquals(grantsFor("data", ["inspect", "x", "--sheet", "a/b.png"], at), [
    ...[...read, "--allow-write=a", "--allow-ffi=/d/npm"],
  ]);
  assertEquals(grantsFor("data", ["inspect", "x"], { ...at, packages: undefined }), read);
  assertEquals(grantsFor("eval", ["--csv", "t.csv", "--logits", "C:\\l\\x.json"], at), [
    ...[...read, "--allow-write=.,C:\\l,/c", "--allow-ffi=/d/npm"],
  ]);
  const board = (...args: string[]) => grantsFor("dashboard", args, at).slice(read.length);
  const reached = (port: number) => [...beside, `--allow-net=127.0.0.1:${port}`];
  assertEquals(board(), ["--allow-write=runs", ...reached(8020)]);
  assertEquals(board("--port", "9000", "x/y"), ["--allow-write=x/y", ...reached(9000)]);
  assertEquals(board("x", "--port=0"), ["--allow-write=x", ...reached(0)]);
  assertEquals(board("--port", "1", "--", "--x"), ["--allow-write=--x", ...reached(1)]);
  const report = (...args: string[]) =>
    grantsFor("report", args, at).filter((flag) => flag.startsWith("--allow-write"));
  assertEquals(grantsFor("report", ["r/1"], at), [...read, "--allow-write=r/1", ...beside]);
  assertEquals(report("--data", "photos", "--no-images", "--", "-r"), ["--allow-write=-r"]);
  assertEquals(report("r/1", "--data=x", "--out", "here"), ["--allow-write=here"]);
  assertEquals(report("--help"), []);
  assertEquals(grantsFor("lr-find", ["--out", "a/r.svg", "--init", "imagenet"], at), [
    ...[...read, "--allow-write=a,/c", ...beside, "--allow-net=download.pytorch.org"],
  ]);
  assertEquals(grantsFor("compare", ["r/1", "r/2"], at), read);
  assertEquals(grantsFor("export", ["--out", "/m.onnx"], at), [...read, "--allow-write=/,/c"]);
  const outs = ["/w,d/in", "/w,d/in,to/x", "x/y,z/t", "/w,dx/t", "/a/b,/c"];
  const given = train(...outs.flatMap((out) => ["--out", out])).find((flag) => flag.startsWith("--allow-write"));
  assertEquals(given, "--allow-write=in,.,x,/,/a,/c");
  // MPI's library, which the system finds by its name.
  const ffi = (...args: string[]) => train(...args).filter((flag) => flag.startsWith("--allow-ffi"));
  assertEquals(ffi("--distributed"), ["--allow-ffi"]);
  assertEquals(ffi("--distributed", "--no-distributed"), beside);
  assertEquals(ffi("--out", "--distributed=", "--", "--distributed"), beside);
  assertEquals(grantsFor("serve", ["--distributed"], at).filter((flag) => flag.startsWith("--allow-ffi")), beside);
  const env = (name: string) => name === "RESIDUA_WEIGHTS_URL" ? "http://mirror.example:8080/w" : undefined;
  assertEquals(grantsFor("predict", ["--checkpoint", "torchvision:resnet18"], { ...at, env }), [
    ...[...read, "--allow-write=/c", "--allow-ffi=/d/npm", "--allow-net=mirror.example:8080"],
  ]);
});

Deno.test("grantsFor() knows the address of weights and every variable that the sources read", async () => {
  assertEquals(WEIGHTS_ADDRESS, PUBLISHED_ADDRESS);
  assert(VARIABLES.includes(ADDRESS_VARIABLE));
  const read = new Set<string>();
  const visit = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await visit(`${folder}/${name}`);
      else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) {
        const text = await Deno.readTextFile(`${folder}/${name}`);
        for (const [, name] of text.matchAll(/\benv\.(?:\w+\(")?([A-Z_]+)\b/g)) read.add(name);
        for (const [, name] of text.matchAll(/\bvariable = "(\w+)"/g)) read.add(name);
      }
    }
  };
  await visit(`${root}cli`);
  read.add(ADDRESS_VARIABLE);
  assertEquals([...read].sort(), [...VARIABLES].sort());
});

Deno.test("flags of permissions among a command's arguments are added to what it is granted", () => {
  const args = ["--out", "x", "--allow-write=a,b", "--allow-net", "--allow-rite=c", "--", "--allow-run"];
  const { grants, rest } = splitGrants(args);
  assertEquals(grants, ["--allow-write=a,b", "--allow-net"]);
  assertEquals(rest, ["--out", "x", "--allow-rite=c", "--", "--allow-run"]);
  assertEquals(
    mergeGrants(["--no-prompt", "--allow-net=h", "--allow-write=x", "--allow-read", ...grants, "--allow-read=y"]),
    ["--no-prompt", "--allow-net", "--allow-write=x,a,b", "--allow-read"],
  );
  assertEquals(mergeGrants(["--no-prompt", "--allow-read", "-A"]), ["-A"]);
});

/** Runs a command with what the launcher grants it. */
async function succeeds(cwd: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await launch(args, { cwd, env: { XDG_CACHE_HOME: `${cwd}/cache` } });
  assertEquals(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

const CPU = ["--backend", "cpu", "--threads", "1"];
const SMALL = ["--model", "resnet8", "--batch", "4", ...CPU];

/** A folder whose name has what shells and lists of paths stumble over, with CIFAR and photographs in it. */
async function withData(run: (folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (parent) => {
    const folder = `${parent}/a b, ü`;
    await Deno.mkdir(`${folder}/cifar`, { recursive: true });
    await writeCifar(`${folder}/cifar`, 20);
    for (const [k, path] of ["train/a", "train/b", "val/a", "val/b"].entries()) {
      await Deno.mkdir(`${folder}/photos/${path}`, { recursive: true });
      for (let i = 0; i < 5; i++) {
        const pixels = Uint8Array.from({ length: 3 * 19 * 17 }, (_, p) => (p * 7919 * (k + 1) + 31 * i) >> 2);
        await sharp(pixels, { raw: { width: 19, height: 17, channels: 3 } }).png()
          .toFile(`${folder}/photos/${path}/${i}.png`);
      }
    }
    await run(folder);
  });
}

testWhole(
  "every command works with what the launcher grants it, in a folder with spaces, a comma and accents",
  () =>
    withData(async (folder) => {
      assertStringIncludes(await succeeds(folder), "deno task COMMAND");
      assertStringIncludes(await succeeds(folder, "doctor"), "CPU:");
      assertStringIncludes(await succeeds(folder, "summary", "--model", "resnet8"), "total");
      assertStringIncludes(await succeeds(folder, "wgsl", "add", "2x3,2x3"), "@compute");
      assertStringIncludes(await succeeds(folder, "tune", "--explain", "add", "2x3,2x3"), "add");
      const train = await succeeds(folder, "train", "--data", "cifar", ...SMALL, "--epochs", "1", "--out", "runs/é 1");
      assertStringIncludes(train, "curves.svg");
      await succeeds(folder, "train", "--resume", "runs/é 1", "--epochs", "2");
      const files = [...Deno.readDirSync(`${folder}/runs/é 1`)].map(({ name }) => name);
      for (const name of ["best.safetensors", "confusion.svg", "metrics.jsonl"]) assert(files.includes(name), name);
      assert(files.some((name) => name.includes("tfevents")));
      const checkpoint = ["--checkpoint", "runs/é 1"];
      const written = ["--csv", "new/t.csv", "--errors", "e.png", "--logits", "new/l.json"];
      await succeeds(folder, "eval", ...checkpoint, "--data", "cifar", ...CPU, ...written);
      for (const name of ["new/t.csv", "e.png", "new/l.json"]) assert((await Deno.stat(`${folder}/${name}`)).size > 0);
      assertStringIncludes(
        await succeeds(folder, "predict", ...checkpoint, ...CPU, "photos/val/a/0.png", "--explain", "ü seen"),
        "%",
      );
      assert((await Deno.stat(`${folder}/ü seen/0.png`)).size > 1000);
      const swept = {
        options: { data: "cifar", model: "resnet8", batch: 4, epochs: 1, backend: "cpu" },
        vary: { lr: [0.01] },
      };
      await Deno.writeTextFile(`${folder}/rates.json`, JSON.stringify(swept));
      assertStringIncludes(await succeeds(folder, "sweep", "rates.json"), "report runs/rates/001");
      assertStringIncludes(await succeeds(folder, "report", "runs/é 1"), "report.html");
      assertStringIncludes(await Deno.readTextFile(`${folder}/runs/é 1/report.html`), "data:image/webp");
      assertStringIncludes(await succeeds(folder, "compare", "runs/é 1", "runs/é 1"), "No option differs");
      await succeeds(folder, "lr-find", "--data", "cifar", ...SMALL, "--steps", "12", "--out", "r/rates.svg");
      assert((await Deno.stat(`${folder}/r/rates.svg`)).size > 1000);
      await succeeds(folder, "export", ...checkpoint, "--out", "onnx/m.onnx");
      assert((await Deno.stat(`${folder}/onnx/m.onnx`)).size > 1000);
    }),
);

testWhole(
  "image files are read by workers, through links, and drawn, with what the launcher grants",
  () =>
    withData(async (folder) => {
      await Deno.symlink(`${folder}/photos`, `${folder}/linked`);
      await Deno.mkdir(`${folder}/elsewhere`);
      await Deno.symlink(`${folder}/elsewhere`, `${folder}/run`);
      const args = ["--data", "linked", "--size", "16", ...SMALL, "--workers", "2", "--epochs", "1", "--out", "run"];
      await succeeds(folder, "train", ...args);
      assert((await Deno.stat(`${folder}/elsewhere/last.safetensors`)).isFile);
      await succeeds(folder, "data", "inspect", "linked", "--sheet", "sheets/s.png");
      assert((await Deno.stat(`${folder}/sheets/s.png`)).size > 1000);
    }),
);

testWhole(
  "weights are fetched from their address and no other, and only where they are asked for",
  () =>
    withFolder(async (folder) => {
      const asked: string[] = [];
      const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
        asked.push(new URL(request.url).pathname);
        return new Response("none here", { status: 404 });
      });
      try {
        const env = { RESIDUA_WEIGHTS_URL: `http://127.0.0.1:${server.addr.port}/w`, XDG_CACHE_HOME: `${folder}/c` };
        const args = ["train", "--init", "imagenet", "--model", "resnet18", "--steps", "1", ...CPU];
        const { code, stderr } = await launch(args, { cwd: folder, env });
        assertEquals(code, 1);
        assertMatch(stderr, /^error: .*404/);
        assertEquals(asked, ["/w/resnet18-f37072fd.pth"]);
        // The same without the network's grant.
        const grants = grantsFor("train", [], { ...at, packages: folder, cacheFolder: `${folder}/c` });
        const denied = await runDeno(["run", ...grants, "--config", config, main, ...args], { cwd: folder, env });
        assertEquals([denied.code, asked.length], [1, 1]);
        assertMatch(
          denied.stderr.replaceAll("\n  ", " "),
          /^error: .*permission to reach 127\.0\.0\.1:\d+; add --allow-net=/,
        );
      } finally {
        await server.shutdown();
      }
    }),
);

testWhole(
  "a permission that is missing ends a command in one sentence, and the launcher takes the flag it names",
  () =>
    withData(async (folder) => {
      const run = async (grants: readonly string[], ...args: string[]) => {
        const all = ["run", ...ALWAYS, ...grants, "--config", config, main, ...args];
        const { code, stderr } = await runDeno(all, { cwd: folder });
        assertEquals(code, 1, stderr);
        return stderr.replaceAll("\n  ", " ").trimEnd();
      };
      const photos = ["train", "--data", "photos", "--size", "16", ...SMALL, "--steps", "1", "--out", "a run"];
      assertEquals(
        await run(["--allow-read"], ...photos),
        "error: this command was not given the permission to ask the system for systemMemoryInfo; " +
          "add --allow-sys=systemMemoryInfo to grant it",
      );
      const sys = ["--allow-read", "--allow-sys=systemMemoryInfo"];
      assertMatch(
        await run(sys, ...photos),
        /^error: Image files cannot be read or written: .* permission to load native code from \S+\.node; add --allow-ffi=\S+ to grant it$/,
      );
      assertEquals(
        await run(sys, "train", "--data", "cifar", ...SMALL, "--steps", "1", "--out", "a run"),
        "error: a run: the run folder cannot be used: this command was not given the permission to write a run; " +
          "add '--allow-write=a run' to grant it",
      );
      assertMatch(
        await run(["--allow-sys=systemMemoryInfo"], "data", "inspect", "cifar"),
        /^error: [^\n]*permission to read cifar; add --allow-read=cifar/,
      );
      await succeeds(folder, "data", "inspect", "cifar", "--allow-write=x", "--allow-net");
      await succeeds(folder, "doctor", "-A");
    }),
);

// Windows has no signals to send.
Deno.test({
  name: "a signal to the launcher ends a run as one to the command does: saved, and with its exit code",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (folder) => {
      await writeCifar(folder, 20);
      const { code, stdout, stderr } = await stopAfterEpoch(
        Deno.execPath(),
        [...LAUNCH, `${root}tools/run.ts`, "train", "--data", ".", ...SMALL, "--out", "run"],
        { cwd: folder, env: { INIT_CWD: folder } },
      );
      assertEquals(code, 0, stdout + stderr);
      assertStringIncludes(stderr, "Finishing the step and saving");
      assertStringIncludes(stdout, "--resume run");
      // What a command ends with is what the launcher ends with.
      assertEquals((await launch(["summary", "--model", "none"], { cwd: folder })).code, 2);
    }),
});
