import { assertEquals } from "@std/assert";
import { earlyStopText } from "./train_report.ts";

Deno.test("earlyStopText() tells since when none was better, and as JSON the epoch that is kept", () => {
  assertEquals(
    earlyStopText(5, 20, 18, false),
    "Stopped early after epoch 20: no validation since that of epoch 15 was better; " +
      "a larger --early-stop beside --resume goes on",
  );
  assertEquals(JSON.parse(earlyStopText(5, 20, 18, true)), { stoppedEarly: true, epochs: 20, bestEpoch: 18 });
  assertEquals(JSON.parse(earlyStopText(5, 20, undefined, true)), { stoppedEarly: true, epochs: 20 });
});
