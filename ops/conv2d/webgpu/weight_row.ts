/** WGSL of where a kernel of a convolution's weights [outputs, inputs / groups, taps] lies, for both directions. */

import type { DirectedConvolution } from "../directed.ts";

/**
 * An expression of the number of the kernel between a result channel and a source channel; its weights begin at this times taps.
 *
 * @param channel An expression of the result channel.
 * @param source An expression of the source channel.
 * @param group An expression of the group, if there are several.
 */
export function weightRow(
  { direction, channels, sources }: DirectedConvolution,
  channel: string,
  source: string,
  group?: string,
): string {
  const [outputs, output, inputs, input] = direction === "forward"
    ? [channels, channel, sources, source]
    : [sources, source, channels, channel];
  return `${group === undefined ? output : `(${group} * ${outputs}u + ${output})`} * ${inputs}u + ${input}`;
}
