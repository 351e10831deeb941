import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A reader who takes each file as soon as it sees it, and for whom a file that he has read must never change. */
export class FileWatch {
  readonly #dir: string
  readonly #seen = new Map<string, string>()

  constructor(dir: string) {
    this.#dir = dir
  }

  get count(): number {
    return this.#seen.size
  }

  /** Reads what is new. @throws when a file is not whole */
  async look(): Promise<void> {
    for (const path of await this.#paths()) {
      if (this.#seen.has(path)) continue
      const text = await readFile(join(this.#dir, path), 'utf8')
      if (!text.endsWith('}\n')) throw new Error(`${path} was seen half written: ${text}`)
      this.#seen.set(path, text)
    }
  }

  /** The files that are another today than when they were first read. */
  async changed(): Promise<string[]> {
    const paths = new Set(await this.#paths())
    const now = await Promise.all(
      [...this.#seen].map(async ([path, text]) => {
        const isSame = paths.has(path) && (await readFile(join(this.#dir, path), 'utf8')) === text
        return isSame ? [] : [path]
      }),
    )
    return now.flat()
  }

  async #paths(): Promise<string[]> {
    const folders = await readdir(this.#dir).catch(() => [])
    const names = await Promise.all(folders.map((folder) => readdir(join(this.#dir, folder))))
    return folders.flatMap((folder, i) =>
      (names[i] ?? []).filter((name) => !name.startsWith('.')).map((name) => join(folder, name)),
    )
  }
}
