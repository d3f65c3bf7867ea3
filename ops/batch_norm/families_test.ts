import { assert, assertEquals } from "@std/assert";
import { DEVICE_PROFILES, f32 } from "../../core/mod.ts";
import { range } from "../../kernels/mod.ts";
import { choiceOf } from "../../tests/_choices.ts";
import { batchNormRelu, batchNormReluGradient } from "./mod.ts";

const HOPPER = DEVICE_PROFILES["nvidia-hopper"], IMAGE = f32([64, 64, 56, 56]), CHANNEL = f32([64]);
const FORWARD = choiceOf(batchNormRelu, [IMAGE, CHANNEL, CHANNEL, CHANNEL, CHANNEL], batchNormRelu.attributes, HOPPER);
const BACKWARD = choiceOf(batchNormReluGradient, [IMAGE, IMAGE, IMAGE, CHANNEL, CHANNEL, CHANNEL], {}, HOPPER);

Deno.test("workgroups of batch norm load what they take of a channel before they store, and the sums of all parts at once", () => {
  for (const [{ variants }, names, result] of [[FORWARD, ["x"], "y"], [BACKWARD, ["dy", "y", "x"], "dx"]] as const) {
    const { kernels } = variants.find(({ name }) => name === "two kernels of workgroups")!, text = kernels[1].wgsl;
    const loop = text.match(/for \(; k \+ 192u < last; k \+= 256u\) \{([^]*?)\n {2}\}/)![1];
    const loads = [...loop.matchAll(/= (\w+)\[p\d\];/g)];
    assertEquals(loads.map(([, name]) => name), Array(4).fill(names).flat());
    assert(loop.indexOf(`${result}[i] =`) > loads.at(-1)!.index);
    const [, pairs] = text.match(/var pairs = array<vec2<f32>, 16>\((.+)\);\n {2}for /)!;
    assertEquals(
      [...pairs.matchAll(/partial\[\(c \* 16u \+ (\d+)u\) \* 2u\]/g)].map(([, part]) => Number(part)),
      range(16),
    );
  }
});
