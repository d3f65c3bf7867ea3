import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { lockFile } from "../../files/run_lock.ts";
import { withFolder } from "../../tests/_cli.ts";
import { metricsLines, metricsText, writeRun } from "../../tests/_dashboard.ts";
import { openRoot } from "./find_runs.ts";
import { RunIndex } from "./run_index.ts";
import { RunWatcher } from "./run_watcher.ts";

/** Runs that are watched, and what was told of them since it was last asked for. */
interface Watched {
  readonly watcher: RunWatcher;
  readonly notices: readonly string[];
  /** Looks, as often as it is asked to. */
  look(times?: number): Promise<string[]>;
}

/** Watches a folder of runs with the index in it. */
async function withWatcher(folder: string, run: (watched: Watched) => Promise<void>): Promise<void> {
  using index = RunIndex.open(`${folder}/.index`);
  assertEquals(index.problem, undefined);
  const notices: string[] = [], onNotice = (text: string) => notices.push(text), told: string[] = [];
  await using watcher = await RunWatcher.open({ root: await openRoot(folder), index, interval: 0, onNotice });
  watcher.listen((change) =>
    told.push(
      change.kind === "gone" ? `gone ${change.path}` : `${change.run.path} ${change.run.status} ${change.run.steps}`,
    )
  );
  const look = async (times = 1) => {
    for (let k = 0; k < times; k++) await watcher.look();
    return told.splice(0).sort();
  };
  await run({ watcher, notices, look });
}

Deno.test("RunWatcher knows how runs stand, and their best figures", () =>
  withFolder(async (folder) => {
    const lines = metricsLines(4, 5), falling = lines.map((line) => line.replace(/("valTop1":)[\d.]+/, "$1null"));
    await writeRun(`${folder}/a/done`, lines);
    await writeRun(`${folder}/by steps`, lines.slice(0, 4), { steps: 4 });
    await writeRun(`${folder}/early`, [
      ...lines.slice(0, 12),
      ...metricsLines(4, 5).slice(12).map((line) => line.replace(/("valTop1":)[\d.]+/, "$10")),
    ], { "early-stop": 2, epochs: 9 });
    await writeRun(`${folder}/no validation`, falling.slice(0, 18), { "train-list": "t.csv" });
    await withWatcher(folder, async ({ watcher, look }) => {
      assertEquals(watcher.summaries().map(({ isRead }) => isRead), [false, false, false, false]);
      assertEquals(await look(), [
        "a/done finished 20",
        "by steps finished 4",
        "early ended early 20",
        "no validation stopped 15",
      ]);
      const done = watcher.find("a/done")!.summary(), last = JSON.parse(lines.at(-1)!);
      assertEquals([done.model, done.data, done.epochs, done.epochsDone, done.seconds], ["resnet8", "shapes", 4, 4, 6]);
      assertEquals([done.trainLoss, done.valLoss], [last.trainLoss, last.valLoss]);
      const best = lines.map((line) => JSON.parse(line)).reduce((a, b) => (b.valTop1 ?? 0) > (a.valTop1 ?? 0) ? b : a);
      assertEquals(done.best, { top1: best.valTop1, epoch: best.epoch });
      // Of equal accuracies the latest.
      const tied = lines.map((line) => line.replace(/("valTop1":)[\d.]+/, "$10.5"));
      await writeRun(`${folder}/tied`, tied);
      await look(5);
      assertEquals(watcher.find("tied")!.summary().best, { top1: 0.5, epoch: 3 });
      // Of which none is better than the first, unless its loss is lower.
      const rising = tied.map((line, number) => line.replace(/("valLoss":)[\d.]+/, `$1${number}`));
      await writeRun(`${folder}/rising`, rising, { "early-stop": 3, epochs: 9 });
      await writeRun(`${folder}/sinking`, tied, { "early-stop": 3, epochs: 9 });
      await look(5);
      assertEquals(["rising", "sinking"].map((name) => watcher.find(name)!.summary().status), [
        "ended early",
        "stopped",
      ]);
      const without = watcher.find("no validation")!.summary();
      assertEquals([without.best, without.valLoss, without.data], [
        undefined,
        last.valLoss === null ? null : JSON.parse(falling[17]).valLoss,
        "t.csv",
      ]);
    });
  }));

Deno.test("RunWatcher tells of new lines, of runs that begin and that go, and of locks", () =>
  withFolder((folder) =>
    withWatcher(folder, async ({ watcher, notices, look }) => {
      const lines = metricsLines(4, 5), path = `${folder}/run`;
      const append = (text: string) => Deno.writeTextFile(`${path}/metrics.jsonl`, text, { append: true });
      await writeRun(path, lines.slice(0, 7));
      assertEquals(await look(), ["run stopped 6"]);
      const lock = await lockFile(`${path}/run.lock`);
      await append(metricsText(lines.slice(7, 9)));
      assertEquals(await look(), ["run running 8"]);
      assertEquals(await look(), []);
      // Half of a line is none yet.
      await append(lines[9].slice(0, 20));
      assertEquals(await look(), []);
      await append(lines[9].slice(20) + "\n");
      assertEquals(await look(), ["run running 9"]);
      // A process that was killed leaves the file; another takes it up.
      lock.release();
      assertEquals(await look(), ["run stopped 9"]);
      assertEquals(await look(), []);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const other = await lockFile(`${path}/run.lock`);
      assertEquals(await look(), ["run running 9"]);
      await Deno.remove(`${path}/run.lock`);
      other.release();
      assertEquals(await look(), ["run stopped 9"]);
      // A run that goes on cuts its metrics first.
      await Deno.writeTextFile(`${path}/metrics.jsonl`, metricsText(lines.slice(0, 3)));
      assertEquals(await look(), ["run stopped 3"]);
      assertEquals([watcher.find("run")!.generation, watcher.find("run")!.epochs], [1, []]);
      await writeRun(`${folder}/new`, lines.slice(0, 2));
      await Deno.writeTextFile(`${folder}/new/config.json`, "{");
      await Deno.remove(path, { recursive: true });
      assertEquals(await look(5), ["gone run", "new stopped 2"]);
      assertStringIncludes(notices.join(), "new/config.json: the run's configuration is not JSON");
      assertEquals(watcher.find("new")!.summary().fault, notices.at(-1));
      await writeRun(`${folder}/new`, lines.slice(0, 3));
      assertEquals([await look(), watcher.find("new")!.summary().fault], [["new stopped 3"], undefined]);
      // As a sweep leaves it; and one that goes on all the same.
      await Deno.writeTextFile(`${folder}/new/failure.txt`, "The loss became NaN\n");
      assertEquals([await look(), watcher.find("new")!.summary().fault], [["new failed 3"], "The loss became NaN"]);
      const again = await lockFile(`${folder}/new/run.lock`);
      assertEquals(await look(), ["new running 3"]);
      again.release();
      assertEquals(await look(), ["new failed 3"]);
    })
  ));

Deno.test("RunWatcher says what is wrong with a metrics file, and passes over lines that are not whole", () =>
  withFolder(async (folder) => {
    const lines = metricsLines(1, 3);
    await writeRun(`${folder}/run`, [lines[0], '{"kind":"st', lines[1], '{"kind":"step","step":"x"}', lines[2]]);
    await withWatcher(folder, async ({ watcher, look }) => {
      await look();
      const { steps, fault } = watcher.find("run")!.summary();
      assertEquals(steps, 3);
      assertStringIncludes(fault!, "metrics.jsonl: step");
    });
  }));

Deno.test("the index spares reading what was read, and is made anew where it is missing, damaged or of another version", () =>
  withFolder(async (folder) => {
    const lines = metricsLines(4, 5), path = `${folder}/run`, index = `${folder}/.index`;
    await writeRun(path, lines.slice(0, 20), { epochs: 9 });
    await writeRun(`${folder}/gone`, lines);
    const curves = () => {
      let known: unknown;
      return withWatcher(folder, async ({ watcher, look }) => {
        await look();
        const { series, epochs, place, config } = watcher.find("run")!;
        known = {
          columns: series.columns(),
          epochs,
          offset: place.offset,
          config,
          summary: { ...watcher.find("run")!.summary(), version: 0 },
        };
      }).then(() => known);
    };
    const first = await curves();
    // What it has stands before anything is read.
    await Deno.remove(`${folder}/gone`, { recursive: true });
    await withWatcher(folder, ({ watcher }) => {
      const { series, epochs } = watcher.find("run")!;
      assertEquals([series.length, epochs.length], [17, 3]);
      assertEquals(watcher.find("gone"), undefined);
      return Promise.resolve();
    });
    // Where the file is as it was up to there, only what is new is read: a change before it is not seen.
    const text = metricsText(lines), other = text.replace(/"loss":[\d.]+/, (found) => found.replace(/\d/g, "9"));
    assert(text !== other);
    await Deno.writeTextFile(`${path}/metrics.jsonl`, other);
    await withWatcher(folder, async ({ watcher, look }) => {
      await look();
      const columns = watcher.find("run")!.series.columns();
      assertEquals([columns.step.length, columns.loss[0]], [20, Number(JSON.parse(lines[0]).loss.toPrecision(6))]);
    });
    await Deno.writeTextFile(`${path}/metrics.jsonl`, text);
    await Deno.remove(index);
    const whole = await curves();
    assert(JSON.stringify(first) !== JSON.stringify(whole));
    const damage = [
      () => Deno.writeTextFile(index, "no database at all, and yet of some length ".repeat(300)),
      () => Deno.writeFile(index, new Uint8Array(5)),
      async () => Deno.writeFile(index, (await Deno.readFile(index)).fill(0xa5, 4096, 9000)),
      async () => Deno.writeFile(index, (await Deno.readFile(index)).fill(9, 60, 64)),
    ];
    for (const spoil of damage) {
      await spoil();
      assertEquals(await curves(), whole);
    }
  }));

Deno.test("without a place to write to the index is in memory, and says why", () =>
  withFolder(async (folder) => {
    await writeRun(`${folder}/run`, metricsLines(2, 3));
    using index = RunIndex.open(`${folder}/none/.index`);
    assertStringIncludes(index.problem!, "unable to open database file");
    await using watcher = await RunWatcher.open({ root: await openRoot(folder), index, interval: 0 });
    await watcher.look();
    assertEquals(watcher.find("run")!.summary().steps, 6);
  }));
