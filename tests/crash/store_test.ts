/** A run that dies at any operation on its store, or finds it full, goes on to the bytes of one that did not. */

import { assert, assertEquals } from "@std/assert";
import { CpuBackend } from "../../core/mod.ts";
import { checkCrash, undisturbedRun } from "./_crashes.ts";
import { FAULTS } from "./_faulty_store.ts";

const all = Deno.env.get("RESIDUA_TEST") === "all";

Deno.test(`a run that ends at ${all ? "any" : "a covering set of"} operations on its store ends with the same bytes once it went on`, async () => {
  using backend = new CpuBackend();
  const whole = await undisturbedRun(backend);
  assert(whole.operations > 20, `${whole.operations} operations`);
  const kinds = [
    "best.safetensors",
    "epoch-0003.safetensors",
    "last.safetensors",
    "plot.svg",
    "previous.safetensors",
    "validation.json",
  ];
  assertEquals(Object.keys(whole.files).filter((name) => name !== "metrics"), kinds);
  for (let at = 1; at <= whole.operations; at += all ? 1 : 2) {
    // The covering set takes the faults in turn, which shift against what an epoch repeats.
    const faults = all ? FAULTS : [FAULTS[(at >> 1) % FAULTS.length]];
    for (const fault of faults) await checkCrash(backend, whole, at, fault);
  }
});
