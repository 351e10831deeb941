import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, posix } from 'node:path'

/** A module of this repository, which the page loads under its own path. */
export interface PageModule {
  /** The path in the repository, such as `ui/main.ts`. */
  path: string
  /** JavaScript: what is left of the TypeScript without its types. */
  code: string
  /** Paths of the modules that it imports statically. */
  imports: string[]
}

/** Folders whose modules the page may load: none with a secret, a connection or a setting. */
const SERVED = ['ui/', 'client/', 'shared/formats/']

const STATIC = /(?:\bfrom\s*|\bimport\s*)'((?:\.{1,2}|#shared)\/[^']+\.ts)'/g
const DYNAMIC = /\bimport\(\s*'((?:\.{1,2}|#shared)\/[^']+\.ts)'\s*\)/g

/**
 * The page's first module and all that it imports, statically or later.
 * @throws Error when a module outside of the served folders is reached
 */
export function readModules(root: string, entry: string): Map<string, PageModule> {
  const modules = new Map<string, PageModule>()
  const waiting = [entry]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (modules.has(path)) continue
    if (!SERVED.some((folder) => path?.startsWith(folder))) throw new Error(`the page may not load ${path}`)
    // The types leave blanks behind, which compress well; a blank at the end of a line is not even needed.
    const code = stripTypeScriptTypes(readFileSync(join(root, path), 'utf8')).replaceAll(/[ \t]+$/gm, '')
    const imports = targetsOf(code, STATIC, path)
    modules.set(path, { path, code, imports })
    waiting.push(...imports, ...targetsOf(code, DYNAMIC, path))
  }
  return modules
}

const targetsOf = (code: string, pattern: RegExp, from: string): string[] =>
  [...code.matchAll(pattern)].map(([, specifier = '']) =>
    specifier.startsWith('#') ? specifier.slice(1) : posix.join(posix.dirname(from), specifier),
  )

/** The modules that must be there before these run: the browser is told of them at once, in one go. */
export function neededAtOnce(modules: ReadonlyMap<string, PageModule>, entries: readonly string[]): string[] {
  const needed = new Set<string>()
  const waiting = [...entries]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (needed.has(path)) continue
    needed.add(path)
    waiting.push(...(modules.get(path)?.imports ?? []))
  }
  return [...needed]
}

const SCREEN = /\[\/(\S+)\/, async \(\) => \(await import\('\.\/([^']+)'\)\)/g

/** The table of screens in the page's own module: the pattern of each address, and the module that shows it. */
export const readScreens = (table: PageModule): { pattern: RegExp; module: string }[] =>
  [...table.code.matchAll(SCREEN)].map(([, pattern = '', path = '']) => ({
    pattern: new RegExp(pattern),
    module: posix.join(posix.dirname(table.path), path),
  }))
