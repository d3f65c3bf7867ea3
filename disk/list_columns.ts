/** Which columns of a table of images hold their paths and their labels. */

import { argument, sentence, showText, UsageError } from "../core/mod.ts";
import { isImageFile } from "../data/mod.ts";

/** The usual names of the columns, without capitals, spaces, dashes and underscores; of several paths the first is taken. */
const PATH_NAMES = [
  "path",
  "filepath",
  "imagepath",
  "imgpath",
  "filename",
  "imagename",
  "imgname",
  "file",
  "imagefile",
  "image",
  "img",
  "imageid",
  "imgid",
  "id",
];
const LABEL_NAMES = [
  "label",
  "labels",
  "class",
  "classes",
  "classname",
  "classid",
  "category",
  "categoryid",
  "target",
  "species",
  "breed",
  "diagnosis",
  "y",
];

/** The columns of a table, by their positions from 0. */
export interface ListColumns {
  /** What holds the paths. */
  readonly path: number;
  /** What holds the labels; without it, the folder of each image is its class. */
  readonly label?: number;
  /** Whether the first row names the columns. */
  readonly header: boolean;
}

/** What marks the class of an image in a table that has a column for each class, and what stands in the other columns. */
const MARK = /^1(?:\.0*)?$/, NO_MARK = /^0?(?:\.0*)?$/;

/** The columns of a table that has one for each class. */
export interface MarkedColumns {
  /** What holds the paths, from 0. */
  readonly path: number;
  /** The position of the column that is marked; nothing if none is, or several are. */
  marked(fields: readonly string[]): number | undefined;
}

/**
 * Finds the columns of a table in which a 1 marks the class of each image among columns of 0, as Kaggle has them; nothing if
 * it is no such table.
 *
 * @param rows All rows, of as many fields each, with that of the columns' names.
 */
export function findMarkedColumns(rows: readonly (readonly string[])[]): MarkedColumns | undefined {
  const [first, ...others] = rows, names = first.map(plain);
  if (first.length < 3 || others.length === 0 || names.some((name) => LABEL_NAMES.includes(name))) return undefined;
  const named = PATH_NAMES.map((known) => names.indexOf(known)).find((k) => k >= 0);
  const path = named ?? others[0].findIndex(isImageFile);
  if (path < 0) return undefined;
  const isMark = (field: string) => MARK.test(field.trim());
  const isMarked = others.every((fields) =>
    fields.every((field, k) => k === path || isMark(field) || NO_MARK.test(field.trim()))
  );
  if (!isMarked) return undefined;
  return {
    path,
    marked(fields) {
      const marks = fields.flatMap((field, k) => k !== path && isMark(field) ? [k] : []);
      return marks.length === 1 ? marks[0] : undefined;
    },
  };
}

/**
 * Finds the columns of a table.
 *
 * @param rows The first rows, of as many fields each.
 * @param asked The columns that were asked for, as in `image,breed` or `1,3`.
 * @param name What the table is called, for messages.
 * @throws {UsageError} If it is not clear which they are: which there are, and how to name them.
 */
export function findColumns(
  rows: readonly (readonly string[])[],
  asked: string | undefined,
  name: string,
): ListColumns {
  const [first] = rows, names = first.map(plain), header = isHeader(rows);
  if (asked !== undefined) return askedColumns(first, header, asked, name);
  if (first.length === 1) return { path: 0, header };
  const unclear = (what: string) =>
    new UsageError(
      sentence`${name}: expected a column of paths and one of labels but ${what}; its columns are ${
        header ? listed(first) : `${first.length} without names, the first row being ${listed(first)}`
      }; say which by ${argument("columns")}, as in ${
        argument("columns", header ? first.slice(0, 2).map(showText).join() : "1,2")
      }`,
    );
  if (!header) {
    const path = Math.max(0, first.findIndex(isImageFile));
    if (first.length > 2) throw unclear("there is no row of their names");
    return { path, label: 1 - path, header };
  }
  const labels = names.flatMap((column, k) => LABEL_NAMES.includes(column) ? [k] : []);
  if (labels.length > 1) {
    throw unclear(`${labels.slice(0, 2).map((k) => first[k]).join(" and ")} may both be the labels`);
  }
  let path = PATH_NAMES.map((known) => names.indexOf(known)).find((k) => k >= 0), label = labels.at(0);
  const file = rows.at(1)?.findIndex(isImageFile) ?? -1;
  if (path === undefined && file >= 0) path = file;
  if (first.length === 2) {
    // Of two columns, what is not the one is the other.
    if (path !== undefined) label ??= 1 - path;
    else if (label !== undefined) path = 1 - label;
  }
  if (path === undefined) throw unclear("none is called path, file, image, id or the like");
  if (label === undefined) throw unclear("none is called label, class, category, target or the like");
  return { path, label, header };
}

/** Whether the first row names the columns: by usual names, or by being no file where the next one is. */
function isHeader([first, second]: readonly (readonly string[])[]): boolean {
  if (first.some(isImageFile)) return false;
  const names = first.map(plain);
  return names.some((name) => PATH_NAMES.includes(name) || LABEL_NAMES.includes(name)) ||
    (second?.some(isImageFile) ?? false);
}

/** The columns that a message names. */
const MOST_NAMED = 10;

/** The first columns, as a message may show what a file holds. */
function listed(columns: readonly string[]): string {
  const more = columns.length - MOST_NAMED;
  return columns.slice(0, MOST_NAMED).map(showText).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function plain(name: string): string {
  return name.trim().toLowerCase().replace(/[-_ ]/g, "");
}

function askedColumns(first: readonly string[], header: boolean, asked: string, name: string): ListColumns {
  const parts = asked.split(",").map((part) => part.trim());
  if (parts.length !== 2 || parts.includes("")) {
    throw new UsageError(
      sentence`${argument("columns")}: expected two names or numbers, as in image,breed, but "${asked}" came`,
    );
  }
  const lower = first.map((column) => column.trim().toLowerCase());
  const found = parts.map((part) => lower.indexOf(part.toLowerCase()));
  if (found.every((k) => k >= 0)) return { path: found[0], label: found[1], header: true };
  const numbers = parts.map(Number);
  if (numbers.every((k) => Number.isInteger(k) && k >= 1 && k <= first.length)) {
    return { path: numbers[0] - 1, label: numbers[1] - 1, header };
  }
  const missing = parts.filter((_, k) => found[k] < 0).join(" and ");
  throw new UsageError(
    sentence`${argument("columns")}: ${name} has no ${missing}; its columns are ${listed(first)}${
      header ? "" : `, or 1 to ${first.length}`
    }`,
  );
}
