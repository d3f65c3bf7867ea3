import { assertEquals, assertRejects } from "@std/assert";
import { withTicks } from "../../tests/_fast_ticks.ts";
import { DeviceError } from "../util/errors.ts";
import { DeviceWaits } from "./device_waits.ts";

/** Waits with a limit of ten seconds, and the seconds at which they stalled. */
function waits(): { readonly device: DeviceWaits; readonly stalls: number[] } {
  const stalls: number[] = [];
  const device = new DeviceWaits({
    limit: 10,
    onStall: (seconds) => {
      stalls.push(seconds);
      return new DeviceError(`it hangs for ${seconds}`);
    },
  });
  return { device, stalls };
}

const never = () => new Promise<never>(() => {});

Deno.test("DeviceWaits gives each step of a program that was never measured its time, and then all together", () =>
  withTicks(async (tick) => {
    const { device, stalls } = waits(), program = { name: "a" }, other = { name: "b" };
    for (let k = 0; k < 4; k++) device.submitted(program);
    const first = Promise.withResolvers<string>(), result = device.waitForResults(first.promise);
    tick(39);
    assertEquals(stalls, []);
    first.resolve("read");
    assertEquals(await result, "read");
    // The longest wait so far may pass twenty times again.
    const hung = device.wait(never()), refused = assertRejects(() => hung, DeviceError, "it hangs for 780");
    device.submitted(program);
    device.submitted(other);
    tick(779);
    assertEquals(stalls, []);
    tick(1);
    await refused;
    assertEquals(stalls, [780]);
  }));

Deno.test("DeviceWaits gives up everything that is waited for, later too, once the device hangs", () =>
  withTicks(async (tick) => {
    const { device, stalls } = waits(), all = [device.wait(never()), device.wait(never())];
    const refused = all.map((each) => assertRejects(() => each, DeviceError, "it hangs for 10"));
    tick(10);
    await Promise.all(refused);
    await assertRejects(() => device.wait(Promise.reject(new Error("late"))), DeviceError, "it hangs");
    tick(50);
    assertEquals(stalls, [10]);
  }));

Deno.test("DeviceWaits gives what comes, and the device's own errors", () =>
  withTicks(async (tick) => {
    const { device, stalls } = waits();
    assertEquals(await device.wait(Promise.resolve(3)), 3);
    await assertRejects(() => device.wait(Promise.reject(new TypeError("own"))), TypeError, "own");
    tick(100);
    assertEquals(stalls, []);
    const lost = device.wait(never());
    device.fail(new DeviceError("it was lost"));
    await assertRejects(() => lost, DeviceError, "it was lost");
  }));
