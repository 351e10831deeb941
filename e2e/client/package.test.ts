import { execFile } from 'node:child_process'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Hasty, startInProcess } from '../support/hasty.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
/** Packages that the command line needs. */
const DEPENDENCIES = ['commander', 'jose', 'zod']
const bin = (name: string) => join(root, 'node_modules/.bin', name)

let hasty: Hasty
let dir: string
/** The package `hasty`, with its dependencies beside it. */
let whole: string
beforeAll(async () => {
  hasty = await startInProcess()
  dir = join(hasty.dir, 'node_modules/hasty-client')
  whole = join(hasty.dir, 'node_modules/hasty')
  await run(process.execPath, [join(root, 'scripts/build-client.ts'), dir])
  await run(process.execPath, [join(root, 'scripts/build-package.ts'), whole])
  for (const name of DEPENDENCIES)
    await symlink(join(root, 'node_modules', name), join(hasty.dir, 'node_modules', name))
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

test.each(['hasty-client', 'hasty'])('publint and arethetypeswrong find nothing wrong with %s', async (name) => {
  const cwd = join(hasty.dir, 'node_modules', name)
  expect((await publint({ pkgDir: cwd, strict: true })).messages).toEqual([])
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', hasty.dir], { cwd })
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
  checked.push('ClaimedWork', 'ExtendedWork', 'LentJob', 'SettledWork')
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

test('the package hasty has the command line, in JavaScript, and depends on what that imports', async () => {
  const manifest = JSON.parse(await readFile(join(whole, 'package.json'), 'utf8')) as { dependencies: object }
  expect(Object.keys(manifest.dependencies)).toEqual(DEPENDENCIES)
  const command = (...args: string[]) => run(process.execPath, [join(whole, 'cli/bin.js'), ...args, '--url', hasty.url])
  expect((await command('add', '--i', '1,2,3')).stdout).toContain('6')
  expect((await command('token', '--help')).stdout).toContain('token')
  const imported = `import { Hasty } from 'hasty'; console.log(await new Hasty({ url: '${hasty.url}' }).run('add', { numbers: [1] }))`
  await writeFile(join(hasty.dir, 'whole.mjs'), imported)
  expect((await run(process.execPath, [join(hasty.dir, 'whole.mjs')])).stdout).toBe('1\n')
})

test('a folder of handlers beside the package passes the strictest check, and a wrong one does not', async () => {
  const folder = join(hasty.dir, 'jobs')
  await mkdir(folder)
  await writeFile(
    join(folder, 'resize.ts'),
    `import type { BatchHandler, Context, Handler } from 'hasty/handler'
    import { z } from 'zod'
    const payload = z.strictObject({ width: z.number(), square: z.boolean().default(false) })
    export const handler = {
      type: 'resize',
      policy: { max_attempts: 5, backoff: { kind: 'fixed', base_ms: 1, max_ms: 1, jitter: 0 } },
      schema: payload,
      async run({ width, square }, { create, log, signal }) {
        const known: [number, boolean, AbortSignal] = [width, square, signal]
        log.info({ known }, 'resizing')
        return (await create('mail', 'mail', { width }, { delayMs: 5 })).jobId
      },
    } satisfies Handler<typeof payload>
    export const many = {
      type: 'many',
      batch: { size: 2, max_wait_ms: 1 },
      run: (items) => items.map(({ payload: { width } }) => (width > 1 ? 'done' : { failed: 'no' })),
    } satisfies BatchHandler<{ width: number }>
    export const wrong = {
      type: 'wrong',
      // @ts-expect-error a member that is misspelt
      policy: { timeout: 5 },
      run({ width }: { width: number }, context: Context) {
        // @ts-expect-error what no context has
        context.sleep(width)
      },
    } satisfies Handler<{ width: number }>
    export const strange = {
      type: 'strange',
      schema: payload,
      // @ts-expect-error a member that the schema does not have
      run: ({ height }) => height,
    } satisfies Handler<typeof payload>
    export const lonely = {
      type: 'lonely',
      batch: { size: 2, max_wait_ms: 1 },
      // @ts-expect-error no outcome
      run: () => ['ok'],
    } satisfies BatchHandler\n`,
  )
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2024',
    module: 'nodenext',
    types: ['node'],
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    typeRoots: [join(root, 'node_modules/@types')],
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  const { stdout } = await run(bin('tsc'), ['-p', folder]).catch((error: unknown) => error as { stdout: string })
  expect(stdout).toBe('')
})
