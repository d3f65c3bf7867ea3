/** Fuzzes a target in a worker, and watches it: a case that hangs or fills the memory ends the worker, and is a finding. */

import type { FoundInput } from "./_corpus.ts";
import { LONGEST_INPUT } from "./_cases.ts";
import { minimise } from "./_minimise.ts";
import type { Finding, Outcome } from "./_target.ts";
import { INPUT_OFFSET, type WorkerNews, type WorkerTask } from "./_worker.ts";

/** What holds for every case. */
export interface Limits {
  /** The seconds that it may take. */
  readonly seconds: number;
  /** The bytes by which the process may grow. */
  readonly memory: number;
}

/** What is fuzzed, and how long. */
export interface Campaign {
  /** The module that exports `TARGETS`. */
  readonly module: string;
  readonly target: string;
  readonly seed: number;
  readonly limits: Limits;
  /** The inputs to begin with, beside the seeds. */
  readonly inputs: readonly Uint8Array[];
  /** The seconds after which no other batch is begun. Defaults to no end. */
  readonly seconds?: number;
  /** The most cases. Defaults to no end. */
  readonly cases?: number;
  readonly signal?: AbortSignal;
  /** Hears of every batch. */
  readonly progress?: (cases: number, findings: number) => void;
  /** Hears of an input that reached something new. */
  readonly keep?: (input: Uint8Array) => void;
}

/** How a target fared. */
export interface CampaignResult {
  readonly cases: number;
  readonly seconds: number;
  /** The inputs that are worth being changed, those that were given included. */
  readonly inputs: number;
  /** The characters of the sources that ran. */
  readonly covered: number;
  readonly findings: readonly FoundInput[];
}

/** How a worker ended. */
type End = { readonly kind: "done" } | {
  readonly kind: "finding";
  readonly finding: Finding;
  readonly input: Uint8Array;
};

/** Trials of a finding that ends a worker, each of which takes seconds. */
const COSTLY_TRIALS = 12;
const WATCH_MILLISECONDS = 50;
/** What the fuzzer itself does between cases takes less. */
const STALLED_MILLISECONDS = 60_000;

/** Fuzzes a target until its time or its cases are over. */
export async function fuzzTarget(campaign: Campaign): Promise<CampaignResult> {
  const { module, target, seed, limits, seconds = Infinity, signal } = campaign;
  const started = performance.now(), until = started + 1000 * seconds, most = campaign.cases ?? Infinity;
  let inputs = [...campaign.inputs];
  const findings: FoundInput[] = [],
    known = () => findings.map(({ identity }) => identity);
  let cases = 0, covered = 0;
  const hear = (news: WorkerNews) => {
    if (news.kind === "cases") {
      cases += news.cases;
      covered = news.covered;
    } else if (news.kind === "input") {
      inputs.push(news.input);
      campaign.keep?.(news.input);
    } else if (news.kind === "finding") findings.push({ target, ...news.finding, input: news.input });
    campaign.progress?.(cases, findings.length);
  };
  // A busy machine may take all of the time to load the readers.
  const isOver = () => signal?.aborted === true || (cases > 0 && performance.now() >= until);
  for (let turn = 0; cases < most && !isOver(); turn++) {
    const work = { kind: "cases", seed, turn, inputs, known: known(), most: most - cases } as const;
    const end = await runWorker({ module, target, work }, limits, hear, isOver);
    if (end.kind === "done") break;
    // The cases of its batch were not told of.
    cases++;
    // An input that was kept would end the next worker too.
    inputs = inputs.filter((input) => input.join() !== end.input.join());
    if (known().includes(end.finding.identity)) continue;
    const isSame = async (input: Uint8Array) =>
      identityOf(await runOne(module, target, input, { ...limits, seconds: limits.seconds / 2 })) ===
        end.finding.identity;
    findings.push({ target, ...end.finding, input: await minimise(end.input, isSame, COSTLY_TRIALS) });
  }
  return { cases, seconds: (performance.now() - started) / 1000, inputs: inputs.length, covered, findings };
}

function identityOf(outcome: Outcome): string | undefined {
  return outcome.kind === "finding" ? outcome.finding.identity : undefined;
}

/** Runs one input in a worker of its own. */
export async function runOne(module: string, target: string, input: Uint8Array, limits: Limits): Promise<Outcome> {
  let outcome: Outcome | undefined;
  const end = await runWorker({ module, target, work: { kind: "one", input } }, limits, (news) => {
    if (news.kind === "outcome") outcome = news.outcome;
  }, () => false);
  return end.kind === "finding" ? { kind: "finding", finding: end.finding } : outcome!;
}

/** Runs a worker until it is done, is told to end, or has to be ended. */
async function runWorker(
  task: Omit<WorkerTask, "shared" | "scratch">,
  { seconds, memory }: Limits,
  hear: (news: WorkerNews) => void,
  isOver: () => boolean,
): Promise<End> {
  const shared = new SharedArrayBuffer(INPUT_OFFSET + LONGEST_INPUT), state = new Int32Array(shared, 0, 2);
  const scratch = await Deno.makeTempDir({ prefix: "residua-fuzz" });
  const worker = new Worker(new URL("./_worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<End>(), before = Deno.memoryUsage().rss;
  const current = () => new Uint8Array(shared, INPUT_OFFSET, state[1]).slice();
  const blame = (identity: string, what: string) =>
    resolve({ kind: "finding", finding: { identity, what }, input: current() });
  let count = -1, since = performance.now();
  const watch = setInterval(() => {
    if (isOver()) return resolve({ kind: "done" });
    const now = Atomics.load(state, 0), grown = Deno.memoryUsage().rss - before;
    if (now !== count) [count, since] = [now, performance.now()];
    // Odd while a case runs; what is loaded before the first one may take long.
    if (now % 2 === 0) {
      if (now === 0 || performance.now() - since < STALLED_MILLISECONDS) return;
      return reject(new Error(`${task.target}: no case began for a minute, so the fuzzer itself hangs`));
    }
    if (performance.now() - since > 1000 * seconds) blame("hang", `took more than ${seconds} seconds`);
    else if (grown > memory) blame("process memory", `let the process grow by ${Math.round(grown / 2 ** 20)} MiB`);
  }, WATCH_MILLISECONDS);
  worker.onmessage = ({ data }: MessageEvent<WorkerNews>) => {
    hear(data);
    if (data.kind === "outcome" || (data.kind === "cases" && data.isLast)) resolve({ kind: "done" });
  };
  // Such as a module that does not load.
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(`${task.target}: the worker ended: ${event.message}`));
  };
  worker.postMessage({ ...task, shared, scratch } satisfies WorkerTask);
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    worker.terminate();
    await Deno.remove(scratch, { recursive: true }).catch(() => {});
  }
}
