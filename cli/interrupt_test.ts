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
    // Heard after the interrupt's own listener, so that no signal comes when none listens.
    let heard = () => {};
    const listener = () => heard();
    Deno.addSignalListener("SIGHUP", listener);
    // A listener keeps no process from ending.
    const waiting = setInterval(() => {}, 1000);
    for (let signals = 0; signals < 2; signals++) {
      const arrived = new Promise<void>((resolve) => heard = resolve);
      Deno.kill(Deno.pid, "SIGHUP");
      await arrived;
      await new Promise((resolve) => setTimeout(resolve, 50));
      assertEquals(interrupt.signal.aborted, true);
    }
    clearInterval(waiting);
    Deno.removeSignalListener("SIGHUP", listener);
  },
});
