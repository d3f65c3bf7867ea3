/** Plain tables for the terminal. */

/** Rows in columns: those of texts, the first ones or those of some indices, to the left, the others to the right. */
export function formatTable(
  rows: readonly (readonly (string | number)[])[],
  texts: number | readonly number[] = 1,
): string {
  const isText = (column: number) => typeof texts === "number" ? column < texts : texts.includes(column);
  const cells = rows.map((row) => row.map(String));
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells.map((row) =>
    row.map((cell, column) => isText(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column])).join("  ")
      .trimEnd()
  ).join("\n");
}
