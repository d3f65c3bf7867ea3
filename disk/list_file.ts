/** Reads tables of images: a path and a label a line, with commas, tabs, semicolons or spaces between. */

import { posix, relative, resolve } from "node:path";
import { DataError } from "../core/mod.ts";
import { type ImageList, isImageFile, type ListedImage } from "../data/mod.ts";
import { findColumns, findMarkedColumns, type MarkedColumns } from "./list_columns.ts";
import { type Csv, loadCsv } from "./load_csv.ts";
import { MOST_BYTES, readFile } from "../files/mod.ts";

/** A row of a table. */
interface Row {
  readonly fields: readonly string[];
  /** Its line, from 1; the last one where quotes hold more. */
  readonly line: number;
}

const SEPARATORS = ["\t", ",", ";"] as const;
/** How many rows show how a table is made. */
const LOOKED_AT = 20;

/**
 * Reads a list of images.
 *
 * @param path The file: a path and a label a line, after a row of the columns' names or not, fields in quotes or not (RFC
 * 4180), in UTF-8 or UTF-16. Of a list of paths alone, each image's folder is its class.
 * @param columns The columns that hold them, as in `image,breed` or `1,3`. Defaults to what their names say.
 * @param inFolder What becomes of a path, which has slashes between its parts. Defaults to nothing.
 * @throws {DataError} If it cannot be read, or is no such table: where.
 *
 * @example
 * ```ts
 * import { readImageLists } from "@residua/residua/data";
 * import { DiskFolder, pathsIn, readListFile, writeFile } from "@residua/residua/disk";
 * import { imageFolderOptions } from "@residua/residua/images";
 * const rows = "file,breed\na.jpg,beagle\nb.jpg,boxer\nc.jpg,beagle\nd.jpg,boxer\n";
 * await writeFile("photos/train.csv", new TextEncoder().encode(rows));
 * const train = await readListFile("photos/train.csv", "file,breed", pathsIn("photos", "photos"));
 * console.log(train.images[0]); // { path: "a.jpg", label: "beagle", line: 2 }
 * const set = await readImageLists(new DiskFolder("photos"), { train }, imageFolderOptions());
 * console.log(set.classes); // [ "beagle", "boxer" ]
 * ```
 */
export async function readListFile(
  path: string,
  columns?: string,
  inFolder: (path: string) => string = (path) => path,
): Promise<ImageList> {
  const text = decodeText(path, await readFile(path, { what: "the list", most: MOST_BYTES.list }));
  const rows = readRows(await loadCsv(), text, path);
  if (rows.length === 0) return { name: path, images: [] };
  const at = (written: string) => written === "" ? "" : inFolder(posix.normalize(written));
  const marked = columns === undefined ? findMarkedColumns(rows.map(({ fields }) => fields)) : undefined;
  if (marked !== undefined) return { name: path, images: markedImages(path, rows, marked, at) };
  const found = findColumns(rows.slice(0, 2).map(({ fields }) => fields), columns, path);
  const images = rows.slice(found.header ? 1 : 0).map(({ fields, line }): ListedImage => {
    const written = slashed(fields[found.path]);
    const label = found.label === undefined ? posix.basename(posix.dirname(written)) : fields[found.label].trim();
    return { path: at(written), label: label === "." ? "" : label, line };
  });
  return { name: path, images: withWholeNumbers(images) };
}

/** A path with slashes, as tables from Windows have it too. */
function slashed(path: string): string {
  return path.trim().replaceAll("\\", "/");
}

/** The images of a table that has a column for each class. */
function markedImages(
  name: string,
  [{ fields: classes }, ...rows]: readonly Row[],
  { path, marked }: MarkedColumns,
  at: (path: string) => string,
): ListedImage[] {
  return rows.map(({ fields, line }) => {
    const column = marked(fields);
    if (column === undefined) {
      throw new DataError(
        `${name}: line ${line}: expected one class an image, a 1 in one of the columns ` +
          `${classes.filter((_, k) => k !== path).map((name) => name.trim()).join(", ")}, but ${
            fields.some((field, k) => k !== path && Number(field) === 1) ? "several have one" : "none has one"
          }; a network here tells one class of each image`,
      );
    }
    return { path: at(slashed(fields[path])), label: classes[column].trim(), line };
  });
}

/**
 * What becomes of the paths of a list in the folder of its images.
 *
 * @param folder The folder of the images.
 * @param base The folder to which the list's paths are relative.
 */
export function pathsIn(folder: string, base: string): (path: string) => string {
  const prefix = relative(resolve(folder), resolve(base)).replaceAll("\\", "/");
  return (path) => {
    if (posix.isAbsolute(path)) return relative(resolve(folder), path);
    return prefix === "" ? path : posix.join(prefix, path);
  };
}

function decodeText(path: string, bytes: Uint8Array): string {
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(wide ? "utf-16le" : "utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new DataError(`${path}: expected a list as text but the file is not UTF-8; save it as CSV in UTF-8`);
  }
}

function readRows(csv: Csv, text: string, path: string): Row[] {
  const separator = findSeparator(csv, text);
  const rows = separator === " " ? rowsBySpaces(text) : parseRows(csv, text, separator, path);
  if (rows.length === 0) return rows;
  const { length } = rows[0].fields, wrong = rows.filter(({ fields }) => fields.length !== length);
  if (wrong.length > 0) {
    const lines = wrong.slice(0, 3).map(({ line }) => line).join(", ") + (wrong.length > 3 ? ", …" : "");
    throw new DataError(
      `${path}: expected ${length} fields in each line, as in the first, but ${wrong.length} of ${rows.length} ` +
        `${wrong.length === 1 ? "has" : "have"} another number (${wrong.length === 1 ? "line" : "lines"} ${lines}); ` +
        `put quotes around fields that hold ${NAMES[separator]}`,
    );
  }
  return rows;
}

/** The separators, for messages. */
const NAMES: Readonly<Record<string, string>> = { ",": "commas", ";": "semicolons", "\t": "tabs", " ": "spaces" };

/** The separator that divides the first rows into as many fields each; else one that divides them all. */
function findSeparator(csv: Csv, text: string): string {
  let some = ",";
  for (const separator of SEPARATORS) {
    const rows = firstRows(csv, text, separator), counts = rows.map(({ length }) => length);
    if (rows.length === 0 || Math.min(...counts) < 2) continue;
    if (new Set(counts).size === 1) return separator;
    some = separator;
  }
  if (firstRows(csv, text, some).some(({ length }) => length > 1)) return some;
  const lines = text.split(/\r?\n/, LOOKED_AT).filter((line) => line.trim() !== "");
  // A path with spaces ends in that of a file.
  return lines.length > 0 && lines.every((line) => /\S\s+\S/.test(line) && !isImageFile(line.trim())) ? " " : some;
}

function firstRows({ parse }: Csv, text: string, separator: string): string[][] {
  try {
    return parse(text, { delimiter: separator, to: LOOKED_AT, ...READING });
  } catch {
    return [];
  }
}

const READING = { relax_column_count: true, skip_empty_lines: true, skip_records_with_empty_values: true } as const;

function parseRows({ CsvError, parse }: Csv, text: string, delimiter: string, path: string): Row[] {
  const rows: Row[] = [];
  try {
    parse(text, {
      delimiter,
      ...READING,
      on_record: (fields, { lines }) => {
        rows.push({ fields, line: lines });
        // Kept here with its line, and not by the parser.
        return null;
      },
    });
    return rows;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === "number" ? ` line ${error.lines}:` : "";
    const what = error.code === "CSV_QUOTE_NOT_CLOSED"
      ? "a quote is opened and not closed"
      : "a quote stands where none may be";
    throw new DataError(
      `${path}:${line} ${what}; write quotes in a field twice, and put quotes around the whole field`,
    );
  }
}

/** Rows of a path, which may hold spaces, and a label, which may not; or of a path alone. */
function rowsBySpaces(text: string): Row[] {
  const lines = text.split(/\r?\n/).map((content, k) => ({ content: content.trim(), line: k + 1 }));
  return lines.filter(({ content }) => content !== "").map(({ content, line }) => {
    const fields = content.match(/"(?:[^"]|"")*"|\S+/g)!.map(unquoted);
    if (fields.length <= 2) return { fields, line };
    return { fields: [unquoted(content.slice(0, content.search(/\s+\S+$/))), fields.at(-1)!], line };
  });
}

function unquoted(field: string): string {
  return /^"[^]*"$/.test(field) ? field.slice(1, -1).replaceAll('""', '"') : field;
}

/** Whole numbers as such where all labels are: tables that once had gaps write 3 as 3.0. */
function withWholeNumbers(images: readonly ListedImage[]): readonly ListedImage[] {
  if (!images.every(({ label }) => /^-?\d+(?:\.0+)?$/.test(label))) return images;
  return images.map((image) => ({ ...image, label: image.label.replace(/\.0+$/, "") }));
}
