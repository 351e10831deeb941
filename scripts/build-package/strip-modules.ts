import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { posix } from 'node:path'

/** An import of a module of this repository, whose file has the ending `.ts`. */
const OWN = /(\bfrom\s*|\bimport\s*\(?\s*)'((?:\.{1,2}|#shared)\/[^']+)\.ts'/g
/** An import of a package; Node's own modules are none. */
const PACKAGE = /(?:\bfrom\s*|\bimport\s*\(?\s*)'((?:@[^/']+\/)?[^.#/'][^/':]*)(?:\/[^']*)?'/g

export interface StrippedModules {
  /** JavaScript by path, such as `cli/main.js`. */
  files: Map<string, string>
  /** The names of the packages that these files import. */
  packages: Set<string>
}

/**
 * A module of this repository as JavaScript, and every other that it needs: Node runs no TypeScript in `node_modules`.
 * @param entry path of the first module
 * @param skip a folder of modules that are there already
 */
export async function stripModules(root: string, entry: string, skip: string): Promise<StrippedModules> {
  const stripped: StrippedModules = { files: new Map(), packages: new Set() }
  const waiting = [entry]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const target = path.replace(/\.ts$/, '.js')
    if (path.startsWith(skip) || stripped.files.has(target)) continue
    const code = stripTypeScriptTypes(await readFile(posix.join(root, path), 'utf8'))
    for (const [, , specifier = ''] of code.matchAll(OWN)) waiting.push(`${targetOf(specifier, path)}.ts`)
    for (const [, name = ''] of code.matchAll(PACKAGE)) stripped.packages.add(name)
    stripped.files.set(target, code.replaceAll(OWN, "$1'$2.js'"))
  }
  return stripped
}

const targetOf = (specifier: string, from: string): string =>
  specifier.startsWith('#') ? specifier.slice(1) : posix.join(posix.dirname(from), specifier)
