/** Words of commands that are printed, so that shells take them as they are meant. */

/** A text in single quotes, within which nothing means anything. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A text as one word, in quotes where it needs them. */
export function shellWord(text: string): string {
  return /^[\w./~+-]+$/.test(text) ? text : quoteWord(text);
}
