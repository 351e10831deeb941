import { checkpoint, idOf, storedJob } from '../conformance/records.ts'
import { openSqliteStore } from './sqlite-jobs.ts'

/**
 * One of several processes on one file, for tests: `node writer-process.ts <file> race|forever`. `race` writes versions
 * of shared jobs and moves the shared checkpoint, then reports how often it won; `forever` reports acknowledged writes
 * until it is killed.
 */
const [path = '', task] = process.argv.slice(2)
const tell = (message: unknown): void => void process.send?.(message)
const JOBS = 20

async function race(): Promise<void> {
  const store = await openSqliteStore(path)
  let wins = 0
  const highest: number[] = Array.from({ length: JOBS }, () => 0)
  for (let round = 0; round < 50; round++) {
    const revision = (await store.readCheckpoint())?.revision ?? 0
    if (await store.saveCheckpoint(checkpoint(revision + 1), revision)) wins++
    const seqs = highest.map(() => 1 + Math.floor(Math.random() * 1_000_000))
    await store.putNewer(seqs.map((seq, n) => storedJob(n, { seq })))
    for (const [n, seq] of seqs.entries()) highest[n] = Math.max(seq, highest[n] ?? 0)
  }
  await store.close()
  tell({ wins, highest })
}

async function writeForever(): Promise<void> {
  const store = await openSqliteStore(path)
  for (let seq = 1; ; seq++) {
    await store.putNewer([storedJob(seq % JOBS, { seq })])
    tell({ job_id: idOf(seq % JOBS), seq })
  }
}

await (task === 'race' ? race() : writeForever())
