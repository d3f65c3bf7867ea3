/** The text of a kernel's loop over slices, which a GPU's speed depends on. */

/** What stands between the braces of the first loop of a text that passes a barrier. */
export function sliceLoop(wgsl: string): string {
  for (const { index } of wgsl.matchAll(/\b(?:for|while) \(/g)) {
    const open = wgsl.indexOf("{", index);
    let depth = 0, end = open;
    do {
      if (wgsl[end] === "{") depth++;
      if (wgsl[end] === "}") depth--;
      end++;
    } while (depth > 0);
    const body = wgsl.slice(open + 1, end - 1);
    if (body.includes("workgroupBarrier")) return body;
  }
  throw new Error("Expected a kernel with a loop over slices");
}

/** The lines of a loop that divide. */
export function divisions(loop: string): string[] {
  return loop.split("\n").filter((line) => /[/%]/.test(line));
}

/**
 * At how many places a text reads an array, those that differ in constant indices only counted once. What a runtime does to keep
 * an index inside an array is done once a place.
 */
export function placesRead(wgsl: string, array: string): number {
  const reads = wgsl.matchAll(new RegExp(`\\b${array}((?:\\[[^\\]]+\\])+)(?!\\[| =[^=])`, "g"));
  const indices = [...reads].map(([, each]) => [...each.matchAll(/\[([^\]]+)\]/g)].map(([, index]) => index));
  return new Set(indices.map((each) => each.filter((index) => !/^\d+$/.test(index)).join())).size;
}
