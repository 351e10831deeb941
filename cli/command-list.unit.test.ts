import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { COMMANDS } from './command-list.ts'

const root = join(import.meta.dirname, '..')

const IMPORT = /^(?:import|export) (?!type\b)(?:(?:\{[^}]*\}|\* as \w+|\w+) from )?'([^']+)'/gm

/** Everything that a module imports at its start, and what that imports: files by their path, and packages. */
function importedBy(file: string, found = new Set<string>()): Set<string> {
  const text = readFileSync(join(root, file), 'utf8')
  for (const [, from = ''] of text.matchAll(IMPORT)) {
    const path = from.startsWith('#') ? from.slice(1) : join(dirname(file), from)
    const isOwn = from.startsWith('.') || from.startsWith('#')
    const name = isOwn ? path : from
    if (found.has(name)) continue
    found.add(name)
    if (isOwn) importedBy(path, found)
  }
  return found
}

test('what every command waits for is the parser alone, not the client, a command or a schema', () => {
  const imported = [...importedBy('cli/main.ts')]
  expect(imported).toContain('cli/command-list.ts')
  expect(imported.filter((name) => !/[/:]/.test(name))).toEqual(['commander'])
  expect(imported.filter((name) => name.startsWith('cli/commands/'))).toEqual([])
  expect(imported.filter((name) => name.startsWith('client/'))).toEqual(['client/errors.ts'])
})

test('the client, which most commands need, takes no package', () => {
  const imported = [...importedBy('cli/command-context.ts')]
  expect(imported).toContain('client/hasty.ts')
  expect(imported.filter((name) => !/[/:]/.test(name))).toEqual([])
})

test('every command and every old spelling has its own name, and every command can be loaded', async () => {
  const names = COMMANDS.flatMap(({ name, aliases = [] }) => [name, ...aliases])
  expect(new Set(names).size).toBe(names.length)
  expect(names).toEqual(
    expect.arrayContaining(['mul', 'request', 'definition', 'message', 'schedule', 'type', 'worker']),
  )
  for (const { find } of COMMANDS) expect(await find()).toBeTypeOf('function')
})
