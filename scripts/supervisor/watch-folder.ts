import { type FSWatcher, watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** An editor writes a file in several steps, and a checkout writes many files. */
const QUIET_MS = 200

/** Folders without code of the user's own: packages, and what tools keep. */
const PASSED_OVER = /^\.|^node_modules$/

/**
 * Calls `onChange` when files in the folder, or in folders below, have changed and nothing more happens for a moment.
 * @returns a function that ends it
 */
export async function watchFolder(folder: string, onChange: () => void): Promise<() => void> {
  const watchers = new Map<string, FSWatcher>()
  let timer: NodeJS.Timeout | undefined
  let isEnded = false

  const onEvent = (_event: string, name: string | null) => {
    if (name !== null && PASSED_OVER.test(name)) return
    clearTimeout(timer)
    timer = setTimeout(() => void scan().then(onChange), QUIET_MS)
  }
  /** Folders may have come and gone. */
  const scan = async () => {
    const folders = await foldersIn(folder)
    if (isEnded) return
    for (const [path, watcher] of watchers) if (!folders.includes(path)) forget(path, watcher)
    for (const path of folders) if (!watchers.has(path)) add(path)
  }
  const add = (path: string) => {
    const watcher = watch(path, onEvent)
    watcher.on('error', () => forget(path, watcher))
    watchers.set(path, watcher)
  }
  const forget = (path: string, watcher: FSWatcher) => {
    watcher.close()
    watchers.delete(path)
  }

  await scan()
  return () => {
    isEnded = true
    clearTimeout(timer)
    for (const [path, watcher] of watchers) forget(path, watcher)
  }
}

/** The folder and those below it; none that is gone by now. */
async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => null)
  if (entries === null) return []
  const below = entries.filter((entry) => entry.isDirectory() && !PASSED_OVER.test(entry.name))
  return [folder, ...(await Promise.all(below.map(({ name }) => foldersIn(join(folder, name))))).flat()]
}
