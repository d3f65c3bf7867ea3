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
  /** The folder that this one is in, where that is known: to say which folder may have been meant. */
  readonly parent?: FileSource;
  /** The size of a file and when it was written, where that is known: by which a run knows its images again. */
  stat?(path: string): Promise<FileStat>;
  /** The bytes of one file, by its path in the folder. */
  read(path: string): Promise<Uint8Array>;
}
