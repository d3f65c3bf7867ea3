import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DataError } from "../../core/mod.ts";
import { withFolder } from "../../tests/_cli.ts";
import { metricsLines, metricsText, writeRun } from "../../tests/_dashboard.ts";
import { CURVE_DETAILS } from "./details/curves.ts";
import { openRoot } from "./find_runs.ts";
import { createDashboardHandler, type DashboardParts } from "./handler.ts";
import { PageFiles } from "./page_files.ts";
import { RunIndex } from "./run_index.ts";
import { RunWatcher } from "./run_watcher.ts";

/** A handler over a run, and what it was asked to do. */
async function withHandler(
  folder: string,
  run: (parts: {
    readonly ask: (path: string, init?: RequestInit, host?: string) => Promise<Response>;
    readonly watcher: RunWatcher;
    readonly stop: AbortController;
    readonly done: readonly string[];
    readonly errors: readonly unknown[];
  }) => Promise<void>,
  more: Partial<DashboardParts> = {},
): Promise<void> {
  using index = RunIndex.open(":memory:");
  await using watcher = await RunWatcher.open({ root: await openRoot(folder), index, interval: 0 });
  const stop = new AbortController(), done: string[] = [], errors: unknown[] = [];
  const handle = createDashboardHandler({
    watcher,
    files: new PageFiles(),
    details: CURVE_DETAILS,
    actions: {
      "/api/stop": ({ path }, token) => {
        done.push(`${path} ${token}`);
        return Promise.resolve({});
      },
    },
    hosts: ["127.0.0.1", "localhost"],
    stop: stop.signal,
    onError: (error) => errors.push(error),
    ...more,
  });
  const ask = (path: string, init?: RequestInit, host = "127.0.0.1:8020") =>
    handle(new Request(`http://${host}${path}`, init));
  await run({ ask, watcher, stop, done, errors });
}

const errorOf = async (answer: Response) => [answer.status, (await answer.json()).error];

Deno.test("the dashboard answers this machine alone, with GET, and with nothing but its own files", () =>
  withFolder((folder) =>
    withHandler(folder, async ({ ask }) => {
      for (const path of ["/", "/style.css", "/main.js", "/uplot.js", "/uplot.css", "/api/runs"]) {
        const answer = await ask(path);
        assertEquals(answer.status, 200, path);
        assertMatch(answer.headers.get("content-security-policy")!, /^default-src 'none'; script-src 'self'; /);
        assertEquals(answer.headers.get("x-content-type-options"), "nosniff");
        const text = await answer.text();
        // Nothing from elsewhere: no address but those of namespaces.
        assertEquals(
          text.replaceAll("http://www.w3.org/", "").match(/https?:\/\/(?!github\.com\/leeoniya)/g),
          null,
          path,
        );
      }
      assertEquals((await ask("/", { method: "HEAD" })).status, 200);
      assertEquals((await ask("/", undefined, "localhost:1")).status, 200);
      assertEquals(await errorOf(await ask("/", undefined, "evil.example:8020")), [
        403,
        "This server is 127.0.0.1, and not evil.example",
      ]);
      for (const method of ["POST", "PUT", "DELETE"]) {
        assertEquals(await errorOf(await ask("/api/runs", { method })), [
          405,
          `/api/runs takes GET, and not ${method}`,
        ]);
      }
      for (
        const path of [
          "/page/main.js",
          "/run.ts",
          "/../handler.ts",
          "/%2e%2e/handler.ts",
          "/constructor",
          "/config.json",
        ]
      ) {
        assertEquals((await ask(path)).status, 404, path);
      }
    })
  ));

Deno.test("a run is known by the path at which it was found, and by no other", () =>
  withFolder(async (folder) => {
    await writeRun(`${folder}/runs/a b/ü`, metricsLines(2, 3), { lr: 0.25 });
    await writeRun(`${folder}/beside`, metricsLines(2, 3));
    await withHandler(`${folder}/runs`, async ({ ask, watcher }) => {
      await watcher.look();
      const { config } = await (await ask(`/api/config?run=${encodeURIComponent("a b/ü")}`)).json();
      assertEquals(config.lr, 0.25);
      for (
        const path of ["../beside", "a b/ü/", "./a b/ü", "a b/../../beside", "a b", `${folder}/beside`, "__proto__"]
      ) {
        assertEquals(await errorOf(await ask(`/api/config?run=${encodeURIComponent(path)}`)), [
          404,
          `There is no run ${path} here`,
        ]);
      }
      assertEquals(await errorOf(await ask("/api/config")), [404, "Say which run: ?run=PATH"]);
    });
  }));

Deno.test("a series is told from a bucket on to who has those before, and whole to others", () =>
  withFolder(async (folder) => {
    const lines = metricsLines(3, 4);
    await writeRun(`${folder}/r`, lines);
    await withHandler(folder, async ({ ask, watcher }) => {
      await watcher.look();
      const series = async (query = "") => (await (await ask(`/api/series?run=r${query}`)).json());
      const whole = await series();
      assertEquals(whole.steps.step, Array.from({ length: 12 }, (_, k) => k + 1));
      assertEquals(whole.epochs.map(({ step }: { step: number }) => step), [4, 8, 12]);
      assertEquals([whole.epochs[2].valTop1, whole.generation], [JSON.parse(lines.at(-1)!).valTop1, 0]);
      assertEquals((await series("&from=11&width=1&generation=0")).steps.step, [12]);
      for (
        const other of [
          "&from=11&width=2&generation=0",
          "&from=11&width=1&generation=1",
          "&from=99&width=1&generation=0",
          "&from=-1",
        ]
      ) {
        assertEquals((await series(other)).steps.from, 0, other);
      }
    });
  }));

Deno.test("events tell all runs, then those that change, until the client goes or the server ends", () =>
  withFolder(async (folder) => {
    await writeRun(`${folder}/r`, metricsLines(1, 2));
    await withHandler(folder, async ({ ask, watcher, stop }) => {
      const answer = await ask("/api/events"), reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      assertEquals(answer.headers.get("content-type"), "text/event-stream");
      const next = async () => {
        const [, event, data] = /^event: (\w+)\ndata: (.*)\n\n$/.exec((await reader.read()).value!)!;
        return [event, JSON.parse(data)];
      };
      const [event, [run]] = await next();
      assertEquals([event, run.path, run.isRead], ["runs", "r", false]);
      await watcher.look();
      assertEquals((await next())[1].steps, 2);
      await Deno.writeTextFile(`${folder}/r/metrics.jsonl`, metricsText(metricsLines(2, 2).slice(3)), { append: true });
      await watcher.look();
      const [kind, changed] = await next();
      assertEquals([kind, changed.steps, changed.epochsDone], ["run", 4, 2]);
      await Deno.remove(`${folder}/r`, { recursive: true });
      for (let k = 0; k < 5; k++) await watcher.look();
      assertEquals(await next(), ["gone", "r"]);
      const other = await ask("/api/events");
      await other.body!.cancel();
      stop.abort();
      assertEquals((await reader.read()).done, true);
    });
  }));

Deno.test("what has an effect takes POST of the page itself, in JSON, for a run that is there", () =>
  withFolder(async (folder) => {
    await writeRun(`${folder}/r`, metricsLines(1, 2));
    await withHandler(folder, async ({ ask, done }) => {
      const own = { origin: "http://127.0.0.1:8020", "content-type": "application/json" };
      const post = (body: string, headers: Record<string, string> = own) =>
        ask("/api/stop", { method: "POST", headers, body });
      const right = JSON.stringify({ run: "r", token: "abc" });
      assertEquals((await ask("/api/stop")).status, 405);
      const { "content-type": type, origin } = own;
      const foreign = [
        { "content-type": type },
        { ...own, origin: "http://evil.example" },
        { ...own, origin: "http://127.0.0.1:9999" },
        { ...own, origin: "null" },
        { ...own, "sec-fetch-site": "same-site" },
      ];
      for (const headers of foreign) {
        assertEquals(await errorOf(await post(right, headers)), [
          403,
          "Only the dashboard's own page may ask for that",
        ]);
      }
      assertEquals((await post(right, { origin, "content-type": "text/plain" })).status, 415);
      assertEquals((await post("{")).status, 400);
      assertEquals((await post("null")).status, 404);
      assertEquals((await post(JSON.stringify({ run: "../r", token: "abc" }))).status, 404);
      assertEquals((await post(JSON.stringify({ run: "r", token: "x".repeat(5000) }))).status, 413);
      assertEquals(done, []);
      assertEquals((await post(right, { ...own, "sec-fetch-site": "same-origin" })).status, 200);
      assertEquals(done, ["r abc"]);
    });
  }));

Deno.test("errors are sentences, and those of the server tell nothing of it", () =>
  withFolder(async (folder) => {
    await writeRun(`${folder}/r`, metricsLines(1, 2));
    const details = {
      "/api/wrong": () => Promise.reject(new DataError("the file is damaged; remove it")),
      "/api/bug": () => Promise.reject(new TypeError("a secret")),
    };
    await withHandler(folder, async ({ ask, errors }) => {
      assertEquals(await errorOf(await ask("/api/wrong?run=r")), [422, "the file is damaged; remove it"]);
      const [status, text] = await errorOf(await ask("/api/bug?run=r"));
      assertEquals([status, errors.length], [500, 1]);
      assertStringIncludes(text, "see its output");
      assert(errors[0] instanceof TypeError);
    }, { details });
  }));
