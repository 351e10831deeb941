import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Types that take `ms` and may fail, each with so many at once. */
export async function writeHandlers(folder: string, limits: Record<string, number | null>): Promise<void> {
  for (const [type, concurrency] of Object.entries(limits))
    await writeFile(
      join(folder, `${type}.ts`),
      `import { setTimeout as pause } from 'node:timers/promises'
export const handler = {
  type: '${type}',
  policy: { concurrency: ${concurrency}, max_attempts: 1 },
  async run({ ms = 0, fails = false }, { signal }) {
    await pause(ms, undefined, { signal })
    if (fails) throw new Error('as asked')
  },
}`,
    )
}
