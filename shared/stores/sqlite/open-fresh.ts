import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file for one test, deleted with its folder when the test ends. */
export interface FreshFile<Store> extends AsyncDisposable {
  path: string
  store: Store
  /** Opens the same file once more, as another replica or a restart would. */
  openAgain(): Promise<Store>
}

/** For the tests of adapters: opens `fileName` in a new folder. */
export async function openFresh<Store extends { close(): Promise<void> }>(
  fileName: string,
  open: (path: string) => Promise<Store>,
): Promise<FreshFile<Store>> {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-store-'))
  const path = join(dir, 'made', 'when-missing', fileName)
  const opened: Store[] = []
  const openAgain = async () => {
    const store = await open(path)
    opened.push(store)
    return store
  }
  return {
    path,
    store: await openAgain(),
    openAgain,
    async [Symbol.asyncDispose]() {
      for (const store of opened) await store.close()
      await rm(dir, { recursive: true })
    },
  }
}
