/** Suggests the name that was meant. */

/** The pairs of letters of a word. */
function pairs(word: string): string[] {
  return Array.from({ length: word.length - 1 }, (_, i) => word.slice(i, i + 2).toLowerCase());
}

/** The name that shares most pairs of letters with a word (Dice 1945), if it shares at least half of them. */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  const own = pairs(word);
  const score = (name: string) => {
    const others = pairs(name), shared = own.filter((pair) => others.includes(pair)).length;
    return 2 * shared / (own.length + others.length);
  };
  const [best] = names.map((name) => [score(name), name] as const).sort((a, b) => b[0] - a[0]);
  return best !== undefined && best[0] >= 0.5 ? best[1] : undefined;
}
