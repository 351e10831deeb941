import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandLineOf } from '../servers/child.ts'

export class AlreadyRunningError extends Error {
  override name = 'AlreadyRunningError'
}

/**
 * Allows one Hasty per data folder, by a file that holds this process's pid. The file is written completely and then
 * linked, so that nobody ever reads half of it; a file left by a dead process is taken over. Returns a function that
 * releases the lock.
 */
export function lockFolder(dir: string): () => void {
  mkdirSync(dir, { recursive: true })
  const lock = join(dir, 'hasty.pid')
  const own = join(dir, `hasty.pid.${process.pid}`)
  writeFileSync(own, String(process.pid))
  try {
    for (let tries = 0; tries < 2; tries++) {
      if (tryLink(own, lock)) return () => rmSync(lock, { force: true })
      const holder = holderOf(lock)
      if (holder !== undefined) {
        throw new AlreadyRunningError(
          `Hasty already runs on ${dir} (pid ${holder}). Stop it, or set DATA_DIR to another folder (and PORT to another port).`,
        )
      }
      rmSync(lock, { force: true })
    }
    throw new AlreadyRunningError(`Another Hasty is starting on ${dir} at this moment.`)
  } finally {
    rmSync(own, { force: true })
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function holderOf(lock: string): number | undefined {
  const pid = Number(readFileSync(lock, 'utf8'))
  if (!(pid > 0) || pid === process.pid || !isAlive(pid)) return undefined
  // Pids are reused after a reboot: where the system tells, only a supervisor counts.
  const commandLine = commandLineOf(pid)
  return commandLine === undefined || commandLine.includes('start.ts') ? pid : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
