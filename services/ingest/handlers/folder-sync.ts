import { open } from 'node:fs/promises'

/** Makes renames in a folder durable. Callers that come while one sync runs share the next one. */
export class FolderSync {
  readonly #folder: string
  #running: Promise<void> | null = null
  #next: Promise<void> | null = null

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Returns once a sync is done that began after the call. @throws the disk's error */
  sync(): Promise<void> {
    if (this.#running === null) return this.#begin()
    this.#next ??= this.#running.catch(() => undefined).then(() => this.#begin())
    return this.#next
  }

  #begin(): Promise<void> {
    this.#next = null
    const running = syncFolder(this.#folder).finally(() => {
      if (this.#running === running) this.#running = null
    })
    this.#running = running
    return running
  }
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
