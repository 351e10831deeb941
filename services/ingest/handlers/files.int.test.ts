import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { silentLog } from '../../../e2e/support/bus.ts'
import { type Child, startChild } from '../../../scripts/servers/child.ts'
import { filesHandler } from './files.ts'
import type { BatchContext, BatchMessage } from './handler.ts'

const NAME = 'batch-000000000007_worker-2-1_seq-41-43.ndjson'

const context = (more: Partial<BatchContext> = {}): BatchContext => ({
  batchId: '2-7',
  shard: 2,
  batch: 7,
  worker: '2-1',
  attempt: 1,
  fromSeq: 41,
  toSeq: 43,
  idempotencyKey: '2-7',
  signal: new AbortController().signal,
  log: silentLog,
  confirmOwned: async () => {},
  ...more,
})

const messages: BatchMessage[] = [
  { seq: 41, timestamp: '2026-11-22T18:00:00Z', value: 'a\nb' },
  { seq: 42, timestamp: '2026-11-22T18:00:01Z', value: null },
  { seq: 43, timestamp: '2026-11-22T18:00:02Z', value: 'ü', tenant: 'acme' },
]

async function makeFolder() {
  const dir = await mkdtemp(join(tmpdir(), 'hasty-files-'))
  return { dir, folder: join(dir, 'shard-2'), [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) }
}

test('a batch is one file of one JSON line a message, and writing it again changes nothing', async () => {
  await using place = await makeFolder()
  for (const replica of ['a', 'b']) {
    await filesHandler(place.dir, replica).run(messages, context())
    expect(await readdir(place.folder)).toEqual([NAME])
    expect(await readFile(join(place.folder, NAME), 'utf8')).toBe(
      [
        '{"seq":41,"timestamp":"2026-11-22T18:00:00Z","value":"a\\nb"}\n',
        '{"seq":42,"timestamp":"2026-11-22T18:00:01Z","value":null}\n',
        '{"seq":43,"timestamp":"2026-11-22T18:00:02Z","value":"ü","tenant":"acme"}\n',
      ].join(''),
    )
  }
})

test('who learns at the last moment that the shard is another’s shows no file, and leaves nothing behind', async () => {
  await using place = await makeFolder()
  const confirmOwned = () => Promise.reject(new Error('another’s'))
  await expect(filesHandler(place.dir, 'a').run(messages, context({ confirmOwned }))).rejects.toThrow('another’s')
  expect(await readdir(place.folder)).toEqual([])
})

test('who takes a shard removes the temporary files that nobody writes, and no file of a batch', async () => {
  await using place = await makeFolder()
  await mkdir(place.folder)
  for (const name of [`.${NAME}.host-1-old.1`, `.${NAME}.host-1-new.1`, NAME, 'README']) {
    await writeFile(join(place.folder, name), '')
  }
  const handler = filesHandler(place.dir, 'host-1-new')
  const held = heldContext()
  const writing = handler.run(messages, held.context)
  await held.reached
  await handler.prepare?.(2)
  expect(await readdir(place.folder)).toHaveLength(3)
  held.release.reject(new Error('another’s'))
  await expect(writing).rejects.toThrow('another’s')
  expect((await readdir(place.folder)).toSorted()).toEqual([NAME, 'README'].toSorted())
})

test('a try that was left to itself takes nothing from the next one of the same attempt', async () => {
  await using place = await makeFolder()
  const handler = filesHandler(place.dir, 'a')
  const [old, next] = [heldContext(), heldContext()]
  const leftAlone = handler.run(messages, old.context)
  await old.reached
  // The shard was lost, and is owned here again.
  await handler.prepare?.(2)
  const running = handler.run(messages, next.context)
  await next.reached
  old.release.reject(new Error('lost'))
  await expect(leftAlone).rejects.toThrow('lost')
  next.release.resolve()
  await running
  expect(await readdir(place.folder)).toEqual([NAME])
})

/** A try that has written its temporary file, and waits before the rename. */
function heldContext() {
  const reached = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const confirmOwned = () => {
    reached.resolve()
    return release.promise
  }
  return { context: context({ confirmOwned }), reached: reached.promise, release }
}

test('a folder that was removed is made again by the next attempt', async () => {
  await using place = await makeFolder()
  const handler = filesHandler(place.dir, 'a')
  await handler.run(messages, context())
  await rm(place.folder, { recursive: true })
  await expect(handler.run(messages, context())).rejects.toThrow('ENOENT')
  await expect(handler.check?.()).rejects.toThrow('ENOENT')
  await handler.run(messages, context({ attempt: 2 }))
  expect(await readdir(place.folder)).toEqual([NAME])
  await handler.check?.()
})

test('an output folder that cannot be written to is said at readiness', async () => {
  await using place = await makeFolder()
  const file = join(place.dir, 'file')
  await writeFile(file, '')
  await expect(filesHandler(join(file, 'out'), 'a').check?.()).rejects.toThrow('ENOTDIR')
})

test('killed at any moment, a writer leaves whole files and hidden ones, nothing else', async () => {
  await using place = await makeFolder()
  const script = join(place.dir, 'writer.ts')
  await writeFile(script, WRITER)
  const out = join(place.dir, 'out')
  for (let kills = 0; kills < 8; kills++) {
    const before = (await shown(out)).length
    const child: Child = await startChild(process.execPath, [script, out, String(kills)], { ownGroup: true })
    await vi.waitFor(async () => expect((await shown(out)).length).toBeGreaterThan(before + 20), {
      timeout: 20_000,
      interval: 1,
    })
    child.kill('SIGKILL')
    await child.exited
    for (const name of await shown(out)) {
      const lines = (await readFile(join(out, 'shard-0', name), 'utf8')).split('\n')
      expect(lines).toHaveLength(1_001)
      expect(JSON.parse(lines[999] ?? '')).toMatchObject({ seq: 1_000 })
    }
  }
})

const shown = async (out: string): Promise<string[]> => {
  const names = await readdir(join(out, 'shard-0')).catch(() => [])
  return names.filter((name) => !name.startsWith('.'))
}

/** Writes batches of 1,000 messages endlessly. */
const WRITER = `
import { filesHandler } from ${JSON.stringify(join(import.meta.dirname, 'files.ts'))}
const [out, run] = process.argv.slice(2)
const handler = filesHandler(out, 'replica')
const messages = Array.from({ length: 1000 }, (_, i) => ({ seq: i + 1, timestamp: '2026-11-22T18:00:00Z', value: 'x'.repeat(100) }))
const signal = new AbortController().signal
for (let n = 1; ; n += 4) {
  await Promise.all([0, 1, 2, 3].map((i) => handler.run(messages, {
    shard: 0, batch: Number(run) * 1_000_000 + n + i, worker: '0-' + i, attempt: 1, fromSeq: 1, toSeq: 1000, signal, confirmOwned: async () => {},
  })))
}
`
