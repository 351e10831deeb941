import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Modules of packages, by the name under which the page imports them. */
const MODULES = ['preact', 'preact/hooks', 'htm', '@preact/signals', '@preact/signals-core'] as const

/** Under `vendor/` the file has a plain name: `@preact/signals` is `preact-signals.js`. */
const fileOf = (name: string): string => `vendor/${name.replace('@', '').replaceAll('/', '-')}.js`

const read = (specifier: string): string =>
  readFileSync(fileURLToPath(import.meta.resolve(specifier)), 'utf8').replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, '')

const UPLOT = 'vendor/uplot.js'

/** The files of packages, as they lie in `node_modules`. */
export const readVendored = (): Map<string, string> =>
  new Map([
    ...MODULES.map((name) => [fileOf(name), read(name)] as const),
    // uPlot's module is not minified; its minified script becomes a module by one line.
    [UPLOT, `${read('uplot/dist/uPlot.iife.min.js')}\nexport default uPlot\n`],
  ])

/** What the import map says: where in `base` each name is. */
export const importMapOf = (base: string): Record<string, string> =>
  Object.fromEntries([...MODULES.map((name) => [name, base + fileOf(name)]), ['uplot', base + UPLOT]])

/** The style sheet of uPlot, which becomes a part of the page's own. */
export const readVendoredStyle = (): string => read('uplot/dist/uPlot.min.css')

/** uPlot is loaded with the first chart. */
export const vendoredAtOnce: readonly string[] = MODULES.map(fileOf)
