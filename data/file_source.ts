/** Where the bytes of a data set come from: the library touches no disk by itself. */

/** A folder of files. */
export interface FileSource {
  /** The folder's name, for messages. */
  readonly location: string;
  /** The names of the files. */
  list(): Promise<string[]>;
  /** The bytes of one file. */
  read(name: string): Promise<Uint8Array>;
}
