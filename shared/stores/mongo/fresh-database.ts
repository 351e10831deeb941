// For tests.
import mongoose from 'mongoose'
import { newShortId } from '#shared/ids/ids.ts'

/** A new database on the server for one test. */
export function newDatabase(serverUrl: string): URL {
  const url = new URL(serverUrl)
  url.pathname = `/hasty_test_${newShortId()}`
  return url
}

export interface FreshStore<T> extends AsyncDisposable {
  store: T
  /** Another connection to the same database. */
  openAgain(): Promise<T>
}

/** Opens a store; its end closes every connection and drops the database. */
export async function openFreshMongo<T extends { close(): Promise<void> }>(
  url: URL,
  open: (url: string) => Promise<T>,
): Promise<FreshStore<T>> {
  const opened: T[] = []
  const openAgain = async () => {
    const store = await open(url.href)
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
