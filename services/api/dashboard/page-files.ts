import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, gzipSync } from 'node:zlib'
import { neededAtOnce, type PageModule, readModules, readScreens } from './page-graph.ts'
import { makeShell } from './shell.ts'
import { readVendored, readVendoredStyle, vendoredAtOnce } from './vendored.ts'

/** A file in memory, ready to be sent. */
export interface PageFile {
  type: string
  plain: Uint8Array
  gzipped: Uint8Array
  /** The content's hash: strong, with a part added for the compressed form. */
  hash: string
}

/** All that the page is made of. */
export interface Page {
  /** Part of every file's address: the same as long as no file has changed. */
  version: string
  /** The Content-Security-Policy of each shell. */
  policy: string
  /** The document for each screen, which differ in what the browser is told to load at once; the last one is any's. */
  shells: { pattern: RegExp; file: PageFile }[]
  /** By the path below `/ui/-/<version>/`. */
  files: Map<string, PageFile>
}

const ROOT = join(import.meta.dirname, '../../..')
const ENTRY = 'ui/main.ts'
const SCREENS = 'ui/screens.ts'
const STYLE = 'ui/page.css'
const ICON = 'ui/icon.svg'

/** Reads and compresses every file. It takes some hundred milliseconds, so it is done on a thread of its own. */
export function readPage(): Page {
  const modules = readModules(ROOT, ENTRY)
  const texts = new Map([
    ...[...modules].map(([path, { code }]) => [path, code] as const),
    ...readVendored(),
    [STYLE, readStyles()],
    [ICON, readFileSync(join(ROOT, ICON), 'utf8')],
  ])
  const version = hashOf([...texts].flat().join('\n')).slice(0, 12)
  return {
    version,
    ...makeShells(modules, `/ui/-/${version}/`),
    files: new Map([...texts].map(([path, text]) => [path, fileOf(path, text)])),
  }
}

/** A shell for each screen, and one for addresses that have none. */
function makeShells(modules: ReadonlyMap<string, PageModule>, base: string): Pick<Page, 'policy' | 'shells'> {
  const table = modules.get(SCREENS)
  const screens = [...(table === undefined ? [] : readScreens(table)), { pattern: /^/, module: null }]
  const shells = screens.map(({ pattern, module }) => {
    const needed = neededAtOnce(modules, [ENTRY, ...(module === null ? [] : [module])])
    const preload = [...vendoredAtOnce, ...needed]
    return { pattern, shell: makeShell({ base, entry: ENTRY, style: STYLE, icon: ICON, preload }) }
  })
  return {
    policy: shells[0]?.shell.policy ?? '',
    shells: shells.map(({ pattern, shell }) => ({ pattern, file: fileOf('index.html', shell.html) })),
  }
}

/** The style sheets in the order of their names, as one; uPlot's comes first, so that ours may change it. */
const readStyles = (): string =>
  [
    readVendoredStyle(),
    ...globSync('ui/styles/*.css', { cwd: ROOT })
      .toSorted()
      .map((path) => readFileSync(join(ROOT, path), 'utf8')),
  ].join('\n')

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

function fileOf(path: string, text: string): PageFile {
  const plain = Buffer.from(text)
  const ending = path.slice(path.lastIndexOf('.') + 1)
  return {
    type: TYPES[ending] ?? 'text/javascript; charset=utf-8',
    plain,
    gzipped: gzipSync(plain, { level: constants.Z_BEST_COMPRESSION }),
    hash: hashOf(text).slice(0, 27),
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url')
