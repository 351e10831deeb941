import mongoose from 'mongoose'
import { nanoid } from 'nanoid'
import { describe, test } from 'vitest'
import { type OpenedStore, testJobStore } from '../conformance.ts'
import type { JobStore } from '../port.ts'
import { openMongoStore } from './mongo-store.ts'

/** Set by `npm test`, which starts a server or says why it has none. */
const server = process.env.HASTY_TEST_MONGO_URL
const atomicUpdates = process.env.HASTY_TEST_MONGO_KIND !== 'ferretdb'

async function openFresh(serverUrl: string): Promise<OpenedStore> {
  const url = new URL(serverUrl)
  url.pathname = `/hasty_test_${nanoid(10).replaceAll('-', '_')}`
  const opened: JobStore[] = []
  const openAgain = async () => {
    const store = await openMongoStore(url.href)
    opened.push(store)
    return store
  }
  return {
    store: await openAgain(),
    openAgain,
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store.close()
      const connection = await mongoose.createConnection(url.href).asPromise()
      await connection.dropDatabase()
      await connection.close()
    },
  }
}

if (server === undefined) {
  const reasons = process.env.HASTY_TEST_MONGO_SKIPPED ?? 'HASTY_TEST_MONGO_URL is not set'
  describe.skip(`mongo as a JobStore (skipped: ${reasons})`, () => {
    test('conformance', () => {})
  })
} else {
  testJobStore('mongo', () => openFresh(server), { atomicUpdates, propertyRuns: 10 })
}
