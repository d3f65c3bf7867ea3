/** The fuzzer finds the faults that were planted, makes them small, and does the same again by the same seed. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Random } from "../../core/mod.ts";
import { CaseSource } from "./_cases.ts";
import { type Campaign, type CampaignResult, fuzzTarget, runOne } from "./_campaign.ts";
import { Corpus } from "./_corpus.ts";
import { minimise } from "./_minimise.ts";
import { TARGETS } from "./_planted.ts";
import { judge } from "./_target.ts";

const module = new URL("./_planted.ts", import.meta.url).href;
// On a busy machine a case may wait for long.
const LIMITS = { seconds: 60, memory: 2 ** 30 };
/** Letters by chance alone, in as many cases as it takes with guidance, about. */
const CASES = 5000;

function fuzz(target: string, more: Partial<Campaign> = {}): Promise<CampaignResult> {
  return fuzzTarget({ module, target, seed: 3, limits: LIMITS, inputs: [], cases: 10, ...more });
}

/** What is found of a fault that the first byte shows. */
async function findsOne(target: string, what: RegExp, more: Partial<Campaign> = {}): Promise<void> {
  // An input that was kept shows the fault at once.
  const { findings } = await fuzz(target, { inputs: [Uint8Array.of(255)], ...more });
  assertEquals(findings.length, 1, target);
  assertMatch(findings[0].what, what);
  assertEquals([...findings[0].input], [255], target);
}

Deno.test("fuzzTarget() finds errors that are none of Residua's, too many arrays, wrong values and sentences", async () => {
  await findsOne("arrays", /^made arrays of 8388608 bytes from /);
  await findsOne("message", /^says "undefined": the field undefined is not/);
  await findsOne("value", /^gave a value that makes no sense: it is 255$/, { inputs: [Uint8Array.of(255, 1, 2, 3)] });
});

Deno.test("fuzzTarget() ends what hangs, fills the memory or fails out of reach, and goes on with other cases", async () => {
  await findsOne("hang", /^took more than 1 seconds$/, { limits: { ...LIMITS, seconds: 1 } });
  await findsOne("objects", /^let the process grow by \d+ MiB$/, { limits: { seconds: 60, memory: 2 ** 27 } });
  await findsOne("uncaught", /^raised an error that nobody could catch: .*JSON/s);
});

Deno.test("fuzzTarget() reaches by what ran a fault that no chance would reach", async () => {
  const target = TARGETS.find(({ name }) => name === "deep")!;
  const source = await CaseSource.of(target, new Random(3, "fuzz deep 0"));
  for (let k = 0; k < CASES; k++) assert((await judge(target, source.next(), "")).kind === "refused", `case ${k}`);
  const found = new AbortController();
  const { findings, inputs, covered } = await fuzz("deep", {
    cases: 4 * CASES,
    signal: found.signal,
    progress: (_, findings) => findings > 0 && found.abort(),
  });
  assertEquals(findings.map(({ what }) => what.split("\n")[0]), [
    "threw what is no error of Residua's: TypeError: a fault behind six letters",
  ]);
  assertEquals(findings[0].input.length, 6);
  assert(inputs > 2 && covered > 0, `${inputs} inputs`);
});

Deno.test("fuzzTarget() finds nothing in a right reader, heeds a signal, and does the same again", async () => {
  const once = await fuzz("right", { cases: 320 }), again = await fuzz("right", { cases: 320 });
  assertEquals([once.cases, once.findings.length], [320, 0]);
  assertEquals([again.inputs, again.covered], [once.inputs, once.covered]);
  const controller = new AbortController();
  const { cases } = await fuzz("right", {
    cases: undefined,
    signal: controller.signal,
    progress: (cases) => cases > 0 && controller.abort(),
  });
  assert(cases > 0);
});

Deno.test("CaseSource draws the same cases by the same seed, and others by another", async () => {
  const draw = async (seed: number) => {
    const source = await CaseSource.of(TARGETS[0], new Random(seed));
    return Array.from({ length: 50 }, () => source.next().join());
  };
  const drawn = await draw(5);
  assertEquals(await draw(5), drawn);
  assert((await draw(6)).join(";") !== drawn.join(";"));
});

Deno.test("runOne() says how one input fares", async () => {
  const { kind } = await runOne(module, "value", Uint8Array.of(255, 1), LIMITS);
  assertEquals([kind, (await runOne(module, "right", Uint8Array.of(255), LIMITS)).kind], ["finding", "refused"]);
});

Deno.test("minimise() leaves what is needed, within its trials", async () => {
  const input = Uint8Array.from({ length: 100 }, (_, k) => k),
    needed = (bytes: Uint8Array) => bytes.includes(70) && bytes.includes(71);
  assertEquals([...await minimise(input, (bytes) => Promise.resolve(needed(bytes)), 1000)], [70, 71]);
  let trials = 0;
  await minimise(input, () => Promise.resolve(++trials < 0), 17);
  assertEquals(trials, 17);
});

Deno.test("Corpus keeps inputs and findings as files, with the command that shows them", async () => {
  const folder = await Deno.makeTempDir({ prefix: "residua fuzz" });
  try {
    const corpus = new Corpus(`${folder}/corpus`), input = Uint8Array.of(1, 2);
    assertEquals(await corpus.inputs("idx"), []);
    for (const bytes of [input, Uint8Array.of(3), input]) await corpus.add("idx", bytes);
    assertEquals((await corpus.inputs("idx")).length, 2);
    const { path, command } = await corpus.report({ target: "idx", identity: "hang", what: "took long", input });
    assertEquals(await Deno.readFile(path), input);
    assertMatch(command, /^deno task fuzz --only idx --input '.*\/corpus\/findings\/idx-[0-9a-f]{12}'$/);
    assertStringIncludes(await Deno.readTextFile(`${path}.txt`), "took long");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
