import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface BatchFile {
  shard: number
  name: string
  worker: string
  lines: { seq: number; timestamp: string; value: string | null }[]
}

const NAME = /^batch-(\d{12})_worker-(\d+-\d+)_seq-(\d+)-(\d+)\.ndjson$/

/**
 * All that a reader of the output folder can see. Hidden files are not his.
 * @throws when a file has another name than a batch, half a line, or other messages than its name says
 */
export async function readBatchFiles(dir: string): Promise<BatchFile[]> {
  const folders = await readdir(dir).catch(() => [])
  const files = await Promise.all(folders.map((folder) => readFolder(dir, folder)))
  return files.flat()
}

async function readFolder(dir: string, folder: string): Promise<BatchFile[]> {
  const shard = Number(folder.replace('shard-', ''))
  const names = (await readdir(join(dir, folder))).filter((name) => !name.startsWith('.'))
  return Promise.all(names.map(async (name) => readBatch(shard, name, await readFile(join(dir, folder, name), 'utf8'))))
}

function readBatch(shard: number, name: string, text: string): BatchFile {
  const [, , worker = '', from, to] = NAME.exec(name) ?? []
  if (worker === '' || !text.endsWith('\n')) throw new Error(`shard-${shard}/${name} is no whole batch`)
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as BatchFile['lines'][number])
  if (lines[0]?.seq !== Number(from) || lines.at(-1)?.seq !== Number(to)) {
    throw new Error(`shard-${shard}/${name} does not hold what its name says`)
  }
  return { shard, name, worker, lines }
}

export const valuesIn = (files: BatchFile[]): string[] =>
  files.flatMap(({ lines }) => lines.map(({ value }) => value ?? ''))
