import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FreshStore, openFresh } from '../open-fresh.ts'

/** Opens the file `fileName` in a new folder, for one test; the folder is deleted when the test ends. */
export async function openFreshFile<Store extends { close(): Promise<void> }>(
  fileName: string,
  open: (path: string) => Promise<Store>,
): Promise<FreshStore<Store> & { path: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-store-'))
  const path = join(dir, 'made', 'when-missing', fileName)
  const fresh = await openFresh(
    () => open(path),
    () => rm(dir, { recursive: true }),
  )
  return { path, ...fresh }
}
