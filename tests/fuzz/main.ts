/** Fuzzes everything that reads files or text from outside: `deno task fuzz`. */

import { resolve } from "node:path";
import { defineCommand, exitCodeOf } from "../../cli/command.ts";
import { cacheFolder } from "../../cli/cache_folder.ts";
import { MOST_BYTES, readFile } from "../../files/read_file.ts";
import { Interrupt } from "../../cli/interrupt.ts";
import { formatDuration, formatRate } from "../../cli/reports/format.ts";
import { printLines, rewriteLine, widthOf } from "../../cli/reports/layout.ts";
import { formatTable } from "../../cli/reports/table.ts";
import { didYouMean, UsageError } from "../../core/mod.ts";
import { seedOfDay } from "../_random_convolutions.ts";
import { type CampaignResult, fuzzTarget, type Limits, runOne } from "./_campaign.ts";
import { Corpus } from "./_corpus.ts";
import { type ListedTarget, TARGETS } from "./targets.ts";

const FOUND = 1;

const OPTIONS = {
  minutes: { kind: "number", about: "how long, all targets together", default: 10, minimum: 0.01, maximum: 10_000 },
  cases: { kind: "integer", about: "how many cases of each target, however long they take", minimum: 1 },
  seed: { kind: "integer", about: "what the cases follow, with the corpus; defaults to the day's", minimum: 0 },
  only: { kind: "text", value: "NAME,…", about: "these targets alone; --list prints their names" },
  corpus: { kind: "text", value: "DIR", about: "where inputs and findings are kept; defaults to the user's cache" },
  limit: {
    kind: "number",
    value: "SECONDS",
    about: "the most that a case may take",
    default: 10,
    minimum: 0.1,
    maximum: 600,
  },
  memory: {
    kind: "integer",
    value: "MIB",
    about: "the most by which the process may grow",
    default: 1024,
    minimum: 128,
    maximum: 2 ** 20,
  },
  input: { kind: "text", value: "FILE", about: "try one input, of the one target of --only" },
  list: { kind: "flag", about: "print the targets", default: false },
} as const;

const command = defineCommand({
  name: "fuzz",
  about: "Try everything that reads files or text from outside on inputs that were changed, guided by what runs.",
  options: OPTIONS,
  examples: [
    ["--minutes 30", "all targets, half a minute and more each"],
    ["--only safetensors,torch-zip --cases 20000 --seed 7", "the same cases each time, with the same corpus"],
    ["--only idx-gzip --input FILE", "how one input fares"],
  ],
}, async (values) => {
  if (values.list) return printLines(formatTable(TARGETS.map(({ target: { name, about } }) => [name, about]), 2));
  const targets = chosenTargets(values.only), limits = { seconds: values.limit, memory: values.memory * 2 ** 20 };
  if (values.input !== undefined) return await tryInput(targets, values.input, limits);
  const folder = inCaller(values.corpus ?? `${cacheFolder()}/fuzz`), seed = values.seed ?? seedOfDay();
  const interrupt = new Interrupt(() => {});
  using _listening = interrupt;
  const seconds = values.cases === undefined ? 60 * values.minutes : Infinity;
  await fuzzAll(targets, {
    corpus: new Corpus(folder),
    seed,
    seconds,
    cases: values.cases,
    limits,
    signal: interrupt.signal,
  });
});

/** What holds for all targets. */
interface Plan {
  readonly corpus: Corpus;
  readonly seed: number;
  readonly seconds: number;
  readonly cases: number | undefined;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

/** Fuzzes one target after the other, each as long as the others, and prints how they fared. */
async function fuzzAll(
  targets: readonly ListedTarget[],
  { corpus, seed, seconds, cases, limits, signal }: Plan,
): Promise<void> {
  const until = performance.now() + 1000 * seconds,
    rows: (readonly (string | number)[])[] = [],
    isTerminal = Deno.stderr.isTerminal();
  let all = 0, findings = 0;
  for (const [k, { target: { name }, module }] of targets.entries()) {
    if (signal.aborted) break;
    const share = (until - performance.now()) / 1000 / (targets.length - k),
      began = performance.now(),
      kept: Promise<void>[] = [],
      failures: unknown[] = [];
    let drawn = 0;
    const result = await fuzzTarget({
      module,
      target: name,
      seed,
      limits,
      signal,
      inputs: await corpus.inputs(name),
      cases,
      ...(cases === undefined ? { seconds: Math.max(0.5, share) } : {}),
      keep: (input) => kept.push(corpus.add(name, input).catch((error) => void failures.push(error))),
      progress(done, found) {
        const now = performance.now();
        if (!isTerminal || now - drawn < 100) return;
        drawn = now;
        const rate = formatRate(1000 * done / (now - began)),
          left = cases === undefined ? `  ${formatDuration((until - now) / 1000)} left` : "";
        rewriteLine(
          `${k + 1}/${targets.length} ${name}  ${done} cases  ${rate}/s  ${findings + found} findings${left}`.slice(
            0,
            widthOf(Deno.stderr) - 1,
          ),
        );
      },
    });
    await Promise.all(kept);
    if (failures.length > 0) throw failures[0];
    if (isTerminal) rewriteLine("");
    rows.push(rowOf(name, result));
    all += result.cases;
    findings += result.findings.length;
    for (const finding of result.findings) {
      const { command } = await corpus.report(finding);
      printLines(`${name}: ${finding.what.split("\n")[0]}\n  ${command}`);
    }
  }
  printLines(formatTable([["target", "cases", "cases/s", "inputs", "sources run", "findings"], ...rows]));
  printLines(`${all} cases of seed ${seed}, ${findings} findings${signal.aborted ? ", interrupted" : ""}`);
  if (findings > 0) Deno.exitCode = FOUND;
}

function rowOf(name: string, { cases, seconds, inputs, covered, findings }: CampaignResult): (string | number)[] {
  return [name, cases, formatRate(cases / seconds), inputs, covered, findings.length];
}

function chosenTargets(only: string | undefined): readonly ListedTarget[] {
  if (only === undefined) return TARGETS;
  const names = TARGETS.map(({ target: { name } }) => name);
  return only.split(",").map((name) => {
    const target = TARGETS.find((one) => one.target.name === name);
    if (target !== undefined) return target;
    throw new UsageError(`--only: there is no target "${name}"${didYouMean(name, names)} See fuzz --list`);
  });
}

async function tryInput(
  [{ module, target }, ...others]: readonly ListedTarget[],
  path: string,
  limits: Limits,
): Promise<void> {
  if (others.length > 0) throw new UsageError("--input: expected the one target that reads it; name it with --only");
  const input = await readFile(inCaller(path), { what: "the input", most: MOST_BYTES.text });
  const outcome = await runOne(module, target.name, input, limits);
  printLines(outcome.kind === "finding" ? `finding: ${outcome.finding.what}` : outcome.kind);
  if (outcome.kind === "finding") Deno.exitCode = FOUND;
}

/** A path in the folder in which `deno task` was called. */
function inCaller(path: string): string {
  return resolve(Deno.env.get("INIT_CWD") ?? ".", path);
}

const code = await exitCodeOf(() => command.run(Deno.args));
Deno.exit(code === 0 ? Deno.exitCode : code);
