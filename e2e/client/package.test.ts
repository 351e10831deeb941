import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hasty, startInProcess } from '../support/hasty.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const bin = (name: string) => join(root, 'node_modules/.bin', name)

let hasty: Hasty
let dir: string
beforeAll(async () => {
  hasty = await startInProcess()
  dir = join(hasty.dir, 'node_modules/hasty-client')
  await run(process.execPath, [join(root, 'scripts/build-client.ts'), dir])
})
afterAll(() => hasty.stop())

test('the package has no dependency and names what is there', async () => {
  const manifest = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')) as Record<string, unknown>
  expect(manifest).toMatchObject({ name: 'hasty-client', type: 'module', exports: { '.': { default: './index.js' } } })
  expect(Object.keys(manifest).filter((key) => key.toLowerCase().includes('dependencies'))).toEqual([])
  for (const file of ['index.js', 'index.d.ts', 'contracts.d.ts']) {
    expect(await readFile(join(dir, file), 'utf8')).not.toMatch(/from '(?!\.\/\w)/)
  }
})

test('publint and arethetypeswrong find nothing wrong with it', async () => {
  expect((await publint({ pkgDir: dir, strict: true })).messages).toEqual([])
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', hasty.dir], { cwd: dir })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  const result = await checkPackage(createPackageFromTarballData(await readFile(join(hasty.dir, filename))))
  // The package has only ES modules, by intention; a CommonJS file loads it by import() or, on newer Nodes, by
  // require().
  const wrong =
    result.types === false ? ['no types'] : result.problems.filter(({ kind }) => kind !== 'CJSResolvesToESM')
  expect(wrong).toEqual([])
})

/** The machine's own Node, which may be older than the repository's: the package is for Node 20 on. */
test('the package runs a job on a plain Node', async () => {
  const file = join(hasty.dir, 'job.mjs')
  await writeFile(
    file,
    `import { Hasty } from 'hasty-client'
    const client = new Hasty({ url: process.argv[2] })
    const { job_id } = await client.create('add', { numbers: [1, 2] })
    for await (const { event } of client.events(job_id)) console.log(event)
    console.log(await client.run('add', { numbers: [1, 2, 3] }))\n`,
  )
  const env = { PATH: '/usr/local/bin:/usr/bin:/bin' }
  const { stdout } = await run('/usr/bin/env', ['node', file, hasty.url], { env }).catch((error: unknown) => {
    // There is no node on that PATH: use this one.
    if ((error as { code?: number }).code === 127) return run(process.execPath, [file, hasty.url])
    throw error
  })
  expect(stdout.split('\n')).toEqual(['job:created', 'job:started', 'job:finished', '6', ''])
})

test('the types of the package are those of the contracts, and take a map of types', async () => {
  const names = ['BatchResult', 'EventView', 'JobAccepted', 'JobList', 'JobStats', 'JobView', 'Problem']
  const checked = [...names, 'JobSummaryView', 'RedriveResult', 'Why', 'Attempt', 'Progress', 'BatchItem', 'Token']
  checked.push('TypeView', 'TypeList', 'ScheduleView', 'ScheduleList', 'WorkerView', 'WorkerDetail', 'WorkerAttempts')
  const file = join(dir, 'check.ts')
  await writeFile(
    file,
    `import * as built from './index.js'
    import type * as ours from '${join(root, 'client/contracts.ts')}'
    type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : [A, B]
    ${checked.map((name) => `export const same${name}: Same<built.${name}, ours.${name}> = true`).join('\n')}
    const client = new built.Hasty<{ resize: { payload: { width: number }; result: { url: string } } }>({ url: '' })
    export const url: Promise<{ url: string }> = client.run('resize', { width: 1 }, { waitMs: 5_000 })
    // @ts-expect-error the payload of another type
    void client.run('resize', { height: 1 })\n`,
  )
  const config = join(dir, 'tsconfig.json')
  const compilerOptions = { noEmit: true, rootDir: '/', declaration: false, skipLibCheck: false }
  const options = { allowImportingTsExtensions: true, rewriteRelativeImportExtensions: false, types: [] }
  await writeFile(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.client.json'),
      compilerOptions: { ...compilerOptions, ...options },
      include: [file],
    }),
  )
  const { stdout } = await run(bin('tsc'), ['-p', config]).catch((error: unknown) => error as { stdout: string })
  expect(stdout).toBe('')
})
