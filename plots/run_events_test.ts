import { assertEquals, assertMatch } from "@std/assert";
import { RunEvents } from "./run_events.ts";

Deno.test("RunEvents of runs that one process begins in one second write files of their own", async () => {
  const names: string[] = [];
  const store = {
    write(name: string) {
      names.push(name);
      return Promise.resolve();
    },
    append: () => Promise.resolve(),
  };
  for (const run of [new RunEvents(store), new RunEvents(store)]) await run.onStart({ steps: 0 });
  assertEquals(new Set(names).size, 2);
  for (const name of names) assertMatch(name, /^events\.out\.tfevents\.\d+\./);
});
