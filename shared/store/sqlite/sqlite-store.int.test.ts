import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OpenedStore, testJobStore } from '../conformance.ts'
import type { JobStore } from '../port.ts'
import { openSqliteStore } from './sqlite-store.ts'

async function openFresh(): Promise<OpenedStore> {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-store-'))
  const opened: JobStore[] = []
  const openAgain = async () => {
    const store = await openSqliteStore(join(dir, 'made', 'when-missing', 'jobs.sqlite'))
    opened.push(store)
    return store
  }
  return {
    store: await openAgain(),
    openAgain,
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store.close()
      await rm(dir, { recursive: true })
    },
  }
}

testJobStore('sqlite', openFresh, { atomicUpdates: true, propertyRuns: 100 })
