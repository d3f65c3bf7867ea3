import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { allocateImages, cacheEntries, PathList } from "../data/mod.ts";
import { withFolder } from "../tests/_cli.ts";
import { writeImages } from "../tests/_image_files.ts";
import { DecodeBudget } from "./decode_budget.ts";
import { ImageServer } from "./image_server.ts";
import type { FillRequest, OpenRequest, WorkerAnswer } from "./worker_messages.ts";

const SHAPE = [3, 16, 16] as const;
const FILES = ["amber/100.png", "green/100.png", "violet/101.jpg"];

/** Opens the images of a folder as a filler. */
function openRequest(filler: number, location: string, options: Partial<OpenRequest> = {}): OpenRequest {
  const { bytes, words } = new DecodeBudget(2 ** 20),
    { files, labels } = { files: PathList.from(FILES), labels: new Uint8Array(3) };
  return {
    kind: "open",
    filler,
    location,
    files: { bytes: files.bytes, offsets: files.offsets },
    labels,
    options: { shape: SHAPE, normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } },
    maxBad: 0,
    decode: "full",
    maxMegapixels: 1,
    budget: { bytes, words },
    ...options,
  };
}

/** Asks for a number of images, those of the set in turn. */
function fillRequest(filler: number, id: number, count: number): FillRequest {
  const indices = Uint32Array.from({ length: count }, (_, k) => k % FILES.length);
  return {
    kind: "fill",
    filler,
    id,
    indices,
    epoch: 0,
    batch: allocateImages(count, SHAPE),
    next: new Int32Array(new SharedArrayBuffer(4)),
  };
}

/** A folder of images, what serves fillers, and its answers to come. */
function withServer(
  run: (
    parts: {
      readonly folder: string;
      readonly server: ImageServer;
      readonly answers: (count: number) => Promise<WorkerAnswer[]>;
    },
  ) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    await writeImages(folder, 2);
    const heard: WorkerAnswer[] = [];
    let hear = () => {};
    const server = new ImageServer((answer) => {
      heard.push(answer);
      hear();
    });
    const answers = async (count: number) => {
      while (heard.length < count) await new Promise<void>((resolve) => hear = resolve);
      return heard.splice(0, count);
    };
    await run({ folder, server, answers });
  });
}

/** The filler and the number of each batch. */
function named(answers: readonly WorkerAnswer[]): (readonly [number, number])[] {
  return answers.map(({ filler, id }) => [filler, id]);
}

Deno.test("ImageServer takes an image of each filler in turn, and the batches of one in their order", () =>
  withServer(async ({ folder, server, answers }) => {
    const large = [0, 1].map((id) => fillRequest(7, id, 12)), small = fillRequest(3, 0, 2);
    server.receive(openRequest(7, folder));
    for (const request of large) server.receive(request);
    server.receive(openRequest(3, folder));
    server.receive(small);
    const found = await answers(3);
    assertEquals(named(found), [[3, 0], [7, 0], [7, 1]]);
    for (const { error, failures } of found) assertEquals([error, failures], [undefined, []]);
    for (const { batch } of [...large, small]) {
      for (let k = 0; k < batch.labels.length; k++) {
        assert(batch.images.subarray(768 * k, 768 * (k + 1)).some((value) => value > 0));
      }
    }
  }));

Deno.test("ImageServer hears of a filler while it serves another from a cache, without waiting for the disk", () =>
  withServer(async ({ folder, server, answers }) => {
    const cache = {
      bytes: new Uint8Array(new SharedArrayBuffer(2 ** 16)),
      taken: new Int32Array(new SharedArrayBuffer(4)),
      entries: cacheEntries(FILES.length, true),
    };
    server.receive(openRequest(0, folder, { cache }));
    server.receive(fillRequest(0, 0, 3));
    await answers(1);
    // As many as take some tenths of a second.
    const long = fillRequest(0, 1, 10_000);
    server.receive(long);
    setTimeout(() => {
      server.receive(openRequest(1, folder, { cache }));
      server.receive(fillRequest(1, 0, 3));
    });
    assertEquals(named(await answers(1)), [[1, 0]]);
    Atomics.store(long.next, 0, 10_000);
    assertEquals(named(await answers(1)), [[0, 1]]);
  }));

Deno.test("ImageServer takes no image of a filler that has closed", () =>
  withServer(async ({ folder, server, answers }) => {
    const given = [0, 1].map((id) => fillRequest(0, id, 50)), kept = fillRequest(1, 0, 4);
    for (const filler of [0, 1]) server.receive(openRequest(filler, folder));
    for (const request of [...given, kept]) server.receive(request);
    server.receive({ kind: "close", filler: 0 });
    assertEquals(named(await answers(1)), [[1, 0]]);
    // The first was begun.
    assert(Atomics.load(given[0].next, 0) <= 1);
    assertEquals(Atomics.load(given[1].next, 0), 0);
  }));

Deno.test("ImageServer tells a filler of images that cannot be read, or that its options make no sense, and no other", () =>
  withServer(async ({ folder, server, answers }) => {
    await Deno.writeTextFile(`${folder}/green/100.png`, "no image");
    const normalisation = { mean: [0], std: [1] };
    server.receive(openRequest(0, folder, { maxBad: 1 }));
    server.receive(openRequest(1, folder));
    server.receive(openRequest(2, folder, { options: { shape: SHAPE, normalisation } }));
    server.receive(openRequest(3, folder, { files: PathList.from([]), labels: new Uint8Array() }));
    for (const filler of [3, 2, 1, 0]) server.receive(fillRequest(filler, 0, 3));
    const found = (await answers(4)).sort((a, b) => a.filler - b.filler);
    assertEquals(found.map(({ failures }) => failures.map(([index]) => index)), [[1], [1], [], []]);
    assertEquals(found[0].error, undefined);
    const said = found.slice(1).map(({ error }) =>
      error!.map((part) => typeof part === "string" ? part : "?").join("")
    );
    assertStringIncludes(said[0], "More than 0 images cannot be read");
    assertStringIncludes(said[1], "there are 1 means and 1 deviations");
    assertStringIncludes(said[2], "the set is empty");
  }));
