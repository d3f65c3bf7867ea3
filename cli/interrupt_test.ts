import { assertEquals } from "@std/assert";
import { ignoresHangup, Interrupt } from "./interrupt.ts";

Deno.test("ignoresHangup() reads from what Linux tells whether SIGHUP is passed over, as under nohup", () => {
  assertEquals(ignoresHangup("Name:\tdeno\nSigIgn:\t0000000000000001\nSigCgt:\t0"), true);
  assertEquals(ignoresHangup("SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001"), false);
});

Deno.test({
  name: "Interrupt stops at the first SIGHUP even where nothing can be printed, and passes over the next",
  ignore: Deno.build.os === "windows" || ignoresHangup(),
  async fn() {
    using interrupt = new Interrupt(() => {
      throw new Error("the terminal is gone");
    });
    const aborted = new Promise((resolve) => interrupt.signal.addEventListener("abort", resolve));
    Deno.kill(Deno.pid, "SIGHUP");
    // A listener keeps no process from ending.
    const waiting = setTimeout(() => {}, 60_000);
    await aborted;
    clearTimeout(waiting);
    Deno.kill(Deno.pid, "SIGHUP");
    await new Promise((resolve) => setTimeout(resolve, 50));
    assertEquals(interrupt.signal.aborted, true);
  },
});
