/** What else a run wrote: how its weights are distributed, and where the time of its steps went. */

import { objectField } from "../../../core/mod.ts";
import { MOST_BYTES, readJson, readText } from "../../../files/mod.ts";
import { type DistributionsLine, readDistributions } from "../../../plots/mod.ts";
import { PROGRAM } from "../../program.ts";
import { json, RequestError } from "../answers.ts";
import type { RunDetail } from "../handler.ts";
import { Recent, type RunFiles } from "./run_files.ts";

/** The most epochs that are told of a parameter: of more, every second, or every third and so on. */
const MOST_EPOCHS = 200;

/** What a profile says of an op in a step. */
export interface OpTime {
  readonly op: string;
  /** Dispatches, or stages of the CPU, a step. */
  readonly calls: number;
  readonly milliseconds: number;
}

/** The part of a trace's event that is read. */
interface TraceEvent {
  readonly cat?: unknown;
  readonly name?: unknown;
  readonly dur?: unknown;
}

/** The mean time of each op in the steps of a trace, as `train --profile` writes it; the slowest first. */
export function opTimes(events: readonly TraceEvent[]): { readonly steps: number; readonly ops: OpTime[] } {
  const steps = events.filter(({ cat }) => cat === "step").length || 1, sums = new Map<string, [number, number]>();
  for (const { cat, name, dur } of events) {
    if (cat !== "kernel" || typeof name !== "string" || typeof dur !== "number") continue;
    const [calls, time] = sums.get(name) ?? [0, 0];
    sums.set(name, [calls + 1, time + dur]);
  }
  const ops = [...sums].map(([op, [calls, time]]) => ({ op, calls: calls / steps, milliseconds: time / steps / 1000 }));
  return { steps, ops: ops.sort((a, b) => b.milliseconds - a.milliseconds) };
}

/** The details by the path at which they are asked for. */
export function logDetails(files: RunFiles): Readonly<Record<string, RunDetail>> {
  const recent = new Recent<DistributionsLine[]>(2);
  return {
    "/api/distributions": async (run, query) => {
      const why = "No distributions.jsonl yet: a line is written with each epoch";
      const { path, key } = await files.find(run, "distributions.jsonl", why);
      const all = await recent.get(
        key,
        async () => readDistributions(await readText(path, undefined, MOST_BYTES.list)),
      );
      if (all.length === 0) throw new RequestError(404, why);
      const names = all.at(-1)!.parameters.map(({ name }) => name), name = query.get("name") ?? names[0];
      const stride = Math.ceil(all.length / MOST_EPOCHS);
      const epochs = all.filter((_, k) => (all.length - 1 - k) % stride === 0).flatMap(({ epoch, parameters }) => {
        const found = parameters.find((parameter) => parameter.name === name);
        return found === undefined ? [] : [{ epoch, weights: found.weights, gradient: found.gradient }];
      });
      if (epochs.length === 0) throw new RequestError(404, `The network has no parameter ${name}`);
      return json({ names, name, epochs });
    },
    "/api/profile": async (run) => {
      const why = `No profile.json: ${PROGRAM} train --profile writes it`;
      const { path } = await files.find(run, "profile.json", why);
      const check = objectField({
        traceEvents: (value) => Array.isArray(value) ? undefined : "traceEvents is no list",
      });
      const trace = await readJson<{ traceEvents: TraceEvent[]; otherData?: { device?: unknown } }>(path, {
        what: "the profile",
        check,
        remedy: "it is made anew by train --profile",
      });
      return json({ device: String(trace.otherData?.device ?? "?"), ...opTimes(trace.traceEvents) });
    },
  };
}
