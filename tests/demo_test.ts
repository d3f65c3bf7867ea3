/** The example page does in Chromium what it promises: learns, classifies, stops, saves what the command line reads. */

import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { ISOLATION } from "../tools/_demo_files.ts";
import { ALL } from "./_all.ts";
import { browserTest, FAKE_CAMERA, NO_WEBGPU, SHORT, SOFTWARE_WEBGPU } from "./_chromium.ts";
import { runCli, withFolder } from "./_cli.ts";
import { classify, NAMES, set, type Shown, untilReady, withDemo, writePhotos } from "./_demo_page.ts";

const SMALL = { model: "resnet20", size: 24, batch: 8 };

const root = fileURLToPath(new URL("..", import.meta.url));

/** The class that a photo is of, by its name. */
const truth = (file: string) => file.split("/").at(-1)!.split("-")[0];

/** Holds what the page shows to what `residua predict` says of the same files, to the digits that the page shows. */
async function expectSameAsCli(checkpoint: string, files: readonly string[], shown: readonly Shown[]): Promise<void> {
  const { code, stdout, stderr } = await runCli([
    ...["predict", "--checkpoint", checkpoint, "--backend", "cpu", "--json"],
    ...files,
  ]);
  assertEquals(code, 0, stderr);
  const told = stdout.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(told.length, files.length);
  told.forEach(({ predictions }, k) => {
    const here = predictions as { class: string; probability: number }[];
    assertEquals(shown[k].classes.map(([label]) => label), here.map((one) => one.class), files[k]);
    here.forEach(({ probability }, i) => {
      const difference = Math.abs(100 * probability - shown[k].classes[i][1]);
      assert(difference < 0.051, `${files[k]}: ${100 * probability} % here, and the page shows ${shown[k].classes[i]}`);
    });
  });
}

browserTest(
  "the page learns dropped folders, classifies other photos, and saves weights that predict reads",
  () =>
    withFolder(async (folder) => {
      await writePhotos(`${folder}/train`, 20, 1);
      await Deno.writeTextFile(`${folder}/train/waves/notes.txt`, "no photo");
      await Deno.writeTextFile(`${folder}/train/waves/.hidden`, "");
      const others = await writePhotos(`${folder}/others`, 16, 2);
      await withDemo(ISOLATION, [...NO_WEBGPU, ...FAKE_CAMERA], async (page) => {
        assertMatch(await page.text("#device"), /^CPU, \d+ threads\. There is no WebGPU adapter\.$/);
        await page.drop("header", [`${folder}/train`]);
        await page.until(`document.querySelector("#boxes .error:not([hidden])")`);
        assertEquals(
          await page.text("#boxes .error:not([hidden])"),
          "notes.txt is no image that this browser can read.",
        );
        const counts = `[...document.querySelectorAll(".count")].map((count) => count.innerText)`;
        await page.until(`${counts}.join() === "20 photos,20 photos"`);
        assertEquals(
          await page.value(`[...document.querySelectorAll(".name")].map((name) => name.value)`),
          NAMES,
        );
        await set(page, { ...SMALL, epochs: 10 });
        await page.click("#train");
        await untilReady(page);
        assertMatch(
          await page.text("#run"),
          /^resnet20 at 24×24 pixels, 32 photos to train on and 8 to check, batches of 8, on CPU/,
        );
        assertEquals(
          await page.value(`[...document.querySelectorAll("polyline")].map((line) => line.points.length)`),
          Array(4).fill(10),
        );
        const shown = await classify(page, others);
        assertEquals(shown.map(({ file }) => file), others.map((path) => path.split("/").at(-1)));
        const right = shown.filter(({ file, classes: [[best]] }) => best === truth(file)).length;
        assert(right > 0.9 * shown.length, `only ${right} of ${shown.length} are right`);
        // What it saves is what it has, to the command line too.
        await page.keepDownloads();
        await page.click("#save");
        const file = `${page.folder}/residua.safetensors`, some = others.filter((_, k) => k % 3 === 0);
        const isThere = () => Deno.stat(file).then(() => true, () => false);
        while (!await isThere()) await new Promise((resolve) => setTimeout(resolve, 50));
        await expectSameAsCli(file, others, shown);
        // And opened again, and trained on, it is the same network.
        await page.choose("#open", [file]);
        await page.until(`document.querySelector("#save").disabled`);
        await untilReady(page);
        assertEquals(await classify(page, some), some.map((path) => shown[others.indexOf(path)]));
        await page.choose("#start-weights", [file]);
        await set(page, { size: "", epochs: 1, model: "" });
        await page.click("#train");
        await page.until(`document.querySelector("#save").disabled`);
        await untilReady(page);
        assertMatch(await page.text("#run"), /^resnet20 at 24×24/);
        const label = await page.value<string>(`document.querySelectorAll("svg")[1].getAttribute("aria-label")`);
        const trained = Number(/training (\d+) %/.exec(label)?.[1]);
        assert(trained > 80, `in its first epoch the network is right about ${trained} %`);
      });
    }),
  SHORT,
);

browserTest(
  "the page says in sentences what it cannot do, records, and stops where it is told to",
  () =>
    withFolder(async (folder) => {
      const photos = await writePhotos(folder, 6, 3);
      await withDemo({}, [...NO_WEBGPU, ...FAKE_CAMERA], async (page) => {
        assertMatch(await page.text("#device"), /^CPU, one thread, as this page is not cross-origin isolated\./);
        const trainingError = async () => {
          await page.click("#train");
          await page.until(
            `document.querySelector("#training-error").innerText && !document.querySelector("#train").hidden`,
          );
          return await page.text("#training-error");
        };
        assertEquals(
          await trainingError(),
          "Class 1 has no photos yet; add some to its box, or remove the class.",
        );
        await page.drop("header", [photos[0]]);
        await page.until(`document.querySelector("#photos-error").innerText`);
        assertEquals(
          await page.text("#photos-error"),
          "Drop photos on the box of their class: no folder says which one dunes-3-0.png is of.",
        );
        // The camera is opened by the first press, and recorded while the second lasts.
        const record = `document.querySelector(".box button:not(.small):not(.photo)")`;
        const press = (type: string) =>
          page.value(`${record}.dispatchEvent(new KeyboardEvent("${type}", { key: " " }))`);
        await press("keydown");
        await page.until(`document.querySelector("video")`);
        await press("keyup");
        await press("keydown");
        await page.until(`document.querySelectorAll(".photo").length >= 3`);
        await press("keyup");
        await page.drop(".box:nth-of-type(2)", photos);
        await page.until(`document.querySelectorAll(".box:nth-of-type(2) .photo").length === ${photos.length}`);
        await page.value(`void (document.querySelectorAll(".name")[1].value = " Class 1 ")`);
        assertEquals(await trainingError(), "Two classes are called Class 1; rename or remove one of them.");
        await page.value(`void (document.querySelectorAll(".name")[1].value = "striped")`);
        await set(page, { backend: "webgpu" });
        assertMatch(
          await trainingError(),
          /^No WebGPU adapter was found, .*: take a browser that .*, or use Device CPU in the settings$/,
        );
        await set(page, { backend: "cpu", size: 3 });
        assertEquals(await trainingError(), "Pixels a side: expected a number from 8 to 512.");
        await set(page, { ...SMALL, epochs: 999 });
        await page.click("#train");
        await page.until(`document.querySelector("polyline")?.points.length > 1`);
        assertMatch(await page.text("#state"), /^Epoch \d+, [\d.]+ photos\/s, .+ left$/);
        await page.click("#stop");
        await untilReady(page);
        assertMatch(await page.text("#state"), /^Stopped; the weights with [\d.]+ % of the held-out photos are kept$/);
        // It goes on where it stopped, with the same curves: each epoch once, in 314 units from 38 on.
        const points = await page.value<number>(`document.querySelector("polyline").points.length`);
        await page.click("#resume");
        await page.until(`document.querySelector("polyline").points.length > ${points}`);
        await page.click("#stop");
        await untilReady(page);
        const places = await page.value<number[]>(`[...document.querySelector("polyline").points].map(({ x }) => x)`);
        places.forEach((x, k) => assertAlmostEquals(x, 38 + 314 * (k + 1) / 999, 0.051, `epoch ${k + 1}`));
        // The camera's own frames are of the class that was recorded from it.
        await page.click("#live");
        await page.until(`document.querySelectorAll(".result .bar").length === 2`);
        const notes = `${folder}/notes.safetensors`;
        await Deno.writeTextFile(notes, "these are no weights");
        await page.choose("#open", [notes]);
        await page.until(`document.querySelector("#trying-error").innerText`);
        assertMatch(
          await page.text("#trying-error"),
          /^notes\.safetensors: .*the file is damaged or no safetensors file$/,
        );
      });
    }),
  SHORT,
);

browserTest("a device that is lost ends a run on the page in a sentence", () =>
  withFolder(async (folder) => {
    await writePhotos(folder, 8, 4);
    // The device goes a while after the run began.
    const losing = `const { requestDevice } = GPUAdapter.prototype;
      GPUAdapter.prototype.requestDevice = async function (...args) {
        const device = await requestDevice.apply(this, args);
        addEventListener("message", ({ data }) => data.kind === "stop" && device.destroy());
        return device;
      };\n`;
    await withDemo({}, SOFTWARE_WEBGPU, async (page) => {
      await page.choose("#folders", [folder]);
      await page.until(`document.querySelectorAll(".photo").length === 16`);
      await set(page, { ...SMALL, size: 8, backend: "webgpu", epochs: 9999 });
      await page.click("#train");
      await page.until(`document.querySelector("polyline")?.points.length > 0`, 120_000);
      await page.click("#stop");
      await page.until(`document.querySelector("#training-error").innerText`);
      assertMatch(
        await page.text("#training-error"),
        /^The GPU device was lost .* or use Device CPU in the settings; .* go on from the last checkpoint with Go on$/,
      );
      await set(page, { backend: "cpu" });
      const points = await page.value<number>(`document.querySelector("polyline").points.length`);
      await page.click("#resume");
      await page.until(`document.querySelector("polyline").points.length > ${points}`);
    }, (files) => new Map(files).set("worker.js", losing + files.get("worker.js")));
  }), !ALL);

Deno.test("deno task demo serves the page isolated, on this machine alone, and says where", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${root}deno.json`));
  // What follows `deno run` of the launcher.
  const flags: string[] = tasks.demo.split(" deno run ")[1].split(" ");
  const start = (...args: string[]) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "--config", `${root}deno.offline.json`, ...flags, ...args],
      cwd: root,
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    });
  const { code, stderr } = await start("--port", "80000").output();
  assertEquals([code, new TextDecoder().decode(stderr)], [
    2,
    "error: --port: expected a whole number from 0 to 65535 but 80000 came\n",
  ]);
  const child = start("--port", "0").spawn(), errors = new Response(child.stderr).text();
  try {
    let said = "", url: string | undefined;
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream()).values({ preventCancel: true })) {
      url = /^Serving at (http:\/\/127\.0\.0\.1:\d+\/); Ctrl-C stops$/m.exec(said += text)?.[1];
      if (url !== undefined) break;
    }
    if (url === undefined) throw new Error(`${said}${await errors}`);
    const page = await fetch(url), { headers } = page;
    assertMatch(await page.text(), /<script type="module" src="page\.js">/);
    for (const [name, value] of Object.entries(ISOLATION)) assertEquals(headers.get(name), value);
    assertMatch(headers.get("content-security-policy")!, /^default-src 'none';/);
    const elsewhere = await fetch(`${url}../deno.json`);
    assertEquals([elsewhere.status, await elsewhere.text()], [404, "There is nothing at /deno.json\n"]);
    const post = await fetch(url, { method: "POST", body: "x" });
    assertEquals([post.status, await post.text()], [405, ""]);
  } finally {
    child.kill();
    await child.status;
    await errors;
  }
});
