import { assertEquals } from "@std/assert";
import { openBackend } from "../../core/mod.ts";
import { resolveOptions } from "../options/parse_options.ts";
import { TRAIN_OPTIONS } from "../options/train_options.ts";
import { openStart } from "./start.ts";
import { withFoundRate } from "./test_rates.ts";
import { openWork } from "./work.ts";

Deno.test("withFoundRate() finds no rate where it is stopped, and leaves the rest of the work as it is", async () => {
  const given = { model: "resnet8", batch: "4", steps: "3", "early-stop": "2", lr: "auto" };
  const work = await openWork({ values: resolveOptions(TRAIN_OPTIONS, given), decided: new Set(Object.keys(given)) });
  const start = await openStart(work, undefined, false, () => {});
  using backend = await openBackend("cpu", { threads: 1 });
  const heard: string[] = [], listen = { say: (text: string) => heard.push(text), testListeners: [] };
  const found = await withFoundRate(work, start, backend, { ...listen, signal: new AbortController().signal });
  assertEquals({ ...found!, values: { ...found!.values, lr: work.values.lr } }, work);
  assertEquals(heard.length, 1);
  const signal = AbortSignal.abort();
  assertEquals(await withFoundRate(work, start, backend, { ...listen, signal }), undefined);
  assertEquals(heard.length, 1);
});
