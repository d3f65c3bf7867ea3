/** The dashboard as people meet it: in Chromium beside a run that trains, and by its process. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { testWhole } from "./_all.ts";
import { BrowserPage, browserTest } from "./_chromium.ts";
import { runCli, startCli, withFolder, writeCifar } from "./_cli.ts";
import { metricsLines, writeRun } from "./_dashboard.ts";
import { LAUNCH, launch, root } from "./_launcher.ts";

/** Starts the dashboard of a folder: its address, its token, and its end. */
async function startDashboard(folder: string) {
  const server = startCli(["dashboard", folder, "--port", "0"]);
  const [, url] = await server.line(/^Showing them at (http:\/\/127\.0\.0\.1:\d+\/); Ctrl-C stops$/);
  const [, token] = await server.line(/^To stop a run from the page, give it this token: ([0-9a-f-]{23})$/);
  return { server, url, token };
}

const points = (chart: string) => `Number(document.querySelector('[data-chart="${chart}"]').dataset.points)`;
const cell = (run: string, column: number) =>
  `document.querySelector('tr[data-run="${run}"]').cells[${column}].textContent`;

browserTest(
  "the page shows a run that trains as it goes on, and stops it for who knows the token",
  () =>
    withFolder(async (folder) => {
      const runs = `${folder}/runs`, data = `${folder}/data`;
      await Deno.mkdir(data);
      await writeCifar(data, 64);
      await writeRun(`${runs}/before`, metricsLines(4, 5), { lr: 0.5 });
      const train = [
        "train",
        "--data",
        data,
        "--model",
        "resnet8",
        "--batch",
        "8",
        "--backend",
        "cpu",
        "--threads",
        "1",
      ];
      await using run = startCli([...train, "--epochs", "2000", "--out", `${runs}/live`, "--no-progress"]);
      await run.line(/^\s*1\/2000 /);
      const { server, url, token } = await startDashboard(runs);
      await using _ = server;
      await using page = await BrowserPage.open(url);
      await page.until(`${cell("live", 2)} === "running"`);
      // Folders are read one after another.
      await page.until(`${cell("before", 2)} === "finished"`);
      // The run that goes on is shown without being asked for.
      assertEquals(await page.value(`document.querySelector('tr[data-run="live"] input').checked`), true);
      await page.until(`${points("loss")} > 0`);
      const before = await page.value<number>(points("loss")), epochs = await page.value<string>(cell("live", 5));
      await page.until(`${points("loss")} > ${before} && ${cell("live", 5)} !== ${JSON.stringify(epochs)}`);
      assertMatch(
        await page.value(`document.querySelector('[data-chart="loss"]').getAttribute("aria-label")`),
        /^Loss: live [\d.]+ at \d+, live, validation [\d.]+ at \d+$/,
      );
      // By a column: its first order, the other, and none.
      const paths = `[...document.querySelectorAll("#runs tbody tr")].map(({ dataset }) => dataset.run).join()`;
      for (
        const [sort, order] of [["ascending", "before,live"], ["descending", "live,before"], [null, "live,before"]]
      ) {
        await page.click('#runs [data-column="run"]');
        const found = [
          await page.value(
            `document.querySelector('#runs [data-column="run"]').closest("th").getAttribute("aria-sort")`,
          ),
          await page.value(paths),
        ];
        assertEquals(found, [sort, order]);
      }
      // By keys: down to the second run, chosen with it the options in which they differ are shown.
      const key = (key: string, target = "document.activeElement") =>
        page.value(`void ${target}.dispatchEvent(new KeyboardEvent("keydown", { key: "${key}", bubbles: true }))`);
      await key("ArrowDown", "document.body");
      await key("ArrowDown");
      assertEquals(await page.value(`document.activeElement.closest("tr").dataset.run`), "before");
      await page.value("document.activeElement.click()");
      await page.until(`!document.querySelector("#options").hidden && document.querySelector("#options td")`);
      assertStringIncludes(await page.text("#options-table"), "lr\t");
      await page.until(`${points("accuracy")} > 8`);
      // The page of the run, and its end.
      await key("ArrowUp");
      await key("Enter");
      await page.until(`document.querySelector("#run .stop")?.hidden === false`);
      await page.click("#run .stop");
      const stop = async (text: string) => {
        await page.value(`void (document.querySelector("#token").value = ${JSON.stringify(text)})`);
        await page.click("dialog [type=submit]");
      };
      await stop("00000-00000-00000-00000");
      await page.until(
        `document.querySelector("dialog [role=status]").textContent.startsWith("That is not the token")`,
      );
      await stop(token);
      await page.until(`document.querySelector("dialog [role=status]").textContent === "The run was asked to stop."`);
      const ended = await run.end();
      assertEquals(ended.code, 0, ended.stderr);
      assertStringIncludes(ended.stderr, "Finishing the step and saving;");
      assertStringIncludes(ended.stdout, "Stopped after");
      await page.until(`/^stopped,/.test(document.querySelector("#run [role=status]").textContent)`);
      // Escape closes what is open, and then the run's page; the list goes on at its row.
      await page.click("dialog [type=button]");
      await key("Escape", "document.body");
      await page.until(`!document.querySelector("#list").hidden`);
      assertEquals(await page.value(`document.activeElement.closest("tr").dataset.run`), "live");
      await key("Enter");
      await page.until(`document.querySelector("#run .stop") !== null`);
      // Into a confusion, to its images, and to what one of them was judged by.
      await page.value(`document.querySelector('[data-section="confusions"]').scrollIntoView()`);
      await page.until(`document.querySelector(".cell")`);
      await page.click(".cell");
      await page.until(`[...document.querySelectorAll(".shown img")].some(({ naturalWidth }) => naturalWidth === 96)`);
      await page.click(".shown .images button");
      await page.until(`document.querySelector("dialog .map").naturalWidth > 0`);
      await key("Escape");
      assertEquals(await page.value(`document.querySelector("#run").hidden`), false);
      await page.click("dialog [type=button]");
      for (const section of ["distributions", "first-filters", "network", "what-training-sees"]) {
        await page.value(`document.querySelector('[data-section="${section}"]').scrollIntoView()`);
        await page.until(`document.querySelector('[data-section="${section}"] :is(canvas, svg, img)')`);
      }
      // On a phone nothing is wider than the page, here and in the list; in the dark it is dark.
      const metrics = { width: 390, height: 800, deviceScaleFactor: 2, mobile: true };
      await page.send("Emulation.setDeviceMetricsOverride", metrics);
      for (const hash of ["", "run=live"]) {
        await page.value(`void (location.hash = ${JSON.stringify(hash)})`);
        await page.until(`document.querySelector("#run").hidden === ${hash === ""}`);
        await page.until(`document.documentElement.scrollWidth <= 390`);
      }
      const back = `getComputedStyle(document.body).backgroundColor`, light = await page.value(back);
      await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
      await page.until(`${back} !== ${JSON.stringify(light)}`);
      assertEquals(await page.value(`document.querySelector("#error").hidden`), true, await page.text("#error"));
      const files = [...Deno.readDirSync(`${runs}/live`)].map(({ name }) => name);
      assert(files.includes("last.safetensors") && !files.includes("stop.request"), files.join());
      const end = await server.end("SIGTERM");
      assertEquals([end.code, end.stdout.trim().split("\n").at(-1), end.stderr], [0, "Stopped.", ""]);
    }),
);

Deno.test("dashboard says where it is, takes a port once, and refuses what is no folder", () =>
  withFolder(async (folder) => {
    await writeRun(`${folder}/r`, metricsLines(1, 2));
    const { server, url, token } = await startDashboard(folder);
    await using _ = server;
    await server.line(/^1 run in /);
    const { origin, port } = new URL(url);
    assertEquals((await (await fetch(`${url}api/runs`)).json()).runs.length, 1);
    const taken = await runCli(["dashboard", folder, "--port", port]);
    assertEquals([taken.code, taken.stderr], [
      2,
      `error: --port: ${port} is in use; give another, or 0 for one that is free\n`,
    ]);
    const body = JSON.stringify({ run: "r", token });
    const headers = { origin, "content-type": "application/json" };
    const late = await fetch(`${url}api/stop`, { method: "POST", body, headers });
    assertEquals([late.status, (await late.json()).error], [409, "r is not going on"]);
    const several = await runCli(["dashboard", folder, folder]);
    assertEquals([several.code, several.stderr.startsWith("error: dashboard: expected one folder")], [2, true]);
    const none = await runCli(["dashboard", `${folder}/none`]);
    assertEquals([none.code, none.stderr.includes("there is no such folder")], [1, true]);
  }));

/** Shows the runs of a folder with what the launcher grants, and stops when asked to. */
async function withDashboard(cwd: string, use: (url: string, token: string) => Promise<void>): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...LAUNCH, `${root}tools/run.ts`, "dashboard", "--port", "0"],
    cwd,
    env: { NO_COLOR: "1", INIT_CWD: cwd },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  let said = "", used: Promise<void> | undefined;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const [, url, token] = /^Showing them at (\S+);[^]*this token: (\S+)$/m.exec(said += text) ?? [];
    if (url === undefined || used !== undefined) continue;
    used = use(url, token).finally(() => child.kill("SIGTERM"));
    // Its failure is told below, once the program has ended.
    used.catch(() => {});
  }
  const { code } = await child.status;
  await used;
  assertEquals([code, await stderr, said.trim().split("\n").at(-1)], [0, "", "Stopped."]);
}

testWhole(
  "dashboard works with what the launcher grants it, in a folder with spaces, a comma and accents",
  () =>
    withFolder(async (parent) => {
      const folder = `${parent}/a b, ü`;
      await Deno.mkdir(`${folder}/cifar`, { recursive: true });
      await writeCifar(`${folder}/cifar`, 20);
      const train = [
        "train",
        "--data",
        "cifar",
        "--model",
        "resnet8",
        "--batch",
        "4",
        "--backend",
        "cpu",
        "--threads",
        "1",
      ];
      const env = { XDG_CACHE_HOME: `${folder}/cache` };
      const trained = await launch([...train, "--epochs", "1", "--out", "runs/é 1"], { cwd: folder, env });
      assertEquals(trained.code, 0, trained.stderr);
      const data = `${folder}/cifar`, out = `${folder}/runs/live`;
      await using live = startCli([...train.with(2, data), "--epochs", "2000", "--no-progress", "--out", out]);
      await live.line(/^\s*1\/2000 /);
      await withDashboard(folder, async (url, token) => {
        const { runs } = await (await fetch(`${url}api/runs`)).json();
        const stands = runs.map(({ path, status }: { path: string; status: string }) => `${path} ${status}`);
        assertEquals(stands.sort(), ["live running", "é 1 stopped"]);
        const headers = { origin: new URL(url).origin, "content-type": "application/json" };
        const body = JSON.stringify({ run: "live", token });
        const stopped = await fetch(`${url}api/stop`, { method: "POST", headers, body });
        assertEquals([stopped.status, await stopped.text()], [200, "{}\n"]);
        assertEquals((await live.end()).code, 0);
        const run = encodeURIComponent("é 1"), about = (what: string) => `${url}api/${what}?run=${run}`;
        const asked = ["image", "samples", "explain"].map((what) => `${about(what)}&index=3&class=1`);
        const addresses = [
          url,
          `${url}uplot.js`,
          ...["series", "filters", "distributions", "validation"].map(about),
          ...asked,
        ];
        for (const address of addresses) {
          const answer = await fetch(address), bytes = await answer.bytes();
          assertEquals(answer.status, 200, `${address}: ${new TextDecoder().decode(bytes)}`);
        }
      });
      assert((await Deno.stat(`${folder}/runs/.dashboard.sqlite`)).size > 0);
    }),
);
