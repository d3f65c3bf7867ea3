/** Where the bytes of a data set come from: the library touches no disk by itself. */

/** What is known of a file beside its content. */
export interface FileStat {
  /** Its size. */
  readonly bytes: number;
  /** When it was written, in milliseconds since 1970. */
  readonly modified: number;
}

/** A folder of files. */
export interface FileSource {
  /** The folder's name, for messages. */
  readonly location: string;
  /**
   * The names of the files and folders in it; those of folders end in a slash.
   *
   * @param folder A folder in it, with a slash at the end. Defaults to the source itself.
   */
  list(folder?: string): Promise<string[]>;
  /**
   * What tells a folder from all others, whichever links led to it, so that none is read twice.
   *
   * @param folder A folder in it, with a slash at the end, or nothing for the source itself.
   * @returns Nothing where that is not known. A source without links needs no such function.
   */
  identify?(folder: string): Promise<string | undefined>;
  /** The folder that this one is in, where that is known: to say which folder may have been meant. */
  readonly parent?: FileSource;
  /** The size of a file and when it was written, where that is known: by which a run knows its images again. */
  stat?(path: string): Promise<FileStat>;
  /**
   * The bytes of one file.
   *
   * @param path Its path in the folder.
   * @param most The most bytes that it may have, where that is known; a source may ignore it.
   */
  read(path: string, most?: number): Promise<Uint8Array>;
}
