/**
 * Runs the cases of a target in a thread of its own, which its starter ends when a case hangs. The input of the case lies in
 * shared memory, so that it is known then.
 */

import { Random } from "../../core/mod.ts";
import { CaseSource } from "./_cases.ts";
import { Coverage } from "./_coverage.ts";
import { minimise } from "./_minimise.ts";
import { type Finding, type FuzzTarget, judge, type Outcome } from "./_target.ts";

/** What a worker is to do. */
export interface WorkerTask {
  /** The module that exports `TARGETS`. */
  readonly module: string;
  readonly target: string;
  readonly scratch: string;
  /** A count of the cases, the bytes of an input, and the input. */
  readonly shared: SharedArrayBuffer;
  /** One input alone, or cases without an end. */
  readonly work:
    | { readonly kind: "one"; readonly input: Uint8Array }
    | {
      readonly kind: "cases";
      readonly seed: number;
      /** Counts the workers of the target: after a hang another one goes on with other cases. */
      readonly turn: number;
      readonly inputs: readonly Uint8Array[];
      /** What was found before. */
      readonly known: readonly string[];
      readonly most: number;
    };
}

/** What a worker tells. */
export type WorkerNews =
  | { readonly kind: "outcome"; readonly outcome: Outcome }
  | { readonly kind: "cases"; readonly cases: number; readonly covered: number; readonly isLast: boolean }
  | { readonly kind: "input"; readonly input: Uint8Array }
  | { readonly kind: "finding"; readonly finding: Finding; readonly input: Uint8Array };

/** Where the input begins in shared memory. */
export const INPUT_OFFSET = 8;

/** Cases after which V8 is asked what ran: a question takes milliseconds. */
const BATCH = 64;
const MINIMISING_TRIALS = 1000;

/** What a worker's global scope has, of which the types know nothing. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<WorkerTask>) => void;
  postMessage(news: WorkerNews): void;
};

const tell = (news: WorkerNews) => scope.postMessage(news);

/** Runs one input, which its starter can see. */
async function runVisibly({ shared, scratch }: WorkerTask, target: FuzzTarget, input: Uint8Array): Promise<Outcome> {
  const state = new Int32Array(shared, 0, 2);
  new Uint8Array(shared, INPUT_OFFSET, input.length).set(input);
  state[1] = input.length;
  Atomics.add(state, 0, 1);
  const outcome = await judge(target, input, scratch);
  // What comes between cases is no case of anyone's.
  Atomics.add(state, 0, 1);
  return outcome;
}

/** An error that no case could catch: from a callback, or from a promise that nobody waits for. */
let uncaught: Error | undefined;

function keepUncaught(event: Event, error: unknown): void {
  event.preventDefault();
  uncaught ??= error instanceof Error ? error : new Error(String(error));
}

addEventListener("error", (event) => keepUncaught(event, event.error));
addEventListener("unhandledrejection", (event) => keepUncaught(event, event.reason));

/** Runs one input, and waits for what comes after it. */
async function runAlone(task: WorkerTask, target: FuzzTarget, input: Uint8Array): Promise<Outcome> {
  uncaught = undefined;
  const outcome = await runVisibly(task, target, input);
  await events();
  if (outcome.kind === "finding" || uncaught === undefined) return outcome;
  const { message, stack = message } = uncaught as Error;
  const what = `raised an error that nobody could catch: ${stack}`;
  return { kind: "finding", finding: { identity: `uncaught ${message}`, what } };
}

/** Lets events come. */
function events(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

async function runCases(task: WorkerTask, target: FuzzTarget): Promise<void> {
  const { work } = task;
  if (work.kind !== "cases") return;
  const coverage = await Coverage.start(), known = new Set(work.known);
  const run = (input: Uint8Array) => runVisibly(task, target, input);
  const source = await CaseSource.of(target, new Random(work.seed, `fuzz ${target.name} ${work.turn}`), work.inputs);
  const report = async (input: Uint8Array, outcome: Outcome) => {
    if (outcome.kind !== "finding" || known.has(outcome.finding.identity)) return;
    const { finding } = outcome;
    known.add(finding.identity);
    const isSame = async (other: Uint8Array) => {
      const again = await runAlone(task, target, other);
      return again.kind === "finding" && again.finding.identity === finding.identity;
    };
    tell({ kind: "finding", finding, input: await minimise(input, isSame, MINIMISING_TRIALS) });
  };
  const runAll = async (inputs: readonly Uint8Array[]) => {
    uncaught = undefined;
    for (const input of inputs) await report(input, await run(input));
    await events();
    // One by one, to see whose it was.
    if (uncaught !== undefined) {
      for (const input of inputs) {
        await report(input, await runAlone(task, target, input));
      }
    }
  };
  // By halves, since asking V8 takes as long as tens of cases.
  const keepNew = async (inputs: readonly Uint8Array[]): Promise<void> => {
    const half = Math.ceil(inputs.length / 2);
    for (const part of [inputs.slice(0, half), inputs.slice(half)]) {
      if (part.length === 0) continue;
      for (const input of part) await run(input);
      if (!await coverage.isNew(part.length === 1)) continue;
      if (part.length > 1) await keepNew(part);
      else {
        source.inputs.push(part[0]);
        tell({ kind: "input", input: part[0] });
      }
    }
  };
  await runAll(source.inputs);
  await coverage.isNew(true);
  for (let cases = 0; cases < work.most;) {
    const batch = Array.from({ length: Math.min(BATCH, work.most - cases) }, () => source.next());
    await runAll(batch);
    cases += batch.length;
    if (await coverage.isNew(false)) await keepNew(batch);
    tell({ kind: "cases", cases: batch.length, covered: coverage.covered, isLast: cases >= work.most });
  }
}

scope.onmessage = async ({ data }) => {
  const { TARGETS } = await import(data.module) as { readonly TARGETS: readonly FuzzTarget[] };
  const target = TARGETS.find(({ name }) => name === data.target)!;
  if (data.work.kind === "cases") return await runCases(data, target);
  tell({ kind: "outcome", outcome: await runAlone(data, target, data.work.input) });
};
