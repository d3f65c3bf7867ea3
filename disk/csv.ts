/** The package `csv-parse`, in the one version that is used. */

export { CsvError, parse } from "csv-parse/sync";
