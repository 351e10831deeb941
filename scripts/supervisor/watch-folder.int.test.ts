import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { watchFolder } from './watch-folder.ts'

test('changes of files, also in folders that came later, are told once they are over', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hasty-watch-'))
  await mkdir(join(folder, 'node_modules'))
  let changes = 0
  const end = await watchFolder(folder, () => changes++)
  try {
    // Nothing of a package is told: the change after it is the first.
    await writeFile(join(folder, 'node_modules/x.js'), '1')
    for (let n = 0; n < 5; n++) await writeFile(join(folder, 'a.ts'), `${n}`)
    await expect.poll(() => changes).toBe(1)
    await mkdir(join(folder, 'lib'))
    await expect.poll(() => changes).toBe(2)
    await writeFile(join(folder, 'lib/b.ts'), '1')
    await expect.poll(() => changes).toBe(3)
  } finally {
    end()
    await rm(folder, { recursive: true })
  }
})
