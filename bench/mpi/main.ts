/** What sums over ranks cost, beside a plain loop in C, and how much of them a step hides: `deno task bench:mpi`. */

import { fileURLToPath } from "node:url";
import { defineCommand, exitCodeOf } from "../../cli/command.ts";
import { formatTable } from "../../cli/reports/table.ts";
import { DeviceError } from "../../core/mod.ts";
import { type RankReport, SLOW } from "./rank.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));
const config = fileURLToPath(new URL("../../deno.offline.json", import.meta.url));
/** Floats of the sums that are timed: from a scalar to a bucket of 4 MiB and beyond. */
const COUNTS = [1, 1024, 65_536, 1_048_576, 4_194_304], ROUNDS = 50;

const command = defineCommand({
  name: "bench:mpi",
  about:
    "The cost of sums over ranks on the CPU of one machine, beside a plain MPI loop, and how much of it a step hides.",
  options: {
    model: { kind: "text", about: "the network", default: "resnet20" },
    batch: { kind: "integer", about: "images of each rank", default: 32, minimum: 1 },
    ranks: { kind: "integer", about: "processes, of one thread each", default: 2, minimum: 1 },
    steps: { kind: "integer", about: "steps that are timed", default: 30, minimum: 1 },
    mpirun: {
      kind: "text",
      value: "OPTIONS",
      about: "what mpirun is given beside",
      default: "--oversubscribe --bind-to none --mca mpi_yield_when_idle 1 --mca coll_libnbc_iallreduce_algorithm 3",
    },
  },
  examples: [["", "two ranks"], ["--ranks 4 --model resnet50 --batch 2", "more of them"]],
}, async ({ model, batch, ranks, steps, mpirun }) => {
  const options = mpirun.split(" ").filter((option) => option !== ""), counts = COUNTS.map(String);
  const start = (size: number, program: readonly string[]) =>
    run("mpirun", [...options, "-np", String(size), ...program]);
  const rank = [Deno.execPath(), "run", "-A", "--no-check", "--config", config, `${folder}rank.ts`];
  const args = [model, String(batch), String(steps)];
  const one: RankReport = JSON.parse(await start(1, [...rank, ...args])),
    all: RankReport = JSON.parse(await start(ranks, [...rank, ...args, ...counts]));
  const plain = await plainTimes(start, ranks);
  const rate = (count: number, seconds: number) => `${(4 * count / seconds / 1e9).toFixed(3)}`;
  console.log(formatTable([
    ["floats", "µs", "GB/s", "plain loop µs", "GB/s"],
    ...COUNTS.map((count) => {
      const own = all.sums[count], least = plain?.get(count);
      const beside = least === undefined ? ["", ""] : [(least * 1e6).toFixed(1), rate(count, least)];
      return [String(count), (own * 1e6).toFixed(1), rate(count, own), ...beside];
    }),
  ]));
  const images = (milliseconds: number, size: number) => (size * batch / milliseconds * 1000).toFixed(1);
  const slow = SLOW * one.buckets.length, hidden = 1 - (one.withSlowNetwork - one.withoutNetwork) / slow;
  console.log(
    `\n${model}, batches of ${batch} on each rank, ${all.buckets.length} sums of ${
      (4 * all.buckets.reduce((sum, count) => sum + count, 0) / 2 ** 20).toFixed(2)
    } MiB in all a step\n`,
  );
  console.log(formatTable([
    ["", "fastest step, ms", "images/s"],
    ["1 rank alone", one.alone.toFixed(2), images(one.alone, 1)],
    [`${ranks} ranks beside each other, no sums`, all.alone.toFixed(2), images(all.alone, ranks)],
    [`${ranks} ranks, sums that are there at once`, all.withoutNetwork.toFixed(2), images(all.withoutNetwork, ranks)],
    [`${ranks} ranks together`, all.withNetwork.toFixed(2), images(all.withNetwork, ranks)],
    ["the sums alone", all.network.toFixed(2), ""],
    [
      `1 rank, ${one.buckets.length} sums of ${SLOW} ms each`,
      one.withSlowNetwork.toFixed(2),
      images(one.withSlowNetwork, 1),
    ],
  ]));
  console.log(
    `\nOf sums that take ${slow} ms a step, ${(100 * hidden).toFixed(0)} % are hidden; ${ranks} ranks waited ` +
      `${all.waited.toFixed(2)} ms a step for each other`,
  );
});

/** The times of the plain loop, where there is a compiler for it. */
async function plainTimes(
  start: (size: number, program: readonly string[]) => Promise<string>,
  ranks: number,
): Promise<Map<number, number> | undefined> {
  const built = await Deno.makeTempFile();
  try {
    try {
      await run("mpicc", ["-O2", "-o", built, `${folder}allreduce.c`]);
    } catch {
      console.error("note: the plain loop needs mpicc and MPI's headers; on Debian, apt install libopenmpi-dev");
      return undefined;
    }
    const lines = (await start(ranks, [built, String(ROUNDS), ...COUNTS.map(String)])).trim().split("\n");
    return new Map(lines.map((line) => line.split(" ").map(Number) as [number, number]));
  } finally {
    await Deno.remove(built);
  }
}

/** Runs a program, and gives what it prints. */
async function run(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) throw new DeviceError(`${program} failed: ${firstSentence(new TextDecoder().decode(stderr))}`);
  return new TextDecoder().decode(stdout);
}

/** The first lines that a program says, up to an empty one, without the rules around them, on one line. */
function firstSentence(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => !/^-+$/.test(line));
  const first = lines.findIndex((line) => line !== ""), end = lines.indexOf("", first);
  if (first < 0) return "it said nothing";
  const told = lines.slice(first, end < 0 ? undefined : end).join(" ");
  return /as root/.test(told)
    ? `${told} Take another user, or set OMPI_ALLOW_RUN_AS_ROOT and OMPI_ALLOW_RUN_AS_ROOT_CONFIRM to 1`
    : told;
}

if (import.meta.main) Deno.exit(await exitCodeOf(() => command.run(Deno.args)));
